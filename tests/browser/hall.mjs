/**
 * The main job in real browsers, against a running server: a ticket is taken on the kiosk, called at a counter, seen on
 * the display, started, put aside, and finished; on the way mistakes are taken back, help is called and the hall is told something.
 *
 * Environment: BASE_URL, KIOSK_TOKEN, DISPLAY_TOKEN, STAFF_TOKEN, MANAGER_TOKEN, OUT_DIR for pictures; BRANCH (default main).
 * Ends with 0 when everything held, else with 1 and what did not.
 */
import { mkdirSync } from "node:fs";
import { axeFindings, launch, openPage } from "./chromium.mjs";
import { announce, callForHelp, park, takeBackCall, takeBackFinish } from "./desk.mjs";

const SHOWN_WITHIN_MS = 1_000;
const OTHERS_AT_MOST = 50;

const { BASE_URL, KIOSK_TOKEN, DISPLAY_TOKEN, STAFF_TOKEN, MANAGER_TOKEN, OUT_DIR: out, BRANCH: branch = "main" } = process.env;
const tokens = { kiosk: KIOSK_TOKEN, display: DISPLAY_TOKEN, counter: STAFF_TOKEN, manager: MANAGER_TOKEN };
const faults = [];

function fail(message) {
  throw new Error(message);
}

function expect(isTrue, message) {
  if (!isTrue) fail(message);
}

const root = BASE_URL?.replace(/\/$/, "");
const address = (page, query = "", who = page) => `${root}/${page}/?branch=${branch}${query}#token=${encodeURIComponent(tokens[who])}`;
const see = (page, testId, more = "") => page.locator(`[data-testid="${testId}"]${more}`).waitFor();
const press = (page, testId) => page.getByTestId(testId).click();

async function picture(page, name) {
  await page.screenshot({ path: `${out}/${name}.png` });
}

async function checkAccess(page, name) {
  const findings = await axeFindings(page);
  expect(findings.length === 0, `axe on ${name}:\n  ${findings.join("\n  ")}`);
}

async function takeTicket(kiosk) {
  await see(kiosk, "live-state", '[data-live="true"]');
  const language = kiosk.getByTestId("language-en");
  const tile = kiosk.locator(".tile:not(.shut)").first();
  await language.or(tile).first().waitFor();
  await picture(kiosk, "kiosk-1-language");
  await checkAccess(kiosk, "the kiosk's first screen");
  if (await language.isVisible()) await language.click();
  await tile.waitFor();
  await picture(kiosk, "kiosk-2-services");
  await checkAccess(kiosk, "the kiosk's services");
  await tile.click();
  const number = (await kiosk.getByTestId("ticket-number").textContent()).trim();
  expect(/^[A-Z]+\d{3,}$/.test(number), `the ticket's number is ${number}`);
  expect((await kiosk.getByTestId("ahead").textContent()).trim() !== "", "the ticket does not say how many are ahead");
  await picture(kiosk, "kiosk-3-ticket");
  await checkAccess(kiosk, "the kiosk's ticket");
  return number;
}

async function openCounter(counter) {
  await see(counter, "live-state", '[data-live="true"]');
  await see(counter, "open-counter");
  await checkAccess(counter, "the choice of a counter");
  await press(counter, "open-counter");
  await see(counter, "counter-state", '[data-state="open"]');
}

/** Others may be waiting before ours: serve them first, as a clerk would. Gives when ours was called. */
async function callUntil(counter, number) {
  for (let others = 0; others < OTHERS_AT_MOST; others += 1) {
    const pressedAt = Date.now();
    await press(counter, "next");
    await see(counter, "counter-state", '[data-state="calling"]');
    if ((await counter.getByTestId("current-number").textContent()).trim() === number) return pressedAt;
    await press(counter, "start");
    await see(counter, "counter-state", '[data-state="serving"]');
  }
  return fail(`${number} was not called after ${OTHERS_AT_MOST} others`);
}

async function seeCall(display, number, pressedAt) {
  await see(display, `call-${number}`, '[data-fresh="true"]');
  const delay = Date.now() - pressedAt;
  expect(delay <= SHOWN_WITHIN_MS, `the display showed the call after ${delay} ms`);
  await picture(display, "display-2-call");
  await checkAccess(display, "the display with a call");
  return delay;
}

async function serve(pages, number) {
  const { counter, display } = pages;
  await see(counter, "reason");
  await takeBackCall(pages, number);
  await press(counter, "recall");
  await counter.locator('[data-testid="recall"][aria-disabled="false"]').waitFor();
  expect((await counter.getByTestId("note").textContent()) === "", "the recall was refused");
  await press(counter, "start");
  await see(counter, "current-state", '[data-state="serving"]');
  await picture(counter, "counter-3-serving");
  await checkAccess(counter, "the counter while serving");
  await park(pages, number);
  await callForHelp(pages);
  await announce(pages);
  await takeBackFinish(pages);
  await press(counter, "finish");
  await see(counter, "counter-state", '[data-state="open"]');
  await see(display, `recent-${number}`);
  await picture(display, "display-3-finished");
  await press(counter, "close");
  await see(counter, "counter-select");
}

async function run(browser) {
  const display = await openPage(browser, { viewport: { width: 1920, height: 1080 } }, address("display", "&lang=en"), faults);
  const kiosk = await openPage(browser, { viewport: { width: 1080, height: 1920 } }, address("kiosk"), faults);
  const counter = await openPage(browser, { viewport: { width: 1366, height: 768 } }, address("counter"), faults);
  const manager = await openPage(browser, { viewport: { width: 1366, height: 768 } }, address("counter", "", "manager"), faults);
  const pages = { display, counter, manager, picture, checkAccess, expect, tokens, api: `${root}/v1/branches/${branch}` };
  await see(display, "live-state", '[data-live="true"]');
  await picture(display, "display-1-start");
  const number = await takeTicket(kiosk);
  await openCounter(counter);
  await see(counter, `waiting-${number}`);
  await picture(counter, "counter-1-open");
  const pressedAt = await callUntil(counter, number);
  const delay = await seeCall(display, number, pressedAt);
  await picture(counter, "counter-2-called");
  await serve(pages, number);
  expect(faults.length === 0, faults.join("\n"));
  return `${number}: taken, called, seen after ${delay} ms, served`;
}

try {
  const missing = ["BASE_URL", "KIOSK_TOKEN", "DISPLAY_TOKEN", "STAFF_TOKEN", "MANAGER_TOKEN", "OUT_DIR"].filter((name) => !process.env[name]);
  expect(missing.length === 0, `set ${missing.join(", ")}`);
  mkdirSync(out, { recursive: true });
  const browser = await launch();
  try {
    console.log(await run(browser));
  } finally {
    await browser.close();
  }
} catch (error) {
  console.error(`hall: ${error.message}`);
  for (const fault of faults) console.error(`  ${fault}`);
  process.exitCode = 1;
}
