"""What stands around the policy: reservation, preference and cap, and that the one which decided is named."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as example
from hypothesis import settings
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, CounterPlace, Policy, Preference, Profile, Scope, Tier
from queue_server.core.routing import next_ticket
from tests.scenario import Scenario, given, rules

TIERS = (Tier("vip", {}, 60_000), Tier("gold", {}, 600_000), Tier("std", {}, 1_200_000))
COUNTERS = tuple(CounterPlace(str(number), str(number)) for number in range(1, 4))
POLICIES = (
    Policy("promise"),
    Policy("fifo"),
    Policy("ratio", {"calls": {"vip": 1, "gold": 2, "std": 1}, "scope": "branch"}),
    Policy("conditions", {"queues": [{"id": "s", "tiers": ["std"]}], "rules": [{"call": "s", "fewer_than": 2}]}),
)
arrivals = st.lists(st.tuples(st.sampled_from(["vip", "gold", "std"]), st.integers(0, 200_000)), min_size=1, max_size=15)


def _last(hall: Scenario) -> tuple[str, str]:
    fact = hall.last(e.TicketCalled)
    return fact.ticket, fact.routing.rule


@example(
    arrivals, st.sampled_from(POLICIES), st.integers(0, 2), st.dictionaries(st.sampled_from(["vip", "gold"]), st.integers(1, 3))
)
@settings(max_examples=150, deadline=None)
def test_the_reservation_is_named_exactly_when_it_changed_the_choice(
    coming: list[tuple[str, int]], policy: Policy, busy: int, reserve: dict[str, int]
) -> None:
    hall = given(rules(policy=policy, tiers=TIERS, counters=COUNTERS)).open("1", "2", "3")
    for number in range(busy):
        hall.issue(f"b{number}").serving("23"[number], f"b{number}")
    for index, (tier, gap) in enumerate(coming):
        hall.after(gap).issue(f"t{index}", tier=tier)
    free = next_ticket(hall.state, "1", hall.now)
    assert free is not None
    hall.state.configuration = replace(hall.state.rules, reserve=reserve)
    held = next_ticket(hall.state, "1", hall.now)
    if held is None:
        return
    assert (held.routing.rule == "reservation") == (held.ticket != free.ticket)
    assert held.routing.waiting == free.routing.waiting
    if held.routing.rule == "reservation":
        assert "the counters kept for higher tiers" in held.routing.reason
    else:
        assert replace(held.routing, pool=free.routing.pool) == free.routing


def test_a_call_that_the_reservation_decided_says_so_and_whom_it_passed() -> None:
    hall = given(rules(policy=Policy("fifo"), reserve={"gold": 2}, cap=Cap(3))).open("1", "2")
    hall.issue("a").issue("v", tier="gold").when(c.CallNext, counter="1")
    routing = hall.last(e.TicketCalled).routing
    assert routing.rule == "reservation"
    assert routing.reason == "V001 is called before others whom the counters kept for higher tiers hold back"
    assert (routing.waiting, routing.overtook.first, routing.above, routing.pool) == (2, ("A001",), False, ">gold")


def test_an_emergency_is_named_as_such_beside_a_reservation() -> None:
    hall = given(rules(policy=Policy("fifo"), reserve={"gold": 2})).open("1", "2")
    hall.issue("a").issue("b").when(c.MoveTicket, ticket="b", emergency=True, reason="unwell").when(c.CallNext, counter="1")
    assert _last(hall) == ("b", "emergency")


def test_levels_of_preference_go_beyond_three() -> None:
    preference: dict[str, Preference | int] = {"cash": Preference.FIRST, "loans": 2, "cards": Preference.ONLY_WHEN_IDLE, "fx": -2}
    services = tuple(replace(rules().services[0], id=name, prefix=name, prefixes={}) for name in (*preference, "also"))
    counters = (CounterPlace("1", "1", profile="p"),)
    hall = given(rules(services=services, profiles=(Profile("p", preference=preference),), counters=counters)).open("1")
    for name in ("fx", "cards", "also", "cash", "loans"):
        hall.after(1_000).issue(name, name)
    order = []
    for _ in services:
        hall.when(c.CallNext, counter="1", finish=True)
        order.append(_last(hall)[0])
        hall.when(c.StartServing, ticket=order[-1])
    assert order == ["loans", "cash", "also", "cards", "fx"]


@pytest.mark.parametrize(
    ("cap", "called"),
    [
        (Cap(2), ["g0", "g1", "g2", "g3", "g4", "s0", "g5"]),
        (Cap(2, tier="std"), ["g0", "g1", "g2", "s0", "g3", "g4", "g5"]),
        (Cap(2, Scope.COUNTER, "gold"), ["g0", "g1", "g2", "g3", "g4", "g5", "s0"]),
    ],
)
def test_a_cap_over_a_named_tier_counts_whether_it_waits_or_not(cap: Cap, called: list[str]) -> None:
    hall = given(rules(policy=Policy("strict"), cap=cap)).open("1")
    for index in range(6):
        hall.issue(f"g{index}", tier="gold")
    order: list[Any] = []
    for index in range(7):
        if index == 2:
            # Only now is there anybody whom the cap could let through: gold is the lowest tier waiting until then.
            hall.when(c.CallNext, counter="1", finish=True).issue("s0")
        else:
            hall.when(c.CallNext, counter="1", finish=True)
        order.append(_last(hall)[0])
        hall.when(c.StartServing, ticket=order[-1])
    assert order == called
