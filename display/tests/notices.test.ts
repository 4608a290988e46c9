import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Notice } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import { followNotices, inTurn, standing } from "../src/notices.ts";

const START = Date.parse("2026-11-23T09:00:00.000Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();
const notice = (seq: number, more: Partial<Notice> = {}): Notice => ({ seq, at: at(seq), until: at(seq + 300), announcement: `n${seq}`, template: null, text: null, zone: null, ...more });
const board = (notices: Notice[], zone = "hall") => ({ notices, counters: [{ id: "1", zone }] }) as unknown as BoardState;
const seqs = (notices: Notice[]) => notices.map(({ seq }) => seq);

describe("the notices of a screen", () => {
  it("stand until their time is over", () => {
    const state = board([notice(2), notice(1)]);
    expect(seqs(standing(state, START + 301_500))).toEqual([2]);
    expect(standing(state, START + 302_000)).toEqual([]);
  });

  it("are those to the hall and to the zones of its counters", () => {
    const notices = [notice(3, { zone: "vip" }), notice(2, { zone: "hall" }), notice(1)];
    expect(seqs(standing(board(notices), START))).toEqual([2, 1]);
    expect(seqs(standing(board(notices, "vip"), START))).toEqual([3, 1]);
  });

  it("take turns, and a new one is shown at once", () => {
    const notices = [notice(10), notice(4), notice(1)];
    const shown = [10, 21, 22, 34, 46].map((second) => inTurn(notices, START + second * 1000, 12_000)?.seq);
    expect(shown).toEqual([10, 10, 4, 1, 10]);
    expect(inTurn([], START, 12_000)).toBeUndefined();
  });
});

describe("the words of a note", () => {
  const state = signal<BoardState | null>(null);
  const hall = { state, now: signal(START + 1_000) } as unknown as Hall<BoardState>;
  let answers: Response[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    state.value = null;
    vi.stubGlobal("fetch", async () => answers.shift() ?? Promise.reject(new Error("no answer")));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const said = (text: string) => new Response(JSON.stringify({ day: "", seq: 1, announcement: { id: "n1", text } }));

  it("are read at once, stay without an answer, and go when they are deleted", async () => {
    answers = [said("A wallet was found.")];
    let chimes = 0;
    const notes = followNotices(hall, "main", "secret", () => (chimes += 1));
    state.value = board([notice(1)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(notes.value).toEqual({ n1: "A wallet was found." });
    expect(chimes).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(notes.value).toEqual({ n1: "A wallet was found." });
    answers = [new Response("", { status: 404 })];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(notes.value).toEqual({ n1: null });
  });

  it("of a notice given long ago are shown without a chime", async () => {
    answers = [said("An old one.")];
    let chimes = 0;
    const notes = followNotices({ ...hall, now: signal(START + 60_000) }, "main", "secret", () => (chimes += 1));
    state.value = board([notice(1)]);
    await vi.advanceTimersByTimeAsync(0);
    expect([notes.value.n1, chimes]).toEqual(["An old one.", 0]);
  });
});
