import { useEffect, useRef, useState } from "preact/hooks";
import type { Service, Ticket } from "ui-kit/api/types.ts";
import type { Words } from "ui-kit/page/words.ts";

const SHOWN_S = 25;

interface TicketProps {
  ticket: Ticket;
  service: Service;
  words: Words;
  goHome: () => void;
}

/** The ticket, until the customer is done or some time has passed. */
export function TicketScreen({ ticket, service, words, goHome }: TicketProps) {
  const left = useCountdown(SHOWN_S, goHome);
  const done = useRef<HTMLButtonElement>(null);
  useEffect(() => done.current?.focus(), []);
  const range = words.range(ticket.p50_seconds, ticket.p90_seconds);
  return (
    <section class="ticket" aria-labelledby="ticket-title">
      <div class="slip">
        <h2 id="ticket-title">{words.say("ticket.title")}</h2>
        <p class="number" data-testid="ticket-number">{ticket.number}</p>
        <p class="service">{words.name(service.name)}</p>
        <dl>
          <div><dt class="unseen">{words.say("waiting")}</dt><dd data-testid="ahead">{words.say("ahead", { count: ticket.ahead ?? 0 })}</dd></div>
          <div><dt class={range ? undefined : "unseen"}>{words.say("expected_wait")}</dt><dd data-testid="expected-wait">{range ?? words.say("wait_unknown")}</dd></div>
        </dl>
        <p class="issued">{words.dateAndTime(ticket.issued_at)}</p>
      </div>
      <p class="remember">{words.say("ticket.remember")}</p>
      <button ref={done} class="primary wide" data-testid="done" onClick={goHome}>{words.say("ticket.done")}</button>
      <p class="closes">{words.say("ticket.closes", { count: left })}</p>
    </section>
  );
}

function useCountdown(seconds: number, onEnd: () => void): number {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) return onEnd();
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}
