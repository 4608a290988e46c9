/** The reducer against the files that the server's tests read too. */
import { describe, expect, it } from "vitest";
import type { Stage, Ticket } from "../api/types.ts";
import type { Delta, FeedMessage, FeedState, Snapshot, StaffState } from "../feed/messages.ts";
import { FeedSession } from "../feed/session.ts";

interface Golden {
  view: "board" | "staff";
  snapshot: Snapshot<FeedState>;
  deltas: Delta[];
  final: { seq: number; state: FeedState };
}

const FILES = import.meta.glob<Golden>("../../tests/golden/feed/*.json", { eager: true, import: "default" });

/** What time alone changes is left out; everything else is compared in its order, tickets too. */
function comparable(state: FeedState): unknown {
  const services = state.services.map(({ id, name, waiting }) => ({ id, name, waiting }));
  const tickets = (state as StaffState).tickets?.map(({ waited_seconds, ahead, p50_seconds, p90_seconds, share, stages, ...rest }) => {
    return { ...rest, stages: stages.map(steady) };
  });
  return { ...state, services, tickets };
}

/** The figures of a service that has been given stay; those of the present one go on. */
function steady({ service, state, outcome, waited_seconds, served_seconds, parked_seconds }: Stage): unknown {
  return state === "finished" ? { service, outcome, waited_seconds, served_seconds, parked_seconds } : { service, state, outcome };
}

function ticketsOf({ snapshot, deltas, final }: Golden): Ticket[] {
  const shown = [snapshot.state, final.state].flatMap((state) => (state as StaffState).tickets ?? []);
  return [...shown, ...deltas.flatMap(({ events }) => events.flatMap(({ ticket }) => ticket ?? []))];
}

function replay(messages: FeedMessage<FeedState>[]): FeedSession<FeedState> {
  const session = new FeedSession<FeedState>();
  session.connect(0);
  for (const message of messages) expect(session.receive(message, 0).kind).toBe("updated");
  return session;
}

describe("golden feed", () => {
  it("has its files", () => expect(Object.keys(FILES).length).toBeGreaterThanOrEqual(5));

  for (const [path, golden] of Object.entries(FILES)) {
    it(path.replace(/^.*\//, ""), () => {
      const session = replay([golden.snapshot, ...golden.deltas]);
      expect(session.seq).toBe(golden.final.seq);
      expect(comparable(session.state!)).toEqual(comparable(golden.final.state));
    });

    it(`${path.replace(/^.*\//, "")}: without its last delta it ends elsewhere`, () => {
      const session = replay([golden.snapshot, ...golden.deltas.slice(0, -1)]);
      expect(comparable(session.state!)).not.toEqual(comparable(golden.final.state));
    });
  }

  it("tells of tickets as the server does: when each is due, and its stages with their states", () => {
    const tickets = Object.values(FILES).flatMap(ticketsOf);
    expect(tickets.length).toBeGreaterThan(0);
    for (const { due_at, place_at, stages, service, state } of tickets) {
      expect(Date.parse(due_at)).toBeGreaterThan(Date.parse(place_at));
      const [present, ...given] = stages.filter((stage) => stage.state !== "to_come").reverse();
      expect(present).toMatchObject({ service, state });
      expect(given.every((stage) => stage.state === "finished")).toBe(true);
    }
  });
});
