"""How long whoever asked waits for an answer, wherever their command is: in the queue, in the air, or being brought back."""

import asyncio
import time

from queue_server.runtime.errors import Unsettled
from queue_server.runtime.flight import Pending


class Patience:
    """The commands that have no answer yet, as they came."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._unanswered: list[Pending] = []

    def add(self, pending: Pending) -> None:
        """Answer *pending* in time, whatever happens to it."""
        self._unanswered.append(pending)

    def end(self) -> None:
        """Answer `Unsettled` to those that have waited too long; asked for several times in that time."""
        oldest = time.monotonic() - self._seconds
        waiting = [pending for pending in self._unanswered if not pending.future.done()]
        for pending in waiting:
            if pending.since < oldest:
                pending.fail(Unsettled())
        self._unanswered = waiting

    async def end_all(self, seconds: float) -> None:
        """Give everybody *seconds* more, and then answer `Unsettled`."""
        waiting = [pending.future for pending in self._unanswered if not pending.future.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for pending in self._unanswered:
            pending.fail(Unsettled())
