/**
 * The feed's reducer: new values replace old ones, nothing is computed here.
 *
 * The law it keeps: the snapshot at n, with the deltas n..m applied, equals the snapshot at m (outlook aside).
 * Pure: a state is never changed in place, so a screen can compare by reference.
 */
import type { Call, Ticket } from "../api/types.ts";
import type { FeedEvent, FeedState, Outlook } from "./messages.ts";

const CALLS_SHOWN = 12;
const NOTICES_SHOWN = 5;
const ENDED = new Set(["finished", "cancelled", "expired"]);

export function applyEvents<S extends FeedState>(state: S, events: readonly FeedEvent[]): S {
  return events.reduce(applyEvent, state);
}

export function applyEvent<S extends FeedState>(state: S, event: FeedEvent): S {
  const next = { ...state };
  const { counter, call, withdrawn, notice, services, ticket } = event;
  if (counter) next.counters = replaceById(state.counters as { id: string }[], [counter]) as S["counters"];
  if (call) next.calls = [call, ...state.calls.filter((other) => other.number !== call.number)].slice(0, CALLS_SHOWN);
  if (withdrawn) next.calls = next.calls.filter((other) => other.number !== withdrawn);
  if (notice) next.notices = [notice, ...state.notices].slice(0, NOTICES_SHOWN);
  if (services) next.services = mergeById(state.services, services);
  if (ticket && "tickets" in next) next.tickets = upsertTicket(next.tickets, ticket, isGone(event, ticket));
  return next;
}

export function applyOutlook<S extends FeedState>(state: S, outlook: Outlook): S {
  const next = { ...state, services: mergeById(state.services, outlook.services) };
  const byTicket = outlook.tickets;
  if (byTicket && "tickets" in next) {
    next.tickets = next.tickets.map((ticket) => ({ ...ticket, ...byTicket[ticket.ticket_id] }));
  }
  return next;
}

/** A call is fresh news; a screen flashes and sounds for these. */
export function callsOf(events: readonly FeedEvent[]): Call[] {
  return events.flatMap((event) => (event.call ? [event.call] : []));
}

// A no-show stays in the list while it may return; the fact that it no longer may takes it out.
function isGone(event: FeedEvent, ticket: Ticket): boolean {
  return ENDED.has(ticket.state) || event.name === "NoShowLapsed";
}

// Known tickets keep their place and new ones go to the end: that is the order of issue, in which a snapshot has them too.
// One that had ended and is back, because that was undone, goes before those issued later.
function upsertTicket(tickets: Ticket[], ticket: Ticket, gone: boolean): Ticket[] {
  const known = tickets.findIndex((other) => other.ticket_id === ticket.ticket_id);
  if (known < 0 && gone) return tickets;
  const index = known < 0 ? tickets.filter((other) => other.issued_at <= ticket.issued_at).length : known;
  return [...tickets.slice(0, index), ...(gone ? [] : [ticket]), ...tickets.slice(known < 0 ? index : index + 1)];
}

function replaceById<T extends { id: string }>(items: readonly T[], values: readonly T[]): T[] {
  const byId = new Map(values.map((value) => [value.id, value]));
  return items.map((item) => byId.get(item.id) ?? item);
}

function mergeById<T extends { id: string }>(items: readonly T[], values: readonly ({ id: string } & Partial<T>)[]): T[] {
  const byId = new Map(values.map((value) => [value.id, value]));
  return items.map((item) => ({ ...item, ...byId.get(item.id) }));
}
