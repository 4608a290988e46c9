import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { BoardState } from "../feed/messages.ts";
import type { Hall } from "../page/hall.ts";
import { renewPage } from "../page/renewal.ts";

const HOUR_MS = 3_600_000;
const MINUTES_MS = 60_000;
const PAGE = '<script src="./assets/index-1.js"></script><link href="./assets/index-1.css"><div id="page"></div>';
/** Three in the morning where the branch is: Hong Kong, eight hours ahead. */
const NIGHT = Date.UTC(2026, 10, 23, 19, 0);
const DAY = Date.UTC(2026, 10, 23, 3, 0);

const part = (own: Record<string, string>) => ({ getAttribute: (name: string) => own[name] ?? null });
let reloads: number;
let served: () => Promise<{ ok: boolean; text: () => Promise<string> }>;
let isIdle: boolean;
let isLive: ReturnType<typeof signal<boolean>>;

const serves = (html: string, ok = true) => async () => ({ ok, text: async () => html });

beforeEach(() => {
  vi.useFakeTimers();
  [reloads, served, isIdle, isLive] = [0, serves(PAGE), true, signal<boolean>(true)];
  vi.stubGlobal("location", { pathname: "/display/", reload: () => (reloads += 1) });
  vi.stubGlobal("document", { querySelectorAll: () => [part({ src: "./assets/index-1.js" }), part({ href: "./assets/index-1.css" })] });
  vi.stubGlobal("fetch", () => served());
  return () => { vi.useRealTimers(); vi.unstubAllGlobals(); };
});

/** A page that was opened *age* ms ago, watched until its next look. */
async function look(age: number, now: number): Promise<number> {
  vi.spyOn(performance, "now").mockReturnValue(age);
  const state = signal({ branch: { time_zone: "Asia/Hong_Kong" } } as BoardState);
  renewPage({ state, isLive, now: signal(now) } as unknown as Hall<BoardState>, () => isIdle);
  await vi.advanceTimersByTimeAsync(5 * MINUTES_MS);
  return reloads;
}

describe("a page starts anew", () => {
  it("at night, between three and four of the branch's clock", async () => {
    expect(await look(20 * HOUR_MS, NIGHT - 1)).toBe(0);
    vi.clearAllTimers();
    expect(await look(20 * HOUR_MS, NIGHT + HOUR_MS)).toBe(0);
    vi.clearAllTimers();
    expect(await look(20 * HOUR_MS, NIGHT + 59 * MINUTES_MS)).toBe(1);
  });

  it("once a night", async () => expect(await look(30 * MINUTES_MS, NIGHT + 59 * MINUTES_MS)).toBe(0));

  it("at any hour when the server has another build, be it of the styles only", async () => {
    served = serves(PAGE.replace("index-1.css", "index-2.css"));
    expect(await look(HOUR_MS, DAY)).toBe(1);
  });

  it("not during the day while the build is the same", async () => expect(await look(20 * HOUR_MS, DAY)).toBe(0));

  it("not while somebody uses it", async () => {
    isIdle = false;
    expect(await look(20 * HOUR_MS, NIGHT)).toBe(0);
  });

  it("not when somebody touches it while the page is read", async () => {
    served = async () => ({ ok: true, text: async () => { isIdle = false; return PAGE; } });
    expect(await look(20 * HOUR_MS, NIGHT)).toBe(0);
  });

  it("not while the link is lost", async () => {
    isLive.value = false;
    expect(await look(20 * HOUR_MS, NIGHT)).toBe(0);
  });

  it("not when the server does not give the page: failing, silent, or a proxy's own page", async () => {
    for (const answer of [serves(PAGE, false), serves("<h1>Please log in</h1>"), () => Promise.reject(new Error("lost"))]) {
      served = answer;
      expect(await look(20 * HOUR_MS, NIGHT)).toBe(0);
      vi.clearAllTimers();
    }
  });
});
