import { defineConfig } from "vite";
import { pageConfig } from "../ui_kit/build/page.mjs";

export default defineConfig(pageConfig("counter"));
