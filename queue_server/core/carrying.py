"""
Over the roll of the day, where a branch asks for it: who waits goes on waiting in the next day, with number, place and wait.

The ticket has an end in the day that is over and an issue in the new one, so that each day adds up by itself.
"""

from copy import copy

from queue_server.core import events as e
from queue_server.core.configuration import Configuration
from queue_server.core.estimates import outlook
from queue_server.core.lifecycle import TicketState
from queue_server.core.state import BranchState
from queue_server.core.stranding import is_lost
from queue_server.core.ticket import Ticket
from queue_server.core.turn import Turn


def to_carry(state: BranchState, rules: Configuration) -> list[Ticket]:
    """Return those who wait on in the next day, whose *rules* have a place for them, in the order in which they stand."""
    if not state.rules.carry_over:
        return []
    waiting = [ticket for ticket in state.tickets.values() if ticket.state is TicketState.WAITING and not is_lost(rules, ticket)]
    return [copy(ticket) for ticket in sorted(waiting, key=lambda ticket: ticket.standing)]


def issue_again(turn: Turn, ticket: Ticket) -> None:
    """Let *ticket*, as it was when the day before ended, wait on in the day that has begun."""
    told = outlook(turn.state, ticket.line_key(), (ticket.place_at, turn.state.seq + 1, ticket.ticket_id), turn.at)
    prefix = ticket.number.rstrip("0123456789")
    turn.emit(
        e.TicketIssued(
            ticket=ticket.ticket_id,
            number=ticket.number,
            prefix=prefix,
            serial=int(ticket.number[len(prefix) :]),
            service=ticket.service,
            tier=ticket.tier,
            care=ticket.care,
            language=ticket.language,
            channel=ticket.channel,
            arrived_at=ticket.arrived_at,
            target_ms=ticket.target_ms,
            ahead=told.ahead,
            p50_ms=told.p50_ms,
            p90_ms=told.p90_ms,
            zone=ticket.zone,
            then=ticket.then,
            classified_by=ticket.classified_by,
            carried=ticket,
        )
    )
