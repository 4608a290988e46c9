"""Each safeguard of the core, taken away, is noticed: a check that cannot fail is none."""

from typing import Any

import pytest

from queue_server.core import apply as applying
from queue_server.core import (
    apply_tickets,
    carrying,
    counting,
    deadlines,
    decide,
    elastic,
    movement,
    routing,
    rules_arrivals,
    rules_calls,
    rules_day,
    rules_stages,
    rules_undo,
    stranding,
    undo,
)
from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, CounterPlace, Policy, Profile, Service
from queue_server.core.deadlines import roll_at
from queue_server.core.rejections import Forbidden, UndoRefused, WouldStrand
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from queue_server.core.turn import Turn
from tests import invariants
from tests.laws.ablating import NOTHING, Ablation, always, attempt, is_missed, lawful, next_is, timely
from tests.laws.draws import CROWD, LATE
from tests.scenario import HOUR, Scenario, given, rules


def _two(**changes: Any) -> Scenario:
    return given(rules(**changes)).open("1").issue("a").issue("b").after(1_000)


def _golds(**changes: Any) -> Scenario:
    hall = given(rules(policy=Policy("strict"), **changes)).open("1", "2")
    for ticket in ("g1", "g2", "g3"):
        hall.issue(ticket, tier="gold")
    return hall.issue("s")


def _call_twice() -> object:
    return lawful(attempt(_two().when(c.CallNext, counter="1"), c.CallTicket, counter="1", ticket="b"))


def _park_twice() -> object:
    hall = _two(park_limit=1).serving("1", "a").when(c.ParkTicket, ticket="a").serving("1", "b")
    return lawful(attempt(hall, c.ParkTicket, ticket="b"))


def _undo_behind_another() -> object:
    hall = _two().serving("1", "a").when(c.FinishServing, ticket="a").when(c.CallNext, counter="1")
    return lawful(attempt(hall, c.UndoStep, ticket="a"))


def _undo_too_late() -> object:
    return _two().when(c.CallNext, counter="1").after(31_000).refused(UndoRefused, c.UndoStep, ticket="a")


def _undo_from_elsewhere() -> object:
    hall = given().when(c.OpenCounter, counter="1", staff="ann").issue("a").when(c.CallNext, counter="1")
    return hall.refused(Forbidden, c.UndoStep, ticket="a", seat="bob")


def _undo_a_turn() -> object:
    hall = given(rules(policy=Policy("ratio", {"calls": {"gold": 1, "std": 1}}))).open("1").issue("g", tier="gold").issue("s")
    return lawful(hall.when(c.CallNext, counter="1").when(c.UndoStep, ticket="g"))


def _keep_for_gold() -> object:
    hall = given(rules(reserve={"gold": 1})).open("1").issue("s")
    return hall.when(c.CallNext, counter="1").then()


def _cap_at_two() -> object:
    hall = _golds(cap=Cap(2))
    for ticket in ("g1", "g2"):
        next_is(hall, ticket).when(c.CancelTicket, ticket=ticket)
    return next_is(hall, "s")


def _cap_beside_another_service() -> object:
    profiles = (Profile("cash", services=("cash",)), Profile("loans", services=("loans",)))
    counters = (CounterPlace("1", "1", profile="cash"), CounterPlace("2", "2", profile="loans"))
    hall = given(rules(policy=Policy("strict"), cap=Cap(1), profiles=profiles, counters=counters)).open("1", "2")
    hall.issue("g1", "loans", tier="gold").issue("g2", "loans", tier="gold").issue("s", "loans").issue("c")
    for counter, ticket in (("2", "g1"), ("1", "c")):
        next_is(hall, ticket, counter).when(c.CancelTicket, ticket=ticket)
    return next_is(hall, "s", "2")


def _switch_back() -> object:
    hall = given(rules(elastic=(CROWD,))).open("1").issue("a").issue("b").issue("d").when(c.ApplyDeadlines)
    return timely(hall.when(c.CancelTicket, ticket="a").when(c.CancelTicket, ticket="b").after(30_000))


def _stay_while_it_is_not_calm() -> object:
    hall = given(rules(elastic=(LATE,))).open("1").issue("a", tier="gold").after(55_000).issue("b", tier="gold").after(45_000)
    hall.when(c.ApplyDeadlines).when(c.CancelTicket, ticket="a").after(17_000)
    hall.when(c.CancelTicket, ticket="b").after(10_000).when(c.ApplyDeadlines)
    assert hall.state.counters["1"].switched_by == "late"
    return timely(hall)


def _switch_by_the_first() -> object:
    hall = given(rules(elastic=(CROWD,))).open("1").issue("a").issue("b").issue("d")
    return timely(hall)


def _a_short_next_stage() -> object:
    hall = given().open("1").issue("a", then=("loans",)).after(7_200_000).serving("1", "a").when(c.FinishServing, ticket="a")
    assert hall.now - hall.ticket("a").place_at <= 0.9 * hall.ticket("a").target_ms
    return hall


def _one_too_many() -> object:
    hall = given(rules(services=(Service("cash", {"en": "Cash"}, "A", daily_limit=1), rules().services[1]))).issue("a")
    return lawful(attempt(hall, c.IssueTicket, ticket_id="b", service="cash"))


def _two_in_one_millisecond() -> object:
    return next_is(given(rules(policy=Policy("fifo"))).open("1").issue("z").issue("a"), "z")


def _return() -> object:
    hall = _two().when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a").when(c.ReinstateTicket, ticket="a")
    return lawful(hall)


def _take_up_again() -> object:
    hall = _two().serving("1", "a").after(5_000).when(c.ParkTicket, ticket="a").after(5_000)
    return lawful(hall.when(c.UnparkTicket, ticket="a").after(1_000))


def _call_by_itself() -> object:
    return timely(_two(automatic_after_ms=0))


def _miss_too_soon() -> object:
    return lawful(attempt(_two(recalls_before_no_show=1).when(c.CallNext, counter="1"), c.RecordNoShow, ticket="a"))


def _strand() -> object:
    fewer = rules(services=rules().services[:1])
    return given().issue("a", "loans").refused(WouldStrand, c.ConfigureBranch, expected=1, next_day=False, configuration=fewer)


def _strand_by_profile() -> object:
    golden = rules(counters=(CounterPlace("1", "1", profile="gold_only"),))
    return given().issue("s").refused(WouldStrand, c.ConfigureBranch, expected=1, next_day=False, configuration=golden)


def _act_elsewhere() -> object:
    hall = given().when(c.OpenCounter, counter="1", staff="ann").issue("a")
    return hall.refused(Forbidden, c.CallNext, counter="1", seat="bob")


def _numbers() -> object:
    return lawful(_two())


def _rolled(hall: Scenario, **changes: Any) -> Scenario:
    hall.now = roll_at(hall.state)
    rolls_at, configuration = hall.now + 24 * HOUR, rules(**changes)
    return hall.when(c.OpenDay, day="2026-01-02", opens_at=hall.now, rolls_at=rolls_at, version=1, configuration=configuration)


def _carry_a_number() -> object:
    hall = _rolled(given(rules(carry_over=True)).issue("a")).issue("b")
    invariants.check(hall.state, [event for event in hall.events if event.day == hall.state.day])
    return hall


def _carry_to_nowhere() -> object:
    hall = _rolled(given(rules(carry_over=True)).issue("a", "loans"), services=rules().services[:1], profiles=())
    assert all(ticket.service in hall.state.services for ticket in hall.state.tickets.values())
    return hall


def _gold_only() -> object:
    return lawful(given().open("3").issue("s").when(c.CallNext, counter="3"))


def _give_no_serial(state: BranchState, event: Any, fact: Any) -> None:
    apply_tickets.ticket_issued(state, event, fact)
    state.serials.clear()


def _next_serial(state: BranchState, prefix: str) -> tuple[int, str]:
    serial = state.serials.get(prefix, 0) + 1
    return serial, f"{prefix}{serial:03d}"


def _park_unbounded(turn: Turn, command: c.ParkTicket) -> None:
    turn.emit(e.TicketParked(ticket=command.ticket, counter="1", kind=command.kind))


def _miss_at_once(turn: Turn, command: c.RecordNoShow) -> None:
    turn.emit(e.NoShowRecorded(ticket=command.ticket, counter="1", returns_until=turn.at + 1_000))


_HOLDS = e.RuleSwitched(rule="crowd", is_on=True, reason="many")
ABLATIONS: dict[str, Ablation] = {
    "a counter must be idle to call": ([(rules_calls, "require_idle", NOTHING)], _call_twice),
    "a serial is used up": (
        [(applying._APPLY, e.TicketIssued, _give_no_serial), (rules_arrivals, "_free_number", _next_serial)],
        _numbers,
    ),
    "a number that was carried over is skipped": ([(rules_arrivals, "_free_number", _next_serial)], _carry_a_number),
    "whom the next day has no place for": ([(carrying, "is_lost", always(False))], _carry_to_nowhere),
    "the profile in the choice": ([(routing, "may_call", always(True))], _gold_only),
    "the park limit": ([(decide._RULES, c.ParkTicket, _park_unbounded)], _park_twice),
    "what stands at the counter of an undo": ([(rules_undo, "_called_meanwhile", NOTHING)], _undo_behind_another),
    "the window of an undo": ([(rules_undo, "_require_recent", NOTHING)], _undo_too_late),
    "the seat of an undo": ([(rules_undo, "_require_seat", NOTHING)], _undo_from_elsewhere),
    "the turn that an undo gives back": ([(undo, "_is_untouched", always(False))], _undo_a_turn),
    "the reservation": ([(routing, "_within_reservation", lambda _state, lines: (lines, None))], _keep_for_gold),
    "calls are counted by pool": ([(counting, "_scope", always(""))], _cap_beside_another_service),
    "the count of the cap": ([(apply_tickets, "_count_call", NOTHING)], _cap_at_two),
    "calm is noticed": ([(elastic, "note_calm", NOTHING)], _switch_back),
    "calm is over when time has passed": ([(elastic, "note_unrest", NOTHING)], _stay_while_it_is_not_calm),
    "counters follow a rule": ([(deadlines, "switch", lambda turn, _index, at: turn.emit(_HOLDS, at))], _switch_by_the_first),
    "the bound of the credit for a stage": (
        [(rules_stages, "_credited", lambda turn, ticket, _target: turn.at - ticket.waited_ms // 2)],
        _a_short_next_stage,
    ),
    "the daily limit": ([(rules_arrivals, "_require_given", NOTHING)], _one_too_many),
    "ties go by the seq of issue": (
        [(Ticket, "standing", property(lambda ticket: (ticket.place_at, 0, ticket.ticket_id)))],
        _two_in_one_millisecond,
    ),
    "who has returned is no more awaited": ([(movement, "forget_return", NOTHING)], _return),
    "who is taken up is no more kept": ([(movement, "unkeep", NOTHING)], _take_up_again),
    "an idle counter calls": ([(deadlines, "next_ticket", NOTHING)], _call_by_itself),
    "announcements before a no-show": ([(decide._RULES, c.RecordNoShow, _miss_at_once)], _miss_too_soon),
    "nobody is stranded": ([(rules_day, "stranded", always([]))], _strand),
    "nobody is stranded by a profile": ([(stranding, "could_be_called", always(True))], _strand_by_profile),
    "staff at their own counter": ([(Turn, "counter", lambda turn, counter: turn.state.counters[counter])], _act_elsewhere),
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_missing_safeguard_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_missed(*ABLATIONS[name], monkeypatch)
