/** The Vite settings of one page: relative addresses, no inlined code (the server's CSP forbids it), Chromium 87. */
import { fileURLToPath } from "node:url";

export function pageConfig(name) {
  return {
    base: "./",
    build: {
      target: "chrome87",
      cssTarget: "chrome87",
      outDir: fileURLToPath(new URL(`../../queue_server/web/static/${name}`, import.meta.url)),
      emptyOutDir: true,
      assetsInlineLimit: 0,
      // The polyfill would be a script of its own; Chromium 87 preloads modules itself.
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
    logLevel: "warn",
  };
}
