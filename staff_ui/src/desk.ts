/**
 * The seat at one counter: what it holds, and the commands given there.
 *
 * Never more than one command is in flight. A receipt is shown at once and until the feed has caught up with it, so that
 * a second press never acts on an old picture.
 */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { ApiClient } from "ui-kit/api/client.ts";
import { Problem } from "ui-kit/api/problems.ts";
import type { Counter, Receipt, Ticket } from "ui-kit/api/types.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall, Position } from "ui-kit/page/hall.ts";

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
  readonly counter: ReadonlySignal<Counter | null>;
  readonly ticket: ReadonlySignal<Ticket | null>;
  readonly reason = signal<Reason | null>(JSON.parse(sessionStorage.getItem(REASON_SLOT) ?? "null"));
  private readonly receipt = signal<Receipt | null>(null);

  constructor(
    private readonly api: ApiClient,
    hall: Hall<StaffState>,
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
  }

  sitAt(counterId: string | null): void {
    this.seat.value = counterId;
    if (counterId === null) sessionStorage.removeItem(SEAT_SLOT);
    else sessionStorage.setItem(SEAT_SLOT, counterId);
  }

  async open(counterId: string, takeOver: boolean): Promise<void> {
    if (await this.give(`/counters/${counterId}/open`, takeOver ? { take_over: true } : {})) this.sitAt(counterId);
  }

  async next(): Promise<void> {
    const receipt = await this.give(this.atCounter("call-next"), this.ticket.value ? { finish: {} } : {}, "call_next_unknown");
    if (receipt && !receipt.ticket) this.note.value = { say: "nobody_waiting" };
  }

  callBack(ticketId: string): Promise<Receipt | null> {
    return this.give(this.atCounter("call"), { ticket: ticketId }, "call_next_unknown");
  }

  /** A plain step; it names this counter, so that a ticket which has gone elsewhere meanwhile is left alone. */
  step(step: "recall" | "start" | "finish" | "no-show" | "requeue"): Promise<Receipt | null> {
    return this.onTicket(step, { counter: this.seat.value });
  }

  /** In a transfer `counter` is where the ticket goes. */
  transfer(to: { service: string } | { counter: string }): Promise<Receipt | null> {
    return this.onTicket("transfer", to);
  }

  onCounter(step: "pause" | "resume" | "close", body: object = {}): Promise<Receipt | null> {
    return this.give(this.atCounter(step), body);
  }

  async close(): Promise<void> {
    if (await this.onCounter("close")) this.sitAt(null);
  }

  private onTicket(step: string, body: object): Promise<Receipt | null> {
    const id = this.ticket.value?.ticket_id;
    return id ? this.give(`/tickets/${encodeURIComponent(id)}/${step}`, body) : Promise.resolve(null);
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
      const isUnknown = !(failure instanceof Problem) || failure.isPassing;
      this.note.value = isUnknown && whenUnknown ? { say: whenUnknown } : { failure };
      return null;
    } finally {
      this.isBusy.value = false;
    }
  }

  private take(receipt: Receipt): void {
    this.receipt.value = receipt;
    if (!receipt.routing || !receipt.ticket) return;
    this.reason.value = { ticket: receipt.ticket.ticket_id, text: receipt.routing.reason };
    sessionStorage.setItem(REASON_SLOT, JSON.stringify(this.reason.value));
  }
}

export function isAhead(receipt: Receipt | null, { day, seq }: Position): boolean {
  if (!receipt) return false;
  return receipt.day === day ? receipt.seq > seq : receipt.day > day;
}
