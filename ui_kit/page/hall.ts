/** The feed of a page as signals: what is known, whether it is live, and since when not. */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Call } from "../api/types.ts";
import { FeedClient, type FeedRequest } from "../feed/client.ts";
import type { FeedState } from "../feed/messages.ts";
import { pushUrl } from "./address.ts";

export interface Position {
  day: string;
  seq: number;
}

export interface Hall<S extends FeedState> {
  state: ReadonlySignal<S | null>;
  position: ReadonlySignal<Position>;
  isLive: ReadonlySignal<boolean>;
  /** When the picture was last known to be true, an epoch in ms; null before the first one. */
  lastLiveAt: ReadonlySignal<number | null>;
  /** The close code of a refusal, null when there is none. */
  refusal: ReadonlySignal<number | null>;
  /** The server's clock, moved on every second. */
  now: ReadonlySignal<number>;
}

export function followHall<S extends FeedState>(request: FeedRequest, onFresh: (calls: Call[]) => void = () => {}): Hall<S> {
  const state = signal<S | null>(null);
  const position = signal<Position>({ day: "", seq: 0 });
  const isLive = signal(false);
  const lastLiveAt = signal<number | null>(null);
  const refusal = signal<number | null>(null);
  const now = signal(Date.now());

  const client = new FeedClient<S>(pushUrl, request, {
    onChange(fresh) {
      state.value = client.session.state;
      position.value = { day: client.session.day, seq: client.session.seq };
      isLive.value = client.isLive;
      if (client.isLive) refusal.value = null;
      if (fresh.length > 0) onFresh(fresh);
    },
    onRefused: (code) => (refusal.value = code),
  });
  const tick = () => {
    now.value = client.now();
    if (client.isLive) lastLiveAt.value = client.now() - client.session.silence(performance.now());
  };
  setInterval(tick, 1_000);
  client.start();
  return { state, position, isLive, lastLiveAt, refusal, now };
}
