"""Wakes branches when time alone will make something happen."""

import asyncio
from collections.abc import Callable

from queue_server.core.ids import BranchId
from queue_server.runtime.branch import Branch
from queue_server.runtime.clock import Clock

_OTHERS_LATER_SECONDS = 3.0
"""So much later a node acts on what is due in a branch that another node wrote to last."""


class Alarms:
    """One alarm a branch, set to when its head wants to be woken; *ring* is told which branch it is."""

    def __init__(self, clock: Clock, ring: Callable[[BranchId], None]) -> None:
        self._clock = clock
        self._ring = ring
        self.are_on = True

    def watch(self, branch: Branch) -> None:
        """Wake *branch* when time alone will make something happen."""
        at = branch.head.wakes_at
        if (at == branch.alarm_at and branch.is_written_elsewhere == branch.alarm_is_late) or not self.are_on:
            return
        if branch.alarm is not None:
            branch.alarm.cancel()
        branch.alarm_at, branch.alarm, branch.alarm_is_late = at, None, branch.is_written_elsewhere
        if at is not None:
            # Where another node wrote last it is awake, too: asking at the same moment, one of the two would have to read anew.
            delay = max(0.0, (at - self._clock.now()) / 1000) + (_OTHERS_LATER_SECONDS if branch.is_written_elsewhere else 0.0)
            branch.alarm = asyncio.get_running_loop().call_later(delay, self._went_off, branch)

    def stop(self, branches: list[Branch]) -> None:
        """Wake nobody any more."""
        self.are_on = False
        for branch in branches:
            if branch.alarm is not None:
                branch.alarm.cancel()

    def _went_off(self, branch: Branch) -> None:
        branch.alarm, branch.alarm_at = None, None
        self._ring(branch.id)
