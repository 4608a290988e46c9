"""How a ticket enters and leaves the waiting and the counters: what every fact about tickets is made of."""

from collections import deque

from queue_server.core.events import Event
from queue_server.core.ids import CounterId, Instant
from queue_server.core.lifecycle import FOLLOWS_TICKET, CounterState, TicketState
from queue_server.core.state import CALLS_SHOWN, BranchState, Call, Pace
from queue_server.core.ticket import ParkKind, Ticket
from queue_server.core.waiting import Line

# Looked up once: to find a member of an enumeration takes as long as a call (until Python 3.12).
_OPEN, _WAITING = CounterState.OPEN, TicketState.WAITING


def enter_waiting(state: BranchState, ticket: Ticket, at: Instant, place_at: Instant, order: float | None = None) -> None:
    """Let *ticket*, which no counter has any more, wait from *at* on at *place_at*, among equal ones by *order*."""
    ticket.state = TicketState.WAITING
    ticket.place_at = place_at
    ticket.place_order = order
    ticket.waiting_since = at
    ticket.ended_at = None
    ticket.returns_until = None
    join_line(state, ticket)


def leave_waiting(state: BranchState, ticket: Ticket, at: Instant) -> None:
    """End a waiting interval."""
    leave_line(state, ticket)
    ticket.waited_ms, ticket.waiting_since = ticket.waited_at(at), None
    ticket.left_at = at


def join_line(state: BranchState, ticket: Ticket) -> None:
    """Let *ticket* stand where its place is."""
    key = ticket.line_key()
    line = state.lines.get(key)
    if line is None:
        line = state.lines[key] = Line()
        state.forget_lines()
    line.add(ticket.standing)
    served = (ticket.service, ticket.tier)
    state.waiting[served] = state.waiting.get(served, 0) + 1
    state.queues[ticket.service] = state.queues.get(ticket.service, 0) + 1


def leave_line(state: BranchState, ticket: Ticket) -> None:
    """Take *ticket* out of its line."""
    key = ticket.line_key()
    line = state.lines[key]
    line.remove(ticket.standing)
    # An ordinary line stays when it is empty, the next of its kind comes soon; those of one counter or person would pile up.
    if line.start == len(line.standings) and key.is_directed:
        del state.lines[key]
        state.forget_lines()
    state.waiting[ticket.service, ticket.tier] -= 1
    state.queues[ticket.service] -= 1


def hold(state: BranchState, ticket: Ticket, counter_id: CounterId, at: Instant) -> None:
    """Let a counter call or serve *ticket*, as the ticket's state says."""
    counter = state.counters[counter_id]
    state.staffing.clear()
    counter.ticket = ticket.ticket_id
    counter.state = FOLLOWS_TICKET[ticket.state]
    counter.since = at
    ticket.counter = counter_id


def let_go(state: BranchState, ticket: Ticket, at: Instant) -> None:
    """Free the counter that has to do with *ticket*, if there is one, and end the interval of serving or of being parked."""
    kept_by = ticket.kept_by
    if kept_by is not None:
        if ticket.park_kind is None:
            counter = state.counters[kept_by]
            state.staffing.clear()
            counter.ticket = None
            counter.state = _OPEN
            counter.since = at
        else:
            unkeep(state, ticket, kept_by)
    if ticket.serving_since is not None:
        ticket.served_ms, ticket.serving_since = ticket.served_ms + at - ticket.serving_since, None
    if ticket.parked_since is not None:
        ticket.parked_ms, ticket.parked_since = ticket.parked_at(at), None
    ticket.park_kind = None


def park(state: BranchState, ticket: Ticket, counter_id: CounterId, kind: ParkKind) -> None:
    """Let *ticket* lie aside, with the counter or with the service."""
    ticket.state = TicketState.PARKED
    ticket.counter = counter_id
    ticket.park_kind = kind
    if kind is ParkKind.COUNTER:
        counter = state.counters[counter_id]
        counter.parked = (*counter.parked, ticket.ticket_id)


def unkeep(state: BranchState, ticket: Ticket, counter_id: CounterId) -> None:
    """Take *ticket* from those that a counter keeps aside."""
    counter = state.counters[counter_id]
    counter.parked = tuple(parked for parked in counter.parked if parked != ticket.ticket_id)


def end(state: BranchState, ticket: Ticket, at: Instant, state_then: TicketState) -> None:
    """End *ticket*, wherever it is."""
    if ticket.state is _WAITING:
        leave_waiting(state, ticket, at)
    let_go(state, ticket, at)
    ticket.state = state_then
    ticket.ended_at = at


def announce(state: BranchState, ticket: Ticket, event: Event) -> None:
    """Put the call of *ticket* on top of the board."""
    call = Call(event.seq, event.at, ticket.number, ticket.ticket_id, ticket.counter or "", ticket.recalls)
    # Who was never announced is not on the board.
    if ticket.announced_at is not None:
        state.calls = [c for c in state.calls if c.ticket_id != ticket.ticket_id]
    state.calls.insert(0, call)
    del state.calls[CALLS_SHOWN:]
    ticket.announced_at = event.at


def pace(state: BranchState, ticket: Ticket, at: Instant) -> None:
    """Count a service that has been given: for how long it took a counter, parked time left out."""
    counted = state.pace.get(ticket.service)
    if counted is None:
        counted = state.pace[ticket.service] = Pace()
    counted.finished += 1
    counted.total_ms += ticket.occupied_at(at)


def may_return(state: BranchState, ticket: Ticket, until: Instant) -> None:
    """Let a missed customer return until *until*."""
    ticket.returns_until = until
    state.lapsing.append(ticket.ticket_id)
    # Nearly always in order already; a branch may have shortened the time meanwhile.
    if len(state.lapsing) > 1 and until < (state.tickets[state.lapsing[-2]].returns_until or 0):
        state.lapsing = deque(sorted(state.lapsing, key=lambda ticket_id: state.tickets[ticket_id].returns_until or 0))


def forget_return(state: BranchState, ticket: Ticket) -> None:
    """A missed customer may no longer return, or has."""
    if ticket.returns_until is not None:
        state.lapsing.remove(ticket.ticket_id)
        ticket.returns_until = None
