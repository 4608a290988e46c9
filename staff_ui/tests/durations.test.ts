import { describe, expect, it } from "vitest";
import type { Stage, Ticket } from "ui-kit/api/types.ts";
import { durations, visitOf } from "../src/durations.ts";
import { secondsLeft } from "../src/offer.ts";

const stage = (service: string, state: Stage["state"], served_seconds = 0, parked_seconds = 0): Stage => ({ service, state, waited_seconds: 0, served_seconds, parked_seconds, outcome: null });
const ticket = (state: Ticket["state"], ...stages: Stage[]) => ({ state, stages }) as Ticket;

describe("how long it has taken", () => {
  it("is what the server told, and goes on from then while it lasts", () => {
    const parked = ticket("parked", stage("cash", "finished", 60), stage("cards", "parked", 30, 10));
    expect(durations(parked, 1_000)).toEqual({ served: 90, parked: 10 });
    expect(durations({ ...parked, share: 0.5 }, 6_000)).toEqual({ served: 90, parked: 15 });
    const serving = ticket("serving", stage("cash", "serving", 5));
    durations(serving, 1_000);
    expect(durations(serving, 61_000)).toEqual({ served: 65, parked: 0 });
  });
});

describe("a visit", () => {
  it("says which of its services is given and which comes next", () => {
    const visit = ticket("serving", stage("cash", "finished"), stage("cards", "serving"), stage("loans", "to_come"));
    expect(visitOf(visit)).toEqual({ index: 2, total: 3, next: "loans" });
    expect(visitOf(ticket("serving", stage("cash", "serving")))).toEqual({ index: 1, total: 1, next: null });
  });
});

describe("an offer", () => {
  it("counts down and ends", () => {
    const offer = { ticket: "t1", say: "done.finish", number: "A001", also: "", until: 31_000 };
    expect([1_000, 30_500, 31_000, 99_000].map((now) => secondsLeft(offer, now))).toEqual([30, 1, 0, 0]);
    expect(secondsLeft(null, 0)).toBe(0);
  });
});
