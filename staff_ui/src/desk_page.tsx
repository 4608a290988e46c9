import { useLayoutEffect, useState } from "preact/hooks";
import type { Counter, Ticket } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { type Action, actionOf, ALLOWED, KEYS, OVERSEEING } from "./actions.ts";
import { AnnounceDialog } from "./announce_dialog.tsx";
import { CurrentTicket } from "./current_ticket.tsx";
import type { Place } from "./header.tsx";
import { NoteBar } from "./note.tsx";
import { secondsLeft } from "./offer.ts";
import { helpCalls, Oversight } from "./oversight.tsx";
import { parkedFor } from "./parked_list.tsx";
import { isText } from "./question.tsx";
import { CallBackDialog, HelpDialog, OutcomeDialog, PauseDialog, ServeDialog, TransferDialog, UnparkDialog } from "./question_dialogs.tsx";
import { UndoButton } from "./undo_button.tsx";
import { missed, WaitingList } from "./waiting_list.tsx";

/** The actions that ask something first. */
type Question = "transfer" | "pause" | "help" | "outcome" | "serve" | "unpark" | "call_back" | "announce";

const ON_TICKET: readonly Action[] = ["start", "finish", "outcome", "recall", "no_show", "transfer", "requeue", "park", "park_service"];
const TEST_IDS: Partial<Record<Action, string>> = { no_show: "no-show", park_service: "park-service" };

interface Work {
  here: Place;
  counter: Counter;
  parked: Ticket[];
  absent: Ticket[];
}

export function DeskPage({ here, words, counter }: { here: Place; words: Words; counter: Counter }) {
  const { desk, hasKeys, isOverseer, configuration } = here;
  const [question, ask] = useState<Question | null>(null);
  const work: Work = { here, counter, parked: parkedFor(here, counter), absent: missed(here) };
  const act = (action: Action) => perform(work, action, ask);
  useKeys(hasKeys.value && question === null, counter, isOverseer.value, act);
  const button = (action: Action, look = "quiet", label = words.say(action)) => (
    <button
      key={action} class={look} data-testid={TEST_IDS[action] ?? action} aria-keyshortcuts={hasKeys.value ? KEYS[action] : undefined}
      disabled={!ALLOWED[counter.state].includes(action)} aria-disabled={desk.isBusy.value} onClick={() => act(action)}
    >
      <span>{label}</span> {hasKeys.value && <kbd>{KEYS[action]}</kbd>}
    </button>
  );
  const hasOutcomes = configuration.value.outcomes.length > 0;
  return (
    <main class="desk">
      <section class="work">
        <NoteBar desk={desk} words={words} />
        <CurrentTicket here={here} words={words} counter={counter} />
        <div class="actions">
          {button("next", "primary next")}
          <UndoButton here={here} words={words} onUndo={() => act("undo")} />
          {ON_TICKET.filter((action) => action !== "outcome" || hasOutcomes).map((action) => button(action))}
        </div>
        <div class="seat-actions">
          {button("serve")}
          {button("help", "quiet", words.say(counter.help ? "help.end" : "help"))}
          {button(counter.state === "paused" ? "resume" : "pause")}
          {button("close")}
        </div>
      </section>
      <div class="side">
        <Oversight here={here} words={words} hasKeys={hasKeys.value} onAnnounce={() => act("announce")} />
        <WaitingList here={here} words={words} counter={counter} parked={work.parked} />
      </div>
      {question && <Asked question={question} work={work} words={words} onDone={() => ask(null)} />}
    </main>
  );
}

function Asked({ question, work, words, onDone }: { question: Question; work: Work; words: Words; onDone: () => void }) {
  const about = { here: work.here, words, onDone };
  switch (question) {
    case "transfer":
      return <TransferDialog {...about} counter={work.counter} />;
    case "pause":
      return <PauseDialog {...about} />;
    case "help":
      return <HelpDialog {...about} />;
    case "outcome":
      return <OutcomeDialog {...about} />;
    case "serve":
      return <ServeDialog {...about} />;
    case "unpark":
      return <UnparkDialog {...about} tickets={work.parked} />;
    case "call_back":
      return <CallBackDialog {...about} tickets={work.absent} />;
    case "announce":
      return <AnnounceDialog {...about} />;
  }
}

function perform({ here, counter, parked, absent }: Work, action: Action, ask: (question: Question) => void): void {
  const { desk, hall, configuration } = here;
  if (desk.isBusy.value) return;
  switch (action) {
    case "next":
      return void desk.next();
    case "no_show":
      return void desk.step("no-show");
    case "park":
      return void desk.park("counter");
    case "park_service":
      return void desk.park("service");
    case "undo":
      return secondsLeft(desk.offer.value, hall.now.value) > 0 ? void desk.undo() : undefined;
    case "unpark":
      // One can only be meant.
      return parked.length === 1 ? void desk.unpark(parked[0]!.ticket_id) : parked.length > 1 ? ask(action) : undefined;
    case "call_back":
      return absent.length > 0 ? ask(action) : undefined;
    case "outcome":
      return configuration.value.outcomes.length > 0 ? ask(action) : undefined;
    case "help":
      return counter.help ? void desk.acknowledgeHelp(counter.id) : ask(action);
    case "acknowledge":
      return acknowledgeFirst(here);
    case "transfer":
    case "pause":
    case "serve":
    case "announce":
      return ask(action);
    case "resume":
      return void desk.onCounter("resume");
    case "close":
      return void desk.close();
    default:
      return void desk.step(action);
  }
}

function acknowledgeFirst(here: Place): void {
  const [first] = helpCalls(here);
  if (first) void here.desk.acknowledgeHelp(first.id);
}

function useKeys(isOn: boolean, counter: Counter, isOverseer: boolean, act: (action: Action) => void): void {
  useLayoutEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => {
      // A key held down must not call a second customer, and typing into a field is not a command.
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || isText(event.target)) return;
      const action = actionOf(event.key, counter.state, isOverseer ? OVERSEEING : []);
      if (action) act(action);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}
