import type { ComponentChildren } from "preact";
import type { Counter, Ticket } from "ui-kit/api/types.ts";
import { Words } from "ui-kit/page/words.ts";
import { durations, visitOf } from "./durations.ts";
import type { Place } from "./header.tsx";
import { CATALOGUES } from "./words.ts";

/** Who is at the counter, and why. */
export function CurrentTicket({ here, words, counter }: { here: Place; words: Words; counter: Counter }) {
  const ticket = here.desk.ticket.value;
  if (!ticket) return <Nobody words={words} isPaused={counter.state === "paused"} />;
  const reason = here.desk.reason.value;
  const { served, parked } = durations(ticket, here.hall.now.value);
  return (
    <section class="current">
      <div class="who">
        <p class="number" data-testid="current-number">{ticket.number}</p>
        <p class={`badge ${ticket.state}`} data-testid="current-state" data-state={ticket.state}>{words.say(`ticket_state.${ticket.state}`)}</p>
      </div>
      <dl>
        <Fact name={words.say("service")}>{serviceName(here, words, ticket.service)}</Fact>
        <Fact name={words.say("tier")}>{tierName(here, words, ticket.tier)}</Fact>
        <Fact name={words.say("care")} isMarked={ticket.care !== null}>{ticket.care ? words.say(`care.${ticket.care}`) : words.say("none")}</Fact>
        <Fact name={words.say("ticket_language")}>{languageName(ticket, words)}</Fact>
        <Fact name={words.say("waited")}>{words.waited(ticket.waited_seconds)}</Fact>
        {ticket.state === "serving" ? <Fact name={words.say("served")}>{words.waited(served)}</Fact> : <Fact name={words.say("since")}>{sinceText(ticket, words)}</Fact>}
        {parked > 0 && <Fact name={words.say("parked_for")}>{words.waited(parked)}</Fact>}
        {ticket.recalls > 0 && <Fact name={words.say("recalls")}>{words.count(ticket.recalls)}</Fact>}
      </dl>
      <Visit here={here} words={words} ticket={ticket} />
      {reason?.ticket === ticket.ticket_id && (
        <p class="reason"><b>{words.say("why")}</b> <span data-testid="reason" lang="en">{reason.text}</span></p>
      )}
    </section>
  );
}

/** Where a visit of several services is, and what comes after this one. */
function Visit({ here, words, ticket }: { here: Place; words: Words; ticket: Ticket }) {
  const { index, total, next } = visitOf(ticket);
  if (total < 2) return null;
  const place = { index, total, service: next ? serviceName(here, words, next) : "" };
  return <p class="visit" data-testid="visit">{words.say(next ? "visit.next" : "visit.last", place)}</p>;
}

function Nobody({ words, isPaused }: { words: Words; isPaused: boolean }) {
  return (
    <section class="current nobody" data-testid="current-state" data-state={isPaused ? "paused" : "free"}>
      <h2>{words.say(isPaused ? "state.paused" : "nobody")}</h2>
      <p>{words.say(isPaused ? "paused_explain" : "nobody_explain")}</p>
    </section>
  );
}

function Fact({ name, isMarked = false, children }: { name: string; isMarked?: boolean; children: ComponentChildren }) {
  return <div class={isMarked ? "marked" : undefined}><dt>{name}</dt><dd>{children}</dd></div>;
}

export function serviceName({ hall }: Place, words: Words, id: string): string {
  return words.name(hall.state.value?.services.find((service) => service.id === id)?.name) || id;
}

export function tierName({ configuration }: Place, words: Words, id: string): string {
  return words.name(configuration.value.tiers.find((tier) => tier.id === id)?.name) || id.charAt(0).toUpperCase() + id.slice(1).replace(/_/g, " ");
}

function languageName({ language }: Ticket, words: Words): string {
  if (!language) return words.say("none");
  return language in CATALOGUES ? new Words(language, CATALOGUES).say("language_name") : language;
}

function sinceText(ticket: Ticket, words: Words): string {
  const at = ticket.serving_at ?? ticket.called_at;
  return at ? words.time(at) : "–";
}
