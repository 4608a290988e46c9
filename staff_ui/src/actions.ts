/** What may be done at a counter in each of its states, and the key for it. The server decides; this only greys out. */
import type { CounterState } from "ui-kit/api/types.ts";

export type Action =
  | "next" | "start" | "finish" | "outcome" | "recall" | "no_show" | "transfer" | "requeue" | "park" | "park_service"
  | "serve" | "unpark" | "call_back" | "undo" | "help" | "pause" | "resume" | "close" | "announce" | "acknowledge";

export const ALLOWED: Record<CounterState, readonly Action[]> = {
  closed: [],
  open: ["next", "serve", "unpark", "call_back", "undo", "help", "pause", "close"],
  calling: ["start", "recall", "no_show", "transfer", "requeue", "undo", "help"],
  // Next carries the finish of the present ticket, as one command.
  serving: ["next", "finish", "outcome", "transfer", "requeue", "park", "park_service", "undo", "help"],
  paused: ["resume", "help", "close"],
};

/** What somebody who oversees the hall may do besides, whatever the counter does. */
export const OVERSEEING: readonly Action[] = ["announce", "acknowledge"];

export const KEYS: Record<Action, string> = {
  next: "N",
  start: "S",
  finish: "F",
  outcome: "O",
  recall: "R",
  no_show: "X",
  transfer: "T",
  requeue: "Q",
  park: "K",
  park_service: "L",
  serve: "D",
  unpark: "U",
  call_back: "B",
  undo: "Z",
  help: "H",
  pause: "P",
  resume: "P",
  close: "C",
  announce: "A",
  acknowledge: "G",
};

/** The action of a pressed key in a counter's state; pause and resume share theirs, for never are both allowed. */
export function actionOf(key: string, state: CounterState, more: readonly Action[] = []): Action | null {
  return [...ALLOWED[state], ...more].find((action) => KEYS[action] === key.toUpperCase()) ?? null;
}
