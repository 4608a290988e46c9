/** How long a customer has waited, been served and been parked: told by the server, and run on here from then. */
import type { Stage, Ticket } from "ui-kit/api/types.ts";

export interface Durations {
  served: number;
  parked: number;
}

// The stages of a ticket are the same object until the server tells of it again, whatever else is learnt of the ticket.
const toldAt = new WeakMap<readonly Stage[], number>();

/** In seconds at *now* (ms), over all stages of the visit. */
export function durations({ stages, state }: Ticket, now: number): Durations {
  const told = toldAt.get(stages) ?? now;
  toldAt.set(stages, told);
  const since = Math.max(0, now - told) / 1000;
  const sum = (of: "served_seconds" | "parked_seconds") => stages.reduce((total, stage) => total + (stage[of] ?? 0), 0);
  return { served: sum("served_seconds") + (state === "serving" ? since : 0), parked: sum("parked_seconds") + (state === "parked" ? since : 0) };
}

/** Where the visit is: the number of the present stage, of how many, and the service that comes next. */
export function visitOf({ stages }: Ticket): { index: number; total: number; next: string | null } {
  const finished = stages.filter(({ state }) => state === "finished").length;
  const index = Math.min(finished + 1, stages.length);
  return { index, total: stages.length, next: stages[index]?.service ?? null };
}
