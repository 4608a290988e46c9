"""Elastic counters: when a rule begins and ceases to hold, which counters it switches, and to what they return."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import ElasticRule
from queue_server.core.deadlines import next_deadline
from tests.scenario import Scenario, given, rules

CROWD = ElasticRule("crowd", ("1", "3"), "cash_only", service="cash", waiting=3, back_waiting=2, back_after_ms=60_000)
LATE = ElasticRule(
    "late", ("3",), "cash_only", tier="std", oldest_wait_ms=600_000, back_oldest_wait_ms=300_000, back_after_ms=120_000
)


def _hall(*elastic: ElasticRule, **changes: Any) -> Scenario:
    return given(rules(elastic=elastic, **changes)).open("1", "2", "3")


def _profile(hall: Scenario, counter: str) -> tuple[str | None, str | None]:
    return hall.state.counters[counter].profile, hall.state.counters[counter].switched_by


def _crowd(hall: Scenario, number: int = 3) -> Scenario:
    for index in range(number):
        hall.issue(f"t{index}")
    return hall.when(c.ApplyDeadlines)


def test_counters_switch_when_enough_are_waiting_and_not_before() -> None:
    hall = _crowd(_hall(CROWD), 2).then()
    hall.issue("x", "loans").when(c.ApplyDeadlines).then()
    hall.issue("y").when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged, e.CounterProfileChanged)
    assert hall.last(e.RuleSwitched).is_on
    assert hall.last(e.RuleSwitched).reason == "3 are waiting for cash, and the rule begins at 3"
    assert [_profile(hall, counter) for counter in "123"] == [("cash_only", "crowd"), (None, None), ("cash_only", "crowd")]
    hall.when(c.CallNext, counter="3").then(e.TicketCalled)


def test_they_switch_back_when_it_has_been_quiet_for_a_while() -> None:
    hall = _crowd(_hall(CROWD)).when(c.CallNext, counter="2").after(10_000).when(c.ApplyDeadlines).then()
    hall.when(c.CallNext, counter="1")
    quiet_since = hall.now
    assert next_deadline(hall.state) == quiet_since + 60_000
    hall.after(300_000).when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged, e.CounterProfileChanged)
    assert {change.event.at for change in hall.changes} == {quiet_since + 60_000}
    assert [_profile(hall, counter) for counter in "123"] == [(None, None), (None, None), ("gold_only", None)]


def test_they_do_not_flap() -> None:
    hall = _crowd(_hall(CROWD)).when(c.CallNext, counter="2").when(c.CallNext, counter="1").after(59_999)
    hall.issue("x").after(1_000).when(c.ApplyDeadlines).then()
    hall.when(c.CancelTicket, ticket="x").after(59_999).when(c.ApplyDeadlines).then()
    hall.after(1).when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged, e.CounterProfileChanged)


def test_the_oldest_wait_is_watched_by_time_alone() -> None:
    hall = _hall(LATE).issue("g", tier="gold").after(1_000).issue("a").after(900_000)
    arrived = hall.ticket("a").arrived_at
    assert next_deadline(hall.state) == arrived + 600_000
    hall.when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged)
    assert hall.changes[0].event.at == arrived + 600_000
    assert "10 min" in hall.last(e.RuleSwitched).reason
    assert _profile(hall, "3") == ("cash_only", "late")


def test_calm_lasts_only_while_it_is_calm() -> None:
    hall = _hall(LATE).issue("a").after(500_000).issue("b").after(100_000).when(c.ApplyDeadlines)
    # b has waited for 100 s; in 200 s it will be above the lower threshold, but the calm has lasted for 120 s by then.
    hall.when(c.CallTicket, counter="1", ticket="a").after(119_999).when(c.ApplyDeadlines).then()
    hall.after(1).when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged)


def test_calm_that_time_alone_ends_is_over() -> None:
    hall = _hall(LATE).issue("a").after(400_000).issue("b").after(200_000).when(c.ApplyDeadlines)
    hall.when(c.CallTicket, counter="1", ticket="a").after(300_000).when(c.ApplyDeadlines).then()
    hall.issue("d").when(c.CancelTicket, ticket="b")
    assert _profile(hall, "3") == ("cash_only", "late")
    assert next_deadline(hall.state) == hall.now + 120_000


@pytest.mark.parametrize(("first", "wanted"), [("crowd", ("cash_only", "crowd")), ("all", ("gold_only", "all"))])
def test_of_several_rules_the_first_of_the_configuration_wins(first: str, wanted: tuple[str, str]) -> None:
    both = {"crowd": CROWD, "all": ElasticRule("all", ("1",), "gold_only", waiting=2, back_waiting=1)}
    ordered = sorted(both.values(), key=lambda rule: rule.id != first)
    hall = _crowd(_hall(*ordered))
    assert _profile(hall, "1") == wanted


def test_when_the_first_ceases_the_next_takes_over() -> None:
    slow = ElasticRule("slow", ("1",), "gold_only", waiting=2, back_waiting=1)
    hall = _crowd(_hall(CROWD, slow)).when(c.CallNext, counter="2").when(c.CallTicket, counter="3", ticket="t1")
    assert _profile(hall, "1") == ("cash_only", "crowd")
    hall.issue("x", "loans").after(60_000).when(c.ApplyDeadlines)
    assert _profile(hall, "1") == ("gold_only", "slow")


def test_a_counter_that_opens_or_resumes_joins_in() -> None:
    hall = _crowd(given(rules(elastic=(CROWD,)))).then(e.RuleSwitched)
    hall.when(c.OpenCounter, counter="1", profile="gold_only").then(e.CounterOpened, e.CounterProfileChanged)
    assert _profile(hall, "1") == ("cash_only", "crowd")
    hall.when(c.CloseCounter, counter="1")
    assert _profile(hall, "1") == (None, None)


def test_what_is_given_by_hand_meanwhile_counts_from_the_rule_s_end() -> None:
    hall = _crowd(_hall(CROWD)).when(c.ChangeProfile, counter="1", profile="gold_only")
    hall.then(e.CounterProfileChanged, e.CounterProfileChanged)
    assert _profile(hall, "1") == ("cash_only", "crowd")
    hall.when(c.CallNext, counter="2").when(c.CallNext, counter="3").after(60_000).when(c.ApplyDeadlines)
    assert _profile(hall, "1") == ("gold_only", None)


def test_a_customer_at_the_counter_is_not_disturbed() -> None:
    hall = _hall(CROWD).issue("g", "loans").serving("1", "g")
    _crowd(hall)
    assert (hall.state.counters["1"].ticket, _profile(hall, "1")) == ("g", ("cash_only", "crowd"))
    hall.when(c.FinishServing, ticket="g").issue("h", "loans", tier="gold").when(c.CallNext, counter="1")
    assert hall.ticket(hall.last(e.TicketCalled).ticket).service == "cash"


def test_the_switch_comes_before_the_call_of_the_same_moment() -> None:
    hall = given(rules(elastic=(CROWD,), automatic_after_ms=0)).open("3").issue("a").issue("b").issue("d")
    hall.when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged, e.TicketCalled)
    assert _profile(hall, "3") == ("cash_only", "crowd")


def test_a_new_configuration_begins_anew() -> None:
    hall = _crowd(_hall(CROWD))
    hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules()).then(e.BranchConfigured)
    assert (_profile(hall, "1"), _profile(hall, "3"), hall.state.elastic) == ((None, None), ("gold_only", None), {})
    hall.after(900_000).when(c.ApplyDeadlines).then()
    hall.when(c.ConfigureBranch, expected=2, next_day=False, configuration=rules(elastic=(CROWD,)))
    hall.when(c.ApplyDeadlines).then(e.RuleSwitched, e.CounterProfileChanged, e.CounterProfileChanged)
