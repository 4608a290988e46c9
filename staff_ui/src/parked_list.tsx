import type { Counter, Ticket } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { KEYS } from "./actions.ts";
import { serviceName } from "./current_ticket.tsx";
import { durations } from "./durations.ts";
import type { Place } from "./header.tsx";

/** Who may be served on here: those this counter keeps, first, then those parked for a service that it gives. */
export function parkedFor({ hall, configuration }: Place, counter: Counter): Ticket[] {
  const parked = (hall.state.value?.tickets ?? []).filter(({ state }) => state === "parked");
  const services = configuration.value.profiles.find(({ id }) => id === counter.profile)?.services;
  const own = parked.filter(({ ticket_id }) => counter.parked.includes(ticket_id));
  const shared = parked.filter(({ park_kind, service }) => park_kind === "service" && (services?.includes(service) ?? true));
  return [...own, ...shared];
}

interface ParkedProps {
  here: Place;
  words: Words;
  counter: Counter;
  tickets: Ticket[];
}

export function ParkedList({ here, words, counter, tickets }: ParkedProps) {
  if (tickets.length === 0) return null;
  return (
    <section class="aside" aria-labelledby="parked-title">
      <h3 id="parked-title">{words.say("parked")} {here.hasKeys.value && <kbd>{KEYS.unpark}</kbd>}</h3>
      <ul data-testid="parked-list">
        {tickets.map((ticket) => (
          <li key={ticket.ticket_id} data-testid={`parked-${ticket.number}`}>
            <p>
              <b>{ticket.number}</b> {serviceName(here, words, ticket.service)}
              <small>{words.say(`park_kind.${ticket.park_kind}`)} · {words.waited(durations(ticket, here.hall.now.value).parked)}</small>
            </p>
            <button
              class="quiet" data-testid={`unpark-${ticket.number}`} disabled={counter.state !== "open"} aria-disabled={here.desk.isBusy.value}
              aria-label={words.say("unpark_number", { number: ticket.number })} onClick={() => void here.desk.unpark(ticket.ticket_id)}
            >
              {words.say("unpark")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
