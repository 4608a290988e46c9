/** What a clerk does besides calling and serving, by the keys, and what whoever oversees the hall and the display see of it. */

const see = (page, testId, more = "") => page.locator(`[data-testid="${testId}"]${more}`).waitFor();
const gone = (page, testId) => page.getByTestId(testId).waitFor({ state: "detached" });
const counterIs = (counter, state) => see(counter, "counter-state", `[data-state="${state}"]`);

/** As a clerk would: not while the command before is still on its way. */
async function key(counter, letter) {
  await see(counter, "next", '[aria-disabled="false"]');
  await counter.keyboard.press(letter);
}

async function answer(counter, number) {
  await see(counter, "cancel");
  await counter.keyboard.press(String(number));
}

/** A call by mistake is taken back: the display forgets it. Then it is made again. */
export async function takeBackCall({ counter, display }, number) {
  await key(counter, "z");
  await counterIs(counter, "open");
  await gone(display, `call-${number}`);
  await see(counter, `waiting-${number}`);
  await key(counter, "n");
  await counterIs(counter, "calling");
  await see(display, `call-${number}`);
}

/** Forms are to be filled in: the customer is put aside here, then for any counter, and served on. */
export async function park({ counter, picture, checkAccess }, number) {
  for (const kind of ["k", "l"]) {
    await key(counter, kind);
    await counterIs(counter, "open");
    await see(counter, `parked-${number}`);
    await picture(counter, `counter-4-parked-${kind}`);
    await checkAccess(counter, "the counter with a parked ticket");
    await key(counter, "u");
    await counterIs(counter, "serving");
    await gone(counter, `parked-${number}`);
  }
}

/** Finished too early, with an outcome: the customer is back. */
export async function takeBackFinish({ counter }) {
  await key(counter, "o");
  await answer(counter, 1);
  await counterIs(counter, "open");
  await key(counter, "z");
  await counterIs(counter, "serving");
}

/** Help is called, seen by whoever oversees the hall, and promised. */
export async function callForHelp({ counter, manager, picture, checkAccess, expect }) {
  expect((await counter.getByTestId("announce").count()) === 0, "a clerk is offered to announce");
  await key(counter, "h");
  await answer(counter, 1);
  await see(counter, "help-called");
  const call = manager.locator('[data-testid^="help-call-"]');
  await call.waitFor();
  await picture(manager, "manager-1-help");
  await checkAccess(manager, "the page of whoever oversees the hall");
  await call.getByRole("button").click();
  await call.waitFor({ state: "detached" });
  await gone(counter, "help-called");
  await counter.locator(".note").waitFor();
}

/** A prepared notice and one in free words are seen on the display; the words are gone once they are deleted. */
export async function announce({ manager, display, picture, checkAccess, expect, tokens, api }) {
  await manager.getByTestId("announce").click();
  await manager.locator('[data-testid^="announce-"]').first().click();
  await see(display, "notice");
  await picture(display, "display-4-notice");
  await checkAccess(display, "the display with a notice");
  const words = "A wallet was found.";
  await manager.getByTestId("announce").click();
  await manager.getByTestId("announce-note").fill(words);
  const made = manager.waitForResponse((response) => response.url().endsWith("/announcements") && response.request().method() === "POST");
  await manager.getByTestId("announce-send").click();
  const { announcement } = await (await made).json();
  await display.getByText(words).waitFor();
  await picture(display, "display-5-note");
  const answer = await fetch(`${api}/announcements/${announcement}`, { method: "DELETE", headers: { Authorization: `Bearer ${tokens.manager}` } });
  expect(answer.ok, `the note could not be deleted: ${answer.status}`);
  await display.getByText(words).waitFor({ state: "detached", timeout: 20_000 });
  await see(display, "notice");
}
