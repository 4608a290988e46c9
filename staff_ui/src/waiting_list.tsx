import type { Counter, Ticket } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";
import { KEYS } from "./actions.ts";
import { serviceName, tierName } from "./current_ticket.tsx";
import type { Place } from "./header.tsx";
import { ParkedList } from "./parked_list.tsx";

/** A clerk looks at the front of the list; ten thousand rows would only slow the page. */
const ROWS_SHOWN = 60;

/** Who was called, did not come and may return. */
export function missed({ hall }: Place): Ticket[] {
  return (hall.state.value?.tickets ?? []).filter(({ state }) => state === "no_show");
}

interface ListProps {
  here: Place;
  words: Words;
  counter: Counter;
  parked: Ticket[];
}

export function WaitingList({ here, words, counter, parked }: ListProps) {
  const tickets = here.hall.state.value?.tickets ?? [];
  const waiting = tickets.filter(({ state }) => state === "waiting").sort(byNeed);
  const absent = missed(here);
  const more = waiting.length - ROWS_SHOWN;
  return (
    <section class="queue" aria-labelledby="waiting-title">
      <h2 id="waiting-title">{words.say("waiting_list")} <span class="total" data-testid="waiting-count">{words.say("waiting_count", { count: waiting.length })}</span></h2>
      <div class="scroll" tabIndex={0} role="group" aria-labelledby="waiting-title">
        <table data-testid="waiting-list">
          <thead>
            <tr><th scope="col">{words.say("number")}</th><th scope="col">{words.say("service")}</th><th scope="col">{words.say("waited")}</th><th scope="col">{words.say("promise")}</th></tr>
          </thead>
          <tbody>{waiting.slice(0, ROWS_SHOWN).map((ticket) => <Row key={ticket.ticket_id} ticket={ticket} here={here} words={words} />)}</tbody>
        </table>
        {more > 0 && <p class="more">{words.say("more", { count: more })}</p>}
      </div>
      <ParkedList here={here} words={words} counter={counter} tickets={parked} />
      {absent.length > 0 && <Missed tickets={absent} here={here} words={words} canCall={counter.state === "open"} />}
    </section>
  );
}

/** The most used-up promise first; without shares, the longest in place, and of one moment as they were issued. */
export function byNeed(a: Ticket, b: Ticket): number {
  return (b.share ?? 0) - (a.share ?? 0) || Date.parse(a.place_at) - Date.parse(b.place_at);
}

function Row({ ticket, here, words }: { ticket: Ticket; here: Place; words: Words }) {
  const isPast = (ticket.share ?? 0) > 1;
  return (
    <tr data-testid={`waiting-${ticket.number}`} class={isPast ? "past" : undefined}>
      <th scope="row">{ticket.number}</th>
      <td>
        {serviceName(here, words, ticket.service)}
        <small>{[tierName(here, words, ticket.tier), ticket.care && words.say(`care.${ticket.care}`)].filter(Boolean).join(" · ")}</small>
      </td>
      <td>{words.waited(ticket.waited_seconds)}</td>
      <td>
        {ticket.share == null ? "–" : words.say("share", { percent: Math.round(ticket.share * 100) })}
        {isPast && <small class="late">{words.say("past_promise")}</small>}
      </td>
    </tr>
  );
}

function Missed({ tickets, here, words, canCall }: { tickets: Ticket[]; here: Place; words: Words; canCall: boolean }) {
  return (
    <section class="aside" aria-labelledby="missed-title">
      <h3 id="missed-title">{words.say("missed")} {here.hasKeys.value && <kbd>{KEYS.call_back}</kbd>}</h3>
      <ul data-testid="missed-list">
        {tickets.map(({ ticket_id, number }) => (
          <li key={ticket_id}>
            <b>{number}</b>
            <button class="quiet" data-testid={`call-back-${number}`} disabled={!canCall} aria-disabled={here.desk.isBusy.value} onClick={() => void here.desk.callBack(ticket_id)}>{words.say("call_back")}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
