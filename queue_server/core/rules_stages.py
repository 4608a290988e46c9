"""The rules of a stage's end: the visit is over, or goes on with its next service."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.ids import CounterId, Instant
from queue_server.core.lifecycle import TicketStep
from queue_server.core.ticket import Ticket
from queue_server.core.turn import Turn


def finish(turn: Turn, command: c.FinishServing) -> None:
    """End serving."""
    turn.ticket(command.ticket)
    turn.outcome(command.outcome)
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.FINISH, command.counter)
    finish_or_go_on(turn, ticket, counter_id, command.outcome)


def finish_or_go_on(turn: Turn, ticket: Ticket, counter_id: CounterId, outcome: str | None) -> None:
    """Finish *ticket*, which is being served, or let it wait for the next service of its visit."""
    if not ticket.then:
        turn.emit(e.ServingFinished(ticket=ticket.ticket_id, counter=counter_id, outcome=outcome))
        return
    service = ticket.then[0]
    target_ms = turn.state.target_of(service, ticket.tier)
    turn.emit(
        e.StageFinished(
            ticket=ticket.ticket_id,
            counter=counter_id,
            service=service,
            target_ms=target_ms,
            place_at=_credited(turn, ticket, target_ms),
            outcome=outcome,
        )
    )


def _credited(turn: Turn, ticket: Ticket, target_ms: int) -> Instant:
    """
    The place in the next line: a share of the wait so far counts, but never so much that the promise is nearly used up.

    So a chain of small services is no way to jump the line.
    """
    credit = ticket.waited_ms * turn.state.rules.stage_credit_permille // 1000
    return turn.at - min(credit, target_ms * 9 // 10)
