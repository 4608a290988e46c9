"""
How long it will take, as a range, and how many are before you.

While all counters that could call a ticket are taken, they free up one after another; with c of them and a mean occupation m, the
k-th release comes after a time that is about Erlang distributed with k stages of rate c/m. With `ahead` tickets in front, less
the counters that are idle, that gives the wait. The quantiles use the Wilson-Hilferty approximation (E. B. Wilson and
M. M. Hilferty, "The distribution of chi-square", PNAS 17, 1931), good to 2 % from k = 1 on.
"""

from math import sqrt

from msgspec import Struct

from queue_server.core.ids import Instant, Millis, ServiceId
from queue_server.core.lifecycle import CounterState
from queue_server.core.routing import ahead_by_line, reach
from queue_server.core.state import BranchState
from queue_server.core.waiting import LineKey, Standing

_TYPICAL_WEIGHT = 10
"""What is usual counts as much as this many customers of today."""

_SERVING = frozenset({CounterState.CALLING, CounterState.SERVING})
_Z90 = 1.2815515655446004


class Outlook(Struct, frozen=True, gc=False):
    """Tickets that would be called before this one now, and the wait that half and nine of ten should not exceed (None: cannot be said)."""

    ahead: int
    p50_ms: Millis | None
    p90_ms: Millis | None


UNTOLD = Outlook(0, None, None)


def outlook(state: BranchState, key: LineKey, standing: Standing, at: Instant) -> Outlook:
    """Return what can be said at *at* to a ticket that stands at *standing* in *key* (or would)."""
    lines = ahead_by_line(state, key, standing, at)
    ahead = 0
    for _, count in lines:
        ahead += count
    idle, able = _staffing(state, key)
    if not able:
        return Outlook(ahead, None, None)
    stages = ahead + 1 - idle
    if stages <= 0:
        return Outlook(ahead, 0, 0)
    each = {service: occupation(state, service) for service in {line.service for line, _ in lines}}
    work = sum(count * each[line.service] for line, count in lines)
    mean = work / ahead if ahead else occupation(state, key.service)
    return Outlook(ahead, _erlang_quantile(stages, mean / able, 0.0), _erlang_quantile(stages, mean / able, _Z90))


def _staffing(state: BranchState, key: LineKey) -> tuple[int, int]:
    """How many of the counters that could call from *key* are idle, and how many call at all."""
    known = state.staffing.get(key)
    if known is None:
        counters = [state.counters[counter_id] for counter_id in reach(state, key)]
        idle = sum(counter.state is CounterState.OPEN for counter in counters)
        known = state.staffing[key] = (idle, idle + sum(counter.state in _SERVING for counter in counters))
    return known


def occupation(state: BranchState, service_id: ServiceId) -> float:
    """Return how long a counter is taken by one customer of *service_id*, in ms: today's mean, drawn towards what is usual."""
    typical = state.services[service_id].typical_ms
    pace = state.pace.get(service_id)
    if pace is None:
        return float(typical)
    return (typical * _TYPICAL_WEIGHT + pace.total_ms) / (_TYPICAL_WEIGHT + pace.finished)


def _erlang_quantile(stages: int, stage_ms: float, z: float) -> Millis:
    spread = 1 / (9 * stages)
    return round(stages * stage_ms * (1 - spread + z * sqrt(spread)) ** 3)
