import { useState } from "preact/hooks";
import type { Words } from "ui-kit/page/words.ts";
import type { Place } from "./header.tsx";
import { Question } from "./question.tsx";

const NOTE_MOST = 200;

/** A notice to the hall or to one zone: one of those prepared, in all languages, or a note in one's own words. */
export function AnnounceDialog({ here, words, onDone }: { here: Place; words: Words; onDone: () => void }) {
  const { desk, hall, hasKeys, configuration } = here;
  const [zone, setZone] = useState("");
  const [note, setNote] = useState("");
  const zones = [...new Set((hall.state.value?.counters ?? []).flatMap((counter) => counter.zone ?? []))];
  const options = configuration.value.announcements.map(({ id, text }) => ({
    id: `announce-${id}`,
    label: words.name(text),
    choose: () => void desk.announce({ template: id }, zone || null),
  }));
  const send = (event: Event) => {
    event.preventDefault();
    if (!note.trim()) return;
    onDone();
    void desk.announce({ note: note.trim() }, zone || null);
  };
  return (
    <Question title={words.say("announce.title")} groups={[{ label: words.say("announce.prepared"), options }]} hasKeys={hasKeys.value} words={words} onDone={onDone}>
      <form class="own-words" onSubmit={send}>
        <label for="note">{words.say("announce.note")}</label>
        <input id="note" data-testid="announce-note" maxLength={NOTE_MOST} autocomplete="off" value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        <label for="zone">{words.say("announce.where")}</label>
        <select id="zone" data-testid="announce-zone" value={zone} onChange={(event) => setZone(event.currentTarget.value)}>
          <option value="">{words.say("announce.everywhere")}</option>
          {zones.map((id) => <option key={id} value={id}>{words.say("announce.zone", { zone: id })}</option>)}
        </select>
        <button class="primary" type="submit" data-testid="announce-send" disabled={!note.trim()}><span>{words.say("announce.send")}</span> <kbd>↵</kbd></button>
      </form>
    </Question>
  );
}
