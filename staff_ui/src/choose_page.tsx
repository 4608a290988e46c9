import { useState } from "preact/hooks";
import type { Words } from "ui-kit/page/words.ts";
import { AnnounceDialog } from "./announce_dialog.tsx";
import type { Place } from "./header.tsx";
import { NoteBar } from "./note.tsx";
import { Oversight } from "./oversight.tsx";

/** Before work: choose a counter and open it. */
export function ChooseCounter({ here, words }: { here: Place; words: Words }) {
  const { hall, desk } = here;
  const [isAnnouncing, setAnnouncing] = useState(false);
  const counters = hall.state.value?.counters ?? [];
  const [wanted, setWanted] = useState<string | null>(desk.seat.value);
  const free = counters.find(({ state }) => state === "closed");
  const chosen = counters.find(({ id }) => id === wanted) ?? free ?? counters[0];
  const isInUse = chosen !== undefined && chosen.state !== "closed";
  const submit = (event: Event) => {
    event.preventDefault();
    if (!chosen) return;
    if (isInUse) desk.sitAt(chosen.id);
    else void desk.open(chosen.id, false);
  };
  return (
    <main class="choose">
      <form onSubmit={submit}>
        <h2>{words.say("choose_counter")}</h2>
        <p>{words.say("choose_explain")}</p>
        <NoteBar desk={desk} words={words} />
        <label for="counter">{words.say("counter")}</label>
        <select id="counter" data-testid="counter-select" value={chosen?.id ?? ""} onChange={(event) => setWanted(event.currentTarget.value)}>
          {counters.map(({ id, number, state }) => (
            <option key={id} value={id}>{words.say("counter_number", { number: String(number) })} – {words.say(`state.${state}`)}</option>
          ))}
        </select>
        {isInUse && <p>{words.say("in_use")}</p>}
        <button class="primary" type="submit" data-testid={isInUse ? "continue-counter" : "open-counter"} disabled={!chosen} aria-disabled={desk.isBusy.value}>
          {words.say(isInUse ? "continue_here" : "open_counter")}
        </button>
        {isInUse && <button class="quiet" type="button" data-testid="take-over" onClick={() => void desk.open(chosen.id, true)}>{words.say("take_over")}</button>}
        {chosen && !isInUse && isElsewhere(desk.note.value) && <button class="quiet" type="button" data-testid="take-over" onClick={() => void desk.open(chosen.id, true)}>{words.say("take_over")}</button>}
      </form>
      <Oversight here={here} words={words} hasKeys={false} onAnnounce={() => setAnnouncing(true)} />
      {isAnnouncing && <AnnounceDialog here={here} words={words} onDone={() => setAnnouncing(false)} />}
    </main>
  );
}

// Somebody who still sits at another counter may move here knowingly.
function isElsewhere(note: Place["desk"]["note"]["value"]): boolean {
  return note !== null && "failure" in note && (note.failure as { code?: string }).code === "staff_elsewhere";
}
