import type { ReadonlySignal } from "@preact/signals";
import type { Service } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import type { Words } from "ui-kit/page/words.ts";
import { arrangeCalls, type ShownCall } from "./board.ts";
import { isBlocked } from "./chime.ts";
import { NoticeBand } from "./notice_band.tsx";
import type { Notes } from "./notices.ts";

/** Rows that can be read from ten metres; more would be smaller than that. */
const CURRENT_SHOWN = 6;
const RECENT_SHOWN = 6;

interface BoardProps {
  hall: Hall<BoardState>;
  words: Words;
  flashing: ReadonlySignal<ReadonlySet<string>>;
  isSingle: boolean;
  notes: ReadonlySignal<Notes>;
  /** How long a notice is shown before the next one: once in each language. */
  noticeMs: number;
}

export function Board({ hall, words, flashing, isSingle, notes, noticeMs }: BoardProps) {
  const state = hall.state.value;
  const calls = state ? arrangeCalls(state) : { current: [], recent: [] };
  const current = calls.current.slice(0, isSingle ? 1 : CURRENT_SHOWN);
  return (
    <div class={`board ${isSingle ? "single" : ""}`}>
      <Header hall={hall} words={words} />
      <NoticeBand hall={hall} words={words} notes={notes} turnMs={noticeMs} />
      <main>
        <section class="current" aria-labelledby="now-calling">
          <h2 id="now-calling">{words.say("now_calling")}</h2>
          {current.length === 0 ? <Welcome words={words} isKnown={state !== null} /> : (
            <ol class={`calls calls-${Math.min(current.length, CURRENT_SHOWN)}`} aria-live="polite">
              {current.map((call) => <CallRow key={call.number} call={call} words={words} isFresh={flashing.value.has(call.number)} />)}
            </ol>
          )}
        </section>
        {state && !isSingle && (
          <div class="side">
            <Services services={state.services} words={words} />
            <Recent calls={calls.recent.slice(0, RECENT_SHOWN)} words={words} />
          </div>
        )}
      </main>
    </div>
  );
}

function Header({ hall, words }: { hall: Hall<BoardState>; words: Words }) {
  return (
    <header>
      <h1>{words.name(hall.state.value?.branch.name) || words.say("welcome")}</h1>
      {isBlocked.value && <p class="sound-off" data-testid="sound-off">{words.say("sound_off")}</p>}
      <LiveState hall={hall} words={words} />
      <Clock hall={hall} words={words} />
    </header>
  );
}

function LiveState({ hall, words }: { hall: Hall<BoardState>; words: Words }) {
  const isLive = hall.isLive.value;
  const since = hall.lastLiveAt.value;
  const text = isLive ? words.say("live") : since === null ? words.say("connecting") : words.say("not_live", { time: words.time(since) });
  return <p class={`live ${isLive ? "is-live" : "is-lost"}`} data-testid="live-state" data-live={isLive} role="status">{text}</p>;
}

function Clock({ hall, words }: { hall: Hall<BoardState>; words: Words }) {
  const now = hall.now.value;
  return (
    <p class="clock">
      <span class="date">{words.date(now)}</span>
      <time data-testid="clock">{words.time(now)}</time>
    </p>
  );
}

function CallRow({ call, words, isFresh }: { call: ShownCall; words: Words; isFresh: boolean }) {
  return (
    <li class={isFresh ? "call fresh" : "call"} data-testid={`call-${call.number}`} data-fresh={isFresh}>
      <span class="number">{call.number}</span>
      <span class="arrow" aria-hidden="true">→</span>
      <span class="at"><small>{words.say("counter")}</small> <b>{call.counterNumber}</b></span>
    </li>
  );
}

function Welcome({ words, isKnown }: { words: Words; isKnown: boolean }) {
  return (
    <div class="welcome">
      <p class="big">{words.say(isKnown ? "welcome" : "connecting")}</p>
      {isKnown && <p>{words.say("welcome_explain")}</p>}
    </div>
  );
}

function Services({ services, words }: { services: Service[]; words: Words }) {
  return (
    <section class="services">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.say("services")}</th>
            <th scope="col">{words.say("waiting")}</th>
            <th scope="col">{words.say("expected_wait")}</th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <tr key={service.id} data-testid={`service-${service.id}`}>
              <th scope="row">{words.name(service.name)}</th>
              <td class="count">{words.count(service.waiting)}</td>
              <td>{service.open ? words.range(service.p50_seconds, service.p90_seconds) ?? "–" : words.say("closed")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Recent({ calls, words }: { calls: ShownCall[]; words: Words }) {
  if (calls.length === 0) return null;
  return (
    <section class="recent" aria-labelledby="recent">
      <h2 id="recent">{words.say("recent")}</h2>
      <ol>
        {calls.map((call) => (
          <li key={call.number} data-testid={`recent-${call.number}`}>
            <b>{call.number}</b> <span>{words.say("counter_number", { number: call.counterNumber })}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
