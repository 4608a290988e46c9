"""Not coming: how often a customer is announced before, by whom, and when it is the clock's to say."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.deadlines import next_deadline
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import CounterBusy, UndoRefused, WrongState
from tests.scenario import Scenario, given, rules


def _called(**changes: object) -> Scenario:
    return given(rules(**changes)).open("1").issue("a").when(c.CallNext, counter="1")


def test_a_customer_is_announced_often_enough_before_being_missed() -> None:
    hall = _called(recalls_before_no_show=2)
    refusal = hall.refused(WrongState, c.RecordNoShow, ticket="a")
    assert "2 times more" in str(refusal)
    assert "no-show" not in refusal.facts["allowed"]
    assert "recall" in refusal.facts["allowed"]
    hall.when(c.RecallTicket, ticket="a")
    assert "once more" in str(hall.refused(WrongState, c.RecordNoShow, ticket="a"))
    hall.when(c.RecallTicket, ticket="a").when(c.RecordNoShow, ticket="a").then(e.NoShowRecorded)


def test_each_call_is_announced_anew() -> None:
    hall = _called(recalls_before_no_show=1).when(c.RecallTicket, ticket="a").when(c.RequeueTicket, ticket="a")
    hall.when(c.CallNext, counter="1").refused(WrongState, c.RecordNoShow, ticket="a")


def test_the_clock_announces_again_and_then_misses() -> None:
    hall = _called(recalls_before_no_show=2, no_show_after_ms=30_000)
    called = hall.now
    hall.after(300_000).when(c.ApplyDeadlines).then(e.TicketRecalled, e.TicketRecalled, e.NoShowRecorded)
    assert [change.event.at - called for change in hall.changes] == [30_000, 60_000, 90_000]
    assert (hall.ticket("a").missed_by_time, hall.ticket("a").recalls) == (True, 2)
    assert [change.call.recalls for change in hall.changes if change.call is not None] == [1, 2]


def test_a_recall_by_hand_counts_and_begins_the_grace_anew() -> None:
    hall = _called(recalls_before_no_show=1, no_show_after_ms=30_000).after(20_000).when(c.RecallTicket, ticket="a").after(29_999)
    hall.when(c.ApplyDeadlines).then()
    hall.after(1).when(c.ApplyDeadlines).then(e.NoShowRecorded)


def test_without_a_grace_only_the_clerk_misses_anybody() -> None:
    hall = _called(recalls_before_no_show=1).after(7_200_000).when(c.ApplyDeadlines).then()
    assert hall.ticket("a").state is TicketState.CALLED


def test_serving_that_begins_by_itself_comes_before_the_next_announcement() -> None:
    hall = _called(recalls_before_no_show=1, no_show_after_ms=30_000, start=StartMode.AFTER, start_after_ms=30_000)
    hall.after(30_000).when(c.ApplyDeadlines).then(e.ServingStarted)


@pytest.mark.parametrize("recalls", [0, 1])
def test_the_clerk_is_right_after_all_announcements_too(recalls: int) -> None:
    hall = _called(recalls_before_no_show=recalls, no_show_after_ms=30_000).after(30_000 * (recalls + 1))
    hall.when(c.StartServing, ticket="a")
    assert hall.ticket("a").state is TicketState.SERVING


def test_the_clerk_has_the_time_to_return_and_no_longer() -> None:
    hall = _called(no_show_after_ms=30_000, reinstate_ms=10_000).after(39_999).when(c.StartServing, ticket="a")
    hall.then(e.NoShowRecorded, e.ServingStarted)
    late = _called(no_show_after_ms=30_000, reinstate_ms=10_000).after(40_000)
    late.refused(WrongState, c.StartServing, ticket="a")
    assert next_deadline(late.state) == late.state.rolls_at


def test_the_clerk_elsewhere_is_not_right() -> None:
    hall = _called(no_show_after_ms=30_000).open("2").after(30_000)
    hall.refused(WrongState, c.StartServing, ticket="a", counter="2")


def test_a_no_show_whose_time_is_over_allows_nothing() -> None:
    hall = given(rules(no_show_after_ms=10_000, reinstate_ms=20_000)).open("1").issue("a").when(c.CallNext, counter="1")
    hall.after(40_000).when(c.ApplyDeadlines)
    for command in (c.StartServing, c.ReinstateTicket, c.RecallTicket, c.ParkTicket):
        assert list(hall.refused(WrongState, command, ticket="a").facts["allowed"]) == []
    assert list(hall.refused(WrongState, c.CallTicket, counter="1", ticket="a").facts["allowed"]) == []


def _raced(**changes: Any) -> Scenario:
    """The grace of a runs out, and the counter calls b by itself."""
    hall = given(rules(no_show_after_ms=30_000, automatic_after_ms=0, **changes)).open("1").issue("a").issue("b")
    return hall.when(c.ApplyDeadlines).after(30_000)


@pytest.mark.parametrize("undo_ms", [0, 1_000, 30_000])
@pytest.mark.parametrize("after_ms", [0, 25_000])
def test_the_clerk_wins_over_the_timer_within_the_time_of_the_no_show(undo_ms: int, after_ms: int) -> None:
    hall = _raced(undo_ms=undo_ms, reinstate_ms=60_000).when(c.ApplyDeadlines).then(e.NoShowRecorded, e.TicketCalled)
    place_at = hall.ticket("b").place_at
    hall.after(after_ms).when(c.StartServing, ticket="a").then(e.StepUndone, e.ServingStarted)
    assert (hall.ticket("a").state, hall.ticket("b").state, hall.ticket("b").place_at) == (
        TicketState.SERVING,
        TicketState.WAITING,
        place_at,
    )


def test_whom_the_clerk_has_started_meanwhile_stays() -> None:
    hall = _raced(undo_ms=0).when(c.ApplyDeadlines).when(c.StartServing, ticket="b")
    hall.refused(CounterBusy, c.StartServing, ticket="a")


def test_where_nothing_is_taken_back_nothing_is_though_it_is_remembered() -> None:
    hall = _raced(undo_ms=0).when(c.ApplyDeadlines)
    hall.refused(UndoRefused, c.UndoStep, ticket="b")
    assert not given(rules(undo_ms=0)).open("1").issue("a").when(c.CallNext, counter="1").state.steps
