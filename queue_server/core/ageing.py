"""
Points: a head start, and so many for each second waited, by service and tier.

Other policies are settings of it. With equal rates, no head starts and no care it is `fifo`; with head starts of what each promise is
shorter than the longest one, `due`; with rates in inverse proportion to the promises, `promise`.
"""

from msgspec import Struct

from queue_server.core.ids import Instant, Millis, ServiceId, TierId
from queue_server.core.policies import PERMILLE, Bounds, Chosen, Ordered
from queue_server.core.waiting import LineKey, Standing


class Points(Struct, frozen=True):
    """Rates in thousandths (one where none is named) and head starts, by tier, and by service and tier: these go before."""

    rates: dict[TierId, int] = {}
    head_start_ms: dict[TierId, Millis] = {}
    service_rates: dict[ServiceId, dict[TierId, int]] = {}
    service_head_start_ms: dict[ServiceId, dict[TierId, Millis]] = {}


class Ageing(Ordered):
    """By points: a head start, and so many for each ms waited (Kleinrock's accumulating priority)."""

    name = "ageing"

    def __init__(self, care_permille: int, points: Points) -> None:
        self._care = care_permille
        self._given = points

    def _rate(self, key: LineKey) -> int:
        rate = self._given.service_rates.get(key.service, {}).get(key.tier)
        return self._given.rates.get(key.tier, PERMILLE) if rate is None else rate

    def _head(self, key: LineKey) -> Millis:
        head = self._given.service_head_start_ms.get(key.service, {}).get(key.tier)
        return self._given.head_start_ms.get(key.tier, 0) if head is None else head

    def _start(self, key: LineKey) -> int:
        """What it has at its arrival: head start and care, in millionths of a point."""
        care = self._care * key.target_ms if key.has_care else 0
        return self._head(key) * PERMILLE * PERMILLE + self._rate(key) * care

    def _points(self, key: LineKey, place_at: Instant, at: Instant) -> int:
        return self._start(key) + self._rate(key) * (at - place_at) * PERMILLE

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """The more points first; equal ones by the seq of issue."""
        mine, theirs = self._points(one[0], one[1][0], at), self._points(other[0], other[1][0], at)
        return one[1][1] < other[1][1] if mine == theirs else mine > theirs

    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """Solve `points(line, place) > points(ticket)` for the place."""
        place_at, issue_seq, _ = standing
        points = self._points(key, place_at, at)

        def bound(line: LineKey) -> tuple[Instant, float]:
            place, rest = divmod(self._start(line) - points, self._rate(line) * PERMILLE)
            return (at + place, issue_seq) if rest == 0 else (at + place + 1, 0)

        return bound

    def _reason(self, chosen: Chosen, at: Instant) -> str:
        points = self._points(chosen.key, chosen.standing[0], at) // (PERMILLE * PERMILLE * PERMILLE)
        return f"had {points} points after {chosen.said_wait(at)}"
