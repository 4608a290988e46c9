"""
What has happened, as counters and histograms.

Only facts that this process has committed are counted, and each exactly once: another node's facts are counted there, and a
replay is no second ticket. Summing over nodes therefore gives the truth. The path from a commit to a series is two dictionary
look-ups and one increment of a plain number; nothing is formatted before Prometheus asks.

A wait is observed when serving starts, not at the call: a customer who is called, sent back and called again has waited once,
for the sum of the waiting intervals. In a visit of several services each is observed by itself, its wait and its service: with the
time served, and without the time parked. One who is sent on to another service while being served has been given the first one.

What was counted stays counted when it is undone, since a counter that goes down looks to Prometheus like a restart: one who is
finished by mistake, brought back and finished again is two finished ones here. The gauges (`present`) show what is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

import prometheus_client as prom
from msgspec import Struct
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from queue_server.core.events import (
    Fact,
    NoShowRecorded,
    ServingFinished,
    ServingStarted,
    StageFinished,
    TicketCalled,
    TicketIssued,
    TicketTransferred,
)
from queue_server.core.ids import BranchId, Millis, ServiceId, TierId
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from queue_server.runtime.commits import Commit

LABELS = ("branch", "service", "tier")


class _Series(Struct):
    """The series of one branch, service and tier."""

    labels: tuple[BranchId, ServiceId, TierId]
    wait: prom.Histogram
    service: prom.Histogram
    issued: int = 0
    called: int = 0
    finished: int = 0
    no_show: int = 0


class FactSeries(Collector):
    """Counts tickets and measures waits and services; an observer of commits. *edges* are those of both histograms, in seconds."""

    def __init__(self, registry: prom.CollectorRegistry, edges: Sequence[float]) -> None:
        def histogram(name: str, what: str) -> prom.Histogram:
            return prom.Histogram(name, what, LABELS, buckets=tuple(edges), registry=registry)

        self._wait = histogram("queue_wait_seconds", "Time a customer had waited for this service when serving started.")
        self._service = histogram("queue_service_seconds", "Time spent serving, parked time left out.")
        self._series: dict[tuple[BranchId, ServiceId, TierId], _Series] = {}
        registry.register(self)

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Count the facts of *commit*, if this process wrote them."""
        del state
        if not commit.own:
            return
        for change in commit.changes:
            fact, ticket = change.event.fact, change.ticket
            count = _COUNTS.get(type(fact))
            if count is None or ticket is None or _counts_elsewhere(fact):
                continue
            # After the end of a stage the ticket is for the next service already.
            service = ticket.stages[-1].service if count is _stage_finished else ticket.service
            labels = (commit.branch_id, service, ticket.tier)
            series = self._series.get(labels)
            if series is None:
                series = self._series[labels] = _Series(labels, self._wait.labels(*labels), self._service.labels(*labels))
            count(series, ticket)

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Return the series without values, by which the registry finds a name that is there already."""
        return _families(())

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return what has been counted; on any thread."""
        # Taken in one step: meanwhile the event loop may add one.
        return _families(list(self._series.values()))


_COUNTERS: tuple[tuple[str, str, Callable[[_Series], int]], ...] = (
    ("queue_tickets_issued", "Tickets given out.", attrgetter("issued")),
    ("queue_tickets_called", "Calls of a ticket to a counter, recalls not counted.", attrgetter("called")),
    ("queue_tickets_finished", "Tickets whose visit was finished, by the last service.", attrgetter("finished")),
    ("queue_tickets_no_show", "Calls that nobody followed.", attrgetter("no_show")),
)


def _families(known: Sequence[_Series]) -> Iterator[CounterMetricFamily]:
    for name, what, of in _COUNTERS:
        family = CounterMetricFamily(name, f"{what} A step that is taken back stays counted.", labels=LABELS)
        for series in known:
            family.add_metric(series.labels, of(series))
        yield family


def _counts_elsewhere(fact: Fact) -> bool:
    """Whether this is no step of its own: a transfer within a service, or the ticket of one who waits on from the day before."""
    if isinstance(fact, TicketIssued):
        return fact.carried is not None
    return isinstance(fact, TicketTransferred) and not fact.ends_stage


def waited_for_service_ms(ticket: Ticket) -> Millis:
    """Return the ended waiting intervals of the present stage: what was waited for the services given before is left out."""
    return ticket.waited_ms - sum(stage.waited_ms for stage in ticket.stages)


def _issued(series: _Series, _ticket: Ticket) -> None:
    series.issued += 1


def _called(series: _Series, _ticket: Ticket) -> None:
    series.called += 1


def _started(series: _Series, ticket: Ticket) -> None:
    series.wait.observe(waited_for_service_ms(ticket) / 1000)


def _stage_finished(series: _Series, ticket: Ticket) -> None:
    series.service.observe(ticket.stages[-1].served_ms / 1000)


def _finished(series: _Series, ticket: Ticket) -> None:
    series.finished += 1
    _stage_finished(series, ticket)


def _no_show(series: _Series, _ticket: Ticket) -> None:
    series.no_show += 1


_COUNTS: dict[type[Fact], Callable[[_Series, Ticket], None]] = {
    TicketIssued: _issued,
    TicketCalled: _called,
    ServingStarted: _started,
    StageFinished: _stage_finished,
    TicketTransferred: _stage_finished,
    ServingFinished: _finished,
    NoShowRecorded: _no_show,
}
