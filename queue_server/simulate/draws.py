"""
Chance, in streams that do not disturb each other.

Each thing that is left to chance has a stream of its own, named after what it is: the arrivals of a tier for a service, their
patience, the serving times of a service. So two scenarios with the same seed see the same customers (common random numbers; A. M.
Law, "Simulation Modeling and Analysis", 5th ed., section 11.2), and their difference owes little to chance. Serving times are drawn
when serving starts, one after another: as long as no counter idles while somebody waits, the hall then has the same number of
people in it at every moment, whatever the policy.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import exp, log, sqrt
from random import Random

from queue_server.core.ids import Millis
from queue_server.simulate.scenario import DAY_MS, HOUR_MS, Arrivals, Distribution, Rate, Visit

Draw = Callable[[], Millis]


def stream(seed: int, replication: int, *what: str) -> Random:
    """Return the stream of chance for *what* in this replication; the same in every process and on every machine."""
    return Random("/".join((str(seed), str(replication), *what)))  # noqa: S311 - chance, not secrets


def draw_from(distribution: Distribution, chance: Random) -> Draw:
    """Return what draws one duration after another, in whole ms."""
    mean, name = distribution.mean_ms, distribution.name
    if name == "exponential":
        random = chance.random
        return lambda: int(0.5 - log(1.0 - random()) * mean)
    if name == "lognormal":
        variance = log(1 + distribution.cv**2)
        middle, spread = log(mean) - variance / 2, sqrt(variance)
        return lambda: int(exp(chance.gauss(middle, spread)) + 0.5)
    if name == "empirical":
        values = [int(value + 0.5) for value in distribution.values_ms]
        return lambda: values[int(chance.random() * len(values))]
    constant = int(mean + 0.5)
    return lambda: constant


def arrivals(plan: Arrivals, seed: int, replication: int, which: int) -> Iterator[Visit]:
    """Yield the customers of *plan*, the *which*-th for its tier and service, for ever."""
    named = (plan.tier, plan.service, str(which))
    patience = draw_from(plan.patience, stream(seed, replication, "patience", *named)) if plan.patience is not None else None
    for at in _instants(plan.rates, stream(seed, replication, "arrivals", *named)):
        yield Visit(int(at), plan.service, plan.tier, patience() if patience is not None else None)


def _instants(rates: tuple[Rate, ...], chance: Random) -> Iterator[float]:
    """
    Yield the instants of a Poisson stream whose rate changes with the time of day.

    An exponential piece of work is spent at the rate in force: one draw an arrival, so that a higher rate moves the same
    customers together (inversion; E. Cinlar, "Introduction to Stochastic Processes", 1975, section 4.7).
    """
    segments = _segments(rates)
    random = chance.random
    today, index, at = 0, 0, 0.0
    end, rate = segments[0]
    while True:
        work = -log(1.0 - random())
        while rate <= 0 or at + work / rate >= end:
            work -= rate * (end - at)
            at = end
            index += 1
            if index == len(segments):
                today, index = today + DAY_MS, 0
            until, rate = segments[index]
            end = today + until
        at += work / rate
        yield at


def _segments(rates: tuple[Rate, ...]) -> list[tuple[Millis, float]]:
    """The day from end to end: until when which rate holds, in arrivals a ms; spans that overlap add up."""
    edges = sorted({0, DAY_MS} | {edge for rate in rates for edge in rate.span})
    return [
        (until, sum(rate.per_hour for rate in rates if rate.span[0] <= since < rate.span[1]) / HOUR_MS)
        for since, until in pairwise(edges)
    ]
