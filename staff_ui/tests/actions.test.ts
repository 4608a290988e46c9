import { describe, expect, it } from "vitest";
import { actionOf, ALLOWED, KEYS } from "../src/actions.ts";
import { isAhead } from "../src/desk.ts";

describe("counter actions", () => {
  it("have a key of their own in every state", () => {
    for (const actions of Object.values(ALLOWED)) {
      const keys = actions.map((action) => KEYS[action]);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it("never call a second customer while one is called", () => {
    expect(actionOf("n", "calling")).toBeNull();
    expect(actionOf("n", "open")).toBe("next");
    expect(actionOf("N", "serving")).toBe("next");
  });

  it("pause and resume by the same key", () => {
    expect(actionOf("p", "open")).toBe("pause");
    expect(actionOf("p", "paused")).toBe("resume");
  });
});

describe("a receipt", () => {
  const receipt = { day: "2026-11-23", seq: 7 };

  it("is shown until the feed has caught up with it", () => {
    expect(isAhead(receipt, { day: "2026-11-23", seq: 6 })).toBe(true);
    expect(isAhead(receipt, { day: "2026-11-23", seq: 7 })).toBe(false);
  });

  it("is of the past once the day has rolled", () => {
    expect(isAhead(receipt, { day: "2026-11-24", seq: 1 })).toBe(false);
    expect(isAhead(null, { day: "2026-11-23", seq: 1 })).toBe(false);
  });
});
