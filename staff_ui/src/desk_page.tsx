import { useLayoutEffect, useState } from "preact/hooks";
import type { Counter } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { type Action, actionOf, ALLOWED, KEYS } from "./actions.ts";
import { CurrentTicket } from "./current_ticket.tsx";
import type { Desk } from "./desk.ts";
import type { Place } from "./header.tsx";
import { NoteBar } from "./note.tsx";
import { PauseDialog, TransferDialog } from "./question_dialogs.tsx";
import { WaitingList } from "./waiting_list.tsx";

type Question = "transfer" | "pause" | null;

const ON_TICKET: readonly Action[] = ["start", "finish", "recall", "no_show", "transfer", "requeue"];
const TEST_IDS: Partial<Record<Action, string>> = { no_show: "no-show" };

export function DeskPage({ here, words, counter }: { here: Place; words: Words; counter: Counter }) {
  const { desk, hasKeys } = here;
  const [question, ask] = useState<Question>(null);
  const act = (action: Action) => perform(desk, action, ask);
  useKeys(hasKeys.value && question === null, counter, act);
  const button = (action: Action, look = "quiet") => (
    <button
      key={action} class={look} data-testid={TEST_IDS[action] ?? action} aria-keyshortcuts={hasKeys.value ? KEYS[action] : undefined}
      disabled={!ALLOWED[counter.state].includes(action)} aria-disabled={desk.isBusy.value} onClick={() => act(action)}
    >
      <span>{words.say(action)}</span> {hasKeys.value && <kbd>{KEYS[action]}</kbd>}
    </button>
  );
  return (
    <main class="desk">
      <section class="work">
        <NoteBar desk={desk} words={words} />
        <CurrentTicket here={here} words={words} counter={counter} />
        <div class="actions">
          {button("next", "primary next")}
          {ON_TICKET.map((action) => button(action))}
        </div>
        <div class="seat-actions">
          {button(counter.state === "paused" ? "resume" : "pause")}
          {button("close")}
        </div>
      </section>
      <WaitingList here={here} words={words} counter={counter} />
      {question === "transfer" && <TransferDialog here={here} words={words} counter={counter} onDone={() => ask(null)} />}
      {question === "pause" && <PauseDialog here={here} words={words} onDone={() => ask(null)} />}
    </main>
  );
}

function perform(desk: Desk, action: Action, ask: (question: Question) => void): void {
  if (desk.isBusy.value) return;
  switch (action) {
    case "next":
      return void desk.next();
    case "no_show":
      return void desk.step("no-show");
    case "transfer":
    case "pause":
      return ask(action);
    case "resume":
      return void desk.onCounter("resume");
    case "close":
      return void desk.close();
    default:
      return void desk.step(action);
  }
}

function useKeys(isOn: boolean, counter: Counter, act: (action: Action) => void): void {
  // Together with the picture, not some time after it: a fast key must act on what is seen.
  useLayoutEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => {
      // A key held down must not call a second customer, and typing into a field is not a command.
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || isField(event.target)) return;
      const action = actionOf(event.key, counter.state);
      if (action) act(action);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}
