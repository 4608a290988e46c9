"""The floor's wake-ups, the bookkeeping of a run, and the clerk's way out of unknown and lost calls."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from queue_server.drive.client import Refused, Unreachable
from queue_server.drive.customers import Customers, Timetable
from queue_server.drive.floor import Clerk, Floor
from queue_server.drive.invariants import Inspector
from queue_server.drive.reducer import FeedState
from queue_server.drive.tally import Tally
from tests.drive.recorded import visit
from tests.drive.screens import called, delta, issued, ticket

Json = dict[str, Any]
ROUTING = {
    "policy": "promise",
    "rule": "policy",
    "reason": "it waited longest",
    "waiting": 1,
    "overtook": {"count": 0, "first": []},
}


class Scripted:
    """Stands in for the client: answers each command with what the script says, and keeps what was asked."""

    def __init__(self, *answers: Json | Exception | Callable[[], Json]) -> None:
        self.asked: list[tuple[str, Json | None]] = []
        self._answers = list(answers)

    async def post(self, path: str, body: Json, *, give_up: float = 0.0) -> Json:
        return self._answer(path, body)

    async def get(self, path: str, *, give_up: float = 0.0) -> Json:
        return self._answer(path, None)

    def _answer(self, path: str, body: Json | None) -> Json:
        self.asked.append((path.removeprefix("/b/"), body))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, dict) else answer()


def refusal(code: str, **fields: Any) -> Refused:
    return Refused("POST /x", 409, {"code": code, **fields})


def called_ticket(number: str = "A001") -> Json:
    stamps = {"arrived_at": "2026-01-01T10:00:00.000Z", "called_at": "2026-01-01T10:00:00.100Z"}
    return ticket(number, "called", **stamps)


def clerk(client: Any, floor: Floor, tally: Tally) -> Clerk:
    inspector = Inspector({})
    return Clerk(
        index=0,
        branch_path="/b",
        client=client,
        floor=floor,
        tally=tally,
        inspector=inspector,
        speed=600.0,
        typical={"PS": 6.0},
    )


async def work_once(*answers: Json | Exception, visits: int = 1) -> tuple[Scripted, Tally]:
    """Let one counter open, live through *answers*, and go home after the last."""
    floor, tally = Floor(), Tally([visit(0)] * visits, lambda: None)
    tally.issue(ticket("A001"), visit(0, starts=0, serves=6))
    await floor.want(1)

    def last() -> Json:
        floor.wanted = 0
        return {"seq": 9, "ticket": None}

    client = Scripted({}, *answers, last, {})
    working = asyncio.create_task(clerk(client, floor, tally).work())
    while client._answers:
        await asyncio.sleep(0)
    await floor.want(0, is_over=True)
    await working
    return client, tally


async def test_a_clerk_calls_starts_and_finishes_with_the_next_call() -> None:
    call = {"seq": 5, "ticket": called_ticket(), "routing": ROUTING}
    client, tally = await work_once(call, {"ticket": called_ticket()})
    assert client.asked == [
        ("counters/1/open", {}),
        ("counters/1/call-next", {}),
        ("tickets/t-A001/start", {"counter": "1"}),
        ("counters/1/call-next", {"finish": {}}),
        ("counters/1/close", {}),
    ]
    assert (tally.called, tally.count("served"), tally.errors) == (1, 1, [])
    assert tally.waits["0"] == [pytest.approx(60.0)]


async def test_a_customer_who_left_before_the_start_is_passed_over() -> None:
    call = {"seq": 5, "ticket": called_ticket(), "routing": ROUTING}
    client, tally = await work_once(call, refusal("wrong_state", state="cancelled"))
    assert client.asked[3] == ("counters/1/call-next", {})
    assert (tally.called, tally.count("served"), tally.errors) == (1, 0, [])


async def test_a_call_that_was_not_started_in_time_is_a_no_show() -> None:
    call = {"seq": 5, "ticket": called_ticket(), "routing": ROUTING}
    _, tally = await work_once(call, refusal("wrong_state", state="no_show"))
    assert tally.count("no_show") == 1


async def test_a_call_of_unknown_outcome_is_settled_by_the_counter_being_busy() -> None:
    receipt = {"seq": 6, "ticket": called_ticket(), "routing": ROUTING}
    busy = refusal("counter_busy", ticket="t-A001")
    client, tally = await work_once(Unreachable("late"), busy, receipt, {"ticket": called_ticket()})
    assert client.asked[3] == ("tickets/t-A001", None)
    assert (tally.called, tally.count("served"), tally.errors) == (1, 1, [])


async def test_a_counter_that_is_refused_otherwise_reports_it_and_goes_on() -> None:
    client, tally = await work_once(refusal("counter_paused"), {})
    assert tally.errors == ["counter 1: POST /x was refused: 409 counter_paused"]
    assert client.asked[2] == ("counters/1/open", {})


async def napping(floor: Floor, index: int = 0, seq: int = 3) -> asyncio.Task[None]:
    task = asyncio.create_task(floor.nap(index, seq))
    await asyncio.sleep(0)
    return task


async def test_each_customer_who_waits_wakes_one_counter() -> None:
    floor = Floor()
    await floor.want(3)
    naps = [await napping(floor, index) for index in range(3)]
    floor.watch(FeedState(), delta(3, issued(4, "A001"), called(5, "A009"), issued(6, "A002")), 0.0)
    await asyncio.gather(*naps[:2])
    assert not naps[2].done()
    await floor.want(0, is_over=True)
    await naps[2]


async def test_a_counter_does_not_sleep_when_somebody_came_meanwhile() -> None:
    floor = Floor()
    await floor.want(1)
    floor.watch(FeedState(), delta(3, issued(4, "A001")), 0.0)
    await floor.nap(0, 3)
    late = await napping(floor, 0, 4)
    assert not late.done()
    late.cancel()


async def test_a_counter_that_is_to_close_does_not_sleep() -> None:
    floor = Floor()
    await floor.want(1)
    await floor.nap(1, 3)


async def test_a_leaver_whose_cancel_loses_is_left_to_the_counter() -> None:
    tally = Tally([visit(0, waits=0)], lambda: None)
    client: Any = Scripted({"ticket": ticket("A001")}, refusal("wrong_state", state="serving"))
    await Customers("/b", client, Timetable(0, 600), tally, Inspector({})).come([visit(0, waits=0)])
    assert (tally.errors, tally.ends, tally.issued) == ([], {}, 1)


async def test_a_leaver_leaves_and_a_failed_issue_is_an_error() -> None:
    tally = Tally([visit(0), visit(0)], lambda: None)
    client: Any = Scripted(refusal("service_closed"), {"ticket": ticket("A001")}, {})
    await Customers("/b", client, Timetable(0, 600), tally, Inspector({})).come([visit(0), visit(0)])
    assert (tally.count("left"), tally.issued, len(tally.errors)) == (1, 1, 1)
    assert tally.settled.is_set()


async def test_a_timetable_keeps_the_recorded_order_at_any_speed() -> None:
    timetable, order = Timetable(100.0, 60_000.0), []

    async def come(at: float) -> None:
        await timetable.until(at)
        order.append(at)

    await asyncio.gather(*(come(at) for at in (1600.0, 100.0, 700.0)))
    assert order == [100.0, 700.0, 1600.0]


async def test_two_ends_of_one_ticket_are_an_error() -> None:
    tally = Tally([visit(0)], lambda: None)
    tally.end("t", "left")
    tally.end("t", "served")
    assert tally.errors == ["ticket t ended as left and as served"]


async def test_the_display_delay_runs_from_the_sending_of_the_call() -> None:
    tally = Tally([visit(0)], lambda: None)
    tally.watch_board(FeedState(), delta(3, called(4, "A001")), 10.030)
    tally.call(ticket("A001"), 10.0)
    tally.call(ticket("A002"), 11.0)
    assert tally.display_delays() == [pytest.approx(0.030)]
    assert tally.never_shown() == ["A002"]
