"""Strict ranks: the tier, then the weight of the service; only within these does the wait count."""

from collections.abc import Mapping

from queue_server.core.ids import Instant, ServiceId, TierId
from queue_server.core.policies import PERMILLE, Bounds, Chosen, Ordered
from queue_server.core.waiting import LineKey, Standing

_FOREVER = 1 << 62


class Strict(Ordered):
    """The highest tier first, then the service of the most weight, then place, care credited within these. Others can starve."""

    name = "strict"

    def __init__(self, care_permille: int, ranks: Mapping[TierId, int], weights: Mapping[ServiceId, int]) -> None:
        self._care = care_permille
        self._ranks = ranks
        self._weights = weights

    def _rank(self, key: LineKey) -> tuple[int, int]:
        """Whoever ranks lower goes first."""
        return self._ranks[key.tier], -self._weights.get(key.service, 0)

    def _credit(self, key: LineKey) -> int:
        return self._care * key.target_ms if key.has_care else 0

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """By rank; within a rank by place less the care credit, then by the seq of issue."""
        del at
        rank, other_rank = self._rank(one[0]), self._rank(other[0])
        if rank != other_rank:
            return rank < other_rank
        mine = one[1][0] * PERMILLE - self._credit(one[0])
        theirs = other[1][0] * PERMILLE - self._credit(other[0])
        return one[1][1] < other[1][1] if mine == theirs else mine < theirs

    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """All of a higher rank, none of a lower one."""
        del at
        place_at, issue_seq, _ = standing
        rank, credit = self._rank(key), self._credit(key)

        def bound(line: LineKey) -> tuple[Instant, float]:
            other = self._rank(line)
            if other != rank:
                return (_FOREVER, 0) if other < rank else (-_FOREVER, 0)
            place, rest = divmod(self._credit(line) - credit, PERMILLE)
            return (place_at + place, issue_seq) if rest == 0 else (place_at + place + 1, 0)

        return bound

    def _reason(self, chosen: Chosen, at: Instant) -> str:
        key = chosen.key
        weight = f", of a service of weight {self._weights[key.service]}," if key.service in self._weights else ""
        return f"is of the tier {key.tier}{weight} and had waited {chosen.said_wait(at)}"
