import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { Counter, Ticket } from "ui-kit/api/types.ts";
import type { Place } from "../src/header.tsx";
import { parkedFor } from "../src/parked_list.tsx";

const ticket = (ticket_id: string, service: string, park_kind: Ticket["park_kind"], state = "parked") => ({ ticket_id, service, park_kind, state }) as Ticket;
const tickets = [ticket("t1", "cash", "service"), ticket("t2", "loans", "service"), ticket("t3", "cash", "counter"), ticket("t4", "cash", "counter"), ticket("t5", "cash", null, "waiting")];
const here = { hall: { state: signal({ tickets }) }, configuration: signal({ profiles: [{ id: "hall", services: ["cash"] }] }) } as unknown as Place;
const shown = (profile: string | null) => parkedFor(here, { profile, parked: ["t4"] } as Counter).map(({ ticket_id }) => ticket_id);

describe("parked tickets at a counter", () => {
  it("are those it keeps, then those of the services it gives", () => {
    expect(shown("hall")).toEqual(["t4", "t1"]);
    expect(shown(null)).toEqual(["t4", "t1", "t2"]);
  });
});
