"""Halls to simulate, as short as the theory writes them."""

from typing import Any

from queue_server.simulate.command import play
from queue_server.simulate.confidence import Estimate, estimate
from queue_server.simulate.scenario import (
    DAY_MS,
    Arrivals,
    CounterPlan,
    Distribution,
    Rate,
    Run,
    Scenario,
    ServicePlan,
    TierPlan,
)
from queue_server.simulate.tally import Outcome, Sample

TIERS = ("vip", "std")


def exponential(mean_seconds: float) -> Distribution:
    """A duration without memory."""
    return Distribution("exponential", mean_seconds * 1000)


def hall(
    policy: str = "fifo",
    *,
    per_hour: tuple[float, ...] = (12.0, 24.0),
    counters: int = 4,
    serving: Distribution | None = None,
    patience: Distribution | None = None,
    tickets: int = 2_000,
    replications: int = 2,
    warmup: int | None = None,
    seed: int = 1,
    **more: Any,
) -> Scenario:
    """One service of 300 s, tiers vip and std (or as many as *per_hour* has numbers), counters that are always open."""
    tiers = TIERS[-len(per_hour) :]
    return Scenario(
        name=more.pop("name", policy),
        policy=policy,
        tiers=tuple(TierPlan(tier, 300_000 * (rank + 1)) for rank, tier in enumerate(tiers)),
        services=(ServicePlan("cash", serving or exponential(300)),),
        counters=tuple(CounterPlan(str(number + 1)) for number in range(counters)),
        arrivals=tuple(
            Arrivals(tier, "cash", (Rate((0, DAY_MS), rate),), patience) for tier, rate in zip(tiers, per_hour, strict=True)
        ),
        run=Run(tickets, tickets // 10 if warmup is None else warmup, replications, seed),
        **more,
    )


def outcomes(scenario: Scenario) -> list[Outcome]:
    """All replications."""
    return play(scenario).outcomes


def mean_wait(samples: list[Sample]) -> Estimate:
    """The mean wait with its error."""
    found = estimate([sample.mean_wait for sample in samples if sample.mean_wait is not None])
    assert found is not None
    return found
