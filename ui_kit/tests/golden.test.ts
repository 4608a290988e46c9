/** The reducer against the files that the server's tests read too. */
import { describe, expect, it } from "vitest";
import type { Delta, FeedMessage, FeedState, Snapshot, StaffState } from "../feed/messages.ts";
import { FeedSession } from "../feed/session.ts";

interface Golden {
  view: "board" | "staff";
  snapshot: Snapshot<FeedState>;
  deltas: Delta[];
  final: { seq: number; state: FeedState };
}

const FILES = import.meta.glob<Golden>("../../tests/golden/feed/*.json", { eager: true, import: "default" });

/** What time alone changes is left out; tickets are a map. */
function comparable(state: FeedState): unknown {
  const services = state.services.map(({ id, name, waiting }) => ({ id, name, waiting }));
  const tickets = (state as StaffState).tickets?.map(({ waited_seconds, ahead, p50_seconds, p90_seconds, share, ...rest }) => [rest.ticket_id, rest] as const);
  return { ...state, services, tickets: tickets && new Map(tickets) };
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
});
