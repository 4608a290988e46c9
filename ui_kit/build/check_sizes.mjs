/** Fails when the first load of a page (its HTML and all scripts and styles, gzip) is over its budget. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = { kiosk: 50, display: 20, counter: 70 };
const root = fileURLToPath(new URL("../../queue_server/web/static/", import.meta.url));

function gzipBytes(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.(html|js|css)$/.test(name));
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(`${folder}/${name}`)).length, 0);
}

for (const [page, budget] of Object.entries(BUDGET_KB)) {
  const kb = gzipBytes(root + page) / 1000;
  const over = kb > budget;
  console.log(`${page.padEnd(8)} ${kb.toFixed(1)} of ${budget} kB${over ? "  OVER BUDGET" : ""}`);
  if (over) process.exitCode = 1;
}
