import { describe, expect, it } from "vitest";
import type { BoardCounter, Call } from "ui-kit/api/types.ts";
import type { BoardState } from "ui-kit/feed/messages.ts";
import { arrangeCalls, callsFor } from "../src/board.ts";

const counter = (id: string, state: BoardCounter["state"], ticket_number: string | null = null): BoardCounter => ({ id, number: `0${id}`, zone: "hall", state, ticket_number, since: null });
const call = (seq: number, number: string, to: string): Call => ({ seq, at: "", number, counter: to, recalls: 0 });
const board = (counters: BoardCounter[], calls: Call[]): BoardState => ({ branch: { id: "main", name: {}, languages: [], time_zone: "UTC" }, counters, calls, notices: [], services: [] });
const numbers = (calls: Call[]) => calls.map(({ number }) => number);

describe("the calls of a board", () => {
  it("stand while their counter calls or serves that number, newest first", () => {
    const counters = [counter("1", "calling", "A003"), counter("2", "serving", "A002"), counter("3", "open")];
    const { current, recent } = arrangeCalls(board(counters, [call(9, "A003", "1"), call(8, "A001", "3"), call(7, "A002", "2"), call(6, "A000", "1")]));
    expect(numbers(current)).toEqual(["A003", "A002"]);
    expect(numbers(recent)).toEqual(["A001", "A000"]);
    expect(current.map(({ counterNumber }) => counterNumber)).toEqual(["01", "02"]);
  });

  it("are only those to the counters of its zone, shown and announced", () => {
    const state = board([counter("1", "calling", "A001")], [call(2, "B001", "9"), call(1, "A001", "1")]);
    const { current, recent } = arrangeCalls(state);
    expect(numbers([...current, ...recent])).toEqual(["A001"]);
    expect(numbers(callsFor(state, state.calls))).toEqual(["A001"]);
  });
});
