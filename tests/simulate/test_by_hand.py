"""The simulated hall waits exactly as one written by hand with the same draws, customer for customer."""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush, merge
from statistics import fmean

import pytest

from queue_server.simulate.draws import arrivals, draw_from, stream
from queue_server.simulate.scenario import Scenario, Visit
from tests.simulate.halls import hall, outcomes


def by_hand(scenario: Scenario, reserved: int) -> dict[str, float]:
    """The mean wait of each tier, the higher always first, the lower only while fewer than (counters - reserved) are busy."""
    run, counters = scenario.run, len(scenario.counters)
    coming: Iterator[Visit] = merge(*(arrivals(plan, run.seed, 0, 0) for plan in scenario.arrivals), key=lambda visit: visit.at)
    serving = draw_from(scenario.services[0].distribution, stream(run.seed, 0, "serving", "cash"))
    waiting: dict[str, deque[tuple[int, int]]] = {"vip": deque(), "std": deque()}
    waits: dict[str, list[int]] = {"vip": [], "std": []}
    ends: list[int] = []
    came, following = 0, next(coming)
    while sum(map(len, waits.values())) < run.tickets:
        if ends and ends[0] <= following.at:
            now = heappop(ends)
        else:
            now = following.at
            waiting[following.tier].append((now, came))
            came, following = came + 1, next(coming)
        while waiting["vip"] or waiting["std"]:
            tier = "vip" if waiting["vip"] else "std"
            if len(ends) >= counters - (reserved if tier == "std" else 0):
                break
            at, number = waiting[tier].popleft()
            if run.warmup <= number < run.warmup + run.tickets:
                waits[tier].append(now - at)
            heappush(ends, now + serving())
    return {tier: fmean(found) / 1000 for tier, found in waits.items()}


@pytest.mark.parametrize("reserved", [0, 1, 2])
def test_the_hall_is_the_one_written_by_hand(reserved: int) -> None:
    scenario = hall("strict", reserve={"vip": reserved}, per_hour=(12.0, 12.0), tickets=3000, replications=1)
    played = outcomes(scenario)[0]
    assert {tier: sample.mean_wait for tier, sample in played.tiers.items()} == pytest.approx(
        by_hand(scenario, reserved), rel=1e-12
    )
