/** A headless Chromium of the system, pages that complain about what no page may do, and the axe check. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/**
 * A page in a context of its own. *faults* collects script errors, breaches of the content security policy and requests
 * to any other host than the server's.
 */
export async function openPage(browser, options, url, faults) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const host = new URL(url).hostname;
  const outside = (address) => !["data:", "blob:"].includes(new URL(address).protocol) && new URL(address).hostname !== host;
  page.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  page.on("console", (message) => /content security policy/i.test(message.text()) && faults.push(message.text()));
  page.on("request", (request) => outside(request.url()) && faults.push(`asked another host: ${request.url()}`));
  page.on("websocket", (socket) => outside(socket.url()) && faults.push(`asked another host: ${socket.url()}`));
  page.setDefaultTimeout(10_000);
  await page.goto(url);
  return page;
}

/** WCAG 2.2 AA and the good practices; gives one line a finding. */
export async function axeFindings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help} (${target.join(" ")})`));
}
