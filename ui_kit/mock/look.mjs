/**
 * Pictures of every page in every language, with large type and with the link lost, and the axe check of each; against the
 * mock hall, so that it needs no server. `npm run look [FOLDER]`, after `npm run build`.
 */
import { mkdirSync } from "node:fs";
import { axeFindings, launch, openPage } from "../../tests/browser/chromium.mjs";
import { clerk, overseer } from "./look_counter.mjs";
import { startMock } from "./server.mjs";

const [HTTP, PUSH] = [9380, 9381];
const LANGUAGES = ["en", "zh-Hans", "zh-Hant"];
const PORTRAIT = { width: 1080, height: 1920 };
const LONG_NOTE = "A black wallet was found beside the cash machines. Its owner may ask for it at counter 6, with something that shows their name. 在自动柜员机旁拾获黑色钱包一个，失主请携带证件到 6 号柜台认领。";
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
  hall.closed.loans = { reason: "closed", until: new Date(Date.now() + 14 * 3_600_000).toISOString() };
}

async function look(page, name) {
  // The last frame of a style change: a picture in between is of no use.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${out}/${name}.png` });
  for (const finding of await axeFindings(page)) faults.push(`${name}: ${finding}`);
  for (const cut of await page.evaluate(cutOff, 1.4)) faults.push(`${name}: cut off when 40 % longer: ${cut}`);
}

/** Runs in the page: every text is made longer for a moment; gives the texts that then leave the screen or their box. */
function cutOff(factor) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push([walker.currentNode, walker.currentNode.data]);
  const isWord = (text) => /[^\d\s:–%→]{2,}/.test(text) && !/^[A-Z]\d+$/.test(text);
  for (const [node, text] of texts) if (isWord(text)) node.data = text + text.slice(0, Math.ceil(text.length * (factor - 1)));
  const range = document.createRange();
  // Earlier calls for which there is no room stand beside their list, out of sight.
  const isAside = (row) => row && row.getBoundingClientRect().left > row.parentElement.getBoundingClientRect().right;
  const isOut = ([node]) => {
    if (node.parentElement.closest(".unseen, option, .scroll") || isAside(node.parentElement.closest(".recent li"))) return false;
    range.selectNodeContents(node);
    const { left, right, width } = range.getBoundingClientRect();
    const clip = node.parentElement.closest("button, li, td, section, main");
    return width > 0 && (left < -1 || right > innerWidth + 1 || (clip && right > clip.getBoundingClientRect().right + 1));
  };
  const found = texts.filter(isOut).map(([node]) => node.data);
  for (const [node, text] of texts) node.data = text;
  return found;
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
  await page.route("**/tickets", (route) => route.fulfill({
    status: 409, contentType: "application/problem+json", body: JSON.stringify({ status: 409, code: "limit_reached", detail: "", reopens_at: minutesAgo(-900) }),
  }));
  await page.getByTestId("service-cash").click();
  await page.getByTestId("closed").waitFor();
  await look(page, `${tag}-5-limit`);
  await page.unroute("**/tickets");
  await page.locator(".choices button").first().click();
  await page.getByTestId("service-cash").click();
  await page.getByTestId("ticket-number").waitFor();
  await look(page, `${tag}-4-ticket`);
  await page.context().close();
}

/** After hours nothing can be had, and each tile says why. */
async function kioskClosed(browser, hall, language) {
  const { loans } = hall.closed;
  const until = minutesAgo(-700);
  hall.closed = { cash: { reason: "closed", until }, cards: { reason: "limit_reached", until }, accounts: { reason: "day_closed", until: null }, loans };
  const page = await openPage(browser, { viewport: PORTRAIT, reducedMotion: "reduce" }, url("kiosk"), faults);
  await page.getByTestId(`language-${language}`).click();
  await page.getByTestId("all-closed").waitFor();
  await look(page, `kiosk-${language}-6-all-closed`);
  hall.closed = { loans };
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
  await notices(page, hall, tag);
  return page;
}

/** Notices, prepared and in free words, leave the calls in sight; what is deleted goes, and so does a call that was taken back. */
async function notices(page, hall, tag) {
  hall.announceNotice({ template: "closing" });
  await page.getByTestId("notice").waitFor();
  await look(page, `display-${tag}-3-notice`);
  const { announcement } = hall.announceNotice({ note: LONG_NOTE });
  await page.getByText(LONG_NOTE).waitFor();
  await look(page, `display-${tag}-4-note`);
  for (const cut of await page.evaluate(halved)) faults.push(`display-${tag}: an earlier call is cut: ${cut}`);
  const { ticket } = hall.counters.find(({ id }) => id === "c3");
  const { number } = hall.tickets.get(ticket);
  hall.ticketStep(ticket, "undo", {});
  await page.getByTestId(`call-${number}`).waitFor({ state: "detached" });
  if (await page.getByTestId(`recent-${number}`).isVisible()) faults.push(`display-${tag}: a call that was taken back is shown as an earlier one`);
  hall.notes.delete(announcement);
  await page.getByText(LONG_NOTE).waitFor({ state: "detached", timeout: 15_000 });
  hall.notices = [];
}

/** All counters call while the longest of notes is shown: every call is still whole. */
async function fullBoard(browser, hall) {
  const page = await openPage(browser, { viewport: { width: 1920, height: 1080 }, reducedMotion: "reduce" }, url("display", "&lang=en"), faults);
  for (const { id, state, ticket } of hall.counters) {
    if (state === "closed") hall.counterStep(id, "open", {});
    if (state === "calling") hall.ticketStep(ticket, "start", {});
    hall.counterStep(id, "call-next", { finish: {} });
  }
  hall.announceNotice({ note: LONG_NOTE.repeat(4).slice(0, 500) });
  await page.getByTestId("notice").waitFor();
  await look(page, "display-full");
  for (const cut of await page.evaluate(squeezed)) faults.push(`display-full: a call does not fit: ${cut}`);
  hall.notices = [];
  for (const { id, ticket } of hall.counters) if (ticket) hall.ticketStep(ticket, "requeue", {}), hall.counterStep(id, "close", {});
  for (const id of ["c2", "c3", "c4"]) hall.counterStep(id, "open", {});
  await page.context().close();
}

/** Runs in the page: earlier calls of which only a part is seen. */
function halved() {
  const list = document.querySelector(".recent ol")?.getBoundingClientRect();
  const isHalf = ({ top, bottom, left }) => left < list.right - 1 && top < list.bottom - 1 && bottom > list.bottom + 1;
  return Array.from(document.querySelectorAll(".recent li")).filter((row) => isHalf(row.getBoundingClientRect())).map((row) => row.textContent);
}

/** Runs in the page: calls whose letters are taller than their row, or whose row is not all on the screen. */
function squeezed() {
  const calls = Array.from(document.querySelectorAll(".call"));
  const isCut = (call) => {
    const row = call.getBoundingClientRect();
    return row.bottom > innerHeight || Array.from(call.children).some((part) => part.getBoundingClientRect().height > row.height + 1);
  };
  return calls.filter(isCut).map((call) => call.textContent);
}

/** A board of one zone, and that of one counter, show and announce only the calls to their own counters. */
async function zones(browser, hall) {
  const open = (query) => openPage(browser, { viewport: { width: 1920, height: 1080 }, reducedMotion: "reduce" }, url("display", `&lang=en&${query}`), faults);
  const boards = { zone: await open("zone=vip"), counter: await open("counter=c6") };
  for (const board of Object.values(boards)) await board.locator('[data-testid="live-state"][data-live="true"]').waitFor();
  hall.counterStep("c5", "open", {});
  hall.counterStep("c6", "open", {});
  const elsewhere = hall.counterStep("c5", "call-next", {}).ticket.number;
  const here = hall.counterStep("c6", "call-next", {}).ticket.number;
  for (const [name, board] of Object.entries(boards)) {
    await board.locator(`[data-testid="call-${here}"][data-fresh="true"]`).waitFor();
    await look(board, `display-one-${name}`);
    const others = await board.locator('[data-testid^="call-"], [data-testid^="recent-"]').count() - 1;
    if (others > 0 || (await board.getByText(elsewhere, { exact: true }).count()) > 0) faults.push(`zones: the board of one ${name} shows calls to other counters`);
    await board.context().close();
  }
}

/** After an update of the server a page that nobody uses starts anew by itself. */
async function renewal(browser, name) {
  const page = await openPage(browser, { viewport: PORTRAIT }, url(name), faults);
  // What is due every five minutes is due every second here.
  await page.addInitScript(() => { const every = globalThis.setInterval; globalThis.setInterval = (work, ms) => every(work, Math.min(ms, 1_000)); });
  await page.reload();
  const loaded = page.waitForEvent("load");
  await page.route(`**/${name}/`, async (route) => {
    if (route.request().resourceType() !== "fetch") return route.continue();
    const built = await (await route.fetch()).text();
    return route.fulfill({ body: built.replace(/index-/g, "newer-") });
  });
  await loaded;
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

/** Nobody touches the kiosk: it warns, then starts over. */
async function idle(browser) {
  const page = await openPage(browser, { viewport: PORTRAIT, reducedMotion: "reduce" }, url("kiosk"), faults);
  await page.getByTestId("language-en").waitFor();
  await page.clock.install();
  await page.getByTestId("large-type").click();
  await page.getByTestId("language-en").click();
  await page.clock.runFor(48_000);
  await page.getByTestId("idle-warning").waitFor();
  await look(page, "idle-warning");
  await page.getByTestId("still-here").click();
  await page.clock.runFor(30_000);
  if (await page.getByTestId("idle-warning").isVisible()) faults.push("idle: warned again too soon");
  await page.clock.runFor(32_000);
  await page.getByTestId("care-elderly").waitFor({ state: "detached" });
  if (await page.evaluate(() => document.documentElement.classList.contains("large"))) faults.push("idle: large type stayed for the next customer");
  await page.context().close();
}

/** The server is back: the board catches up by itself, and announces nothing of what it shows. */
async function back(board) {
  const { hall, stop } = await startMock(HTTP, PUSH);
  fill(hall);
  hall.counterStep("c2", "call-next", {});
  await board.locator('[data-testid="live-state"][data-live="true"]').waitFor({ timeout: 15_000 });
  await board.getByTestId("call-A001").waitFor();
  if ((await board.locator('[data-fresh="true"]').count()) > 0) faults.push("back: an old call was announced");
  stop();
}

mkdirSync(out, { recursive: true });
const { hall, stop } = await startMock(HTTP, PUSH);
fill(hall);
const browser = await launch();
const studio = { browser, look, url, faults, hall };
for (const language of LANGUAGES) {
  await kiosk(browser, language, false);
  await kiosk(browser, language, true);
  await kioskClosed(browser, hall, language);
  await (await display(browser, hall, language, { width: 1920, height: 1080 }, language)).context().close();
  await clerk(studio, language);
  await overseer(studio, language);
}
await kioskWide(browser);
await tokenForm(browser);
await (await display(browser, hall, "zh-Hans", PORTRAIT, "portrait")).context().close();
await zones(browser, hall);
await fullBoard(browser, hall);
for (const name of ["kiosk", "display"]) await renewal(browser, name);
await idle(browser);
const board = await display(browser, hall, "en", { width: 1920, height: 1080 }, "last");
await lost(browser, stop, board);
await back(board);
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${faults.length} findings; pictures in ${out}`);
process.exitCode = faults.length > 0 ? 1 : 0;
