"""
What the runtime asks of an event log, and the shapes that cross that line.

A log holds one stream of facts for each branch and business day, and one *head* for each branch. The head is the fence: an
append names the head it was decided on, and it takes place only while the head still stands there. Whoever was not claimed
has lost, reads on, and decides again.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from queue_server.core.ids import BranchId, Day, Instant


class Row(Struct, frozen=True, gc=False):
    """
    One stored fact.

    `seq` starts at 1 each day and has no gaps. `body` is the fact as JSON (UTF-8). `request` is the keyed hash of the request
    that caused it, on the first fact of a command that carried a key, else None.
    """

    branch_id: BranchId
    day: Day
    seq: int
    at: Instant
    name: str
    version: int
    command_id: str
    actor: str
    request: bytes | None
    body: bytes


class Head(Struct, frozen=True, gc=False):
    """Where a branch's stream ends: the last `seq` of its current day, and when time alone will next make something happen."""

    branch_id: BranchId
    day: Day
    seq: int
    is_open: bool
    wakes_at: Instant | None


class Claim(Struct, frozen=True, gc=False):
    """
    An append to one branch: *rows* go in if the head still stands at *expected*; `None` claims a branch that has no head yet.

    The rows, at least one, are in order, without gaps, and may cross into a new day (`DayClosed` in D, `DayOpened` in D+1); *head* is
    where the last of them stands.
    """

    expected: tuple[Day, int] | None
    head: Head
    rows: Sequence[Row]


class Appended(Struct, frozen=True, gc=False):
    """
    The outcome of one append.

    The branches whose claim was taken, those of the confirmations whose head still stands, and the log's clock (ms, UTC).
    """

    claimed: frozenset[BranchId]
    standing: frozenset[BranchId]
    clock: Instant


class KnownKey(Struct, frozen=True, gc=False):
    """A command that had an effect: where its first and last fact stand, and the keyed hash of its request."""

    command_id: str
    first_seq: int
    last_seq: int
    request: bytes | None


class LogUnavailable(Exception):  # noqa: N818 - an answer of the log, named as one
    """
    The log did not answer, so it is unknown whether an append took place.

    Appending the same claims again settles it: either this attempt or the old one can win, never both.
    """


class EventLog(Protocol):
    """The log as the runtime sees it; every method may raise LogUnavailable."""

    async def append(
        self, claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]] = (), epoch: str | None = None
    ) -> Appended:
        """
        Append every claim whose head still stands, all in one statement, durable when this returns; each branch at most once.

        A claim that lost leaves no trace. *confirm* asks, in the same round trip, whether those heads still stand. *epoch* names the
        history that all of it was decided on (None: whichever there is): a log that serves another one takes nothing.
        """
        ...

    async def secure(self) -> None:
        """
        Return when all that can be read by now is as durable as an append.

        What an append whose answer was lost has stored can be read before it is: its wait for a stand-by may have been broken off.
        """
        ...

    async def head(self, branch_id: BranchId) -> Head | None:
        """Return the branch's head; None when there is no such branch."""
        ...

    async def heads(self) -> list[Head]:
        """Return all heads, ordered by branch."""
        ...

    async def due(self, at: Instant) -> list[BranchId]:
        """Return the branches whose `wakes_at` is at or before *at*, ordered by it."""
        ...

    async def read_after(self, branch_id: BranchId, day: Day, seq: int, limit: int) -> list[Row]:
        """Return up to *limit* facts of that day after *seq*, oldest first."""
        ...

    async def keys(self, branch_id: BranchId, day: Day) -> list[KnownKey]:
        """Return the commands that had an effect on that day, in the order of their first fact."""
        ...

    async def clock(self) -> Instant:
        """Return the log's clock (ms, UTC)."""
        ...

    async def epoch(self) -> str:
        """Return the name of this history: opaque, without a colon; it changes when a restore or a failover replaced it."""
        ...

    async def close(self) -> None:
        """Give back what the log holds; idempotent."""
        ...
