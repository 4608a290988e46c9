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

/**
 * A call stands while its counter still calls or serves that number; newest first, as the server orders them. The feed of a
 * zone tells of all calls of the hall: those to counters that this screen does not know are not for the people in front of it.
 */
export function arrangeCalls({ calls, counters }: BoardState): Calls {
  const byId = new Map(counters.map((counter) => [counter.id, counter]));
  const shown = calls.flatMap((call) => {
    const counter = byId.get(call.counter);
    return counter ? [{ ...call, counterNumber: String(counter.number), stands: stands(call, counter) }] : [];
  });
  return { current: shown.filter((call) => call.stands), recent: shown.filter((call) => !call.stands) };
}

/** The calls among *calls* that this screen should announce. */
export function callsFor(state: BoardState, calls: Call[]): Call[] {
  return calls.filter((call) => state.counters.some(({ id }) => id === call.counter));
}

function stands(call: Call, counter: BoardCounter): boolean {
  return BUSY.has(counter.state) && counter.ticket_number === call.number;
}
