import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["ui_kit/tests/**/*.test.ts", "display/tests/**/*.test.ts", "staff_ui/tests/**/*.test.ts"], environment: "node", css: true } });
