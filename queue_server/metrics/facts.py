"""
What has happened, as counters and histograms.

Only facts that this process has committed are counted, and each exactly once: another node's facts are counted there, and a
replay is no second ticket. Summing over nodes therefore gives the truth. The path from a commit to a series is two dictionary
look-ups and one increment; nothing is formatted before Prometheus asks.

A wait is observed when serving starts, not at the call: a customer who is called, sent back and called again has waited once,
for the sum of the waiting intervals. One who is transferred is observed again at the next start, with everything waited so far.
"""

from collections.abc import Callable, Sequence

import prometheus_client as prom
from msgspec import Struct

from queue_server.core.changes import Change
from queue_server.core.events import Fact, NoShowRecorded, ServingFinished, ServingStarted, TicketCalled, TicketIssued
from queue_server.core.ids import BranchId, ServiceId, TierId
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
            return prom.Counter(name, what, LABELS, registry=registry)

        def histogram(name: str, what: str) -> prom.Histogram:
            return prom.Histogram(name, what, LABELS, buckets=tuple(edges), registry=registry)

        self._issued = counter("queue_tickets_issued_total", "Tickets given out.")
        self._called = counter("queue_tickets_called_total", "Calls of a ticket to a counter, recalls not counted.")
        self._finished = counter("queue_tickets_finished_total", "Tickets whose service was finished.")
        self._no_show = counter("queue_tickets_no_show_total", "Calls that nobody followed.")
        self._wait = histogram("queue_wait_seconds", "Time a customer had waited in all when serving started.")
        self._service = histogram("queue_service_seconds", "Time from the start of serving to its end.")
        self._children: dict[BranchId, dict[tuple[ServiceId, TierId], _Children]] = {}

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Count the facts of *commit*, if this process wrote them."""
        del state
        if not commit.own:
            return
        children = self._children.setdefault(commit.branch_id, {})
        for change in commit.changes:
            count = _COUNTS.get(type(change.event.fact))
            ticket = change.ticket
            if count is not None and ticket is not None:
                known = children.get((ticket.service, ticket.tier))
                count(known or self._label(commit.branch_id, ticket), change, ticket)

    def _label(self, branch_id: BranchId, ticket: Ticket) -> _Children:
        labels = (branch_id, ticket.service, ticket.tier)
        made = _Children(
            issued=self._issued.labels(*labels),
            called=self._called.labels(*labels),
            finished=self._finished.labels(*labels),
            no_show=self._no_show.labels(*labels),
            wait=self._wait.labels(*labels),
            service=self._service.labels(*labels),
        )
        self._children[branch_id][ticket.service, ticket.tier] = made
        return made


def _issued(children: _Children, _change: Change, _ticket: Ticket) -> None:
    children.issued.inc()


def _called(children: _Children, _change: Change, _ticket: Ticket) -> None:
    children.called.inc()


def _started(children: _Children, _change: Change, ticket: Ticket) -> None:
    children.wait.observe(ticket.waited_ms / 1000)


def _finished(children: _Children, change: Change, ticket: Ticket) -> None:
    children.finished.inc()
    began = ticket.serving_at
    children.service.observe((change.event.at - began) / 1000 if began is not None else 0.0)


def _no_show(children: _Children, _change: Change, _ticket: Ticket) -> None:
    children.no_show.inc()


_COUNTS: dict[type[Fact], Callable[[_Children, Change, Ticket], None]] = {
    TicketIssued: _issued,
    TicketCalled: _called,
    ServingStarted: _started,
    ServingFinished: _finished,
    NoShowRecorded: _no_show,
}
