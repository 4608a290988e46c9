"""What the rules that count calls promise, over random halls of three tiers, several services, profiles, preferences and counters."""

from itertools import groupby, pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as example
from hypothesis import settings
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, CounterPlace, Policy, Preference, Profile, Scope
from queue_server.core.lifecycle import CounterState
from tests.core.counted import TIERS, Called, Drawn, hall_rules, halls
from tests.scenario import Scenario, given

scopes = st.sampled_from(["branch", "counter"])
caps = st.tuples(st.integers(1, 3), scopes, st.sampled_from([None, *TIERS]))


def _pools(calls: list[Called]) -> list[list[Called]]:
    pools: dict[Any, list[Called]] = {}
    for call in calls:
        pools.setdefault(call.pool, []).append(call)
    return list(pools.values())


def _ratio(plat: int, gold: int, std: int, scope: str = "branch") -> Policy:
    return Policy("ratio", {"calls": {"plat": plat, "gold": gold, "std": std}, "scope": scope})


@example(halls, scopes)
@settings(max_examples=100, deadline=None)
def test_whoever_waits_is_a_candidate_of_every_call_of_a_pool_or_of_none(hall: Drawn, scope: str) -> None:
    for calls in _pools(hall.calls(scope, policy=_ratio(1, 1, 1, scope))):
        assert all(call.routing.turn == call.ticket.tier for call in calls)
        for earlier, call in pairwise(calls):
            known = {(ticket.ticket_id, ticket.directed_to) for ticket in earlier.left}
            assert known & call.waiting <= {(ticket.ticket_id, ticket.directed_to) for ticket in call.left}


@example(halls, scopes, st.tuples(*[st.integers(1, 3)] * 3))
@settings(max_examples=150, deadline=None)
def test_ratio_calls_at_most_n_of_the_other_for_each_m_of_yours(hall: Drawn, scope: str, turns: tuple[int, int, int]) -> None:
    counts = dict(zip(TIERS, turns, strict=True))
    for calls in _pools(hall.calls(scope, policy=_ratio(*turns, scope))):
        for yours in TIERS:
            for other in TIERS:
                for both, run in groupby(calls, lambda call: {yours, other} <= call.tiers):  # noqa: B023 - used up at once
                    if both and yours != other:
                        _bounded([call.ticket.tier for call in run], yours, counts[yours], other, counts[other])


def _bounded(called: list[str], yours: str, mine: int, other: str, theirs: int) -> None:
    """Over every stretch of the calls."""
    for begin in range(len(called)):
        for end in range(begin, len(called)):
            stretch = called[begin : end + 1]
            assert stretch.count(other) <= theirs * (stretch.count(yours) // mine + 1)


@example(halls, caps, st.sampled_from([Policy("strict"), Policy("promise"), _ratio(3, 3, 1)]))
@settings(max_examples=150, deadline=None)
def test_the_cap_lets_the_lowest_tier_through_once_in_k_and_one_calls(
    hall: Drawn, cap: tuple[int, str, str | None], policy: Policy
) -> None:
    most, scope, tier = cap
    for calls in _pools(hall.calls(scope, policy=policy, cap=Cap(most, Scope(scope), tier))):
        passed = 0
        for call in calls:
            lowest = TIERS.index(tier) if tier is not None else max(map(TIERS.index, call.tiers))
            could = any(TIERS.index(each) >= lowest for each in call.tiers)
            passed = passed + 1 if TIERS.index(call.ticket.tier) < lowest else 0
            # With a tier named, calls count while nobody waits whom the cap could let through.
            assert passed <= most or not could


@example(halls, caps)
@settings(max_examples=150, deadline=None)
def test_whoever_is_of_the_lowest_tier_is_passed_by_k_calls_before_one_of_it_is_called(
    hall: Drawn, cap: tuple[int, str, str | None]
) -> None:
    most, scope, _ = cap
    for calls in _pools(hall.calls(scope, policy=Policy("strict"), cap=Cap(most, Scope(scope)))):
        passed: dict[str, int] = {}
        for call in calls:
            lowest = max(call.tiers, key=TIERS.index)
            for ticket in call.left:
                is_passed = ticket.tier == lowest != call.ticket.tier
                passed[ticket.ticket_id] = passed.get(ticket.ticket_id, 0) + 1 if is_passed else 0
                assert passed[ticket.ticket_id] <= most


def _called(hall: Scenario, counter: str, count: int) -> list[str]:
    called = []
    for _ in range(count):
        called.append(hall.when(c.CallNext, counter=counter, finish=True).last(e.TicketCalled).ticket)
        hall.when(c.StartServing, ticket=called[-1])
    return called


def test_turns_are_taken_though_no_counter_serves_every_tier() -> None:
    hall = given(hall_rules(("hall", "room", None, None), policy=_ratio(1, 2, 1))).open("1", "2").issue("s0", tier="std")
    for index in range(5):
        hall.after(1_000).issue(f"g{index}", tier="gold")
    assert _called(hall, "1", 4) == ["g0", "g1", "s0", "g2"]


def test_the_cap_holds_though_no_counter_serves_every_tier() -> None:
    hall = given(hall_rules(("hall",) * 4, policy=Policy("strict"), cap=Cap(2))).open("1").issue("s0", tier="std")
    for index in range(4):
        hall.after(1_000).issue(f"g{index}", tier="gold")
    assert _called(hall, "1", 4) == ["g0", "g1", "s0", "g2"]


@pytest.mark.parametrize("scope", ["branch", "counter"])
def test_a_round_goes_on_while_somebody_waits_whom_this_counter_cannot_call(scope: str) -> None:
    hall = given(hall_rules(("cash", "desk", None, None), policy=_ratio(1, 1, 1, scope))).open("1", "2")
    hall.issue("p0", "loans", tier="plat").issue("s0", tier="std").issue("s1", tier="std")
    for index in range(4):
        hall.after(1_000).issue(f"g{index}", tier="gold")
    hall.issue("l0", "loans", tier="std")
    assert _called(hall, "1", 4) == ["g0", "s0", "g1", "s1"]
    assert _called(hall, "2", 2) == ["p0", "l0"]


def test_a_call_that_the_preference_decided_counts() -> None:
    hall = given(hall_rules(("loans_first",) * 4, policy=Policy("strict"), cap=Cap(2))).open("1")
    hall.issue("p", tier="plat").issue("s0", "loans", tier="std")
    for index in range(4):
        hall.after(1_000).issue(f"g{index}", "loans", tier="gold")
    assert _called(hall, "1", 4) == ["g0", "g1", "s0", "g2"]


def test_a_call_that_the_reservation_decided_takes_a_turn() -> None:
    hall = given(hall_rules((None,) * 4, policy=_ratio(1, 1, 3), reserve={"gold": 3})).open("1", "2", "3", "4")
    hall.issue("x", tier="plat").when(c.CallTicket, counter="4", ticket="x").issue("s", tier="std")
    for index in range(2):
        hall.issue(f"p{index}", tier="plat").issue(f"g{index}", tier="gold")
    assert hall.state.counters["4"].state is CounterState.CALLING
    assert _called(hall, "1", 4) == ["p0", "g0", "p1", "g1"]


def test_an_emergency_and_a_direct_call_count_for_nothing() -> None:
    hall = given(hall_rules((None,) * 4, policy=_ratio(1, 1, 1), cap=Cap(1))).open("1", "2")
    for index in range(3):
        hall.issue(f"p{index}", tier="plat").issue(f"g{index}", tier="gold")
    hall.when(c.MoveTicket, ticket="p1", emergency=True, reason="unwell")
    assert _called(hall, "1", 1) == ["p1"]
    hall.when(c.CallTicket, counter="2", ticket="p2")
    assert (hall.state.turns, hall.state.runs) == ({}, {})


def test_a_call_that_the_cap_made_takes_nobodys_turn() -> None:
    hall = given(hall_rules((None,) * 4, policy=_ratio(1, 1, 1), cap=Cap(1))).open("1")
    for index in range(3):
        hall.issue(f"p{index}", tier="plat").issue(f"g{index}", tier="gold").issue(f"s{index}", tier="std")
    assert _called(hall, "1", 5) == ["p0", "s0", "g0", "s1", "p1"]


def test_whoever_was_sent_to_a_counter_does_not_lose_their_turns_to_the_calls_of_others() -> None:
    hall = given(hall_rules((None,) * 4, policy=_ratio(1, 1, 1))).open("1", "2").issue("p", tier="plat").serving("2", "p")
    for index in range(4):
        hall.issue(f"g{index}", tier="gold").issue(f"s{index}", tier="std")
    hall.when(c.TransferTicket, ticket="p", counter="1")
    assert _called(hall, "2", 1) == ["g0"]
    assert _called(hall, "1", 1) == ["p"]


def test_a_call_that_is_taken_back_gives_back_what_it_counted_for_in_its_pool() -> None:
    profiles = (Profile("lf", preference={"loans": Preference.FIRST}),)
    counters = (CounterPlace("1", "1", profile="lf"), CounterPlace("2", "2", profile="lf"))
    configuration = hall_rules((None,) * 4, policy=_ratio(1, 1, 1), cap=Cap(2))
    hall = given(replace(configuration, profiles=profiles, counters=counters)).open("1", "2")
    for tier in TIERS:
        hall.issue(f"l{tier}", "loans", tier=tier).issue(f"c{tier}", tier=tier)
    assert _called(hall, "1", 1) == ["lplat"]
    turns, runs = dict(hall.state.turns), dict(hall.state.runs)
    assert (set(turns), runs) == ({"@lf/1"}, {"@lf/1": 1})
    hall.when(c.CallNext, counter="2")
    assert (hall.last(e.TicketCalled).ticket, hall.state.runs) == ("lgold", {"@lf/1": 2})
    hall.when(c.UndoStep, ticket="lgold")
    assert (hall.state.turns, hall.state.runs) == (turns, runs)
