import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ApiClient } from "ui-kit/api/client.ts";
import type { StaffState } from "ui-kit/feed/messages.ts";
import type { Hall } from "ui-kit/page/hall.ts";
import { Desk } from "../src/desk.ts";

const STATE = { counters: [{ id: "c1", state: "serving", ticket: "t1" }], tickets: [{ ticket_id: "t1", number: "A001" }] } as unknown as StaffState;

let asked: [path: string, body: object][] = [];
let desk: Desk;

beforeEach(() => {
  vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
  asked = [];
  const command = async (path: string, body: object) => {
    asked.push([path, body]);
    return { day: "2026-11-23", seq: 7 };
  };
  const hall = { state: signal(STATE), position: signal({ day: "2026-11-23", seq: 6 }) } as unknown as Hall<StaffState>;
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
