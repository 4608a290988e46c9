/**
 * The seat at one counter: what it holds, and the commands given there.
 *
 * Never more than one command is in flight. A receipt is shown at once and until the feed has caught up with it, so that
 * a second press never acts on an old picture.
 */
import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import type { ApiClient } from "ui-kit/api/client.ts";
import { Problem } from "ui-kit/api/problems.ts";
import type { Counter, Receipt, Ticket } from "ui-kit/api/types.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall, Position } from "ui-kit/page/hall.ts";
import { type Offer, offerOf, type Step } from "./offer.ts";

/** A sentence for the clerk: a failure to be worded, or the key of a message. */
export type Note = { failure: unknown } | { say: string };

interface Reason {
  ticket: string;
  text: string;
}

const SEAT_SLOT = "queue-seat";
const REASON_SLOT = "queue-reason";

export class Desk {
  readonly seat = signal<string | null>(sessionStorage.getItem(SEAT_SLOT));
  readonly isBusy = signal(false);
  readonly note = signal<Note | null>(null);
  /** What can be taken back; ask `secondsLeft` whether it still can. */
  readonly offer = signal<Offer | null>(null);
  readonly counter: ReadonlySignal<Counter | null>;
  readonly ticket: ReadonlySignal<Ticket | null>;
  readonly reason = signal<Reason | null>(JSON.parse(sessionStorage.getItem(REASON_SLOT) ?? "null"));
  private helpHeld: string | null = null;
  private readonly receipt = signal<Receipt | null>(null);

  constructor(
    private readonly api: ApiClient,
    private readonly hall: Hall<StaffState>,
    private readonly undoSeconds: ReadonlySignal<number> = signal(30),
  ) {
    const latest = computed(() => (isAhead(this.receipt.value, hall.position.value) ? this.receipt.value : null));
    this.counter = computed(() => {
      const told = latest.value?.counter;
      if (told?.id === this.seat.value) return told ?? null;
      return hall.state.value?.counters.find(({ id }) => id === this.seat.value) ?? null;
    });
    this.ticket = computed(() => {
      const id = this.counter.value?.ticket;
      if (!id) return null;
      const told = latest.value?.ticket;
      return told?.ticket_id === id ? told : hall.state.value?.tickets.find(({ ticket_id }) => ticket_id === id) ?? null;
    });
    this.watchHelp();
  }

  sitAt(counterId: string | null): void {
    this.seat.value = counterId;
    if (counterId === null) sessionStorage.removeItem(SEAT_SLOT);
    else sessionStorage.setItem(SEAT_SLOT, counterId);
  }

  async open(counterId: string, takeOver: boolean): Promise<void> {
    const receipt = await this.give(`/counters/${encodeURIComponent(counterId)}/open`, takeOver ? { take_over: true } : {});
    if (!receipt) return;
    this.sitAt(counterId);
    this.take(receipt);
  }

  async next(): Promise<void> {
    const before = this.ticket.value;
    const receipt = await this.give(this.atCounter("call-next"), before ? { finish: {} } : {}, "call_next_unknown");
    if (!receipt) return;
    this.offer.value = this.offerFor("call", before, receipt);
    if (!receipt.ticket) this.note.value = { say: "nobody_waiting" };
  }

  async callBack(ticketId: string): Promise<void> {
    const receipt = await this.give(this.atCounter("call"), { ticket: ticketId }, "call_next_unknown");
    if (receipt) this.offer.value = this.offerFor("call", null, receipt);
  }

  /** A plain step; it names this counter, so that a ticket which has gone elsewhere meanwhile is left alone. */
  step(step: "recall" | "start" | "finish" | "no-show" | "requeue", more: object = {}): Promise<void> {
    return this.onTicket(step, { counter: this.seat.value, ...more });
  }

  /** In a transfer `counter` is where the ticket goes. */
  transfer(to: { service: string } | { counter: string }): Promise<void> {
    return this.onTicket("transfer", to);
  }

  /** Put the customer aside: this counter keeps them, or any of the service may take them up. */
  park(kind: "counter" | "service"): Promise<void> {
    return this.onTicket("park", { kind, counter: this.seat.value });
  }

  async unpark(ticketId: string): Promise<void> {
    if (await this.give(stepOf(ticketId, "unpark"), { counter: this.seat.value })) this.offer.value = null;
  }

  /** Take the last step back, as long as it is offered. */
  async undo(): Promise<void> {
    const offer = this.offer.value;
    if (!offer) return;
    const receipt = await this.give(stepOf(offer.ticket, "undo"), { counter: this.seat.value });
    // Refused, it would be refused again; without an answer it may be tried again.
    if (receipt || isRefusal(this.note.value)) this.offer.value = null;
  }

  async serve(service: string): Promise<void> {
    if (await this.give(this.atCounter("serve"), { service })) this.offer.value = null;
  }

  async onCounter(step: "pause" | "resume" | "close", body: object = {}): Promise<boolean> {
    const receipt = await this.give(this.atCounter(step), body);
    if (receipt) this.offer.value = null;
    return receipt !== null;
  }

  callForHelp(reason: string): Promise<unknown> {
    return this.give(this.atCounter("help"), { reason });
  }

  /** Somebody sees to it, or it is not needed any more. */
  acknowledgeHelp(counterId: string): Promise<unknown> {
    if (counterId === this.seat.value) this.helpHeld = null;
    return this.give(`/counters/${encodeURIComponent(counterId)}/help/acknowledge`, {});
  }

  async announce(notice: { template: string } | { note: string }, zone: string | null): Promise<void> {
    const receipt = await this.give("/announcements", zone ? { ...notice, zone } : notice);
    if (receipt) this.note.value = { say: "announced" };
  }

  async close(): Promise<void> {
    if (await this.onCounter("close")) this.sitAt(null);
  }

  private async onTicket(step: Step | "recall" | "requeue", body: object): Promise<void> {
    const ticket = this.ticket.value;
    const receipt = ticket && (await this.give(stepOf(ticket.ticket_id, step), body));
    if (receipt) this.offer.value = step === "recall" || step === "requeue" ? null : this.offerFor(step, ticket, receipt);
  }

  private offerFor(step: Step, before: Ticket | null, receipt: Receipt): Offer | null {
    return offerOf(step, before, receipt, this.hall.now.value + this.undoSeconds.value * 1000);
  }

  private atCounter(step: string): string {
    return `/counters/${encodeURIComponent(this.seat.value ?? "")}/${step}`;
  }

  private async give(path: string, body: object, whenUnknown?: string): Promise<Receipt | null> {
    if (this.isBusy.value) return null;
    this.isBusy.value = true;
    this.note.value = null;
    try {
      const receipt = await this.api.command(path, body);
      this.take(receipt);
      return receipt;
    } catch (failure) {
      const note = { failure };
      this.note.value = whenUnknown && !isRefusal(note) ? { say: whenUnknown } : note;
      return null;
    } finally {
      this.isBusy.value = false;
    }
  }

  /** A call for help that ended by somebody else's hand: the clerk is told that somebody is coming. */
  private watchHelp(): void {
    effect(() => {
      const counter = this.counter.value;
      const held = counter?.help ? counter.id : null;
      if (this.helpHeld && !held && this.helpHeld === counter?.id) this.note.value = { say: "help_coming" };
      this.helpHeld = held;
    });
  }

  private take(receipt: Receipt): void {
    // What was done elsewhere says nothing of this counter, and must not hide what does.
    if (receipt.counter && receipt.counter.id !== this.seat.value) return;
    if (receipt.counter || receipt.ticket) this.receipt.value = receipt;
    if (!receipt.routing || !receipt.ticket) return;
    this.reason.value = { ticket: receipt.ticket.ticket_id, text: receipt.routing.reason };
    sessionStorage.setItem(REASON_SLOT, JSON.stringify(this.reason.value));
  }
}

/** Whether the server has said no; anything else leaves open what has happened. */
function isRefusal(note: Note | null): boolean {
  return note !== null && "failure" in note && note.failure instanceof Problem && !note.failure.isPassing;
}

function stepOf(ticketId: string, step: string): string {
  return `/tickets/${encodeURIComponent(ticketId)}/${step}`;
}

export function isAhead(receipt: Receipt | null, { day, seq }: Position): boolean {
  if (!receipt) return false;
  return receipt.day === day ? receipt.seq > seq : receipt.day > day;
}
