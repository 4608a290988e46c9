"""The rule of taking a step back: the last one on a ticket, soon, from the same seat, while nothing else stands in its place."""

from queue_server.core import commands as c
from queue_server.core.ids import CounterId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.policies import said_duration
from queue_server.core.rejections import UndoRefused
from queue_server.core.state import Step
from queue_server.core.ticket import Ticket
from queue_server.core.turn import BUSY, Turn
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
    limit = turn.state.rules.undo_ms
    if turn.at - step.at > limit:
        raise UndoRefused(f"The last step of {ticket.number} was more than {said_duration(limit)} ago")
    also = _called_meanwhile(turn, ticket, step)
    if also is not None:
        turn.emit(undoing(turn.state, also, turn.state.steps[also], turn.at))
    turn.emit(undoing(turn.state, ticket.ticket_id, step, turn.at))


def _require_seat(turn: Turn, ticket: Ticket, step: Step, counter_id: CounterId | None) -> None:
    if step.counter is not None:
        counter = turn.counter(step.counter)
        if counter_id not in {None, counter.id}:
            raise UndoRefused(f"The last step of {ticket.number} was made at counter {counter.number}")
    elif turn.command.seat is not None and turn.command.actor != step.actor:
        raise UndoRefused(f"The last step of {ticket.number} was made by somebody else")


def _called_meanwhile(turn: Turn, ticket: Ticket, step: Step) -> str | None:
    """
    Return the ticket that must go back to its place first, if the one that returns needs its counter.

    Only one that the undone step itself called, or that a counter called by itself since then, and that is still called.
    """
    before = step.before
    if not before.is_held or before.counter is None:
        return None
    counter = turn.state.counters[before.counter]
    if counter.ticket == ticket.ticket_id or counter.state is CounterState.OPEN:
        return None
    if counter.state not in BUSY or counter.ticket is None:
        raise UndoRefused(f"Counter {counter.number} is {counter.state.value} by now")
    other = turn.state.tickets[counter.ticket]
    its = turn.state.steps.get(other.ticket_id)
    was_by_itself = its is not None and (its.is_automatic or its.command_id == step.command_id) and its.seq > step.seq
    if its is None or not was_by_itself or its.before.state is not TicketState.WAITING:
        raise UndoRefused(f"Counter {counter.number} has {other.number} by now", ticket=other.ticket_id)
    return other.ticket_id
