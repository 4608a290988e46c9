"""
What the laws of time and of undo compare the branch with: a second, much simpler account of every ticket.

It keeps each ticket's time by what it was doing, and what ticket, counter and rule counters were before each fact. An undone step
has never been: its time is what was being done before it.
"""

from copy import copy
from typing import NamedTuple

from msgspec.structs import replace

from queue_server.core import events as e
from queue_server.core.events import Event, FactName
from queue_server.core.ids import Instant, TicketId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.ratio import Turns
from queue_server.core.state import BranchState
from queue_server.core.ticket import ParkKind, Ticket

WAITED, SERVED, PARKED, NOTHING = "waited", "served", "parked", "nothing"
_DOES: dict[FactName, str] = {
    "TicketIssued": WAITED,
    "TicketReinstated": WAITED,
    "TicketRequeued": WAITED,
    "TicketTransferred": WAITED,
    "StageFinished": WAITED,
    "TicketCalled": NOTHING,
    "NoShowRecorded": NOTHING,
    "TicketCancelled": NOTHING,
    "TicketExpired": NOTHING,
    "TicketCarried": NOTHING,
    "ServingFinished": NOTHING,
    "ServingStarted": SERVED,
    "TicketUnparked": SERVED,
    "TicketParked": PARKED,
}


class Times(NamedTuple):
    """The sums so far, and what is being done since when."""

    sums: dict[str, int]
    does: str = NOTHING
    since: Instant = 0

    def at(self, at: Instant) -> dict[str, int]:
        """The sums at *at*."""
        return self.sums | {self.does: self.sums[self.does] + at - self.since}


class Before(NamedTuple):
    """A branch as it was before a fact, as far as taking it back restores it."""

    times: Times
    ticket: Ticket
    counter: tuple[CounterState, TicketId | None] | None
    turns: dict[str, Turns]
    runs: dict[str, int]


class Account:
    """Follows the facts of one day beside the branch that takes them in."""

    def __init__(self) -> None:
        self._times: dict[TicketId, Times] = {}
        self._carried: dict[TicketId, Times] = {}
        self._before: dict[int, Before] = {}
        self._counting: list[tuple[int, TicketId]] = []

    def expect(self, state: BranchState, event: Event) -> None:
        """Take note of *event*, which *state* has not yet taken in."""
        fact = event.fact
        if isinstance(fact, e.DayOpened):
            self._times.clear()
            self._before.clear()
            self._counting.clear()
        if not isinstance(fact, e.TicketFact):
            return
        if isinstance(fact, e.StepUndone | e.TicketCalled):
            self._counting.append((event.seq, fact.ticket))
        if isinstance(fact, e.StepUndone):
            self._times[fact.ticket] = self._before[fact.undone].times
            return
        if isinstance(fact, e.TicketCarried):
            self._carried[fact.ticket] = self._times[fact.ticket]
        if isinstance(fact, e.TicketIssued) and fact.carried is not None:
            # As if the day had not rolled: it waits on.
            self._times[fact.ticket] = self._carried.pop(fact.ticket)
            return
        began = fact.arrived_at if isinstance(fact, e.TicketIssued) else event.at
        times = self._times.get(fact.ticket, Times({WAITED: 0, SERVED: 0, PARKED: 0, NOTHING: 0}, NOTHING, began))
        if not isinstance(fact, e.TicketIssued):
            self._keep(state, event.seq, fact, times)
        does = _DOES.get(type(fact).__name__)
        self._times[fact.ticket] = times if does is None else Times(times.at(began), does, began)

    def _keep(self, state: BranchState, seq: int, fact: e.TicketFact, times: Times) -> None:
        counter = state.counters[fact.counter] if fact.counter is not None else None
        self._before[seq] = Before(
            times,
            copy(state.tickets[fact.ticket]),
            (counter.state, counter.ticket) if counter is not None else None,
            dict(state.turns),
            dict(state.runs),
        )

    def check_undone(self, state: BranchState, fact: e.StepUndone) -> None:
        """Taking a step back restores the ticket and its counter; and what the rules count, if nobody has been called, or
        sent back, since."""
        before, ticket = self._before[fact.undone], state.tickets[fact.ticket]
        expected = replace(before.ticket, announced_at=ticket.announced_at)
        if expected.park_kind is ParkKind.COUNTER and state.counters[expected.counter or ""].state is CounterState.CLOSED:
            expected.park_kind = ParkKind.SERVICE
        assert ticket == expected, "undo: the ticket is not what it was"
        # Where it is neither called nor served again, others may have come to the counter meanwhile.
        if ticket.is_held or (before.ticket.state is TicketState.WAITING and before.counter is not None):
            counter = state.counters[fact.counter or ""]
            assert (counter.state, counter.ticket) == before.counter, "undo: the counter is not what it was"
        if all(seq < fact.undone or ticket_id == fact.ticket for seq, ticket_id in self._counting):
            assert _counted(state.turns) == _counted(before.turns), "undo: the turns are not what they were"
            assert {scope: run for scope, run in state.runs.items() if run} == {
                scope: run for scope, run in before.runs.items() if run
            }, "undo: the run of the cap is not what it was"
        assert fact.ticket not in state.steps, "undo: nothing is taken back twice"

    def check_times(self, state: BranchState, at: Instant) -> None:
        """Each interval counts once, as what it was; none counts that was before the arrival or is still to come."""
        for ticket in state.tickets.values():
            sums = self._times[ticket.ticket_id].at(at)
            is_over = ticket.state is TicketState.FINISHED
            served = sum(stage.served_ms for stage in ticket.stages) + (0 if is_over else ticket.served_at(at))
            parked = sum(stage.parked_ms for stage in ticket.stages) + (0 if is_over else ticket.parked_at(at))
            told = {WAITED: ticket.waited_at(at), SERVED: served, PARKED: parked}
            assert told == {kind: sums[kind] for kind in told}, f"times: {ticket.number}"
            assert sum(told.values()) <= at - ticket.arrived_at, f"times: {ticket.number} has more than there was"
            waited = sum(stage.waited_ms for stage in ticket.stages)
            assert waited == told[WAITED] if is_over else waited <= told[WAITED], f"times: {ticket.number} by stage"


def _counted(turns: dict[str, Turns]) -> dict[str, Turns]:
    return {scope: turn for scope, turn in turns.items() if turn != Turns()}
