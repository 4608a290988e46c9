"""
What happens to a branch that no longer fits the log: it is dropped, read anew, and whoever waited is decided again.

A branch whose claim was lost comes back at once. One that keeps failing is tried again more and more slowly: a fault stays with
its branch, and must not cost the others the loop.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine

import structlog

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Head, LogUnavailable
from queue_server.runtime.branch import Branch
from queue_server.runtime.branches import Branches
from queue_server.runtime.errors import Unsettled
from queue_server.runtime.flight import Pending

_log = structlog.get_logger(__name__)

_ATTEMPTS = 12
_PATIENT_ATTEMPTS = 2
"""So often without a delay: losing a race or two is ordinary."""
_FIRST_DELAY_SECONDS = 0.02
_LONGEST_DELAY_SECONDS = 5.0
_MOST_DOUBLINGS = 10


class Reloads:
    """
    Brings branches back, and the commands that waited for them.

    *again* takes a command back into the queue, *returned* is told of a branch that is in memory again and of the head that it was
    read at, at a moment when nothing of it is in flight, and *idle* whenever one thing less is under way.
    """

    def __init__(
        self,
        branches: Branches,
        again: Callable[[Pending], None],
        returned: Callable[[Branch, Head], None],
        idle: Callable[[], None],
    ) -> None:
        self._branches = branches
        self._again = again
        self._returned = returned
        self._idle = idle
        self._failures: Counter[BranchId] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def are_under_way(self) -> bool:
        """Whether somebody is still being brought back."""
        return bool(self._tasks)

    def went_well(self, branch_id: BranchId) -> None:
        """Forget that the branch had failed."""
        if self._failures:
            self._failures.pop(branch_id, None)

    def replace(self, branch: Branch) -> None:
        """Read *branch* anew, in which nothing has failed: its day is over."""
        self._branches.drop(branch.id, branch.head)
        self.spawn(self._bring_back(branch))

    def reload(self, branch: Branch, passengers: list[Pending], *, is_new_history: bool = False) -> None:
        """Drop *branch*, which was decided on a head that no longer stands, and bring it and *passengers* back."""
        self._branches.drop(branch.id, None if is_new_history else branch.head)
        self._failures[branch.id] += 1
        for pending in passengers:
            self.park(pending)
        self.spawn(self._bring_back(branch))

    def park(self, pending: Pending) -> None:
        """Bring *pending* back to the queue when its branch is in memory again."""
        pending.attempts += 1
        if pending.attempts > _ATTEMPTS:
            pending.fail(Unsettled())
        else:
            self.spawn(self._requeue(pending))

    def spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        """Run *coroutine* beside everything else; a fault of it is logged."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _bring_back(self, lost: Branch) -> None:
        await asyncio.sleep(_delay(self._failures.get(lost.id, 0)))
        try:
            branch = await self._read_anew(lost.id)
        except Exception as fault:
            for looker in lost.lookers:
                if not looker.done():
                    looker.set_exception(fault)
            raise
        # It may have been loaded by somebody else, and be ahead of the log already: then the news waits for that to land.
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        read_at = branch.head
        branch.lookers |= {told: lambda _state: self._news(branch, read_at), **lost.lookers}
        lost.lookers = {}
        if not branch.in_flight:
            branch.land()
        await told

    async def _read_anew(self, branch_id: BranchId) -> Branch:
        while True:
            try:
                return await self._branches.load(branch_id)
            except LogUnavailable:
                await asyncio.sleep(_LONGEST_DELAY_SECONDS / 10)

    def _news(self, branch: Branch, read_at: Head) -> None:
        # Lost again before it could be told: then this one is ahead of the log for good, and the next to come back has its own news.
        if self._branches.get(branch.id) is branch:
            self._returned(branch, read_at)

    async def _requeue(self, pending: Pending) -> None:
        await asyncio.sleep(_delay(pending.attempts))
        try:
            await self._branches.load(pending.branch_id)
        except Exception as fault:  # noqa: BLE001 - it is the answer to whoever asked
            pending.fail(Unsettled() if isinstance(fault, LogUnavailable) else fault)
        else:
            self._again(pending)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._idle()
        if not task.cancelled() and task.exception() is not None:
            _log.error("bringing a branch back failed", error=repr(task.exception()))


def _delay(failures: int) -> float:
    if failures <= _PATIENT_ATTEMPTS:
        return 0.0
    doubled: float = _FIRST_DELAY_SECONDS * 2.0 ** min(failures - _PATIENT_ATTEMPTS, _MOST_DOUBLINGS)
    return min(_LONGEST_DELAY_SECONDS, doubled)
