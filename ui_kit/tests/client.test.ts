import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FeedClient, feedUrl, type FeedWorld } from "../feed/client.ts";
import type { BoardState } from "../feed/messages.ts";

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: string[] = [];
  isClosed = false;

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const STATE: BoardState = { branch: { id: "main", name: {}, languages: [], time_zone: "UTC" }, counters: [], calls: [], notices: [], services: [] };
const SNAPSHOT = { type: "snapshot", epoch: "e", day: "2026-11-23", seq: 3, state: STATE };
const REQUEST = { view: "board", branch: "main", token: "secret", zone: "vip" } as const;

let sockets: FakeSocket[] = [];
let refused: number[] = [];
let changes = 0;
let client: FeedClient<BoardState>;

function world(random: number): FeedWorld {
  const open = (url: string) => {
    sockets.push(new FakeSocket(url));
    return sockets[sockets.length - 1] as unknown as WebSocket;
  };
  return { open, now: () => performance.now(), random: () => random };
}

async function begin(random = 1): Promise<FakeSocket> {
  client = new FeedClient<BoardState>(async () => "ws://hall:8081/", REQUEST, { onChange: () => (changes += 1), onRefused: (code) => refused.push(code) }, world(random));
  client.start();
  await vi.advanceTimersByTimeAsync(0);
  return sockets[0]!;
}

beforeEach(() => {
  vi.useFakeTimers();
  [sockets, refused, changes] = [[], [], 0];
});

afterEach(() => {
  client?.stop();
  vi.useRealTimers();
});

describe("feed client", () => {
  it("never puts the token into the address; it is the first message", async () => {
    const socket = await begin();
    socket.onopen!();
    expect(socket.url).toBe("ws://hall:8081/v1/branches/main/feed?view=board&zone=vip");
    expect(socket.sent).toEqual([JSON.stringify({ type: "auth", token: "secret" })]);
  });

  it("writes the place to resume from into the address", () => {
    expect(feedUrl("wss://x", { view: "staff", branch: "a b", token: "" }, "e:2026-11-23:7")).toBe("wss://x/v1/branches/a%20b/feed?view=staff&after=e%3A2026-11-23%3A7");
  });

  it("backs off from 0.25 to 5 s with jitter while nothing answers", async () => {
    await begin(0);
    const gaps: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const before = performance.now();
      sockets[attempt]!.onclose!({ code: 1006 });
      while (sockets.length === attempt + 1) await vi.advanceTimersByTimeAsync(10);
      gaps.push(performance.now() - before);
    }
    expect(gaps).toEqual([250, 250, 500, 1_000, 2_000, 2_500, 2_500, 2_500]);
  });

  it("starts the backoff anew once it has been answered", async () => {
    await begin();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      sockets[attempt]!.onclose!({ code: 1006 });
      await vi.advanceTimersByTimeAsync(5_000);
    }
    sockets[5]!.say(SNAPSHOT);
    sockets[5]!.onclose!({ code: 1012 });
    await vi.advanceTimersByTimeAsync(250);
    expect(sockets.length).toBe(7);
    expect(sockets[6]!.url).toContain("after=e%3A2026-11-23%3A3");
  });

  it("closes and connects again on a misfit", async () => {
    const socket = await begin();
    socket.say(SNAPSHOT);
    socket.say({ type: "delta", day: "2026-11-23", prev: 4, seq: 5, events: [] });
    expect(socket.isClosed).toBe(true);
    await vi.advanceTimersByTimeAsync(250);
    expect(sockets.length).toBe(2);
  });

  it("gives up a silent connection, keeps the picture and says that it is not live", async () => {
    const socket = await begin();
    socket.say(SNAPSHOT);
    expect(client.isLive).toBe(true);
    const before = changes;
    await vi.advanceTimersByTimeAsync(17_000);
    expect(client.isLive).toBe(false);
    expect(changes).toBe(before + 1);
    expect(client.session.state).toEqual(STATE);
    expect(socket.isClosed).toBe(true);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("tells of a refusal and asks again later", async () => {
    const socket = await begin();
    socket.onclose!({ code: 4401 });
    expect(refused).toEqual([4401]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sockets.length).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sockets.length).toBe(2);
  });
});
