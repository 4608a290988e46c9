"""What one fact has changed, kept as it was right after it: this is what receipts and screens are told."""

from copy import copy

from msgspec import Struct

from queue_server.core.apply import apply
from queue_server.core.events import (
    BranchConfigured,
    CounterFact,
    DayOpened,
    Event,
    ServingStarted,
    TicketCalled,
    TicketFact,
    TicketRecalled,
)
from queue_server.core.ids import ServiceId
from queue_server.core.state import BranchState, Call, Counter, Ticket

_ANNOUNCED = (TicketCalled, TicketRecalled)


class Change(Struct, frozen=True):
    """
    An event with copies of what it changed.

    `waiting` is how many wait now for each service that the event touched; `is_whole` marks an event after which nothing that was
    known before can be kept (a new day, another configuration).
    """

    event: Event
    ticket: Ticket | None = None
    counter: Counter | None = None
    call: Call | None = None
    waiting: tuple[tuple[ServiceId, int], ...] = ()
    is_whole: bool = False


def advance(state: BranchState, event: Event) -> Change:
    """Apply *event* and return what it changed."""
    fact = event.fact
    if isinstance(fact, TicketFact):
        # Serving begins and the waiting do not change: nothing to count.
        before = state.tickets.get(fact.ticket)
        services = {before.service} if before is not None else set()
        apply(state, event)
        ticket = state.tickets[fact.ticket]
        services.add(ticket.service)
        return Change(
            event,
            ticket=copy(ticket),
            counter=copy(state.counters[fact.counter]) if fact.counter is not None else None,
            call=state.calls[0] if isinstance(fact, _ANNOUNCED) else None,
            waiting=() if isinstance(fact, ServingStarted) else tuple((s, state.waiting_for(s)) for s in sorted(services)),
        )
    apply(state, event)
    if isinstance(fact, CounterFact):
        return Change(event, counter=copy(state.counters[fact.counter]))
    return Change(event, is_whole=isinstance(fact, DayOpened | BranchConfigured))
