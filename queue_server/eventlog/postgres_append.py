"""
The two statements by which a batch is appended, and how it is laid out for each.

The everyday one has the least work and waits for a head that another session is just moving. It is rolled back when that takes
longer than any commit; the careful one then passes over the heads that are held. It is also the one that makes new branches and
confirms heads.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple

from queue_server.core.ids import BranchId, Day, Instant
from queue_server.eventlog.port import Claim, Row

EVERYDAY = "append"
CAREFUL = "append_carefully"
_encode = msgspec.json.Encoder().encode


class _LastFact(Row, frozen=True, gc=False):
    """The last fact of a claim as the everyday statement reads it, with the claim."""

    expected_day: Day
    expected_seq: int
    is_open: bool
    wakes_at: Instant | None


class _Move(msgspec.Struct, gc=False):
    """A claim as the careful statement reads it."""

    expected_day: Day | None
    expected_seq: int | None
    branch_id: BranchId
    day: Day
    seq: int
    is_open: bool
    wakes_at: Instant | None


def everyday(claims: Sequence[Claim]) -> list[bytes] | None:
    """Return the argument of the everyday statement; None when one of *claims* is for a new branch."""
    facts: list[object] = []
    for claim in claims:
        if claim.expected is None:
            return None
        *before, last = claim.rows
        facts += before
        # Whole structs are encoded in C, and made by position: this runs with every batch.
        values = (*astuple(last), *claim.expected, claim.head.is_open, claim.head.wakes_at)
        facts.append(_LastFact(*values))
    return [_encode(facts)]


def careful(claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]]) -> list[bytes]:
    """Return the arguments of the careful statement."""
    moves = [_Move(*(claim.expected or (None, None)), *astuple(claim.head)) for claim in claims]
    return [_encode(moves), _encode([row for claim in claims for row in claim.rows]), _encode(confirm)]
