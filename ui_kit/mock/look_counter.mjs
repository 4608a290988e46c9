/** The counter's page: a clerk's day by the keys, and the view of whoever oversees the hall. */
import { openPage } from "../../tests/browser/chromium.mjs";

const DESK = { viewport: { width: 1366, height: 768 }, reducedMotion: "reduce" };

/** As a clerk would: not while the command before is still on its way. */
async function press(page, key) {
  await page.locator('[data-testid="next"][aria-disabled="false"]').waitFor();
  await page.keyboard.press(key);
}

const state = (page, wanted) => page.locator(`[data-testid="counter-state"][data-state="${wanted}"]`).waitFor();

async function answer(page, testId) {
  await page.getByTestId(testId).waitFor();
  await page.keyboard.press("1");
}

async function sitDown(page, language, counter) {
  await page.getByTestId("language").selectOption(language);
  await page.getByTestId("counter-select").selectOption(counter);
}

async function leave(page) {
  await press(page, "c");
  await page.getByTestId("counter-select").waitFor();
  await page.context().close();
}

export async function clerk({ browser, look, url, faults, hall }, language) {
  const tag = `counter-${language}`;
  const page = await openPage(browser, DESK, url("counter"), faults);
  await sitDown(page, language, "c1");
  await look(page, `${tag}-1-choose`);
  await page.getByTestId("open-counter").click();
  await page.getByTestId("next").waitFor();
  await look(page, `${tag}-2-free`);
  await press(page, "n");
  await page.getByTestId("reason").waitFor();
  await look(page, `${tag}-3-called`);
  await press(page, "s");
  await state(page, "serving");
  await press(page, "t");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-4-transfer`);
  await page.keyboard.press("Escape");
  await setAside(page, look, tag, hall);
  await mistakes(page, look, tag);
  await askForHelp(page, look, tag, hall);
  await leave(page);
}

/** One is parked here and one for the service; then the first of a visit of three services is served. */
async function setAside(page, look, tag, hall) {
  await press(page, "k");
  await state(page, "open");
  await press(page, "n");
  await state(page, "calling");
  await press(page, "s");
  await state(page, "serving");
  await press(page, "l");
  await state(page, "open");
  await look(page, `${tag}-5-parked`);
  await press(page, "u");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-6-unpark`);
  await page.keyboard.press("2");
  await state(page, "serving");
  hall.issue({ service: "accounts", tier: "gold", care: "elderly", then: ["cards", "loans"] }, new Date(Date.now() - 3_600_000).toISOString());
  await press(page, "n");
  await state(page, "calling");
  await press(page, "s");
  await state(page, "serving");
  await look(page, `${tag}-7-visit`);
  await press(page, "o");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-8-outcome`);
  await page.keyboard.press("2");
  await state(page, "open");
}

/** A step taken back, and one that the server refuses to take back. */
async function mistakes(page, look, tag) {
  await press(page, "z");
  await state(page, "serving");
  await page.locator('[data-testid="undo"]:disabled').waitFor();
  await press(page, "f");
  await state(page, "open");
  await page.route("**/undo", (route) => route.fulfill({
    status: 409, contentType: "application/problem+json", body: JSON.stringify({ status: 409, code: "undo_refused", detail: "The last step of C002 was more than 30 seconds ago" }),
  }));
  await press(page, "z");
  await page.locator(".note.alert").waitFor();
  await look(page, `${tag}-9-refused`);
  await page.unroute("**/undo");
}

async function askForHelp(page, look, tag, hall) {
  await press(page, "d");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-10-directly`);
  await answer(page, "serve-cash");
  await state(page, "serving");
  await press(page, "h");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-11-help`);
  await answer(page, "help-question");
  await page.getByTestId("help-called").waitFor();
  await look(page, `${tag}-12-help-called`);
  hall.counterStep("c1", "acknowledge", {});
  await page.getByTestId("help-called").waitFor({ state: "detached" });
  await look(page, `${tag}-13-help-coming`);
  await press(page, "f");
  await state(page, "open");
  await press(page, "p");
  await answer(page, "pause-break");
  await state(page, "paused");
  await look(page, `${tag}-14-paused`);
}

export async function overseer({ browser, look, url, faults, hall }, language) {
  const tag = `manager-${language}`;
  hall.counterStep("c2", "help", { reason: "approval" });
  hall.counterStep("c4", "help", { reason: "security" });
  const page = await openPage(browser, DESK, url("counter").replace("any", "manager"), faults);
  await sitDown(page, language, "c1");
  await page.getByTestId("help-call-c2").waitFor();
  await look(page, `${tag}-1-choose`);
  await page.getByTestId("open-counter").click();
  await state(page, "open");
  await look(page, `${tag}-2-desk`);
  await press(page, "g");
  await page.getByTestId("help-call-c2").waitFor({ state: "detached" });
  await page.getByTestId("acknowledge-c4").click();
  await page.getByTestId("help-call-c4").waitFor({ state: "detached" });
  await press(page, "a");
  await page.getByTestId("cancel").waitFor();
  await look(page, `${tag}-3-announce`);
  await page.getByTestId("announce-note").fill("12345");
  if (!(await page.getByTestId("cancel").isVisible())) faults.push(`${tag}: typing a note chose an answer`);
  await page.getByTestId("announce-note").press("Enter");
  await page.locator(".note").waitFor();
  await look(page, `${tag}-4-announced`);
  hall.notices = [];
  await leave(page);
}
