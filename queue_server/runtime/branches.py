"""The branches that this node has in memory; each is loaded once, whoever asks first."""

import asyncio

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import EventLog, Head
from queue_server.runtime.branch import Branch, load
from queue_server.runtime.errors import UnknownBranch


class Branches:
    """Loaded branches by identifier, and the loads under way."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._loaded: dict[BranchId, Branch] = {}
        self._loading: dict[BranchId, asyncio.Task[Branch]] = {}
        self._stood: dict[BranchId, Head] = {}
        self._histories = 0

    def get(self, branch_id: BranchId) -> Branch | None:
        """Return the branch if it is in memory."""
        return self._loaded.get(branch_id)

    def loaded(self) -> list[Branch]:
        """Return all that are in memory."""
        return list(self._loaded.values())

    def add(self, branch: Branch) -> None:
        """Take in a branch that has just been created."""
        self._loaded[branch.id] = branch

    def drop(self, branch_id: BranchId, stood: Head | None = None) -> None:
        """Forget what is known of a branch: it no longer fits the log after *stood* (None: not even so far)."""
        branch = self._loaded.pop(branch_id, None)
        if stood is not None:
            self._stood[branch_id] = stood
        if branch is not None and branch.alarm is not None:
            branch.alarm.cancel()

    async def load(self, branch_id: BranchId) -> Branch:
        """Return the branch, read from the log where it is not in memory; raise UnknownBranch when there is none."""
        branch = self._loaded.get(branch_id)
        if branch is not None:
            return branch
        task = self._loading.get(branch_id)
        if task is None:
            task = self._loading[branch_id] = asyncio.create_task(self._load(branch_id), name=f"load {branch_id}")
            task.add_done_callback(lambda _: self._loading.pop(branch_id, None))
        # One who gives up does not end the load for the others.
        return await asyncio.shield(task)

    def forget_history(self) -> None:
        """Whatever is being read may be of a history that is no more."""
        self._histories += 1
        self._stood.clear()

    async def _load(self, branch_id: BranchId) -> Branch:
        while True:
            histories = self._histories
            branch = await load(self._log, branch_id, self._stood.pop(branch_id, None))
            if histories == self._histories:
                break
        if branch is None:
            raise UnknownBranch(branch_id)
        return self._loaded.setdefault(branch_id, branch)
