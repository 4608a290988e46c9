"""
How a node keeps up with what others have written.

Somebody says that a branch has moved on: a hint from the bus, or the slow poll of the heads that finds what no hint told. The node
then reads on from where it stands, applies what it reads and tells its observers, so its screens get the same deltas as those of
the node that wrote. A hint is only a hint: it may be lost, doubled or late, the log is the truth. A branch with a commit of this
node in flight is left alone until that has landed; if it lost its claim, it is read anew anyway.
"""

import asyncio
from collections.abc import Callable

import structlog

from queue_server.core.changes import Change, advance
from queue_server.core.deadlines import next_deadline
from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import EventLog, Head, LogUnavailable, Row
from queue_server.runtime.branch import Branch, Known
from queue_server.runtime.branches import Branches

_log = structlog.get_logger(__name__)

_SLICE = 100
"""Facts read and applied in one go: about 2 ms of the loop."""


class Following:
    """
    Reads on, one branch at a time for each branch.

    *told* is called with a branch and what changed in it, at a moment when the branch stands exactly there; *replaced* with one that
    has to be read anew, because its day is over.
    """

    def __init__(
        self,
        log: EventLog,
        branches: Branches,
        told: Callable[[Branch, list[Change]], None],
        replaced: Callable[[Branch], None],
    ) -> None:
        self._log = log
        self._branches = branches
        self._told = told
        self._replaced = replaced
        self._under_way: dict[BranchId, asyncio.Task[None]] = {}
        self._hinted: dict[BranchId, tuple[Day, int]] = {}

    def hint(self, branch_id: BranchId, day: Day, seq: int) -> None:
        """Read on in *branch_id*, if it is in memory and has not come as far as (*day*, *seq*)."""
        branch = self._branches.get(branch_id)
        if branch is None or (day, seq) <= (branch.head.day, branch.head.seq):
            return
        self._hinted[branch_id] = max((day, seq), self._hinted.get(branch_id, ("", 0)))
        if branch_id not in self._under_way:
            self._begin(branch_id)

    async def follow(self, branch_id: BranchId) -> None:
        """Read on in *branch_id* until the log has no more; raises LogUnavailable."""
        task = self._under_way.get(branch_id) or self._begin(branch_id)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Stop reading."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, branch_id: BranchId) -> "asyncio.Task[None]":
        task = self._under_way[branch_id] = asyncio.get_running_loop().create_task(
            self._catch_up(branch_id), name=f"follow {branch_id}"
        )
        task.add_done_callback(lambda done: self._ended(branch_id, done))
        return task

    def _ended(self, branch_id: BranchId, task: "asyncio.Task[None]") -> None:
        del self._under_way[branch_id]
        hinted = self._hinted.pop(branch_id, None)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is None:
            # What was hinted while the last of it was read.
            if hinted is not None:
                self.hint(branch_id, *hinted)
        elif not isinstance(fault, LogUnavailable):
            _log.error("following failed", branch=branch_id, error=repr(fault))

    async def _catch_up(self, branch_id: BranchId) -> None:
        while True:
            branch = self._branches.get(branch_id)
            if branch is None:
                return
            if branch.in_flight:
                await _landed(branch)
                continue
            stood = branch.head
            rows = await self._log.read_after(branch_id, stood.day, stood.seq, _SLICE)
            # The end of a day is the last of its facts: what follows stands in another day.
            is_over = not rows and not branch.state.is_open and await self._has_rolled(branch_id, stood.day)
            if self._branches.get(branch_id) is not branch or branch.in_flight or branch.head != stood:
                continue
            if is_over:
                self._replaced(branch)
                return
            if not rows:
                self._hinted.pop(branch_id, None)
                return
            self._take(branch, rows)

    async def _has_rolled(self, branch_id: BranchId, day: Day) -> bool:
        head = await self._log.head(branch_id)
        return head is not None and head.day != day

    def _take(self, branch: Branch, rows: list[Row]) -> None:
        state = branch.state
        changes = []
        for row in rows:
            changes.append(advance(state, to_event(row)))
            known = branch.keys.get(row.command_id)
            if row.request is not None:
                branch.keys[row.command_id] = Known(row.day, row.seq, row.seq, row.request)
            elif known is not None and known.day == row.day:
                branch.keys[row.command_id] = Known(row.day, known.first_seq, row.seq, known.request)
        branch.head = Head(branch.id, state.day, state.seq, state.is_open, next_deadline(state))
        branch.is_written_elsewhere = True
        self._told(branch, changes)


async def _landed(branch: Branch) -> None:
    landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    branch.lookers[landed] = lambda _state: None
    await landed
