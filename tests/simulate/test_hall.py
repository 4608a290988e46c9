"""What a hall in virtual time does, in small."""

import pytest

from queue_server.core.changes import Change
from queue_server.core.commands import Command
from queue_server.core.decide import decide
from queue_server.core.state import BranchState
from queue_server.simulate.replication import HallStuckError, replicate
from queue_server.simulate.scenario import Arrivals, CounterPlan, Distribution, Rate, Run, Scenario, ServicePlan, TierPlan, Visit
from tests.simulate.halls import exponential, hall, mean_wait, outcomes

MINUTE = 60_000
HOUR = 60 * MINUTE


def visits(*customers: tuple[int, str, int, int | None], counters: tuple[CounterPlan, ...], **more: object) -> Scenario:
    """Customers (at minute, tier, minutes of serving, minutes of patience) for cash."""
    return Scenario(
        name="hall",
        policy="strict",
        tiers=(TierPlan("vip", 5 * MINUTE), TierPlan("std", 10 * MINUTE)),
        services=(ServicePlan("cash", Distribution("constant", 1.0)),),
        counters=counters,
        visits=tuple(
            Visit(at * MINUTE, "cash", tier, None if patience is None else patience * MINUTE, serving * MINUTE)
            for at, tier, serving, patience in customers
        ),
        **more,  # type: ignore[arg-type]
    )


ONE = (CounterPlan("1"),)


def test_waits_are_counted_by_tier_and_those_who_leave_are_no_waits() -> None:
    outcome = replicate(visits((0, "std", 10, None), (1, "std", 5, None), (2, "vip", 5, None), (3, "std", 5, 4), counters=ONE), 0)
    vip, std = outcome.tiers["vip"], outcome.tiers["std"]
    assert (vip.tickets, vip.mean_wait, vip.within_target_share) == (1, 8 * 60, 0)
    assert (std.tickets, std.mean_wait, std.left_share) == (3, 7 * 60, 1 / 3)
    assert (std.p50_wait, std.p90_wait, std.waited_share) == (0, 14 * 60, 0.5)
    assert outcome.overall.tickets == 4


def test_the_overtaken_are_counted() -> None:
    outcome = replicate(
        visits((0, "std", 10, None), (1, "std", 5, None), (2, "vip", 5, None), (3, "vip", 5, None), counters=ONE), 0
    )
    std = outcome.tiers["std"]
    assert (std.overtaken_share, std.overtaken_mean, std.overtaken_most) == (0.5, 1.0, 2)
    assert outcome.tiers["vip"].overtaken_most == 0


def test_a_reserved_counter_is_kept_for_the_tier() -> None:
    two = (CounterPlan("1"), CounterPlan("2"))
    customers = ((0, "std", 10, None), (1, "std", 10, None), (2, "vip", 10, None))
    kept = replicate(visits(*customers, counters=two, reserve={"vip": 1}), 0)
    free = replicate(visits(*customers, counters=two), 0)
    assert (kept.tiers["vip"].mean_wait, kept.tiers["std"].p95_wait) == (0, 11 * 60)
    assert (free.tiers["vip"].mean_wait, free.tiers["std"].p95_wait) == (8 * 60, 0)


def test_a_counter_calls_by_its_profile_only() -> None:
    two = (CounterPlan("1", tiers=("vip",)), CounterPlan("2"))
    outcome = replicate(visits((0, "std", 10, None), (1, "std", 10, None), counters=two), 0)
    assert outcome.tiers["std"].p95_wait == 9 * 60


def test_shifts_open_and_close_and_everybody_inside_is_served() -> None:
    early = (CounterPlan("1", shifts=((60 * MINUTE, 90 * MINUTE),)), CounterPlan("2", shifts=((60 * MINUTE, 70 * MINUTE),)))
    outcome = replicate(
        visits((50, "std", 15, None), (55, "std", 15, None), (61, "std", 20, None), (62, "std", 5, None), counters=early), 0
    )
    # Counter 2 goes home at 75, when it is free, since counter 1 stays; counter 1 goes on after 90 until nobody is left.
    std = outcome.tiers["std"]
    assert (std.p50_wait, std.p95_wait) == (10 * 60, (95 - 62) * 60)


def test_shifts_come_back_every_day() -> None:
    plan = hall(tickets=200, per_hour=(2.0,), replications=1)
    morning = CounterPlan("1", shifts=((8 * HOUR, 24 * HOUR),))
    played = Scenario(
        name="x", policy="fifo", tiers=plan.tiers, services=plan.services, counters=(morning,), arrivals=plan.arrivals, run=plan.run
    )
    longest = replicate(played, 0).overall.p95_wait
    assert longest is not None
    assert HOUR < longest * 1000 < 9 * HOUR


def test_time_of_day_rules_the_arrivals() -> None:
    plan = hall(tickets=300, warmup=0, replications=1, counters=1)
    arrivals = (Arrivals("std", "cash", (Rate((0, HOUR), 30.0), Rate((23 * HOUR, 24 * HOUR), 30.0))),)
    closed_by_noon = CounterPlan("1", shifts=((0, 12 * HOUR),))
    played = Scenario(
        name="x",
        policy="fifo",
        tiers=plan.tiers,
        services=(ServicePlan("cash", Distribution("constant", 1000.0)),),
        counters=(closed_by_noon,),
        arrivals=arrivals,
        run=plan.run,
    )
    # Half come in the last hour of the day, and wait until midnight; the first of the day find an open counter.
    waited = replicate(played, 0).overall.waited_share
    assert waited is not None
    assert 0.4 < waited < 0.6


def test_a_hall_that_never_empties_is_told() -> None:
    closed = (CounterPlan("1", shifts=((0, MINUTE),)),)
    with pytest.raises(HallStuckError, match="2 customers"):
        replicate(visits((2, "std", 1, None), (3, "std", 1, None), counters=closed), 0)


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    assert outcomes(hall()) == outcomes(hall())
    assert outcomes(hall(seed=1))[0] != outcomes(hall(seed=2))[0]
    first, second = outcomes(hall())
    assert first != second


def test_scenarios_meet_the_same_customers() -> None:
    few, many = outcomes(hall(patience=exponential(600))), outcomes(hall(patience=exponential(600), counters=5))
    assert [outcome.tiers["vip"].tickets for outcome in few] == [outcome.tiers["vip"].tickets for outcome in many]
    assert mean_wait([outcome.overall for outcome in many]).mean < mean_wait([outcome.overall for outcome in few]).mean


def test_utilisation_is_the_load_of_the_hall() -> None:
    found = [outcome.utilisation for outcome in outcomes(hall(tickets=5000))]
    assert all(busy is not None and abs(busy - 0.75) < 0.04 for busy in found)


def test_every_customer_who_counts_is_counted_in_an_overloaded_hall() -> None:
    plan = hall("strict", per_hour=(40.0, 40.0), tickets=500, replications=1)
    outcome = outcomes(plan)[0]
    assert sum(sample.tickets for sample in outcome.tiers.values()) == plan.run.tickets == Run(tickets=500).tickets


@pytest.mark.parametrize("policy", ["fifo", "strict", "ageing", "due", "promise", "ratio"])
def test_what_is_decided_does_not_depend_on_telling(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"calls": {"vip": 2, "std": 1}, "scope": "branch"} if policy == "ratio" else {}
    played = hall(policy, parameters=parameters, tickets=400, reserve={"vip": 1}, patience=exponential(900))
    silent = outcomes(played)
    told: list[bool] = []

    def telling(state: BranchState, command: Command, *, tells: bool = True) -> list[Change]:
        told.append(not tells)
        return decide(state, command)

    monkeypatch.setattr("queue_server.simulate.hall.decide", telling)
    assert outcomes(played) == silent
    assert any(told)
