"""
The place of a ticket that waits again: its virtual arrival, by which every policy orders.

`due` keeps the place, shifted by the time that was not waiting; `back` is now. The others are positions within the *class* of the
ticket: those who wait for the same service, for the same counter, zone or person or for none in particular, and between whom and
it the policy goes by place alone. By `fifo` that is everybody for the service, by `strict` and `ratio` their tier, by `promise`, `due`
and `ageing` those with the same promise, points and care. `front` is one ms before the first of the class, and never behind the due
place; behind N is just after the N-th of it, or the back when there are fewer.

Equal places are ordered by the seq of issue. So that somebody can be put between two of them, a fact may give a number of its own
to order by, halfway between those of the two.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple

from queue_server.core.configuration import Behind, Position
from queue_server.core.ids import Instant
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from queue_server.core.waiting import LineKey, Standing


class Place(NamedTuple):
    """Where a ticket stands: `at` orders, and among equal ones `order` (None: the seq of issue)."""

    at: Instant
    order: float | None = None


def place_for(state: BranchState, ticket: Ticket, key: LineKey, position: Position, at: Instant) -> Place:
    """Return the place of *ticket* if it enters the line *key* at *position* at *at*."""
    due = ticket.place_at + (at - ticket.left_at if ticket.left_at is not None else 0)
    if position == "back":
        return Place(at)
    if isinstance(position, Behind) and position.behind > 0:
        return _behind(state, key, position.behind, at)
    first = next(_class_of(state, key), None) if position != "due" else None
    return Place(due if first is None else min(due, first[0] - 1))


def _behind(state: BranchState, key: LineKey, count: int, at: Instant) -> Place:
    two = list(islice(_class_of(state, key), count - 1, count + 1))
    if not two:
        return Place(at)
    place_at, order, _ = two[0]
    if len(two) == 1 or two[1][0] > place_at + 1:
        return Place(place_at + 1)
    # No ms is free between the two.
    following = two[1][1] if two[1][0] == place_at else order + 1
    between = (order + following) / 2
    # Halved again and again, some fifty times, no number is left either: then the next ms, behind whoever else stands in this one.
    return Place(place_at, between) if order < between < following else Place(place_at + 1)


def _class_of(state: BranchState, key: LineKey) -> Iterator[Standing]:
    """Those who wait in the class of *key*, in order."""
    return merge(
        *(
            line.standings[line.start :]
            for other, line in state.lines.items()
            if line and _is_near(key, other) and state.policy.goes_by_place(key, other)
        )
    )


def _is_near(key: LineKey, other: LineKey) -> bool:
    if (other.service, other.emergency) != (key.service, key.emergency):
        return False
    return other.counter in {None, key.counter} and other.zone in {None, key.zone} and other.staff in {None, key.staff}
