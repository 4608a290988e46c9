"""What one fact has changed, kept as it was right after it: this is what receipts and screens are told."""

from copy import copy

from msgspec import Struct

from queue_server.core.apply import apply
from queue_server.core.events import (
    AnnouncementMade,
    BranchConfigured,
    CounterFact,
    DayOpened,
    Event,
    ServingStarted,
    StepUndone,
    TicketCalled,
    TicketFact,
    TicketRecalled,
)
from queue_server.core.ids import ServiceId, TicketId
from queue_server.core.state import BranchState, Call, Counter, Notice
from queue_server.core.ticket import Ticket

_ANNOUNCED = (TicketCalled, TicketRecalled)


class Change(Struct, frozen=True, gc=False):
    """
    An event with copies of what it changed.

    `waiting` is how many wait now for each service that the event touched; `withdrawn` is the number whose call is no longer on the
    board; `is_whole` marks an event after which nothing that was
    known before can be kept (a new day, another configuration).
    """

    event: Event
    ticket: Ticket | None = None
    counter: Counter | None = None
    call: Call | None = None
    waiting: tuple[tuple[ServiceId, int], ...] = ()
    withdrawn: str | None = None
    notice: Notice | None = None
    is_whole: bool = False


def advance(state: BranchState, event: Event) -> Change:
    """Apply *event* and return what it changed."""
    fact = event.fact
    if isinstance(fact, TicketFact):
        return _advance_ticket(state, event, fact)
    apply(state, event)
    if isinstance(fact, CounterFact):
        return Change(event, counter=copy(state.counters[fact.counter]))
    if isinstance(fact, AnnouncementMade):
        return Change(event, notice=state.notices[0])
    return Change(event, is_whole=isinstance(fact, DayOpened | BranchConfigured))


def _advance_ticket(state: BranchState, event: Event, fact: TicketFact) -> Change:
    before = state.tickets.get(fact.ticket)
    was_for = before.service if before is not None else None
    was_shown = isinstance(fact, StepUndone) and _is_shown(state, fact.ticket)
    apply(state, event)
    ticket = state.tickets[fact.ticket]
    service = ticket.service
    waiting: tuple[tuple[ServiceId, int], ...] = ((service, state.waiting_for(service)),)
    if was_for is not None and was_for != service:
        waiting += ((was_for, state.waiting_for(was_for)),)
    return Change(
        event,
        ticket=copy(ticket),
        counter=copy(state.counters[fact.counter]) if fact.counter is not None else None,
        call=state.calls[0] if isinstance(fact, _ANNOUNCED) else None,
        # When serving begins the waiting do not change: nothing to count.
        waiting=() if isinstance(fact, ServingStarted) else waiting,
        withdrawn=ticket.number if was_shown and not _is_shown(state, fact.ticket) else None,
    )


def _is_shown(state: BranchState, ticket_id: TicketId) -> bool:
    return any(call.ticket_id == ticket_id for call in state.calls)
