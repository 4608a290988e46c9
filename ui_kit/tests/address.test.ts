import { beforeEach, describe, expect, it, vi } from "vitest";

let answer: (signal: AbortSignal) => Promise<unknown>;
let pushUrl: () => Promise<string>;

const says = (body: object, ok = true) => async () => ({ ok, status: ok ? 200 : 502, json: async () => body });
/** A half-dead link: it never answers, it can only be given up. */
const silent = (signal: AbortSignal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  vi.stubGlobal("location", { protocol: "http:", hostname: "hall" });
  vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => answer(signal));
  ({ pushUrl } = await import("../page/address.ts"));
  return () => { vi.useRealTimers(); vi.unstubAllGlobals(); };
});

describe("where the push feed is", () => {
  it("is as the server says", async () => {
    answer = says({ push_port: 8081, push_url: null });
    expect(await pushUrl()).toBe("ws://hall:8081");
    answer = says({ push_port: 8081, push_url: "wss://feed.bank" });
    expect(await pushUrl()).toBe("wss://feed.bank");
  });

  it("is as the server said before, when it has not answered for five seconds", async () => {
    answer = says({ push_port: 9, push_url: null });
    await pushUrl();
    answer = silent;
    const asked = pushUrl();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await asked).toBe("ws://hall:9");
    answer = says({}, false);
    expect(await pushUrl()).toBe("ws://hall:9");
  });

  it("is not known before the first answer, and that too is said in time", async () => {
    answer = silent;
    const asked = expect(pushUrl()).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(5_000);
    await asked;
  });
});
