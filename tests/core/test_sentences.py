"""What is said of a call is true to the customer: the wait is the one waited, and a place that is another is called so."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, ElasticRule, Policy
from queue_server.core.elastic import oldest
from tests.core.counted import hall_rules
from tests.scenario import Scenario, given, rules

POLICIES = {
    "promise": Policy("promise"),
    "due": Policy("due"),
    "ageing": Policy("ageing", {"rates": {}, "head_start_ms": {}}),
    "strict": Policy("strict"),
    "ratio": Policy("ratio", {"calls": {"gold": 1, "std": 1}, "scope": "branch"}),
    "conditions": Policy("conditions", {"queues": [{"id": "all"}], "rules": [{"call": "all"}]}),
}
PLACED = "with the place of one who has waited 5 minutes"


def _reason(hall: Scenario) -> str:
    reason: str = hall.when(c.CallNext, counter="1").last(e.TicketCalled).routing.reason
    return reason


@pytest.mark.parametrize("name", POLICIES)
def test_a_credit_is_not_said_to_be_a_wait(name: str) -> None:
    hall = given(rules(policy=POLICIES[name])).open("1", "2").issue("a", then=("loans",)).after(600_000)
    hall.serving("1", "a").when(c.FinishServing, ticket="a").issue("b", "loans").after(2_000)
    reason = _reason(hall)
    assert reason.startswith("A001 ")
    assert "2 seconds, with the place of one who has waited 5.03 minutes" in reason


@pytest.mark.parametrize("name", POLICIES)
def test_whoever_stands_where_they_came_is_said_to_have_waited_so_long(name: str) -> None:
    hall = given(rules(policy=POLICIES[name])).open("1").issue("a").issue("b").after(120_000)
    reason = _reason(hall)
    assert "place" not in reason
    assert "2 minutes" in reason or name in {"promise", "due"}


def test_whoever_was_sent_to_the_back_has_waited_longer_than_the_place_says() -> None:
    hall = given(rules(policy=Policy("strict"))).open("1").issue("a").issue("b").after(600_000).serving("1", "a")
    hall.when(c.RequeueTicket, ticket="a", position="back").when(c.CancelTicket, ticket="b").issue("d").after(60_000)
    assert "had waited 11 minutes, with the place of one who has waited 1 minute" in _reason(hall)


@pytest.mark.parametrize(
    ("tier", "said"),
    [
        (None, "C001 is of the lowest tier waiting here, after as many calls above it as the branch allows"),
        ("gold", "C001 is of the tier gold or below, after as many calls above it as the branch allows"),
    ],
)
def test_the_cap_says_whom_it_lets_through(tier: str | None, said: str) -> None:
    cap = Cap(1, tier=tier)
    hall = given(hall_rules((None,) * 4, policy=Policy("strict"), cap=cap)).open("1", "2")
    for ticket in ("p1", "p2"):
        hall.issue(ticket, "loans", tier="plat")
    if tier is None:
        hall.issue("s", tier="std")
    else:
        hall.issue("g", tier="gold").issue("s", "loans", tier="std")
    hall.when(c.CallNext, counter="2")
    assert _reason(hall) == said


def _late(**more: Any) -> ElasticRule:
    return ElasticRule(
        "late", ("3",), "cash_only", service="loans", oldest_wait_ms=300_000, back_oldest_wait_ms=100_000, back_after_ms=0, **more
    )


def test_an_elastic_rule_goes_by_the_place_and_says_so() -> None:
    hall = given(rules(elastic=(_late(),))).open("1").issue("a", then=("loans",)).after(600_000)
    hall.serving("1", "a").when(c.FinishServing, ticket="a").when(c.ApplyDeadlines)
    assert hall.last(e.RuleSwitched).reason == f"the first of those waiting for loans has waited 0 seconds, {PLACED}"
    assert oldest(hall.state, hall.state.rules.elastic[0]) == hall.ticket("a").standing
    hall.when(c.CancelTicket, ticket="a").when(c.ApplyDeadlines)
    assert hall.last(e.RuleSwitched).reason == "nobody waiting for loans has the place of one who has waited 1.67 minutes"


def test_an_elastic_rule_says_the_wait_of_whoever_stands_where_they_came() -> None:
    hall = given(rules(elastic=(_late(),))).open("1").issue("a", "loans").after(300_000).when(c.ApplyDeadlines)
    assert hall.last(e.RuleSwitched).reason == "the first of those waiting for loans has waited 5 minutes"
