/** What travels on the push feed. */
import type { BoardCounter, Branch, Call, Counter, Notice, Range, Service, Ticket } from "../api/types.ts";

export interface BoardState {
  branch: Branch;
  counters: BoardCounter[];
  calls: Call[];
  notices: Notice[];
  services: Service[];
}

export interface StaffState {
  branch: Branch;
  tickets: Ticket[];
  counters: Counter[];
  calls: Call[];
  notices: Notice[];
  services: Service[];
}

export type FeedState = BoardState | StaffState;

export interface FeedEvent {
  seq: number;
  at: string;
  name: string;
  counter?: BoardCounter | Counter;
  call?: Call;
  /** The number whose call has been taken back. */
  withdrawn?: string;
  notice?: Notice;
  services?: { id: string; waiting: number }[];
  ticket?: Ticket;
  actor?: string | null;
}

export interface Snapshot<S> {
  type: "snapshot";
  epoch: string;
  day: string;
  seq: number;
  state: S;
}

export interface Delta {
  type: "delta";
  day: string;
  prev: number;
  seq: number;
  events: FeedEvent[];
}

export interface Outlook {
  type: "outlook";
  at: string;
  services: ({ id: string } & Range & Partial<Pick<Service, "open" | "reason" | "until">>)[];
  tickets?: Record<string, Partial<Range> & { waited_seconds?: number; share?: number | null }>;
}

export interface Heartbeat {
  type: "heartbeat";
  day: string;
  seq: number;
  prev: number;
  at: string;
}

export type FeedMessage<S> = Snapshot<S> | Delta | Outlook | Heartbeat;
