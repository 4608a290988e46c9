/**
 * One screen's conversation with the push feed, without any input or output.
 *
 * Messages and the time (monotonic ms) come in, what to do comes out. The guarantees: the state is always one that the
 * server had; a gap is never papered over (a `prev` that does not fit means reconnect); a call that is replayed after a
 * reconnection is told apart from a fresh one by the server's own clock, never by this machine's.
 */
import type { Call } from "../api/types.ts";
import type { Delta, FeedMessage, FeedState, Heartbeat, Snapshot } from "./messages.ts";
import { applyEvents, applyOutlook, callsOf } from "./reducer.ts";

/** A screen without a heartbeat for this long says that it is not live. */
export const LIVE_MS = 15_000;

export type Outcome =
  | { kind: "updated"; fresh: Call[] }
  | { kind: "quiet" }
  | { kind: "reconnect"; why: string };

const QUIET: Outcome = { kind: "quiet" };

export class FeedSession<S extends FeedState> {
  state: S | null = null;
  day = "";
  seq = 0;
  private epoch = "";
  private connectedAt = 0;
  private lastHeardAt = -Infinity;
  private isResumed = false;
  private misfits = 0;
  /** Server's wall clock minus our monotonic one; the largest seen, for a delay only ever makes it smaller. */
  private clockOffset: number | null = null;

  /** Begin a connection; gives the `after` to ask for, null for a snapshot. */
  connect(now: number): string | null {
    // A second misfit in a row: what we hold is not of the server's history, only a snapshot helps.
    if (this.misfits > 1) this.epoch = "";
    this.connectedAt = now;
    this.isResumed = this.epoch !== "" && this.state !== null;
    return this.isResumed ? `${this.epoch}:${this.day}:${this.seq}` : null;
  }

  receive(message: FeedMessage<S>, now: number): Outcome {
    switch (message.type) {
      case "snapshot":
        return this.takeSnapshot(message, now);
      case "delta":
        return this.takeDelta(message);
      case "heartbeat":
        return this.takeHeartbeat(message, now);
      case "outlook":
        this.learnClock(message.at, now);
        if (this.state) this.state = applyOutlook(this.state, message);
        return { kind: "updated", fresh: [] };
      default:
        return QUIET; // A newer server may say more than we know.
    }
  }

  isLive(now: number): boolean {
    return this.state !== null && this.silence(now) <= LIVE_MS;
  }

  /** How long ago the picture was last known to be true, in ms. */
  silence(now: number): number {
    return now - this.lastHeardAt;
  }

  /** True when an open connection has been silent for so long that it must be deaf. */
  isDeaf(now: number): boolean {
    return now - Math.max(this.lastHeardAt, this.connectedAt) > LIVE_MS;
  }

  /** The server's clock as an epoch in ms, null until it has been heard. */
  serverNow(now: number): number | null {
    return this.clockOffset === null ? null : now + this.clockOffset;
  }

  private takeSnapshot({ epoch, day, seq, state }: Snapshot<S>, now: number): Outcome {
    Object.assign(this, { epoch, day, seq, state });
    this.lastHeardAt = now;
    this.isResumed = false;
    this.misfits = 0;
    return { kind: "updated", fresh: [] };
  }

  private takeDelta({ day, prev, seq, events }: Delta): Outcome {
    if (this.state === null || !this.fits(day, prev)) return this.misfit(day, prev);
    this.state = applyEvents(this.state, events);
    this.seq = seq;
    this.misfits = 0;
    return { kind: "updated", fresh: callsOf(events.filter((event) => this.isFresh(event.at))) };
  }

  private takeHeartbeat({ day, prev, at }: Heartbeat, now: number): Outcome {
    this.learnClock(at, now);
    if (this.state === null) return QUIET;
    if (!this.fits(day, prev)) return this.misfit(day, prev);
    this.lastHeardAt = now;
    this.isResumed = false; // Nothing is missing: whatever comes now is news.
    this.misfits = 0;
    return QUIET;
  }

  private fits(day: string, prev: number): boolean {
    return day === this.day && prev === this.seq;
  }

  private misfit(day: string, prev: number): Outcome {
    this.misfits += 1;
    return { kind: "reconnect", why: `this screen holds ${this.day}:${this.seq}, the server follows on ${day}:${prev}` };
  }

  private isFresh(at: string): boolean {
    if (!this.isResumed) return true;
    const connectedAt = this.serverNow(this.connectedAt);
    return connectedAt !== null && Date.parse(at) >= connectedAt;
  }

  private learnClock(at: string, now: number): void {
    const offset = Date.parse(at) - now;
    if (Number.isNaN(offset)) return;
    // Forgetting 2 ms a message follows a drifting clock; one that was set back is believed at once.
    const isStepped = this.clockOffset !== null && this.clockOffset - offset > LIVE_MS;
    this.clockOffset = this.clockOffset === null || isStepped ? offset : Math.max(this.clockOffset - 2, offset);
  }
}
