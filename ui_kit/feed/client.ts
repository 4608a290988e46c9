/** The thin shell around `FeedSession`: one WebSocket, a watch on silence, and reconnection with a jittered backoff. */
import type { Call } from "../api/types.ts";
import type { FeedMessage, FeedState } from "./messages.ts";
import { FeedSession } from "./session.ts";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** After a refusal (token, role, branch) asking again soon helps nobody. */
const REFUSED_RETRY_MS = 15_000;
const WATCH_MS = 1_000;
const REFUSALS = new Set([4401, 4403, 4404]);

export interface FeedRequest {
  view: "board" | "staff";
  branch: string;
  token: string;
  zone?: string | null;
  counter?: string | null;
}

export interface FeedListener {
  /** State or liveness changed; *fresh* holds calls that were made just now, oldest first. */
  onChange(fresh: Call[]): void;
  /** The server closed with 4401, 4403 or 4404. */
  onRefused?(code: number): void;
}

/** What the shell needs from the world; tests give their own. */
export interface FeedWorld {
  open(url: string): WebSocket;
  now(): number;
  random(): number;
}

const BROWSER: FeedWorld = {
  open: (url) => new WebSocket(url),
  now: () => performance.now(),
  random: () => Math.random(),
};

export class FeedClient<S extends FeedState> {
  readonly session = new FeedSession<S>();
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private failures = 0;
  private wasLive = false;

  constructor(
    private readonly pushUrl: () => Promise<string>,
    private readonly request: FeedRequest,
    private readonly listener: FeedListener,
    private readonly world: FeedWorld = BROWSER,
  ) {}

  start(): void {
    this.watch = setInterval(() => this.lookAtClock(), WATCH_MS);
    void this.connect();
  }

  stop(): void {
    clearInterval(this.watch);
    clearTimeout(this.retry);
    this.drop();
  }

  get isLive(): boolean {
    return this.session.isLive(this.world.now());
  }

  /** The server's wall clock as an epoch in ms; this machine's own until the server has been heard. */
  now(): number {
    return this.session.serverNow(this.world.now()) ?? Date.now();
  }

  private async connect(): Promise<void> {
    try {
      const base = await this.pushUrl();
      this.listenTo(this.world.open(feedUrl(base, this.request, this.session.connect(this.world.now()))));
    } catch {
      this.reconnectLater();
    }
  }

  private listenTo(socket: WebSocket): void {
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: this.request.token }));
    socket.onmessage = ({ data }) => this.take(String(data));
    socket.onclose = ({ code }) => {
      this.socket = null;
      if (REFUSALS.has(code)) this.listener.onRefused?.(code);
      this.reconnectLater(REFUSALS.has(code) ? REFUSED_RETRY_MS : this.backoff());
    };
  }

  private take(text: string): void {
    const outcome = this.session.receive(JSON.parse(text) as FeedMessage<S>, this.world.now());
    if (outcome.kind === "reconnect") {
      console.info(`feed: ${outcome.why}; connecting again`);
      this.drop();
      this.reconnectLater(this.backoff());
      return;
    }
    this.failures = 0;
    if (outcome.kind === "updated" || !this.wasLive) this.tell(outcome.kind === "updated" ? outcome.fresh : []);
  }

  private lookAtClock(): void {
    if (this.wasLive !== this.isLive) this.tell([]);
    if (this.socket && this.session.isDeaf(this.world.now())) {
      this.drop();
      this.reconnectLater(this.backoff());
    }
  }

  private tell(fresh: Call[]): void {
    this.wasLive = this.isLive;
    this.listener.onChange(fresh);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private backoff(): number {
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    this.failures += 1;
    return Math.max(FIRST_RETRY_MS, ceiling * (0.5 + this.world.random() / 2));
  }

  private reconnectLater(wait = this.backoff()): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(), wait);
  }
}

export function feedUrl(base: string, { view, branch, zone, counter }: FeedRequest, after: string | null): string {
  const query = new URLSearchParams({ view });
  if (after) query.set("after", after);
  if (zone) query.set("zone", zone);
  if (counter) query.set("counter", counter);
  return `${base.replace(/\/$/, "")}/v1/branches/${encodeURIComponent(branch)}/feed?${query}`;
}
