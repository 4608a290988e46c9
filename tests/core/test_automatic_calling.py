"""Counters that call by themselves: which, when, whom, and what happens when a person was faster."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.deadlines import next_deadline
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.rejections import CounterBusy, UndoRefused, WrongState
from tests.scenario import Scenario, given, rules


def _hall(idle_ms: int = 0, **changes: Any) -> Scenario:
    return given(rules(automatic_after_ms=idle_ms, **changes))


def _now(hall: Scenario) -> Scenario:
    return hall.when(c.ApplyDeadlines)


def test_nobody_is_called_unless_the_branch_asks_for_it() -> None:
    hall = given().open("1").issue("a").after(600_000)
    _now(hall).then()


def test_an_idle_counter_calls_who_comes() -> None:
    hall = _hall().open("1").issue("a")
    assert next_deadline(hall.state) == hall.now
    _now(hall).then(e.TicketCalled)
    fact = hall.last(e.TicketCalled)
    assert (fact.automatic, fact.counter, fact.ticket, fact.routing.rule) == (True, "1", "a", "policy")
    assert fact.routing.reason


def test_a_counter_is_left_idle_for_its_minimum() -> None:
    hall = _hall(10_000).open("1").after(4_000).issue("a")
    opened = hall.now - 4_000
    assert next_deadline(hall.state) == opened + 10_000
    hall.after(5_999)
    _now(hall).then()
    hall.after(60_000)
    _now(hall).then(e.TicketCalled)
    assert hall.changes[0].event.at == opened + 10_000


def test_the_minimum_begins_anew_after_each_customer_and_each_pause() -> None:
    hall = _hall(10_000).open("1").issue("a").issue("b").serving("1", "a").after(60_000).when(c.FinishServing, ticket="a")
    assert next_deadline(hall.state) == hall.now + 10_000
    hall.after(5_000).when(c.PauseCounter, counter="1").after(60_000)
    _now(hall).then()
    hall.when(c.ResumeCounter, counter="1")
    assert next_deadline(hall.state) == hall.now + 10_000


def test_the_longest_idle_counter_is_first() -> None:
    hall = _hall().open("2").after(1).open("1").after(60_000).issue("a")
    _now(hall)
    assert hall.last(e.TicketCalled).counter == "2"
    hall.issue("b")
    _now(hall)
    assert hall.last(e.TicketCalled).counter == "1"
    together = _hall().when(c.OpenCounter, counter="2").when(c.OpenCounter, counter="1").issue("a")
    _now(together)
    assert together.last(e.TicketCalled).counter == "1", "ties go by the order of the configuration"


def test_eligibility_holds_for_it_too() -> None:
    hall = _hall().open("3").issue("a")
    _now(hall).then()
    assert next_deadline(hall.state) != hall.now
    hall.issue("g", tier="gold")
    _now(hall).then(e.TicketCalled)
    kept = _hall(reserve={"gold": 1}).open("1").issue("a")
    _now(kept).then()


def test_closed_and_paused_counters_call_nobody() -> None:
    hall = _hall().open("1").when(c.PauseCounter, counter="1").issue("a").after(60_000)
    _now(hall).then()
    hall.when(c.CloseCounter, counter="1")
    _now(hall).then()


def test_on_a_full_day_nobody_is_called() -> None:
    hall = _hall(day_limit=4).open("1").issue("a")
    _now(hall).then()


def test_serving_begins_with_an_automatic_call_as_with_any() -> None:
    hall = _hall(start=StartMode.ON_CALL).open("1").issue("a")
    _now(hall).then(e.TicketCalled, e.ServingStarted)


def test_one_after_another_is_called_and_missed_at_the_moments_when_it_was_due() -> None:
    hall = _hall(5_000, no_show_after_ms=20_000).open("1").issue("a").issue("b").after(120_000)
    began = hall.now - 120_000
    _now(hall).then(e.TicketCalled, e.NoShowRecorded, e.TicketCalled, e.NoShowRecorded)
    assert [change.event.at - began for change in hall.changes] == [5_000, 25_000, 30_000, 50_000]


def test_whom_the_counter_called_by_itself_goes_back_when_a_finish_is_taken_back() -> None:
    hall = _hall().open("1").issue("a").issue("b").when(c.ApplyDeadlines).when(c.StartServing, ticket="a").after(10_000)
    place = hall.ticket("b").place_at
    hall.when(c.FinishServing, ticket="a").when(c.ApplyDeadlines).then(e.TicketCalled).after(5_000)
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone, e.StepUndone)
    assert (hall.ticket("a").state, hall.ticket("b").state, hall.ticket("b").place_at) == (
        TicketState.SERVING,
        TicketState.WAITING,
        place,
    )
    assert hall.changes[0].withdrawn == "A002"
    _now(hall).then()


def test_whom_a_person_called_does_not_go_back() -> None:
    hall = _hall(60_000).open("1").issue("a").issue("b").serving("1", "a").when(c.FinishServing, ticket="a")
    hall.when(c.CallNext, counter="1").then(e.TicketCalled)
    assert hall.refused(UndoRefused, c.UndoStep, ticket="a").facts["ticket"] == "b"


def test_the_clerk_is_right_even_when_the_counter_has_called_on_by_itself() -> None:
    hall = _hall(no_show_after_ms=30_000).open("1").issue("a").issue("b").when(c.ApplyDeadlines).after(30_000)
    hall.when(c.StartServing, ticket="a").then(e.NoShowRecorded, e.TicketCalled, e.StepUndone, e.ServingStarted)
    assert (hall.ticket("a").state, hall.ticket("b").state) == (TicketState.SERVING, TicketState.WAITING)
    assert not hall.state.lapsing


def test_the_clerk_is_too_late_when_somebody_else_stands_there() -> None:
    hall = _hall(no_show_after_ms=30_000).open("1").issue("a").issue("b").when(c.ApplyDeadlines).after(30_000)
    hall.when(c.StartServing, ticket="b")
    assert hall.refused(CounterBusy, c.StartServing, ticket="a").facts["ticket"] == "b"
    slow = _hall(no_show_after_ms=30_000, reinstate_ms=20_000).open("1").issue("a").issue("b").when(c.ApplyDeadlines).after(50_000)
    assert "is over" in str(slow.refused(WrongState, c.StartServing, ticket="a"))


@pytest.mark.parametrize("step", [c.PauseCounter, c.CloseCounter])
def test_a_clerk_who_wants_to_go_is_not_held_by_a_call_that_nobody_asked_for(step: type[c.PauseCounter | c.CloseCounter]) -> None:
    hall = given(rules(automatic_after_ms=0)).open("1").issue("a").when(c.ApplyDeadlines)
    assert hall.ticket("a").state is TicketState.CALLED
    hall.when(step, counter="1", reason=None)
    assert hall.ticket("a").state is TicketState.WAITING
    assert hall.state.counters["1"].state in {CounterState.PAUSED, CounterState.CLOSED}


def test_a_parked_customer_is_taken_up_before_one_whom_the_counter_has_called_by_itself() -> None:
    hall = given(rules(automatic_after_ms=0)).issue("a").open("1").when(c.ApplyDeadlines)
    hall.when(c.StartServing, ticket="a").when(c.ParkTicket, ticket="a").issue("b").when(c.ApplyDeadlines)
    assert hall.ticket("b").state is TicketState.CALLED
    hall.when(c.UnparkTicket, ticket="a").then(e.StepUndone, e.TicketUnparked)
    assert (hall.ticket("a").state, hall.ticket("b").state) == (TicketState.SERVING, TicketState.WAITING)


def test_one_who_was_called_on_purpose_still_holds_the_counter() -> None:
    hall = given(rules()).open("1").issue("a").when(c.CallNext, counter="1")
    hall.refused(CounterBusy, c.PauseCounter, counter="1")
