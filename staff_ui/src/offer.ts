/** The last step at this counter, for as long as it can be taken back. */
import type { Receipt, Ticket } from "ui-kit/api/types.ts";

export type Step = "call" | "start" | "finish" | "no-show" | "park" | "transfer";

export interface Offer {
  /** The ticket whose step is taken back; a call that came with its finish goes with it. */
  ticket: string;
  /** Key of the sentence that says what was done, with the numbers in it. */
  say: string;
  number: string;
  also: string;
  /** Epoch in ms. */
  until: number;
}

/** What can be taken back after *step* on *before* was answered with *receipt*; null when there is nothing. */
export function offerOf(step: Step, before: Ticket | null, receipt: Receipt, until: number): Offer | null {
  const called = step === "call" ? receipt.ticket : null;
  const ticket = before ?? called;
  if (!ticket) return null;
  const say = before && called ? "done.finish_call" : step === "call" && before ? "done.finish" : `done.${step}`;
  return { ticket: ticket.ticket_id, say, number: ticket.number, also: called?.number ?? "", until };
}

/** Whole seconds left at *now*; 0 when it is too late. */
export function secondsLeft(offer: Offer | null, now: number): number {
  return offer ? Math.max(0, Math.ceil((offer.until - now) / 1000)) : 0;
}
