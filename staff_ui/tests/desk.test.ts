import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ApiClient } from "ui-kit/api/client.ts";
import { Problem } from "ui-kit/api/problems.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import { Desk } from "../src/desk.ts";

const STATE = { counters: [{ id: "c1", state: "serving", ticket: "t1" }], tickets: [{ ticket_id: "t1", number: "A001" }] } as unknown as StaffState;

let asked: [path: string, body: object][] = [];
let answer: () => Promise<object>;
let desk: Desk;

beforeEach(() => {
  vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
  asked = [];
  const command = async (path: string, body: object) => {
    asked.push([path, body]);
    return { day: "2026-11-23", seq: 7, ...(await answer()) };
  };
  answer = async () => ({});
  const hall = { state: signal(STATE), position: signal({ day: "2026-11-23", seq: 6 }), now: signal(1_000) } as unknown as Hall<StaffState>;
  desk = new Desk({ command } as unknown as ApiClient, hall);
  desk.sitAt("c1");
  return () => vi.unstubAllGlobals();
});

describe("a step at the desk", () => {
  for (const step of ["recall", "start", "finish", "no-show", "requeue"] as const) {
    it(`${step} names the counter, so that a ticket which has gone elsewhere is left alone`, async () => {
      await desk.step(step);
      expect(asked).toEqual([[`/tickets/t1/${step}`, { counter: "c1" }]]);
    });
  }
});

describe("parking", () => {
  it("says who may take the customer up", async () => {
    await desk.park("counter");
    await desk.park("service");
    await desk.unpark("t2");
    expect(asked).toEqual([
      ["/tickets/t1/park", { kind: "counter", counter: "c1" }],
      ["/tickets/t1/park", { kind: "service", counter: "c1" }],
      ["/tickets/t2/unpark", { counter: "c1" }],
    ]);
  });
});

describe("what can be taken back", () => {
  it("is offered for half a minute and asked for at this counter", async () => {
    await desk.step("finish");
    expect(desk.offer.value).toMatchObject({ ticket: "t1", number: "A001", say: "done.finish", until: 31_000 });
    await desk.undo();
    expect(asked[asked.length - 1]).toEqual(["/tickets/t1/undo", { counter: "c1" }]);
    expect(desk.offer.value).toBeNull();
  });

  it("is the finish together with the call that came with it", async () => {
    answer = async () => ({ ticket: { ticket_id: "t2", number: "A002" } });
    await desk.next();
    expect(desk.offer.value).toMatchObject({ ticket: "t1", say: "done.finish_call", number: "A001", also: "A002" });
  });

  it("is nothing after a step that is final", async () => {
    await desk.step("finish");
    await desk.step("requeue");
    expect(desk.offer.value).toBeNull();
  });

  it("is not offered again once refused, but while no answer has come", async () => {
    await desk.step("finish");
    answer = async () => { throw new Error("no answer"); };
    await desk.undo();
    expect(desk.offer.value).not.toBeNull();
    answer = async () => { throw new Problem(409, { code: "undo_refused", detail: "Too late" }); };
    await desk.undo();
    expect(desk.offer.value).toBeNull();
  });

  it("stays offered while nothing was changed", async () => {
    await desk.step("finish");
    answer = async () => { throw new Error("no answer"); };
    await desk.step("requeue");
    expect(desk.offer.value).not.toBeNull();
  });
});

describe("two keys pressed at once", () => {
  it("are one command", async () => {
    await Promise.all([desk.step("finish"), desk.next(), desk.park("counter")]);
    expect(asked).toEqual([["/tickets/t1/finish", { counter: "c1" }]]);
  });
});

describe("a call for help", () => {
  const STATES = (help: object | null) => ({ ...STATE, counters: [{ ...STATE.counters[0], help }] }) as StaffState;

  it("that somebody else ends brings a word to the clerk", () => {
    const state = signal(STATES({ since: "", reason: "question" }));
    const here = new Desk({} as ApiClient, { state, position: signal({ day: "", seq: 0 }) } as unknown as Hall<StaffState>);
    here.sitAt("c1");
    expect(here.note.value).toBeNull();
    state.value = STATES(null);
    expect(here.note.value).toEqual({ say: "help_coming" });
  });
});
