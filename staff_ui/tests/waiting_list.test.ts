import { describe, expect, it } from "vitest";
import type { Ticket } from "ui-kit/api/types.ts";
import { byNeed } from "../src/waiting_list.tsx";

const ticket = (number: string, place_at: string, share?: number) => ({ number, place_at, share }) as Ticket;
const numbers = (tickets: Ticket[]) => tickets.sort(byNeed).map(({ number }) => number);

describe("the waiting list", () => {
  it("begins with the most used-up promise, then the longest in place", () => {
    const [early, late] = ["2026-11-23T01:00:00.000Z", "2026-11-23T01:05:00.000Z"];
    expect(numbers([ticket("A002", late), ticket("A001", early), ticket("B001", late, 0.5)])).toEqual(["B001", "A001", "A002"]);
  });

  it("keeps the order of issue of tickets that took their place in one millisecond", () => {
    const issued = ["A009", "A010", "B001", "A011"].map((number) => ticket(number, "2026-11-23T01:00:00.000Z"));
    expect(numbers([...issued])).toEqual(["A009", "A010", "B001", "A011"]);
  });
});
