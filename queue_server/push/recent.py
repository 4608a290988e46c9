"""The latest changes of a branch's day, kept so that a screen that was away for a moment is told only what it missed."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from queue_server.core.changes import Change
from queue_server.core.ids import Day


class Recent:
    """
    Consecutive changes of one day up to the committed head, at most *limit* of them.

    It holds what came after `start`; whoever holds an earlier `seq` needs the history, or a snapshot. Before `whole` only a
    snapshot helps: there everything changed (the configuration, the day), of which no delta tells.
    """

    def __init__(self, day: Day, seq: int, limit: int) -> None:
        self.day = day
        self.seq = seq
        self.whole = 0
        self._changes: deque[Change] = deque(maxlen=limit)

    @property
    def start(self) -> int:
        """The `seq` before the oldest change kept."""
        return self.seq - len(self._changes)

    def begin(self, day: Day, seq: int) -> None:
        """Forget all; the branch stands at *seq* of *day* and what led there is told by a snapshot."""
        self.day, self.seq, self.whole = day, seq, 0
        self._changes.clear()

    def is_continued_by(self, changes: Sequence[Change]) -> bool:
        """Tell whether *changes* follow on the head and can be told one by one."""
        first = changes[0].event
        follows = first.day == self.day and first.seq == self.seq + 1
        return follows and not any(change.is_whole for change in changes)

    def extend(self, changes: Sequence[Change]) -> None:
        """Take in what follows on the head."""
        self._changes.extend(changes)
        self.seq = changes[-1].event.seq

    def complete(self, day: Day, history: Sequence[Change]) -> None:
        """Put in front what *history*, which reaches to the head or beyond, has of the time before `start`."""
        start = self.start
        older = [change for change in history if change.event.seq <= start]
        # While the history was read, a reconfiguration may have begun this anew, further on: then there is a gap between them.
        if day != self.day or not older or older[-1].event.seq != start:
            return
        self.whole = max([self.whole, *(change.event.seq for change in older if change.is_whole)])
        room = (self._changes.maxlen or 0) - len(self._changes)
        told = [change for change in older if change.event.seq > self.whole]
        self._changes.extendleft(reversed(told[max(0, len(told) - room) :]))

    def since(self, seq: int) -> list[Change]:
        """Return the changes after *seq*, which is not before `start`."""
        return list(islice(self._changes, seq - self.start, None))
