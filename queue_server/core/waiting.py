"""
The waiting, kept so that neither issuing nor calling costs more when more people wait.

Tickets that every rule treats alike form a *line*, ordered by place and then by the seq of issue. A choice among thousands looks
at the heads of the lines only; "how many are before me" is a binary search in each of them.
"""

from bisect import bisect_left, insort
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct, field

from queue_server.core.ids import CounterId, Instant, Millis, ServiceId, StaffId, TicketId, TierId, ZoneId

Standing: TypeAlias = tuple[Instant, float, TicketId]
"""(`place_at`, seq of issue, ticket): the order within a line; the seq, or a number between two of them, makes it total."""

_COMPACT_AFTER = 512
_KEYS_KEPT = 4096


class LineKey(Struct, frozen=True, gc=False, cache_hash=True):
    """What the rules look at besides the place: tickets that agree in all of this are treated alike."""

    service: ServiceId
    tier: TierId
    has_care: bool
    target_ms: Millis
    emergency: bool
    counter: CounterId | None
    zone: ZoneId | None
    staff: StaffId | None

    @property
    def is_directed(self) -> bool:
        """Whether it waits for one counter, zone or person."""
        return self.counter is not None or self.zone is not None or self.staff is not None


# Returns the class of equal treatment by position: nearly always an object that was made, and hashed, for somebody before.
line_key = lru_cache(_KEYS_KEPT)(LineKey)


class Line(Struct):
    """Standings in order, in one list; leaving at the front moves `start` on, so that the usual call shifts nothing."""

    standings: list[Standing] = field(default_factory=list)
    start: int = 0

    def __len__(self) -> int:
        return len(self.standings) - self.start

    @property
    def head(self) -> Standing:
        """The first of the line; the line is not empty."""
        return self.standings[self.start]

    def add(self, standing: Standing) -> None:
        """Put *standing* where its place is: nearly always at the end."""
        standings = self.standings
        if not standings or standing > standings[-1]:
            standings.append(standing)
        else:
            insort(standings, standing, lo=self.start)

    def remove(self, standing: Standing) -> None:
        """Take *standing* out."""
        standings, start = self.standings, self.start
        if start < len(standings) and standings[start] == standing:
            self.start = start + 1
            if start > _COMPACT_AFTER and start * 2 > len(standings):
                self._compact()
            return
        index = bisect_left(standings, standing, lo=start)
        if index >= len(standings) or standings[index] != standing:
            raise LookupError(f"{standing} does not stand in this line")
        del standings[index]

    def _compact(self) -> None:
        del self.standings[: self.start]
        self.start = 0

    def count_before(self, place_at: Instant, issue_seq: float = 0) -> int:
        """Return how many stand before (*place_at*, *issue_seq*)."""
        return bisect_left(self.standings, (place_at, issue_seq, ""), lo=self.start) - self.start

    def first(self, count: int) -> list[Standing]:
        """Return the first *count*, in order."""
        return self.standings[self.start : self.start + count]

    def nth(self, index: int) -> Standing | None:
        """Return the standing with *index* (0 is the head); None when the line is shorter."""
        return self.standings[self.start + index] if index < len(self) else None
