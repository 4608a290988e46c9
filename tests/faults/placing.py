"""Where things stand in a branch's stream: places are counted from 1 over all its days; 0 is before the first fact."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from queue_server.core.events import Event
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Row
from tests.faults.history import Request


class Places:
    """The place of each (day, seq), and what stands there."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.events: list[Event] = [to_event(row) for row in rows]
        self._of = {(row.day, row.seq): place for place, row in enumerate(rows, 1)}

    def of(self, day: str, seq: int) -> int | None:
        """Return the place of fact *seq* of *day*; None when there is none."""
        return self._of.get((day, seq))


class Windows:
    """
    Where in the stream something may have been decided that began and ended at given moments.

    Not before what had been acknowledged when it began, and before what was only asked for when it had ended.
    """

    def __init__(self, requests: Mapping[str, Request], rows: Sequence[Row]) -> None:
        self.first: dict[str, int] = {}
        last: dict[str, int] = {}
        for place, row in enumerate(rows, 1):
            if row.command_id in requests:
                self.first.setdefault(row.command_id, place)
                last[row.command_id] = place
        ends = [place for place, (row, after) in enumerate(pairwise((*rows, None)), 1) if row is not None and _ends(row, after)]
        self._ends = ends
        self._count = len(rows)
        settled = sorted((requests[command_id].settled, place) for command_id, place in last.items())
        self._settled = [moment for moment, _ in settled]
        self._low = list(accumulate((place for _, place in settled), max))
        begun = sorted((requests[command_id].began, place) for command_id, place in self.first.items())
        self._begun = [moment for moment, _ in begun]
        self._high = list(accumulate((place for _, place in reversed(begun)), min))[::-1]

    def of(self, began: float, ended: float) -> tuple[int, int]:
        """Return the first and the last place after which it may have been decided."""
        before = bisect_left(self._settled, began)
        after = bisect_right(self._begun, ended)
        low = self._low[before - 1] if before else 0
        return low, self._high[after] - 1 if after < len(self._high) else self._count

    def ends_after(self, place: int) -> int:
        """Return where the next command after *place* ends; beyond the stream when there is none."""
        index = bisect_right(self._ends, place)
        return self._ends[index] if index < len(self._ends) else self._count + 1


def _ends(row: Row, after: Row | None) -> bool:
    return after is None or after.command_id != row.command_id
