"""The hints that wait to be sent: the newest of each branch, and never more than a bound."""

from collections.abc import Iterable

from queue_server.bus.port import Hint
from queue_server.core.ids import BranchId


class Outbox:
    """Holds at most *limit* hints; beyond that the one that waited longest makes room, and is counted in `dropped`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._newest: dict[BranchId, Hint] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._newest)

    def put(self, hints: Iterable[Hint]) -> None:
        """Add *hints*; one that is older than what waits for its branch changes nothing."""
        for hint in hints:
            waiting = self._newest.get(hint.branch_id)
            if waiting is None or (waiting.day, waiting.seq) < (hint.day, hint.seq):
                self._newest[hint.branch_id] = hint
            if len(self._newest) > self._limit:
                del self._newest[next(iter(self._newest))]
                self.dropped += 1

    def take(self, most: int) -> list[Hint]:
        """Take out up to *most* hints, those first that have waited longest."""
        if len(self._newest) <= most:
            taken = list(self._newest.values())
            self._newest.clear()
            return taken
        branches = [branch for branch, _ in zip(self._newest, range(most), strict=False)]
        return [self._newest.pop(branch) for branch in branches]
