import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiClient, newKey, PATIENCE_MS } from "../api/client.ts";
import { Problem, problemText, Unreachable } from "../api/problems.ts";
import { Words } from "../page/words.ts";

interface Sent {
  url: string;
  key: string | undefined;
}

let sent: Sent[] = [];

/** Answer each request with the next of *answers*, the last one for ever; null never answers. */
function answering(...answers: ((() => Response) | null)[]): void {
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    sent.push({ url, key: (init.headers as Record<string, string>)["Idempotency-Key"] });
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    if (answer) return Promise.resolve(answer());
    return new Promise((_, reject) => init.signal!.addEventListener("abort", () => reject(new DOMException("timeout", "AbortError"))));
  });
}

const receipt = () => Response.json({ day: "2026-11-23", seq: 9 });
const problem = (status: number, code: string, headers = {}) => () => Response.json({ status, code, detail: `because of ${code}` }, { status, headers });
const api = new ApiClient("main", "secret");

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function outcome(command: Promise<unknown>): Promise<unknown> {
  const settled = command.catch((failure: unknown) => failure);
  await vi.advanceTimersByTimeAsync(2 * PATIENCE_MS);
  return settled;
}

describe("commands", () => {
  it("carry a key, a new one each time", async () => {
    answering(receipt);
    await api.command("/tickets", { service: "cash" });
    await api.command("/tickets", { service: "cash" });
    expect(sent[0]!.url).toBe("/v1/branches/main/tickets");
    expect(sent[0]!.key).toMatch(/^[0-9a-f]{32}$/);
    expect(sent[1]!.key).not.toBe(sent[0]!.key);
  });

  it("make their keys without crypto.randomUUID, which plain http does not have", () => {
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(7) });
    expect(newKey()).toBe("07".repeat(16));
  });

  it("repeat the same key after a time-out and a 503", async () => {
    answering(null, problem(503, "log_unavailable"), receipt);
    expect(await outcome(api.command("/tickets"))).toMatchObject({ seq: 9 });
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    expect(sent.length).toBe(3);
  });

  it("wait as long as the server asks", async () => {
    answering(problem(503, "log_unavailable", { "Retry-After": "3" }), receipt);
    const command = api.command("/tickets");
    await vi.advanceTimersByTimeAsync(2_900);
    expect(sent.length).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await command).toMatchObject({ seq: 9 });
  });

  it("stop repeating after 8 s", async () => {
    answering(null);
    let endedAt = 0;
    const command = api.command("/counters/c1/call-next").catch((failure: unknown) => failure).finally(() => (endedAt = performance.now()));
    const start = performance.now();
    expect(await outcome(command)).toBeInstanceOf(Unreachable);
    expect(endedAt - start).toBeLessThanOrEqual(PATIENCE_MS);
    expect(sent.length).toBeGreaterThan(1);
  });

  it("do not repeat what was refused", async () => {
    answering(problem(409, "counter_busy"));
    expect(await outcome(api.command("/counters/c1/call-next"))).toMatchObject({ code: "counter_busy", status: 409 });
    expect(sent.length).toBe(1);
  });

  it("survive an answer that is no JSON", async () => {
    answering(() => new Response("<h1>Bad gateway</h1>", { status: 500 }));
    expect(await outcome(api.command("/tickets"))).toMatchObject({ status: 500, code: "" });
  });
});

describe("problems", () => {
  const catalogues = { en: { "problem.unreachable": "No answer." }, "zh-Hant": { "problem.counter_busy": "櫃檯忙碌" } };
  const busy = new Problem(409, { code: "counter_busy", detail: "Counter 3 is calling A042." });

  it("say the server's own sentence in English", () => {
    expect(problemText(busy, new Words("en", catalogues))).toBe("Counter 3 is calling A042.");
  });

  it("say the catalogue's sentence elsewhere, and the server's where there is none", () => {
    expect(problemText(busy, new Words("zh-Hant", catalogues))).toBe("櫃檯忙碌");
    expect(problemText(new Problem(409, { code: "new_code", detail: "Something new." }), new Words("zh-Hant", catalogues))).toBe("Something new.");
  });

  it("say when nobody answered", () => {
    expect(problemText(new Unreachable(), new Words("en", catalogues))).toBe("No answer.");
  });
});
