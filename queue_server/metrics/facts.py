"""
What has happened, as counters and histograms.

Only facts that this process has committed are counted, and each exactly once: another node's facts are counted there, and a
replay is no second ticket. Summing over nodes therefore gives the truth. The path from a commit to a series is two dictionary
look-ups and one increment; nothing is formatted before Prometheus asks.

A wait is observed when serving starts, not at the call: a customer who is called, sent back and called again has waited once,
for the sum of the waiting intervals. In a visit of several services each is observed by itself, its wait and its service: with the
time served, and without the time parked. One who is sent on to another service while being served has been given the first one.

What was counted stays counted when it is undone, since a counter that goes down looks to Prometheus like a restart: one who is
finished by mistake, brought back and finished again is two finished ones here. The gauges (`present`) show what is.
"""

from collections.abc import Callable, Sequence

import prometheus_client as prom
from msgspec import Struct

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


class _Children(Struct):
    """The series of one branch, service and tier, each looked up once."""

    issued: prom.Counter
    called: prom.Counter
    finished: prom.Counter
    no_show: prom.Counter
    wait: prom.Histogram
    service: prom.Histogram


class FactSeries:
    """Counts tickets and measures waits and services; an observer of commits. *edges* are those of both histograms, in seconds."""

    def __init__(self, registry: prom.CollectorRegistry, edges: Sequence[float]) -> None:
        def counter(name: str, what: str) -> prom.Counter:
            return prom.Counter(name, f"{what} A step that is taken back stays counted.", LABELS, registry=registry)

        def histogram(name: str, what: str) -> prom.Histogram:
            return prom.Histogram(name, what, LABELS, buckets=tuple(edges), registry=registry)

        self._issued = counter("queue_tickets_issued_total", "Tickets given out.")
        self._called = counter("queue_tickets_called_total", "Calls of a ticket to a counter, recalls not counted.")
        self._finished = counter("queue_tickets_finished_total", "Tickets whose visit was finished, by the last service.")
        self._no_show = counter("queue_tickets_no_show_total", "Calls that nobody followed.")
        self._wait = histogram("queue_wait_seconds", "Time a customer had waited for this service when serving started.")
        self._service = histogram("queue_service_seconds", "Time spent serving, parked time left out.")
        self._children: dict[BranchId, dict[tuple[ServiceId, TierId], _Children]] = {}

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Count the facts of *commit*, if this process wrote them."""
        del state
        if not commit.own:
            return
        children = self._children.setdefault(commit.branch_id, {})
        for change in commit.changes:
            fact = change.event.fact
            count = _COUNTS.get(type(fact))
            if isinstance(fact, TicketTransferred) and not fact.ends_stage:
                continue
            # Who waits on from the day before was given the ticket then.
            if isinstance(fact, TicketIssued) and fact.carried is not None:
                continue
            ticket = change.ticket
            if count is not None and ticket is not None:
                # After the end of a stage the ticket is for the next service already.
                service = ticket.stages[-1].service if count is _stage_finished else ticket.service
                known = children.get((service, ticket.tier))
                count(known or self._label(commit.branch_id, service, ticket.tier), ticket)

    def _label(self, branch_id: BranchId, service: ServiceId, tier: TierId) -> _Children:
        labels = (branch_id, service, tier)
        made = _Children(
            issued=self._issued.labels(*labels),
            called=self._called.labels(*labels),
            finished=self._finished.labels(*labels),
            no_show=self._no_show.labels(*labels),
            wait=self._wait.labels(*labels),
            service=self._service.labels(*labels),
        )
        self._children[branch_id][service, tier] = made
        return made


def waited_for_service_ms(ticket: Ticket) -> Millis:
    """Return the ended waiting intervals of the present stage: what was waited for the services given before is left out."""
    return ticket.waited_ms - sum(stage.waited_ms for stage in ticket.stages)


def _issued(children: _Children, _ticket: Ticket) -> None:
    children.issued.inc()


def _called(children: _Children, _ticket: Ticket) -> None:
    children.called.inc()


def _started(children: _Children, ticket: Ticket) -> None:
    children.wait.observe(waited_for_service_ms(ticket) / 1000)


def _stage_finished(children: _Children, ticket: Ticket) -> None:
    children.service.observe(ticket.stages[-1].served_ms / 1000)


def _finished(children: _Children, ticket: Ticket) -> None:
    children.finished.inc()
    _stage_finished(children, ticket)


def _no_show(children: _Children, _ticket: Ticket) -> None:
    children.no_show.inc()


_COUNTS: dict[type[Fact], Callable[[_Children, Ticket], None]] = {
    TicketIssued: _issued,
    TicketCalled: _called,
    ServingStarted: _started,
    StageFinished: _stage_finished,
    TicketTransferred: _stage_finished,
    ServingFinished: _finished,
    NoShowRecorded: _no_show,
}
