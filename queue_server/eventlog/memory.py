"""The event log in memory: the twin of the PostgreSQL log under the same contract, for tests and for trying things out."""

import secrets
import time
from collections.abc import Sequence

from queue_server.core.ids import BranchId, Day, Instant
from queue_server.eventlog.port import Appended, Claim, Head, KnownKey, LogUnavailable, Row


class MemoryLog:
    """
    Keeps everything in dictionaries and loses it with the process.

    Unlike PostgreSQL it checks that a claim's rows are in order and without gaps, so that a test on it finds the fault at its
    source.
    """

    def __init__(self) -> None:
        self._heads: dict[BranchId, Head] = {}
        self._rows: dict[tuple[BranchId, Day], list[Row]] = {}
        self._epoch = secrets.token_hex(16)
        self._secret = secrets.token_bytes(32)

    async def append(
        self, claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]] = (), epoch: str | None = None
    ) -> Appended:
        """Append every claim whose head still stands; *confirm* is answered as things stood before."""
        if epoch not in {None, self._epoch}:
            raise LogUnavailable("This is another history.")
        for claim in claims:
            _check(claim)
        standing = frozenset(branch_id for branch_id, day, seq in confirm if self._stands(branch_id, (day, seq)))
        claimed = [claim for claim in claims if self._stands(claim.head.branch_id, claim.expected)]
        for claim in claimed:
            self._heads[claim.head.branch_id] = claim.head
            for row in claim.rows:
                self._rows.setdefault((row.branch_id, row.day), []).append(row)
        return Appended(frozenset(claim.head.branch_id for claim in claimed), standing, _now())

    async def secure(self) -> None:
        """Nothing is any more durable than it was."""

    async def head(self, branch_id: BranchId) -> Head | None:
        """Return the branch's head; None when there is no such branch."""
        return self._heads.get(branch_id)

    async def heads(self) -> list[Head]:
        """Return all heads, ordered by branch."""
        return [self._heads[branch_id] for branch_id in sorted(self._heads)]

    async def due(self, at: Instant) -> list[BranchId]:
        """Return the branches whose `wakes_at` is at or before *at*, ordered by it."""
        waking = ((head.wakes_at, head.branch_id) for head in self._heads.values() if head.wakes_at is not None)
        return [branch_id for wakes_at, branch_id in sorted(waking) if wakes_at <= at]

    async def read_after(self, branch_id: BranchId, day: Day, seq: int, limit: int) -> list[Row]:
        """Return up to *limit* facts of that day after *seq*, oldest first."""
        return self._rows.get((branch_id, day), [])[seq : seq + limit]

    async def keys(self, branch_id: BranchId, day: Day) -> list[KnownKey]:
        """Return the commands that had an effect on that day, in the order of their first fact."""
        known: dict[str, KnownKey] = {}
        for row in self._rows.get((branch_id, day), []):
            first = known.get(row.command_id)
            known[row.command_id] = (
                KnownKey(row.command_id, first.first_seq, row.seq, first.request)
                if first
                else KnownKey(row.command_id, row.seq, row.seq, row.request)
            )
        return list(known.values())

    async def clock(self) -> Instant:
        """Return the log's clock (ms, UTC)."""
        return _now()

    async def epoch(self) -> str:
        """Return the name of this history."""
        return self._epoch

    async def secret(self) -> bytes:
        """Return the key of the keyed hashes; it must never leave the service."""
        return self._secret

    async def close(self) -> None:
        """Give back what the log holds; idempotent."""

    def _stands(self, branch_id: BranchId, expected: tuple[Day, int] | None) -> bool:
        head = self._heads.get(branch_id)
        return (None if head is None else (head.day, head.seq)) == expected


def _check(claim: Claim) -> None:
    """Refuse rows that would leave a gap: the fence keeps others out, the order within a claim is its owner's."""
    if not claim.rows:
        raise ValueError("A claim has at least one row.")
    day, seq = claim.expected or (claim.rows[0].day, 0)
    for row in claim.rows:
        day, seq = (day, seq + 1) if row.day == day else (row.day, 1)
        if (row.branch_id, row.day, row.seq) != (claim.head.branch_id, day, seq):
            raise ValueError(f"{row.branch_id} {row.day}:{row.seq} stands where {claim.head.branch_id} {day}:{seq} should.")
    if (claim.head.day, claim.head.seq) != (day, seq):
        raise ValueError(f"The head {claim.head.day}:{claim.head.seq} is not the last row, {day}:{seq}.")


def _now() -> Instant:
    return time.time_ns() // 1_000_000
