"""
What queueing theory says of a hall: mean waits in the unit of the mean serving time given.

Rates are per unit of time, `serving` is the mean serving time; tiers go from the highest to the lowest.
"""

from collections.abc import Sequence
from itertools import accumulate


def erlang_c(load: float, counters: int) -> float:
    """The share who wait in M/M/c (A. K. Erlang 1917; R. B. Cooper, "Introduction to Queueing Theory", 2nd ed. 1981, (4.8))."""
    blocked = 1.0
    for busy in range(1, counters + 1):
        blocked = load * blocked / (busy + load * blocked)
    return counters * blocked / (counters - load * (1 - blocked))


def wait_mmc(rate: float, serving: float, counters: int) -> float:
    """The mean wait in M/M/c, first come first served."""
    load = rate * serving
    return erlang_c(load, counters) * serving / (counters - load)


def wait_mg1(rate: float, serving: float, cv: float) -> float:
    """The mean wait in M/G/1, first come first served (F. Pollaczek 1930, A. Khintchine 1932)."""
    return rate * serving**2 * (1 + cv**2) / 2 / (1 - rate * serving)


def waits_strict(rates: Sequence[float], serving: float, counters: int, fifo_wait: float) -> list[float]:
    """
    The mean waits by tier when the highest tier always goes first and nobody is interrupted.

    A. Cobham, "Priority assignment in waiting line problems", Operations Research 2 (1954), for M/G/1 and for M/M/c with one mean;
    O. Kella and U. Yechiali, "Waiting times in the non-preemptive priority M/M/c queue", Stochastic Models 1 (1985). *fifo_wait* is
    the wait if all were one tier.
    """
    shares = [rate * serving / counters for rate in rates]
    above = [0.0, *accumulate(shares)]
    first = fifo_wait * (1 - above[-1])
    return [first / (1 - above[tier]) / (1 - above[tier + 1]) for tier in range(len(rates))]


def waits_ageing(rates: Sequence[float], points: Sequence[float], serving: float, counters: int, fifo_wait: float) -> list[float]:
    """
    The mean waits by tier when each gathers *points* for every unit waited, and the most points go first.

    L. Kleinrock, "A delay dependent queue discipline", Naval Research Logistics 11 (1964); D. A. Stanford, P. Taylor and I. Ziedins,
    "Waiting time distributions in the accumulating priority queue", Queueing Systems 77 (2014). With one exponential serving time
    the argument holds for c counters with the wait of M/M/c in place of that of M/G/1 (A. B. Sharif, D. A. Stanford, P. Taylor and
    I. Ziedins, "A multi-class multi-server accumulating priority queue with application to health care", ORHC 3 (2014)).
    """
    shares = [rate * serving / counters for rate in rates]
    waits = [0.0] * len(rates)
    for tier in reversed(range(len(rates))):
        lower = sum(shares[low] * waits[low] * (1 - points[low] / points[tier]) for low in range(tier + 1, len(rates)))
        higher = sum(shares[high] * (1 - points[tier] / points[high]) for high in range(tier))
        waits[tier] = (fifo_wait - lower) / (1 - higher)
    return waits


def erlang_a(rate: float, serving: float, counters: int, patience: float) -> tuple[float, float]:
    """
    The mean wait of those served, and the share who leave, in M/M/c with exponential patience.

    C. Palm 1943; A. Mandelbaum and S. Zeltyn, "The Palm/Erlang-A queue, with applications to call centers" (2005). Behind k others,
    with all counters busy, one is reached after k + 1 steps of rates c mu + (j + 1) theta, j from k to 0, given that it is reached, which
    it is with the chance c mu / (c mu + (k + 1) theta).
    """
    served_rate, leave_rate = counters / serving, 1 / patience
    weights = _idle_weights(rate * serving, counters)
    free, total = sum(weights), sum(weights)
    queue = weights[-1] * rate * serving / counters
    reached = spent = wait = 0.0
    ahead = 0
    while queue > 1e-14 * total:
        wait += 1 / (served_rate + (ahead + 1) * leave_rate)
        chance = served_rate / (served_rate + (ahead + 1) * leave_rate)
        total += queue
        reached += queue * chance
        spent += queue * chance * wait
        ahead += 1
        queue *= rate / (served_rate + ahead * leave_rate)
    served = free + reached
    return spent / served, 1 - served / total


def _idle_weights(load: float, counters: int) -> list[float]:
    """The weights of 0 to counters - 1 busy, in a hall where nobody waits then."""
    weights = [1.0]
    for busy in range(1, counters):
        weights.append(weights[-1] * load / busy)
    return weights


def waits_reserved(rates: tuple[float, float], serving: float, counters: int, reserved: int) -> tuple[float, float]:
    """
    The mean waits of two tiers when the lower one is called only while fewer than counters - reserved are busy.

    I. D. S. Taylor and J. G. C. Templeton, "Waiting time in a multi-server cutoff-priority queue", Operations Research 28 (1980);
    C. Schaack and R. C. Larson, "An N-server cutoff priority queue", Operations Research 34 (1986). To the lower tier the hall is an
    M/G/1 whose serving time is the time from *threshold* busy counters to one fewer, with the higher tier coming; to the higher one it
    is an M/M/1 of rate c mu while all are busy.
    """
    high, low = rates
    threshold = counters - reserved
    mean, square, full = _descent(high, serving, counters, threshold)
    weights = _idle_weights((high + low) * serving, threshold)
    entries = weights[-1] * (high + low) / (1 - low * mean)
    held = entries * mean
    total = sum(weights) + held
    low_wait = held / total * square / (2 * mean) / (1 - low * mean)
    high_wait = entries * full / total / (counters / serving - high)
    return high_wait, low_wait


def _descent(high: float, serving: float, counters: int, threshold: int) -> tuple[float, float, float]:
    """The first two moments of the time from *threshold* busy to one fewer, and how much of it all counters are busy."""
    rate = counters / serving
    mean, square, full = 1 / (rate - high), 2 * rate / (rate - high) ** 3, 1 / (rate - high)
    for busy in reversed(range(threshold, counters)):
        down = busy / serving
        up, stay = high / (high + down), 1 / (high + down)
        above, above_square = mean, square
        mean = (stay + up * above) / (1 - up)
        square = (2 * stay**2 + 2 * stay * up * (above + mean) + up * (above_square + 2 * above * mean)) / (1 - up)
        full *= up / (1 - up)
    return mean, square, full
