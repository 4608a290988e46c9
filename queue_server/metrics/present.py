"""
How the branches stand now, as gauges read from memory when Prometheus asks: nothing is kept up to date in between.

A branch is shown by the node that wrote to it last, so that none is counted twice over several nodes; one that nobody has written
to since the start is shown by every node that has read it. The cost of a reading is in classes of waiting tickets, not in tickets:
the oldest of a line is its head.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable

import prometheus_client as prom
from msgspec import Struct, field
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from queue_server.core.ids import BranchId, Day, Instant, ServiceId, TierId
from queue_server.core.lifecycle import CounterState
from queue_server.core.state import BranchState
from queue_server.metrics.facts import LABELS, waited_for_service_ms
from queue_server.runtime.commits import Commit

_Served = tuple[ServiceId, TierId]


class _Reading(Struct):
    """One branch at the moment of reading."""

    branch_id: BranchId
    waiting: dict[_Served, int]
    counters: dict[CounterState, int]
    oldest: dict[_Served, Instant] = field(default_factory=dict)


class PresentSeries(Collector):
    """
    Shows who waits and what the counters do; an observer of commits and a collector of gauges.

    `read` is called on the event loop; `collect`, which formats what was read, may then run on any thread. Between a decision
    and its commit the numbers may be ahead by that decision: a gauge is a look in passing, not a record.
    """

    def __init__(self, registry: prom.CollectorRegistry) -> None:
        self.states: Callable[[], Iterable[BranchState]] = tuple
        self._written: dict[BranchId, tuple[Day, int]] = {}
        self._elsewhere: set[BranchId] = set()
        self._readings: list[_Reading] = []
        registry.register(self)

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Note who was the last to write to the branch."""
        if commit.own:
            self._written[commit.branch_id] = (state.day, state.seq)
            self._elsewhere.discard(commit.branch_id)
        else:
            self._elsewhere.add(commit.branch_id)

    def reloaded(self, state: BranchState) -> None:
        """Note that another process was the last to write to the branch, unless it stands where this one left it."""
        if self._written.get(state.branch_id) != (state.day, state.seq):
            self._elsewhere.add(state.branch_id)

    def read(self) -> None:
        """Take the numbers of the branches in memory that nobody else was the last to write to."""
        self._readings = [_read(state) for state in self.states() if state.branch_id not in self._elsewhere]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return what the last `read` found."""
        waiting = GaugeMetricFamily("queue_tickets_waiting", "Tickets that wait now; parked ones do not.", labels=LABELS)
        oldest = GaugeMetricFamily(
            "queue_oldest_waiting_timestamp_seconds",
            "Since when the first in line has waited for this service, time not spent waiting left out.",
            labels=LABELS,
        )
        counters = GaugeMetricFamily("queue_counters", "Counters in each state.", labels=("branch", "state"))
        for reading in self._readings:
            for served, count in reading.waiting.items():
                waiting.add_metric((reading.branch_id, *served), count)
            for served, since in reading.oldest.items():
                oldest.add_metric((reading.branch_id, *served), since / 1000)
            for state, count in reading.counters.items():
                counters.add_metric((reading.branch_id, state.value), count)
        return waiting, oldest, counters


def _read(state: BranchState) -> _Reading:
    tally = Tally(counter.state for counter in state.counters.values())
    served = [(service_id, tier_id) for service_id in state.services for tier_id in state.tiers]
    reading = _Reading(
        state.branch_id,
        # Nobody waiting is a number too: a series that comes and goes cannot be alerted on.
        {each: state.waiting.get(each, 0) for each in served},
        {each: tally[each] for each in CounterState},
    )
    for key, line in state.lines.items():
        if not line:
            continue
        ticket = state.tickets[line.head[2]]
        since = (ticket.waiting_since or ticket.arrived_at) - waited_for_service_ms(ticket)
        earliest = reading.oldest.get((key.service, key.tier), since)
        reading.oldest[key.service, key.tier] = min(earliest, since)
    return reading
