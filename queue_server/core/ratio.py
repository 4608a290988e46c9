"""
Turns: so many calls of one tier, then so many of the next, round and round; within a tier by place.

Turns are kept by pool (see `counting`): one counter's, or those of all counters that choose among the same people. A tier whose turn
it is and of which a pool's counter has no candidate forfeits what is left of it, since then none of the pool has one. So while two
tiers both wait, each gets its whole turn between two of the other: of the other at most n are called before your first, and at most
n between each m of yours. What others can call elsewhere makes no difference. What counts is said by each call (`Routing.turn`), so
a replay takes the same turns.
"""

from abc import abstractmethod
from collections.abc import Mapping

from msgspec import Struct

from queue_server.core.ids import Instant, TierId
from queue_server.core.policies import Asking, Candidate, Chosen
from queue_server.core.waiting import LineKey, Standing


class Turns(Struct, omit_defaults=True, gc=False):
    """Where a round stands: the index of the tier whose turn it is and how many calls of it are used; or the calls by queue."""

    index: int = 0
    used: int = 0
    counts: dict[str, int] = {}


class Counting:
    """
    A policy that goes by the calls made before; a plain class, since whether a policy is one is asked at each call.

    What a call counts for is part of its fact, so that a replay counts the same. `is_by_pool`: calls that choose among others are
    counted apart.
    """

    is_by_pool = False

    @abstractmethod
    def turn_of(self, key: LineKey, candidates: list[Candidate], at: Instant, asking: Asking) -> str:
        """Return what a call from *key*, the policy's choice among *candidates*, counts for."""

    @abstractmethod
    def take(self, turn: str, scope: str) -> None:
        """Count a call for *turn* in *scope*."""


class Ratio(Counting):
    """Takes turns between the tiers of *calls* (in their order); *turns* are kept by the branch, by scope."""

    name = "ratio"
    is_by_pool = True

    def __init__(self, calls: Mapping[TierId, int], turns: dict[str, Turns]) -> None:
        self._order = tuple(calls)
        self._calls = calls
        self._turns = turns

    def _standing(self, scope: str) -> tuple[int, int]:
        """Whose turn it is, and how many calls of it are left."""
        turns = self._turns.get(scope)
        if turns is None:
            return 0, self._calls[self._order[0]]
        left = self._calls[self._order[turns.index]] - turns.used
        if left > 0:
            return turns.index, left
        following = (turns.index + 1) % len(self._order)
        return following, self._calls[self._order[following]]

    def first(self, candidates: list[Candidate], at: Instant, asking: Asking) -> Candidate:
        """The first by place of the tier whose turn it is, or of the next one that anybody waits for."""
        del at
        index, _ = self._standing(asking.scope)
        rank = {tier: (position - index) % len(self._order) for position, tier in enumerate(self._order)}
        return min(candidates, key=lambda candidate: (rank[candidate[0].tier], candidate[1].head))

    def turn_of(self, key: LineKey, candidates: list[Candidate], at: Instant, asking: Asking) -> TierId:
        """The tier."""
        del candidates, at, asking
        return key.tier

    def take(self, turn: TierId, scope: str) -> None:
        """Count a call of the tier *turn*; those whose turn it was before have forfeited it."""
        index, left = self._standing(scope)
        if self._order[index] != turn:
            index = self._order.index(turn)
            left = self._calls[turn]
        self._turns[scope] = Turns(index, self._calls[turn] - left + 1)

    def ahead(
        self, key: LineKey, standing: Standing, lines: list[Candidate], at: Instant, asking: Asking
    ) -> list[tuple[LineKey, int]]:
        """Count within the tier, and reckon how many turns of each other tier pass before."""
        del at
        place_at, issue_seq, _ = standing
        lengths: dict[TierId, int] = {}
        own = 0
        for other, line in lines:
            lengths[other.tier] = lengths.get(other.tier, 0) + len(line)
            if other.tier == key.tier:
                own += line.count_before(place_at, issue_seq)
        passing = {tier: min(count, self._turns_before(key.tier, own, tier, asking.scope)) for tier, count in lengths.items()}
        ahead = []
        for other, line in lines:
            if other.tier == key.tier:
                count = line.count_before(place_at, issue_seq)
            else:
                # The first of the tier, whichever line they stand in; taken off so that the lines of a tier add up.
                count = -(-passing[other.tier] * len(line) // lengths[other.tier]) if passing[other.tier] else 0
                passing[other.tier] -= count
                lengths[other.tier] -= len(line)
            if count:
                ahead.append((other, count))
        return ahead

    def _turns_before(self, tier: TierId, own: int, other: TierId, scope: str) -> int:
        """How many calls of *other* are made before the call number *own* (from 0) of *tier*, while both wait."""
        index, left = self._standing(scope)
        count = len(self._order)
        mine, theirs = ((self._order.index(each) - index) % count for each in (tier, other))
        first_mine = left if mine == 0 else self._calls[tier]
        first_theirs = left if theirs == 0 else self._calls[other]
        comes_first = theirs < mine
        if own < first_mine:
            return first_theirs if comes_first else 0
        rounds = 1 + (own - first_mine) // self._calls[tier]
        return first_theirs + (rounds - 1) * self._calls[other] + (self._calls[other] if comes_first else 0)

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The promise is not looked at."""
        del key, standing, at
        return None

    def goes_by_place(self, key: LineKey, other: LineKey) -> bool:
        """Within a tier."""
        return key.tier == other.tier

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """Whose turn it was."""
        number, waited = chosen.number, chosen.said_wait(at)
        if waiting == 1:
            return f"{number} was the only one waiting"
        return f"{number} had waited {waited}, the first of the tier {chosen.key.tier}, whose turn it was, of {waiting} waiting"
