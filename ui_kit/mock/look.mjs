/**
 * Pictures of every page in every language, with large type and with the link lost, and the axe check of each; against the
 * mock hall, so that it needs no server. `npm run look [FOLDER]`, after `npm run build`.
 */
import { mkdirSync } from "node:fs";
import { axeFindings, launch, openPage } from "../../tests/browser/chromium.mjs";
import { startMock } from "./server.mjs";

const [HTTP, PUSH] = [9380, 9381];
const LANGUAGES = ["en", "zh-Hans", "zh-Hant"];
const PORTRAIT = { width: 1080, height: 1920 };
const out = process.argv[2] ?? "test-results/look";
const faults = [];

const url = (page, query = "") => `http://localhost:${HTTP}/${page}/?branch=main${query}#token=any`;
const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

function fill(hall) {
  const services = ["cash", "cards", "accounts", "loans"];
  for (let index = 0; index < 14; index += 1) {
    const care = index % 5 === 0 ? "elderly" : null;
    hall.issue({ service: services[index % 4], care, tier: index % 3 ? "standard" : "gold", language: LANGUAGES[index % 3] }, minutesAgo(14 - index));
  }
  for (const id of ["c2", "c3", "c4"]) hall.counterStep(id, "open", {});
  hall.closed.loans = { reason: "hours", until: new Date(Date.now() + 14 * 3_600_000).toISOString() };
}

async function look(page, name) {
  // The last frame of a style change: a picture in between is of no use.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${out}/${name}.png` });
  for (const finding of await axeFindings(page)) faults.push(`${name}: ${finding}`);
  const isCut = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (isCut) faults.push(`${name}: wider than the screen`);
}

async function kiosk(browser, language, isLarge) {
  const tag = `kiosk-${language}${isLarge ? "-large" : ""}`;
  const page = await openPage(browser, { viewport: PORTRAIT, reducedMotion: "reduce" }, url("kiosk"), faults);
  await page.getByTestId(`language-${language}`).waitFor();
  if (isLarge) await page.getByTestId("large-type").click();
  await look(page, `${tag}-1-language`);
  await page.getByTestId(`language-${language}`).click();
  await page.getByTestId("care-elderly").click();
  await look(page, `${tag}-2-services`);
  await page.getByTestId("service-loans").click();
  await look(page, `${tag}-3-closed`);
  await page.locator(".choices button").first().click();
  await page.getByTestId("service-cash").click();
  await page.getByTestId("ticket-number").waitFor();
  await look(page, `${tag}-4-ticket`);
  await page.context().close();
}

async function kioskWide(browser) {
  const page = await openPage(browser, { viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" }, url("kiosk"), faults);
  await page.getByTestId("language-en").click();
  await look(page, "kiosk-wide-services");
  await page.context().close();
}

/** Opens on a quiet hall, so that the calls that follow are fresh. */
async function display(browser, hall, language, viewport, tag) {
  const page = await openPage(browser, { viewport, reducedMotion: "reduce" }, url("display", `&lang=${language}`), faults);
  await page.locator('[data-testid="live-state"][data-live="true"]').waitFor();
  await look(page, `display-${tag}-1`);
  for (const id of ["c2", "c3", "c4"]) {
    const { ticket } = hall.counters.find((counter) => counter.id === id);
    if (ticket && hall.tickets.get(ticket).state === "called") hall.ticketStep(ticket, "start", {});
    hall.counterStep(id, "call-next", { finish: {} });
  }
  await page.locator('[data-fresh="true"]').first().waitFor();
  await look(page, `display-${tag}-2-calls`);
  return page;
}

/** As a clerk would: not while the command before is still on its way. */
async function press(page, key) {
  await page.locator('[data-testid="next"][aria-disabled="false"]').waitFor();
  await page.keyboard.press(key);
}

async function counter(browser, language) {
  const tag = `counter-${language}`;
  const page = await openPage(browser, { viewport: { width: 1366, height: 768 }, reducedMotion: "reduce" }, url("counter"), faults);
  await page.getByTestId("language").selectOption(language);
  await page.getByTestId("counter-select").selectOption("c1");
  await look(page, `${tag}-1-choose`);
  await page.getByTestId("open-counter").click();
  await page.getByTestId("next").waitFor();
  await look(page, `${tag}-2-free`);
  await page.keyboard.press("n");
  await page.getByTestId("reason").waitFor();
  await look(page, `${tag}-3-called`);
  await press(page, "s");
  await page.locator('[data-testid="current-state"][data-state="serving"]').waitFor();
  await press(page, "t");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-4-transfer`);
  await page.keyboard.press("Escape");
  await press(page, "f");
  await page.locator('[data-testid="counter-state"][data-state="open"]').waitFor();
  await press(page, "c");
  await page.getByTestId("counter-select").waitFor();
  await page.context().close();
}

async function tokenForm(browser) {
  const page = await openPage(browser, { viewport: { width: 1366, height: 768 } }, `http://localhost:${HTTP}/counter/?branch=main`, faults);
  await page.getByTestId("token").waitFor();
  await look(page, "token-form");
  await page.getByTestId("token").fill("wrong");
  await page.getByTestId("use-token").click();
  await page.getByRole("alert").waitFor();
  await look(page, "token-refused");
  await page.context().close();
}

/** The server goes away under open pages: the picture stays, its age is told, and an attempt says what to do. */
async function lost(browser, stop, board) {
  const page = await openPage(browser, { viewport: PORTRAIT, reducedMotion: "reduce" }, url("kiosk"), faults);
  await page.getByTestId("language-en").click();
  await page.getByTestId("service-cash").waitFor();
  stop();
  await board.locator('[data-testid="live-state"][data-live="false"]').waitFor({ timeout: 25_000 });
  await look(board, "lost-display");
  await page.locator('[data-testid="live-state"][data-live="false"]').waitFor({ timeout: 25_000 });
  await look(page, "lost-kiosk");
  await page.getByTestId("service-cash").click();
  await page.getByTestId("lost").waitFor({ timeout: 15_000 });
  await look(page, "lost-kiosk-attempt");
}

mkdirSync(out, { recursive: true });
const { hall, stop } = await startMock(HTTP, PUSH);
fill(hall);
const browser = await launch();
for (const language of LANGUAGES) {
  await kiosk(browser, language, false);
  await kiosk(browser, language, true);
  await (await display(browser, hall, language, { width: 1920, height: 1080 }, language)).context().close();
  await counter(browser, language);
}
await kioskWide(browser);
await tokenForm(browser);
await (await display(browser, hall, "zh-Hans", PORTRAIT, "portrait")).context().close();
await lost(browser, stop, await display(browser, hall, "en", { width: 1920, height: 1080 }, "last"));
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${faults.length} findings; pictures in ${out}`);
process.exitCode = faults.length > 0 ? 1 : 0;
