"""More safeguards, taken away one by one: those around the choice, of the seats, of the day and of a ticket's place."""

from collections import deque
from typing import Any

import pytest
from msgspec.structs import replace

from queue_server.core import apply as applying
from queue_server.core import commands as c
from queue_server.core import (
    deadlines,
    decide,
    places,
    routing,
    rules_arrivals,
    rules_calls,
    rules_counters,
    rules_tickets,
    rules_undo,
    undo,
)
from queue_server.core import events as e
from queue_server.core.configuration import Code, Policy, Preference, Profile
from queue_server.core.places import Place
from queue_server.core.rejections import (
    DayFull,
    InvalidCommand,
    NotInProfile,
    ServiceClosed,
    UndoRefused,
    UnknownCounter,
    WrongState,
)
from queue_server.core.state import BranchState
from queue_server.core.ticket import ParkKind, Ticket
from queue_server.core.timetable import Timetable, Window
from queue_server.core.turn import Turn
from tests.laws.ablating import NOTHING, Ablation, always, attempt, is_missed, lawful, next_is
from tests.scenario import HOUR, MORNING, Scenario, given, rules

FIFO = Policy("fifo")


def _emergency() -> object:
    hall = given().open("1").issue("a").after(60_000).issue("b")
    return next_is(hall.when(c.MoveTicket, ticket="b", emergency=True, reason="ill"), "b")


_chosen = routing._chosen


def _without_emergencies(state: BranchState, counter: Any, everybody: Any, _free: Any, at: int) -> Any:
    alike = [(replace(key, emergency=False), line) for key, line in everybody]
    return _chosen(state, counter, alike, (alike, None), at)


def _preference() -> object:
    loans_first = Profile("gold_only", preference={"loans": Preference.FIRST})
    hall = given(rules(profiles=(loans_first, Profile("cash_only")))).open("3").issue("a").after(60_000)
    return next_is(hall.issue("l", "loans"), "l", counter="3")


def _sit_twice() -> object:
    hall = given().when(c.OpenCounter, counter="1", staff="ann")
    return lawful(attempt(hall, c.OpenCounter, counter="2", staff="ann"))


def _take_over() -> object:
    hall = given().when(c.OpenCounter, counter="1", staff="ann")
    return lawful(hall.when(c.OpenCounter, counter="2", staff="ann", take_over=True))


def _sit_down(turn: Turn, command: c.OpenCounter) -> None:
    turn.emit(e.CounterOpened(counter=command.counter, staff=command.staff))


def _override_without_reason() -> object:
    return lawful(attempt(given().open("3").issue("s"), c.CallTicket, counter="3", ticket="s", override=True))


def _call_unasked(turn: Turn, command: c.CallTicket) -> None:
    ticket = turn.ticket(command.ticket)
    rules_calls.call(turn, ticket, command.counter, routing.direct(turn.state, command.counter, ticket, command.reason, turn.at))


def _come_at_night() -> object:
    hours = Timetable(windows=(Window(MORNING + HOUR, MORNING + 2 * HOUR, MORNING + 2 * HOUR),))
    hall = given().when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(), timetable=hours)
    return hall.refused(ServiceClosed, c.IssueTicket, ticket_id="a", service="cash")


def _missed() -> Scenario:
    return given(rules(reinstate_ms=60_000)).open("1").issue("a").when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")


def _lapse() -> object:
    return _missed().after(60_000).when(c.ApplyDeadlines).then(e.NoShowLapsed)


_due = deadlines._due


def _due_without_lapses(state: BranchState) -> Any:
    kept, state.lapsing = state.lapsing, deque()
    try:
        return _due(state)
    finally:
        state.lapsing = kept


def _return_too_late() -> object:
    return _missed().after(60_001).refused(WrongState, c.ReinstateTicket, ticket="a")


def _served(**changes: Any) -> Scenario:
    return given(rules(**changes)).open("1").issue("a").serving("1", "a")


def _close_with_parked() -> object:
    return lawful(_served().when(c.ParkTicket, ticket="a").when(c.CloseCounter, counter="1"))


def _close_alone(turn: Turn, counter: Any, reason: str | None) -> None:
    turn.emit(e.CounterClosed(counter=counter.id, reason=reason))


def _fill_the_day() -> object:
    return given(rules(day_limit=3)).issue("a").refused(DayFull, c.IssueTicket, ticket_id="b", service="cash")


def _unknown_at_night() -> object:
    return given().when(c.CloseDay, reason="x").refused(UnknownCounter, c.CallNext, counter="9")


def _say_a_name() -> object:
    hall = given(rules(reasons=(Code("left", {"en": "Left"}),))).issue("a")
    return hall.refused(InvalidCommand, c.CancelTicket, ticket="a", reason="Mr Smith")


def _front(care: str | None = None) -> Scenario:
    hall = given(rules(policy=FIFO)).open("1").issue("a").after(1_000).issue("x", care=care).after(60_000).serving("1", "x")
    hall.when(c.ParkTicket, ticket="x", kind=ParkKind.SERVICE).after(60_000)
    return next_is(hall.when(c.RequeueTicket, ticket="x"), "x")


def _front_of_others() -> object:
    return _front("elderly")


def _due_place() -> object:
    hall = given(rules(policy=FIFO)).open("1").issue("a").after(30_000).issue("b").serving("1", "a").after(20_000)
    return next_is(hall.when(c.RequeueTicket, ticket="a"), "a")


def _now(_state: Any, _ticket: Any, _key: Any, _position: Any, at: int) -> Place:
    return Place(at)


def _sent_where_nobody_may_call() -> object:
    return _served().refused(NotInProfile, c.TransferTicket, ticket="a", counter="3")


def _sent_on() -> object:
    hall = _served().after(60_000).when(c.TransferTicket, ticket="a", service="loans").serving("1", "a")
    hall.after(7_000).when(c.FinishServing, ticket="a")
    assert [(stage.service, stage.served_ms) for stage in hall.ticket("a").stages] == [("cash", 60_000), ("loans", 7_000)]
    return hall


def _sent_on_to_what_was_to_come() -> object:
    hall = given().open("1").issue("a", then=("loans",)).serving("1", "a")
    hall.when(c.TransferTicket, ticket="a", service="loans").serving("1", "a")
    return hall.when(c.FinishServing, ticket="a").then(e.ServingFinished)


def _undo_a_return_with_its_call() -> object:
    hall = _missed().when(c.CallTicket, counter="1", ticket="a").when(c.UndoStep, ticket="a")
    assert hall.ticket("a").returns_until is not None
    return lawful(hall)


def _undo_at_a_counter_that_closed() -> object:
    hall = _served().when(c.ParkTicket, ticket="a", actor="staff:ann", seat="ann")
    hall.when(c.CancelTicket, ticket="a", actor="staff:ann", seat="ann").when(c.CloseCounter, counter="1")
    return hall.refused(UndoRefused, c.UndoStep, ticket="a", actor="staff:bob", seat="bob")


def _the_clerk_is_right() -> object:
    hall = given(rules(undo_ms=0, no_show_after_ms=30_000, automatic_after_ms=0)).open("1").issue("a").issue("b")
    hall.when(c.ApplyDeadlines).after(30_000)
    attempt(hall, c.StartServing, ticket="a")
    assert hall.state.counters["1"].ticket == "a"
    return lawful(hall)


ABLATIONS: dict[str, Ablation] = {
    "an emergency goes before all": (
        [(routing, "_chosen", _without_emergencies)],
        _emergency,
    ),
    "the preference of a counter": ([(routing, "_preferred", lambda _state, _counter, lines: lines)], _preference),
    "one seat for a person": ([(decide._RULES, c.OpenCounter, _sit_down)], _sit_twice),
    "who takes over leaves the other seat": ([(rules_counters, "_close", NOTHING)], _take_over),
    "an override has a reason": ([(decide._RULES, c.CallTicket, _call_unasked)], _override_without_reason),
    "opening hours": ([(rules_arrivals, "_require_given", NOTHING)], _come_at_night),
    "a no-show lapses": ([(deadlines, "_due", _due_without_lapses)], _lapse),
    "whose time is over does not return": ([(rules_calls, "_require_return", NOTHING)], _return_too_late),
    "what a closing counter kept is for the service": ([(rules_counters, "_close", _close_alone)], _close_with_parked),
    "the day limit": ([(decide, "_ENDING", frozenset(decide._RULES))], _fill_the_day),
    "what there is not is unknown at night": ([(decide, "require_known", NOTHING)], _unknown_at_night),
    "reasons are configured codes": ([(decide, "require_reason", NOTHING)], _say_a_name),
    "the front": ([(rules_tickets, "place_for", _now)], _front),
    "the front is before all with whom the place is compared": (
        [(places, "_is_near", lambda key, other: key == other)],
        _front_of_others,
    ),
    "the due place": ([(rules_tickets, "place_for", _now)], _due_place),
    "who is sent somewhere may be called there": ([(rules_tickets, "_require_reachable", NOTHING)], _sent_where_nobody_may_call),
    "what was given before a transfer": ([(Ticket, "is_begun", property(always(False)))], _sent_on),
    "no service is given twice": ([(rules_tickets, "_then_without", NOTHING)], _sent_on_to_what_was_to_come),
    "a return and its call are one step": (
        [(applying, "UNDOABLE", undo.UNDOABLE - {e.TicketReinstated})],
        _undo_a_return_with_its_call,
    ),
    "the seat of a counter that has closed": ([(rules_undo, "_require_seat", NOTHING)], _undo_at_a_counter_that_closed),
    "whom the counter called by itself goes back for the clerk": (
        [(rules_calls, "called_by_itself", NOTHING)],
        _the_clerk_is_right,
    ),
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_missing_safeguard_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_missed(*ABLATIONS[name], monkeypatch)
