"""A stand-by that is always a little behind: it answers as the log was some time ago."""

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.port import Head, Row

LAG_SECONDS = 0.5


class Standby:
    """Knows since when each head has stood, as far as anybody has looked; older than the first it shows nothing."""

    def __init__(self) -> None:
        self._since: dict[BranchId, list[float]] = defaultdict(list)
        self._heads: dict[BranchId, list[Head]] = defaultdict(list)

    def head(self, true: Head) -> Head:
        """Return what is shown of a branch whose head truly is *true*."""
        since, heads = self._since[true.branch_id], self._heads[true.branch_id]
        if not heads or _place(true) > _place(heads[-1]):
            since.append(time.monotonic())
            heads.append(true)
        return heads[max(0, bisect_right(since, time.monotonic() - LAG_SECONDS) - 1)]

    def rows(self, true: Head, rows: Sequence[Row]) -> list[Row]:
        """Return those of *rows* that are shown."""
        shown = _place(self.head(true))
        return [row for row in rows if (row.day, row.seq) <= shown]


def _place(head: Head) -> tuple[Day, int]:
    return head.day, head.seq
