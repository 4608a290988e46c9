"""The place of a ticket that waits again: its virtual arrival, by which every policy orders."""

from queue_server.core.commands import Behind, Position
from queue_server.core.ids import Instant
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from queue_server.core.waiting import LineKey


def place_for(state: BranchState, ticket: Ticket, key: LineKey, position: Position, at: Instant) -> Instant:
    """
    Return the `place_at` of *ticket* if it enters the line *key* at *position* at *at*.

    `due` keeps the place, shifted by the time that was not waiting; `front` is one ms before the first of the class (and never
    behind its own due place); `back` is now; behind N is just after the N-th of its class, or the back when there are fewer.
    """
    due = ticket.place_at + (at - ticket.left_at if ticket.left_at is not None else 0)
    line = state.lines.get(key)
    if position == "due":
        return due
    if position == "back":
        return at
    if isinstance(position, Behind) and position.behind > 0:
        nth = line.nth(position.behind - 1) if line is not None else None
        return at if nth is None else nth[0] + 1
    return min(due, line.head[0] - 1) if line else due


def configured(position: str) -> Position:
    """Return a position that the configuration names."""
    return "front" if position == "front" else "back" if position == "back" else "due"
