"""What docs/rules.md promises about being overtaken, over random halls."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from hypothesis import given as example
from hypothesis import settings

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, Policy, Tier
from queue_server.core.ticket import Ticket
from tests.scenario import Scenario, given, rules

RATES = {"gold": 3, "std": 1}
HEADS = {"gold": 20_000, "std": 50_000}
arrivals = st.lists(st.tuples(st.sampled_from(["gold", "std"]), st.integers(0, 120_000)), min_size=2, max_size=20)


def _passes(
    policy: Policy,
    coming: list[tuple[str, int]],
    services: tuple[str, ...] = ("cash",),
    *,
    meanwhile: bool = False,
    care: bool = False,
    **more: Any,
) -> Iterator[tuple[Ticket, Ticket, int]]:
    """
    Yield, for each call in a hall that is served a customer every five seconds, who passed whom at what moment.

    Calls begin when all have come; *meanwhile*: after those of an odd gap. *care*: some of them have a reason for it.
    """
    tiers = (Tier("gold", {}, 60_000), Tier("std", {}, 240_000))
    hall: Scenario = given(rules(policy=policy, tiers=tiers, **more)).open("1")
    for index, (tier, gap) in enumerate(coming):
        reason = "elderly" if care and gap % 3 == 0 else None
        hall.after(gap).issue(f"t{index}", services[index % len(services)], tier=tier, care=reason)
        if meanwhile and gap % 2:
            yield from _call(hall)
    while hall.state.queues and any(hall.state.queues.values()):
        yield from _call(hall)


def _call(hall: Scenario) -> Iterator[tuple[Ticket, Ticket, int]]:
    waiting = [ticket for ticket in hall.state.tickets.values() if ticket.waiting_since is not None]
    hall.after(5_000).when(c.CallNext, counter="1", finish=True)
    called = hall.ticket(hall.last(e.TicketCalled).ticket)
    yield from ((called, other, hall.now) for other in waiting if other.standing < called.standing)
    hall.when(c.StartServing, ticket=called.ticket_id)


@example(arrivals)
@settings(max_examples=80, deadline=None)
def test_fifo_lets_nobody_pass(coming: list[tuple[str, int]]) -> None:
    assert not list(_passes(Policy("fifo"), coming, ("cash", "loans"), meanwhile=True, care=True))


@example(arrivals, st.booleans())
@settings(max_examples=120, deadline=None)
def test_ageing_bounds_who_passes(coming: list[tuple[str, int]], has_care: bool) -> None:
    def own(ticket: Ticket) -> tuple[Fraction, Fraction]:
        """Its rate, and its head start with the credit of care."""
        rate = Fraction(1, 2) if ticket.service == "loans" and ticket.tier == "gold" else Fraction(RATES[ticket.tier])
        return rate, HEADS[ticket.tier] + rate * _credit(ticket) * ticket.target_ms

    parameters: dict[str, Any] = {"rates": {tier: rate * 1000 for tier, rate in RATES.items()}, "head_start_ms": HEADS}
    policy = Policy("ageing", parameters | {"service_rates": {"loans": {"gold": 500}}})
    for y, x, now in _passes(policy, coming, ("cash", "loans"), care=has_care):
        (rate_x, head_x), (rate_y, head_y) = own(x), own(y)
        assert y.place_at - x.place_at <= (now - x.place_at) * (1 - rate_x / rate_y) + (head_y - head_x) / rate_y


def _credit(ticket: Ticket) -> Fraction:
    return Fraction(1, 4) if ticket.care else Fraction(0)


@example(arrivals, st.booleans())
@settings(max_examples=120, deadline=None)
def test_promise_bounds_who_passes(coming: list[tuple[str, int]], has_care: bool) -> None:
    for y, x, now in _passes(Policy("promise"), coming, care=has_care):
        assert y.target_ms < x.target_ms or has_care
        bound = (1 - Fraction(y.target_ms, x.target_ms)) * (now - x.place_at) + (_credit(y) - _credit(x)) * y.target_ms
        assert y.place_at - x.place_at <= bound


@example(arrivals, st.booleans())
@settings(max_examples=120, deadline=None)
def test_due_is_overtaken_only_within_its_stated_bound(coming: list[tuple[str, int]], has_care: bool) -> None:
    for y, x, _ in _passes(Policy("due"), coming, care=has_care):
        by_care = _credit(y) * y.target_ms - _credit(x) * x.target_ms
        assert y.place_at - x.place_at <= x.target_ms - y.target_ms + by_care


@example(arrivals, st.booleans())
@settings(max_examples=80, deadline=None)
def test_strict_lets_the_higher_tier_pass_only(coming: list[tuple[str, int]], has_care: bool) -> None:
    for y, x, _ in _passes(Policy("strict"), coming, care=has_care):
        by_care = _credit(y) * y.target_ms - _credit(x) * x.target_ms
        assert (y.tier, x.tier) == ("gold", "std") or (y.tier == x.tier and y.place_at - x.place_at <= by_care)


@example(arrivals)
@settings(max_examples=80, deadline=None)
def test_strict_with_weights_lets_the_higher_tier_and_within_it_the_weightier_service_pass_only(
    coming: list[tuple[str, int]],
) -> None:
    policy = Policy("strict", {"service_weights": {"loans": 1}})
    for y, x, _ in _passes(policy, coming, services=("cash", "loans", "cash")):
        assert (y.tier, x.tier) == ("gold", "std") or (y.tier == x.tier and (y.service, x.service) == ("loans", "cash"))


@example(arrivals, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_conditions_with_counts_bound_who_passes(coming: list[tuple[str, int]], gold: int, loans: int) -> None:
    # Queues: gold, loans, and the rest, which is only called from when a round ends.
    queues = [{"id": "gold", "tiers": ["gold"]}, {"id": "loans", "services": ["loans"]}, {"id": "rest"}]
    turns = [{"call": "gold", "fewer_than": gold}, {"call": "loans", "fewer_than": loans}]
    policy = Policy("conditions", {"queues": queues, "rules": turns, "otherwise": ["rest"]})
    passed: dict[str, set[str]] = {}
    for y, x, _ in _passes(policy, coming, services=("cash", "loans", "cash"), meanwhile=True):
        passed.setdefault(x.ticket_id, set()).add(y.ticket_id)
    # With k before you in your queue, of which m are called in a round: the rest of this round, the rounds of those k, and your own.
    others, calls = {"gold": loans + 1, "loans": gold + 1, "rest": gold + loans}, {"gold": gold, "loans": loans, "rest": 1}
    for number, (queue, before) in _queued(coming).items():
        assert len(passed.get(number, ())) <= (before // calls[queue] + 2) * others[queue]


def _queued(coming: list[tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """For each ticket its queue and how many of the same come before it."""
    found: dict[str, tuple[str, int]] = {}
    before: dict[str, int] = {}
    for index, (tier, _) in enumerate(coming):
        queue = "gold" if tier == "gold" else ("cash", "loans", "cash")[index % 3].replace("cash", "rest")
        found[f"t{index}"] = (queue, before.get(queue, 0))
        before[queue] = before.get(queue, 0) + 1
    return found


@example(arrivals, st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_a_cap_lets_the_lowest_tier_through_in_time(coming: list[tuple[str, int]], cap: int) -> None:
    passed: dict[str, list[str]] = {}
    for y, x, _ in _passes(Policy("strict"), coming, cap=Cap(cap)):
        passed.setdefault(y.ticket_id, []).append(x.ticket_id)
    # The first of the lowest tier is passed by k calls at most before it is called itself.
    first = next((f"t{index}" for index, (tier, _) in enumerate(coming) if tier == "std"), None)
    assert sum(first in victims for victims in passed.values()) <= cap
