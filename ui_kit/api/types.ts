/** The forms of the HTTP interface and the feed, as the server publishes them. Instants are RFC 3339 in UTC. */

/** A name in each language of the branch. */
export type Names = Record<string, string>;

export interface Branch {
  id: string;
  name: Names;
  languages: string[];
  time_zone: string;
}

export type CounterState = "closed" | "open" | "calling" | "serving" | "paused";
export type TicketState = "waiting" | "called" | "serving" | "parked" | "no_show" | "finished" | "cancelled" | "expired";

/** How long it may take from now, in seconds; null when nothing can be said. */
export interface Range {
  ahead: number | null;
  p50_seconds: number | null;
  p90_seconds: number | null;
}

export interface Service extends Range {
  id: string;
  name: Names;
  open: boolean;
  reason: string | null;
  until: string | null;
  waiting: number;
}

/** A counter as the hall sees it. */
export interface BoardCounter {
  id: string;
  number: string | number;
  zone: string | null;
  state: CounterState;
  ticket_number: string | null;
  since: string | null;
}

/** A counter as staff see it. */
export interface Counter {
  id: string;
  number: string | number;
  zone: string | null;
  state: CounterState;
  profile: string | null;
  staff: string | null;
  ticket: string | null;
  parked: string[];
  reason: string | null;
  since: string | null;
  /** A call for help to which nobody has seen yet. */
  help: { since: string; reason: string | null } | null;
  /** The elastic rule that gave the counter its present profile. */
  switched_by: string | null;
}

/** An announcement, shown until `until`; `text` is null for a note, whose words are read under `announcement`. */
export interface Notice {
  seq: number;
  at: string;
  until: string;
  announcement: string;
  template: string | null;
  text: Names | null;
  zone: string | null;
}

export interface Call {
  seq: number;
  at: string;
  number: string;
  counter: string;
  recalls: number;
  ticket_id?: string;
}

/** One step of a ticket's journey: a service to be given, how far it has come, and where its time went. */
export interface Stage {
  service: string;
  state: TicketState | "to_come";
  waited_seconds: number;
  served_seconds: number;
  parked_seconds: number;
  outcome: string | null;
}

export interface Ticket extends Range {
  ticket_id: string;
  number: string;
  service: string;
  tier: string;
  care: string | null;
  state: TicketState;
  counter: string | null;
  zone: string | null;
  staff: string | null;
  park_kind: "counter" | "service" | null;
  channel: string | null;
  language: string | null;
  arrived_at: string;
  place_at: string;
  issued_at: string;
  due_at: string;
  waited_seconds: number;
  called_at: string | null;
  serving_at: string | null;
  ended_at: string | null;
  recalls: number;
  stages: Stage[];
  /** The arrival rule that set what the request left open. */
  classified_by: string | null;
  /** Share of the promise that is used up; only in an outlook. */
  share?: number | null;
}

export interface Routing {
  policy: string;
  rule: string;
  reason: string;
  waiting: number;
  overtook: { count: number; first: string[] };
}

export interface Receipt {
  day: string;
  seq: number;
  ticket?: Ticket | null;
  counter?: Counter;
  routing?: Routing | null;
  finished?: Ticket | null;
}
