"""The rule of taking a step back: the last one on a ticket, soon, from the same seat, while nothing else stands in its place."""

from queue_server.core import commands as c
from queue_server.core.ids import CounterId, TicketId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.policies import said_duration
from queue_server.core.rejections import UndoRefused
from queue_server.core.state import BranchState, Counter, Step
from queue_server.core.ticket import Ticket
from queue_server.core.turn import Turn
from queue_server.core.undo import undoing


def undo(turn: Turn, command: c.UndoStep) -> None:
    """Take back the last step on a ticket, and the call that the same step made by itself, if there is one."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    step = turn.state.steps.get(ticket.ticket_id)
    if step is None:
        raise UndoRefused(f"{ticket.number} has no step that could be taken back")
    _require_seat(turn, ticket, step, command.counter)
    _require_recent(turn, ticket, step)
    also = _called_meanwhile(turn, ticket, step)
    if also is not None:
        turn.emit(undoing(turn.state, also, turn.state.steps[also], turn.at))
    turn.emit(undoing(turn.state, ticket.ticket_id, step, turn.at))


def _require_seat(turn: Turn, ticket: Ticket, step: Step, counter_id: CounterId | None) -> None:
    if step.counter is not None:
        counter = turn.counter(step.counter)
        if counter_id not in {None, counter.id}:
            raise UndoRefused(f"The last step of {ticket.number} was made at counter {counter.number}")
        if counter.state is not CounterState.CLOSED:
            return
    # At no counter, or at one where nobody sits any more, the seat is the person.
    if turn.command.seat is not None and turn.command.actor != step.actor:
        raise UndoRefused(f"The last step of {ticket.number} was made by somebody else")


def _require_recent(turn: Turn, ticket: Ticket, step: Step) -> None:
    limit = turn.state.rules.undo_ms
    if not limit:
        raise UndoRefused("This branch takes no steps back")
    if turn.at - step.at > limit:
        raise UndoRefused(f"The last step of {ticket.number} was more than {said_duration(limit)} ago")


def _called_meanwhile(turn: Turn, ticket: Ticket, step: Step) -> TicketId | None:
    """Return the ticket that must go back to its place first, if the one that returns needs its counter."""
    before = step.before
    if before.kept_by is None:
        return None
    counter = turn.state.counters[before.kept_by]
    if not before.is_held:
        limit = turn.state.rules.park_limit
        if len(counter.parked) >= limit:
            raise UndoRefused(
                f"Counter {counter.number} keeps {len(counter.parked)} parked tickets by now, and {limit} is the most"
            )
        return None
    if counter.ticket == ticket.ticket_id or counter.state is CounterState.OPEN:
        return None
    if counter.ticket is None:
        raise UndoRefused(f"Counter {counter.number} is {counter.state.value} by now")
    other = called_by_itself(turn.state, counter, since=step)
    if other is None:
        number = turn.state.tickets[counter.ticket].number
        raise UndoRefused(f"Counter {counter.number} is {counter.state.value} {number} by now", ticket=counter.ticket)
    return other


def called_by_itself(state: BranchState, counter: Counter, *, since: Step) -> TicketId | None:
    """
    Return whom *counter* holds if it has called them by itself since the step *since*, or that step has, and they are still called.

    Whose serving has begun stays, also where it begins with the call: nobody is sent away from a counter.
    """
    other = state.tickets[counter.ticket] if counter.ticket is not None else None
    its = state.steps.get(other.ticket_id) if other is not None else None
    if other is None or its is None or its.before.state is not TicketState.WAITING or its.seq < since.seq:
        return None
    was_by_itself = its.is_automatic or its.command_id == since.command_id
    return other.ticket_id if was_by_itself and other.state is TicketState.CALLED else None


def called_unasked(state: BranchState, counter: Counter) -> TicketId | None:
    """Return whom *counter* has called by itself, lately, and who has not come yet."""
    its = state.steps.get(counter.ticket) if counter.state is CounterState.CALLING and counter.ticket is not None else None
    return counter.ticket if its is not None and its.is_automatic and its.before.state is TicketState.WAITING else None


def send_back(turn: Turn, ticket_id: TicketId | None) -> None:
    """Let a ticket that was called by itself wait at its place again: the clerk has the word; None: there is none."""
    if ticket_id is not None:
        turn.emit(undoing(turn.state, ticket_id, turn.state.steps[ticket_id], turn.at))
