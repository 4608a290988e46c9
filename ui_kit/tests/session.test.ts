import { describe, expect, it } from "vitest";
import type { BoardState, Delta, Heartbeat, Snapshot } from "../feed/messages.ts";
import { FeedSession, LIVE_MS } from "../feed/session.ts";

const DAY = "2026-11-23";
const START = Date.parse("2026-11-23T01:00:00.000Z");
const at = (ms: number) => new Date(START + ms).toISOString();

const EMPTY: BoardState = { branch: { id: "main", name: {}, languages: [], time_zone: "UTC" }, counters: [], calls: [], notices: [], services: [] };
const snapshot = (seq: number): Snapshot<BoardState> => ({ type: "snapshot", epoch: "e", day: DAY, seq, state: EMPTY });
const heartbeat = (prev: number, ms: number, day = DAY): Heartbeat => ({ type: "heartbeat", day, seq: prev, prev, at: at(ms) });
const called = (prev: number, ms: number, number = "A001"): Delta => ({
  type: "delta", day: DAY, prev, seq: prev + 1,
  events: [{ seq: prev + 1, at: at(ms), name: "TicketCalled", call: { seq: prev + 1, at: at(ms), number, counter: "c1", recalls: 0 } }],
});

/** A session whose monotonic clock reads the same ms as the server's since START. */
function live(seq = 5): FeedSession<BoardState> {
  const session = new FeedSession<BoardState>();
  expect(session.connect(0)).toBeNull();
  session.receive(snapshot(seq), 0);
  session.receive(heartbeat(seq, 100), 100);
  return session;
}

describe("feed session", () => {
  it("asks for a snapshot first and resumes from where it stands afterwards", () => {
    const session = live(5);
    session.receive(called(5, 200), 200);
    expect(session.connect(1_000)).toBe(`e:${DAY}:6`);
  });

  it("tells of a fresh call", () => {
    expect(live().receive(called(5, 200), 200)).toMatchObject({ kind: "updated", fresh: [{ number: "A001" }] });
  });

  it("reconnects when a delta does not follow on, and changes nothing", () => {
    const session = live(5);
    expect(session.receive(called(6, 200), 200).kind).toBe("reconnect");
    expect(session.state!.calls).toEqual([]);
    expect(session.connect(300)).toBe(`e:${DAY}:5`);
  });

  it("reconnects when a heartbeat shows that something is missing, or that the day is another", () => {
    expect(live(5).receive(heartbeat(6, 200), 200).kind).toBe("reconnect");
    expect(live(5).receive(heartbeat(5, 200, "2026-11-24"), 200).kind).toBe("reconnect");
  });

  it("asks for a snapshot when a resumed feed does not fit either", () => {
    const session = live(5);
    session.receive(called(8, 200), 200);
    expect(session.connect(300)).not.toBeNull();
    session.receive(called(8, 400), 400);
    expect(session.connect(500)).toBeNull();
  });

  it("keeps its place through any number of connections that fail", () => {
    const session = live(5);
    for (let attempt = 0; attempt < 9; attempt += 1) expect(session.connect(attempt)).toBe(`e:${DAY}:5`);
  });

  it("takes replayed calls silently, by the server's clock", () => {
    const session = live(5);
    session.connect(10_000);
    expect(session.receive(called(5, 4_000), 10_050)).toMatchObject({ kind: "updated", fresh: [] });
    expect(session.receive(called(6, 10_200, "A002"), 10_250)).toMatchObject({ kind: "updated", fresh: [{ number: "A002" }] });
    expect(session.state!.calls.map(({ number }) => number)).toEqual(["A002", "A001"]);
  });

  it("tells of every call again once a heartbeat has said that nothing is missing", () => {
    const session = live(5);
    session.connect(10_000);
    session.receive(heartbeat(5, 10_050), 10_050);
    expect(session.receive(called(5, 4_000), 10_100)).toMatchObject({ fresh: [{ number: "A001" }] });
  });

  it("is live for 15 s after a heartbeat and not longer", () => {
    const session = live();
    expect(session.isLive(100 + LIVE_MS)).toBe(true);
    expect(session.isLive(101 + LIVE_MS)).toBe(false);
    session.receive(heartbeat(5, 20_000), 20_000);
    expect(session.isLive(20_001)).toBe(true);
  });

  it("is not live before it has a picture", () => {
    const session = new FeedSession<BoardState>();
    session.connect(0);
    session.receive(heartbeat(5, 10), 10);
    expect(session.isLive(11)).toBe(false);
  });

  it("finds a silent connection deaf, counted from when it was opened", () => {
    const session = live();
    session.connect(60_000);
    expect(session.isDeaf(60_000 + LIVE_MS)).toBe(false);
    expect(session.isDeaf(60_001 + LIVE_MS)).toBe(true);
  });

  it("follows the server's clock whatever this machine's says", () => {
    expect(live().serverNow(5_000)).toBe(START + 5_000);
  });

  it("replaces everything by a snapshot", () => {
    const session = live(5);
    session.receive(called(5, 200), 200);
    session.receive({ ...snapshot(1), day: "2026-11-24" }, 300);
    expect(session.state).toEqual(EMPTY);
    expect(session.connect(400)).toBe("e:2026-11-24:1");
  });

  it("lets an outlook change what time changes, and nothing else", () => {
    const session = new FeedSession<BoardState>();
    session.connect(0);
    const service = { id: "cash", name: {}, open: true, reason: null, until: null, waiting: 3, ahead: 3, p50_seconds: 60, p90_seconds: 120 };
    session.receive({ ...snapshot(5), state: { ...EMPTY, services: [service] } }, 0);
    session.receive({ type: "outlook", at: at(10), services: [{ id: "cash", ahead: 2, p50_seconds: 30, p90_seconds: 90, open: false, reason: "hours", until: null }] }, 10);
    expect(session.state!.services).toEqual([{ ...service, ahead: 2, p50_seconds: 30, p90_seconds: 90, open: false, reason: "hours" }]);
    expect(session.seq).toBe(5);
  });
});
