/** What may be done at a counter in each of its states, and the key for it. The server decides; this only greys out. */
import type { CounterState } from "ui-kit/api/types.ts";

export type Action = "next" | "start" | "finish" | "recall" | "no_show" | "transfer" | "requeue" | "pause" | "resume" | "close";

export const ALLOWED: Record<CounterState, readonly Action[]> = {
  closed: [],
  open: ["next", "pause", "close"],
  calling: ["start", "recall", "no_show", "transfer", "requeue"],
  // Next carries the finish of the present ticket, as one command.
  serving: ["next", "finish", "transfer", "requeue"],
  paused: ["resume", "close"],
};

export const KEYS: Record<Action, string> = {
  next: "N",
  start: "S",
  finish: "F",
  recall: "R",
  no_show: "X",
  transfer: "T",
  requeue: "Q",
  pause: "P",
  resume: "P",
  close: "C",
};

/** The action of a pressed key in a counter's state; pause and resume share theirs, for never are both allowed. */
export function actionOf(key: string, state: CounterState): Action | null {
  return ALLOWED[state].find((action) => KEYS[action] === key.toUpperCase()) ?? null;
}
