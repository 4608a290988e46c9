"""What the rules count by, the turns of a policy and the run of a cap, when the call that counted is taken back."""

from copy import copy

import pytest
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.configuration import Cap, Policy, Scope
from queue_server.core.events import Event
from queue_server.core.undo import undoing
from tests.scenario import Scenario, given, rules


def test_the_same_customer_called_for_the_next_stage_is_one_step_back() -> None:
    hall = given(rules(cap=Cap(3))).open("1").issue("a", tier="gold", then=("loans",)).issue("b").when(c.CallNext, counter="1")
    hall.when(c.StartServing, ticket="a").when(c.CancelTicket, ticket="b").issue("b")
    runs, before = dict(hall.state.runs), copy(hall.ticket("a"))
    hall.when(c.CallNext, counter="1", finish=True).then(e.StageFinished, e.TicketCalled)
    assert hall.state.runs != runs
    hall.when(c.UndoStep, ticket="a").then(e.StepUndone)
    assert (hall.ticket("a"), hall.state.runs) == (before, runs)
    assert hall.state.pace["cash"].finished == 0


RATIO = Policy("ratio", {"calls": {"gold": 1, "std": 1}, "scope": "branch"})


def _called(hall: Scenario, counter: str) -> str:
    hall.when(c.CallNext, counter=counter)
    called: str = hall.last(e.TicketCalled).ticket
    return called


@pytest.mark.parametrize("earlier", [0, 1, 2])
def test_the_turn_that_was_taken_is_given_back(earlier: int) -> None:
    hall = given(rules(policy=RATIO)).open("1")
    for ticket in ("g1", "s1", "g2", "s2", "g3"):
        hall.issue(ticket, tier={"g": "gold", "s": "std"}[ticket[0]]).after(1_000)
    for _ in range(earlier):
        hall.when(c.FinishServing, ticket=_start(hall))
    called = _called(hall, "1")
    hall.when(c.UndoStep, ticket=called)
    assert _called(hall, "1") == called


def _start(hall: Scenario) -> str:
    _called(hall, "1")
    return _start_of(hall)


@pytest.mark.parametrize("scope", list(Scope))
def test_the_run_of_the_cap_is_given_back(scope: Scope) -> None:
    hall = (
        given(rules(policy=Policy("strict"), cap=Cap(1, scope)))
        .open("1", "2")
        .issue("g1", tier="gold")
        .issue("g2", tier="gold")
        .issue("s")
    )
    assert _called(hall, "1") == "g1"
    hall.when(c.UndoStep, ticket="g1")
    assert _called(hall, "1") == "g1"
    assert _called(hall, "2") == ("s" if scope is Scope.BRANCH else "g2")


def test_rule_counters_stay_when_somebody_else_has_been_called_since() -> None:
    hall = (
        given(rules(policy=Policy("strict"), cap=Cap(2)))
        .open("1", "2")
        .issue("g1", tier="gold")
        .issue("g2", tier="gold")
        .issue("s")
    )
    _called(hall, "1")
    _called(hall, "2")
    hall.when(c.UndoStep, ticket="g1")
    assert hall.state.runs == {"": 2}


def test_the_round_that_ended_for_all_goes_on_for_all() -> None:
    rule = {"call": "gold", "fewer_than": 1}
    queues = [{"id": "gold", "tiers": ["gold"]}, {"id": "std", "tiers": ["std"]}]
    plan = {"queues": queues, "rules": [rule], "otherwise": ["std"], "scope": "counter"}
    hall = given(rules(policy=Policy("conditions", plan))).open("1", "2")
    for ticket in ("g1", "g2", "g3", "s1", "s2"):
        hall.issue(ticket, tier={"g": "gold", "s": "std"}[ticket[0]])
    assert [_called(hall, "1"), _called(hall, "2")] == ["g1", "g2"]
    turns = dict(hall.state.turns)
    hall.when(c.CancelTicket, ticket="g1")
    assert _called(hall, "1") == "s1"
    assert hall.state.turns == {}
    hall.when(c.UndoStep, ticket="s1")
    assert hall.state.turns == turns


def test_what_a_round_had_ended_does_not_come_back_with_an_earlier_call() -> None:
    plan = {"queues": [{"id": "gold", "tiers": ["gold"]}], "rules": [{"call": "gold", "fewer_than": 2}], "scope": "counter"}
    hall = given(rules(policy=Policy("conditions", plan))).open("1", "2").issue("g1", tier="gold").issue("g2", tier="gold")
    hall.when(c.CallNext, counter="1").when(c.FinishServing, ticket=_start_of(hall)).issue("s")
    assert _called(hall, "1") == "g2"
    counted = dict(hall.state.turns)
    assert _called(hall, "2") == "s"
    hall.when(c.UndoStep, ticket="g2")
    assert hall.state.turns == {}
    hall.when(c.UndoStep, ticket="s")
    assert hall.state.turns == counted


def _start_of(hall: Scenario) -> str:
    ticket: str = hall.last(e.TicketCalled).ticket
    hall.when(c.StartServing, ticket=ticket)
    return ticket


@pytest.mark.parametrize("scope", list(Scope))
def test_an_older_fact_that_takes_a_call_back_does_not_name_the_run(scope: Scope) -> None:
    hall = given(rules(policy=Policy("strict"), cap=Cap(2, scope))).open("1").issue("g", tier="gold").issue("s")
    called = _called(hall, "1")
    step = undoing(hall.state, called, hall.state.steps[called], hall.now)
    assert (step.run, step.run_of) == (0, "1" if scope is Scope.COUNTER else "")
    older = replace(step, run_of=None)
    apply(hall.state, Event(hall.state.day, hall.state.seq + 1, hall.now, "c", "test", older))
    assert hall.state.runs == {step.run_of: 0}
