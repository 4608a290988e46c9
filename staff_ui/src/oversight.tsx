import type { Counter } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { KEYS } from "./actions.ts";
import type { Place } from "./header.tsx";

/** Who calls for help, the longest waiting first. */
export function helpCalls({ hall }: Place): Counter[] {
  const calling = (hall.state.value?.counters ?? []).filter(({ help }) => help);
  return calling.sort((a, b) => Date.parse(a.help!.since) - Date.parse(b.help!.since));
}

interface OversightProps {
  here: Place;
  words: Words;
  /** Whether its keys do anything where it is shown. */
  hasKeys: boolean;
  onAnnounce: () => void;
}

/** For whoever oversees the hall: the help calls of all counters, and a notice to everybody. */
export function Oversight({ here, words, hasKeys, onAnnounce }: OversightProps) {
  if (!here.isOverseer.value) return null;
  const key = (name: string) => hasKeys && <kbd>{name}</kbd>;
  const calls = helpCalls(here);
  return (
    <section class="oversight" aria-labelledby="oversight-title">
      <h2 id="oversight-title">
        {words.say("oversight")}
        <button class="quiet" data-testid="announce" aria-disabled={here.desk.isBusy.value} onClick={onAnnounce}><span>{words.say("announce")}</span> {key(KEYS.announce)}</button>
      </h2>
      <div role="status" data-testid="help-calls">
        {calls.length === 0 ? <p class="quiet-hall">{words.say("help.nobody")}</p> : (
          <ul>
            {calls.map((counter, index) => (
              <li key={counter.id} data-testid={`help-call-${counter.id}`}>
                <p>
                  <b>{words.say("counter_number", { number: String(counter.number) })}</b>
                  <small>{[helpReason(counter, words), words.waited((here.hall.now.value - Date.parse(counter.help!.since)) / 1000)].filter(Boolean).join(" · ")}</small>
                </p>
                <button class="quiet" data-testid={`acknowledge-${counter.id}`} aria-disabled={here.desk.isBusy.value} onClick={() => void here.desk.acknowledgeHelp(counter.id)}>
                  <span>{words.say("acknowledge")}</span> {index === 0 && key(KEYS.acknowledge)}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function helpReason({ help }: Counter, words: Words): string {
  const reason = help?.reason ?? "";
  return words.has(`help_reason.${reason}`) ? words.say(`help_reason.${reason}`) : reason;
}
