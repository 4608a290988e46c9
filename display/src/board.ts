/** What the hall sees, computed from the board: which calls stand now, and which were before. */
import type { BoardCounter, Call } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";

export interface ShownCall extends Call {
  counterNumber: string;
}

export interface Calls {
  current: ShownCall[];
  recent: ShownCall[];
}

const BUSY = new Set(["calling", "serving"]);

/** A call stands while its counter still calls or serves that number; newest first, as the server orders them. */
export function arrangeCalls({ calls, counters }: BoardState): Calls {
  const byId = new Map(counters.map((counter) => [counter.id, counter]));
  const shown = calls
    .map((call) => ({ ...call, counterNumber: String(byId.get(call.counter)?.number ?? call.counter) }))
    .sort((a, b) => b.seq - a.seq);
  return {
    current: shown.filter((call) => stands(call, byId.get(call.counter))),
    recent: shown.filter((call) => !stands(call, byId.get(call.counter))),
  };
}

function stands(call: Call, counter: BoardCounter | undefined): boolean {
  return counter !== undefined && BUSY.has(counter.state) && counter.ticket_number === call.number;
}
