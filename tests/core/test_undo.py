"""Taking the last step back: every step that can be, what is restored, and every reason to refuse."""

from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.rejections import Forbidden, ServiceClosed, UndoRefused, UnknownCounter, UnknownTicket
from queue_server.core.ticket import ParkKind, Ticket
from tests.scenario import Scenario, given, rules

Prepare = Callable[[Scenario], Scenario]


def _hall(**changes: Any) -> Scenario:
    return given(rules(**changes)).open("1", "2").issue("a", then=("loans",)).issue("b").after(60_000)


def _unannounced(ticket: Ticket) -> Ticket:
    """The grace begins anew when a customer is called again by an undo."""
    return replace(ticket, announced_at=None)


STEPS: dict[str, tuple[Prepare, type[c.Command], dict[str, Any]]] = {
    "call": (lambda hall: hall, c.CallTicket, {"counter": "1", "ticket": "a"}),
    "start": (lambda hall: hall.when(c.CallTicket, counter="1", ticket="a"), c.StartServing, {"ticket": "a"}),
    "finish a stage": (lambda hall: hall.serving("1", "a"), c.FinishServing, {"ticket": "a"}),
    "finish": (lambda hall: hall.serving("1", "b"), c.FinishServing, {"ticket": "b"}),
    "no-show": (lambda hall: hall.when(c.CallTicket, counter="1", ticket="a"), c.RecordNoShow, {"ticket": "a"}),
    "cancel waiting": (lambda hall: hall, c.CancelTicket, {"ticket": "a"}),
    "cancel called": (lambda hall: hall.when(c.CallTicket, counter="1", ticket="a"), c.CancelTicket, {"ticket": "a"}),
    "cancel parked": (lambda hall: hall.serving("1", "a").when(c.ParkTicket, ticket="a"), c.CancelTicket, {"ticket": "a"}),
    "park": (lambda hall: hall.serving("1", "a"), c.ParkTicket, {"ticket": "a"}),
    "park for the service": (lambda hall: hall.serving("1", "a"), c.ParkTicket, {"ticket": "a", "kind": ParkKind.SERVICE}),
    "transfer served": (lambda hall: hall.serving("1", "a"), c.TransferTicket, {"ticket": "a", "counter": "2"}),
    "transfer called": (
        lambda hall: hall.when(c.CallTicket, counter="1", ticket="a"),
        c.TransferTicket,
        {"ticket": "a", "service": "loans"},
    ),
    "transfer parked": (
        lambda hall: hall.serving("1", "a").when(c.ParkTicket, ticket="a", kind=ParkKind.SERVICE),
        c.TransferTicket,
        {"ticket": "a", "counter": "2"},
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_taken_back_as_if_it_had_not_been(name: str) -> None:
    prepare, command, fields = STEPS[name]
    hall = prepare(_hall())
    before = {ticket: copy(hall.ticket(ticket)) for ticket in "ab"}
    counters = [(counter.state, counter.ticket, counter.parked) for counter in hall.state.counters.values()]
    pace = {service: copy(pace) for service, pace in hall.state.pace.items() if pace.finished}
    board = [call.number for call in hall.state.calls]
    hall.after(7_000).when(command, **fields).after(30_000).when(c.UndoStep, ticket=fields["ticket"]).then(e.StepUndone)
    assert {ticket: _unannounced(hall.ticket(ticket)) for ticket in "ab"} == {t: _unannounced(k) for t, k in before.items()}
    assert [(counter.state, counter.ticket, counter.parked) for counter in hall.state.counters.values()] == counters
    assert {service: pace for service, pace in hall.state.pace.items() if pace.finished} == pace
    assert [call.number for call in hall.state.calls] == board
    assert not hall.state.lapsing
    hall.refused(UndoRefused, c.UndoStep, ticket=fields["ticket"])


def test_the_window_is_the_branch_s() -> None:
    hall = _hall(undo_ms=10_000).when(c.CallTicket, counter="1", ticket="a").after(10_001)
    assert "10 s" in str(hall.refused(UndoRefused, c.UndoStep, ticket="a"))
    other = _hall(undo_ms=10_000).when(c.CallTicket, counter="1", ticket="a").after(10_000)
    other.when(c.UndoStep, ticket="a").then(e.StepUndone)


def test_only_the_last_step_and_only_some_steps() -> None:
    hall = _hall()
    hall.refused(UnknownTicket, c.UndoStep, ticket="zz")
    hall.refused(UndoRefused, c.UndoStep, ticket="a")
    hall.when(c.MoveTicket, ticket="a", tier="gold", reason="asked").refused(UndoRefused, c.UndoStep, ticket="a")
    hall.when(c.CallTicket, counter="1", ticket="a").when(c.RecallTicket, ticket="a")
    hall.refused(UndoRefused, c.UndoStep, ticket="a")
    hall.when(c.RequeueTicket, ticket="a").refused(UndoRefused, c.UndoStep, ticket="a")
    hall.serving("1", "a").when(c.UndoStep, ticket="a")
    assert hall.ticket("a").state is TicketState.CALLED
    hall.refused(UndoRefused, c.UndoStep, ticket="a")


def test_only_from_the_same_seat() -> None:
    hall = given().when(c.OpenCounter, counter="1", staff="ann").when(c.OpenCounter, counter="2", staff="bob").issue("a")
    hall.serving("1", "a").refused(Forbidden, c.UndoStep, ticket="a", seat="bob")
    hall.refused(Forbidden, c.UndoStep, ticket="a", counter="1", seat="bob")
    assert "counter 1" in str(hall.refused(UndoRefused, c.UndoStep, ticket="a", counter="2"))
    hall.refused(UnknownCounter, c.UndoStep, ticket="a", counter="9")
    hall.when(c.UndoStep, ticket="a", counter="1", seat="ann").then(e.StepUndone)


def test_a_step_at_no_counter_is_taken_back_by_who_made_it() -> None:
    hall = _hall().when(c.CancelTicket, ticket="a", actor="staff:ann", seat="ann")
    hall.refused(UndoRefused, c.UndoStep, ticket="a", actor="staff:bob", seat="bob")
    hall.when(c.UndoStep, ticket="a", actor="staff:ann", seat="ann").then(e.StepUndone)
    hall.when(c.CancelTicket, ticket="a", actor="staff:ann", seat="ann")
    hall.when(c.UndoStep, ticket="a", actor="manager:mia").then(e.StepUndone)


def _parked_by_ann() -> Scenario:
    hall = given().when(c.OpenCounter, counter="1", staff="ann").issue("a").serving("1", "a")
    hall.when(c.ParkTicket, ticket="a").when(c.CancelTicket, ticket="a", actor="staff:ann", seat="ann")
    return hall.when(c.CloseCounter, counter="1", seat="ann")


def test_at_a_closed_counter_the_seat_is_the_person() -> None:
    hall = _parked_by_ann()
    assert "somebody else" in str(hall.refused(UndoRefused, c.UndoStep, ticket="a", actor="staff:bob", seat="bob"))
    hall.when(c.OpenCounter, counter="2", staff="bob")
    hall.refused(UndoRefused, c.UndoStep, ticket="a", actor="staff:bob", seat="bob")
    hall.when(c.UndoStep, ticket="a", actor="staff:ann", seat="ann").then(e.StepUndone)
    _parked_by_ann().when(c.UndoStep, ticket="a", actor="manager:mia").then(e.StepUndone)


def test_whoever_sits_at_that_counter_now_has_its_seat() -> None:
    hall = _parked_by_ann().when(c.OpenCounter, counter="1", staff="bob")
    hall.refused(Forbidden, c.UndoStep, ticket="a", actor="staff:ann", seat="ann")
    hall.when(c.UndoStep, ticket="a", actor="staff:bob", seat="bob").then(e.StepUndone)


def test_a_counter_that_holds_another_is_named_with_its_ticket() -> None:
    hall = _hall().serving("1", "b").when(c.FinishServing, ticket="b").when(c.CallNext, counter="1")
    assert hall.refused(UndoRefused, c.UndoStep, ticket="b").facts["ticket"] == "a"
    hall.when(c.StartServing, ticket="a").refused(UndoRefused, c.UndoStep, ticket="b")


@pytest.mark.parametrize(("step", "said"), [(c.PauseCounter, "paused"), (c.CloseCounter, "closed")])
def test_a_counter_that_serves_no_more_gets_nobody_back(step: type[c.Command], said: str) -> None:
    hall = _hall().serving("1", "b").when(c.FinishServing, ticket="b").when(step, counter="1")
    assert said in str(hall.refused(UndoRefused, c.UndoStep, ticket="b"))


def test_who_was_waiting_waits_again_whatever_the_counters_do() -> None:
    hall = _hall().when(c.CancelTicket, ticket="a").when(c.CloseCounter, counter="1").when(c.CloseCounter, counter="2")
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone)


def test_what_a_closed_counter_kept_comes_back_to_the_service() -> None:
    hall = (
        _hall().serving("1", "a").when(c.ParkTicket, ticket="a").when(c.CancelTicket, ticket="a").when(c.CloseCounter, counter="1")
    )
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone)
    assert (hall.ticket("a").state, hall.ticket("a").park_kind) == (TicketState.PARKED, ParkKind.SERVICE)
    assert hall.state.counters["1"].parked == ()
    parked = _hall().serving("1", "a").when(c.ParkTicket, ticket="a").when(c.CloseCounter, counter="1")
    parked.refused(UndoRefused, c.UndoStep, ticket="a")


def test_a_full_counter_gets_no_parked_ticket_back() -> None:
    hall = _hall(park_limit=1).serving("1", "a").when(c.ParkTicket, ticket="a").when(c.CancelTicket, ticket="a")
    hall.serving("1", "b").when(c.ParkTicket, ticket="b")
    assert "1 is the most" in str(hall.refused(UndoRefused, c.UndoStep, ticket="a"))
    hall.when(c.UnparkTicket, ticket="b").when(c.UndoStep, ticket="a").then(e.StepUndone)


def test_a_new_configuration_or_the_end_of_the_day_makes_all_final() -> None:
    hall = _hall().when(c.CallTicket, counter="1", ticket="a")
    hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules()).refused(UndoRefused, c.UndoStep, ticket="a")
    hall.when(c.StartServing, ticket="a").when(c.CloseDay, reason="fire_alarm").refused(ServiceClosed, c.UndoStep, ticket="a")


def test_a_call_with_its_start_is_one_step() -> None:
    hall = _hall(start=StartMode.ON_CALL)
    before = copy(hall.ticket("a"))
    hall.when(c.CallTicket, counter="1", ticket="a").when(c.UndoStep, ticket="a").then(e.StepUndone)
    assert (hall.ticket("a"), hall.state.counters["1"].state) == (before, CounterState.OPEN)
    assert hall.last(e.StepUndone).step == "TicketCalled"
    assert hall.changes[0].withdrawn == "A001"


def test_serving_that_began_by_itself_is_taken_back_with_its_call() -> None:
    hall = _hall(start=StartMode.AFTER, start_after_ms=25_000)
    before = copy(hall.ticket("a"))
    hall.when(c.CallTicket, counter="1", ticket="a").after(40_000).when(c.UndoStep, ticket="a")
    hall.then(e.ServingStarted, e.StepUndone)
    assert hall.ticket("a") == before


def test_direct_serving_leaves_the_ticket_that_was_issued() -> None:
    hall = _hall().when(c.ServeDirectly, counter="1", ticket_id="d", service="cash").when(c.UndoStep, ticket="d")
    assert (hall.ticket("d").state, hall.state.counters["1"].state) == (TicketState.WAITING, CounterState.OPEN)


def test_finish_and_next_are_taken_back_together() -> None:
    hall = _hall().serving("1", "b")
    before = {ticket: copy(hall.ticket(ticket)) for ticket in "ab"}
    hall.after(10_000).when(c.CallNext, counter="1", finish=True).after(5_000)
    hall.when(c.UndoStep, ticket="b").then(e.StepUndone, e.StepUndone)
    assert {ticket: hall.ticket(ticket) for ticket in "ab"} == before
    assert [call.number for call in hall.state.calls] == ["A002"]
    assert hall.changes[0].withdrawn == "A001"


def test_nobody_is_sent_away_whose_serving_began_with_the_call() -> None:
    hall = _hall(start=StartMode.ON_CALL).when(c.CallTicket, counter="1", ticket="b").after(10_000)
    hall.when(c.CallNext, counter="1", finish=True).after(5_000)
    refusal = hall.refused(UndoRefused, c.UndoStep, ticket="b")
    assert (str(refusal), refusal.facts["ticket"]) == ("Counter 1 is serving A001 by now", "a")
    # The call itself, with the serving that began with it, is a step of its own ticket.
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone).when(c.UndoStep, ticket="b").then(e.StepUndone)


def test_whoever_came_to_the_counter_meanwhile_stays() -> None:
    hall = _hall().serving("1", "b").when(c.CallNext, counter="1", finish=True).when(c.StartServing, ticket="a")
    assert hall.refused(UndoRefused, c.UndoStep, ticket="b").facts["ticket"] == "a"
    late = _hall(start=StartMode.AFTER, start_after_ms=5_000).when(c.CallTicket, counter="1", ticket="b").after(5_000)
    late.when(c.CallNext, counter="1", finish=True).after(5_000).refused(UndoRefused, c.UndoStep, ticket="b")


def test_a_missed_customer_is_missed_again_when_the_start_is_taken_back() -> None:
    hall = _hall(no_show_after_ms=20_000).when(c.CallTicket, counter="1", ticket="a").after(21_000)
    hall.when(c.StartServing, ticket="a").then(e.NoShowRecorded, e.ServingStarted).when(c.UndoStep, ticket="a")
    assert (hall.ticket("a").state, list(hall.state.lapsing)) == (TicketState.NO_SHOW, ["a"])
    hall.after(900_000).when(c.ApplyDeadlines).then(e.NoShowLapsed)


def test_a_no_show_taken_back_has_the_whole_grace_again() -> None:
    hall = _hall(no_show_after_ms=20_000).when(c.CallTicket, counter="1", ticket="a").after(25_000)
    hall.when(c.UndoStep, ticket="a").then(e.NoShowRecorded, e.StepUndone)
    hall.after(19_999).when(c.ApplyDeadlines).then()
    hall.after(1).when(c.ApplyDeadlines).then(e.NoShowRecorded)


@pytest.mark.parametrize("start", [StartMode.PRESSED, StartMode.ON_CALL])
def test_the_call_of_a_missed_customer_who_stands_here_is_one_step_with_the_return(start: StartMode) -> None:
    hall = _hall().when(c.CallTicket, counter="1", ticket="a").when(c.RecordNoShow, ticket="a").after(5_000)
    hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(start=start))
    missed = copy(hall.ticket("a"))
    hall.when(c.CallTicket, counter="2", ticket="a", reason="at the desk").after(3_000)
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone)
    assert hall.last(e.StepUndone).step == "TicketReinstated"
    assert (hall.ticket("a"), list(hall.state.lapsing)) == (missed, ["a"])
    assert missed.returns_until is not None
    assert hall.state.counters["2"].state is CounterState.OPEN
    hall.after(900_000).when(c.ApplyDeadlines).then(e.NoShowLapsed)


def test_a_return_by_mistake_is_taken_back_and_its_time_goes_on() -> None:
    hall = _hall(reinstate_ms=10_000).when(c.CallTicket, counter="1", ticket="a").when(c.RecordNoShow, ticket="a")
    missed = copy(hall.ticket("a"))
    hall.when(c.ReinstateTicket, ticket="a").after(2_000).when(c.UndoStep, ticket="a").then(e.StepUndone)
    assert hall.ticket("a") == missed
    hall.after(8_000).when(c.ApplyDeadlines).then(e.NoShowLapsed)
    late = _hall(reinstate_ms=10_000).when(c.CallTicket, counter="1", ticket="a").when(c.RecordNoShow, ticket="a")
    late.when(c.ReinstateTicket, ticket="a").after(20_000).when(c.UndoStep, ticket="a").when(c.ApplyDeadlines).then(e.NoShowLapsed)


def test_an_earlier_call_stays_on_the_board() -> None:
    hall = _hall().when(c.CallTicket, counter="1", ticket="a").when(c.RecordNoShow, ticket="a").when(c.UndoStep, ticket="a")
    assert [call.number for call in hall.state.calls] == ["A001"]
    assert hall.changes[0].withdrawn is None
