import type { ReadonlySignal } from "@preact/signals";
import type { Counter } from "ui-kit/api/types.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import { Words } from "ui-kit/page/words.ts";
import type { Surroundings } from "./configuration.ts";
import type { Desk } from "./desk.ts";
import { CATALOGUES } from "./words.ts";

/** What every part of the page may need. */
export interface Place extends Surroundings {
  hall: Hall<StaffState>;
  desk: Desk;
  hasKeys: ReadonlySignal<boolean>;
  setKeys: (isOn: boolean) => void;
  setLanguage: (language: string) => void;
  installed: string[];
}

export function Header({ here, words, counter }: { here: Place; words: Words; counter: Counter | null }) {
  const { hall, hasKeys, setKeys, setLanguage, installed } = here;
  return (
    <header>
      <h1>{words.name(hall.state.value?.branch.name) || words.say("title")}</h1>
      {counter && (
        <p class="seat">
          <b>{words.say("counter_number", { number: String(counter.number) })}</b>
          <span class={`badge ${counter.state}`} data-testid="counter-state" data-state={counter.state}>{words.say(`state.${counter.state}`)}</span>
          {counter.help && <span class="badge help" data-testid="help-called">{words.say("help.called", { time: words.time(counter.help.since) })}</span>}
        </p>
      )}
      <LiveState here={here} words={words} />
      <label class="keys-switch">
        <input type="checkbox" checked={hasKeys.value} onChange={(event) => setKeys(event.currentTarget.checked)} /> {words.say("shortcuts")}
      </label>
      <label>
        <span class="unseen">{words.say("language")}</span>
        <select value={words.language} data-testid="language" onChange={(event) => setLanguage(event.currentTarget.value)}>
          {installed.map((tag) => <option key={tag} value={tag} lang={tag}>{new Words(tag, CATALOGUES).say("language_name")}</option>)}
        </select>
      </label>
    </header>
  );
}

function LiveState({ here: { hall }, words }: { here: Place; words: Words }) {
  const isLive = hall.isLive.value;
  const since = hall.lastLiveAt.value;
  const text = isLive ? words.say("live") : since === null ? words.say("connecting") : words.say("not_live", { time: words.time(since) });
  return <p class={`live ${isLive ? "is-live" : "is-lost"}`} data-testid="live-state" data-live={isLive} role="status">{text}</p>;
}
