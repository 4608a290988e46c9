"""How many wrong tokens may come from one address."""

import time
from collections import OrderedDict
from collections.abc import Callable

_PEERS = 10_000
_GUESSES = 100.0
_GUESSES_A_SECOND = 10.0
"""A hall behind one address may have some screens with outdated tokens; somebody guessing asks for far more."""


class Guesses:
    """A bucket of failed tokens for each peer, refilled with time; the table is bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def failed(self, peer: str) -> float:
        """Count a failed token, and return how many seconds *peer* is to wait: 0 while it has not failed too often."""
        left = self._now(peer)
        if left < 1:
            return (1 - left) / _GUESSES_A_SECOND
        self._left[peer] = (left - 1, self._clock())
        self._left.move_to_end(peer)
        if len(self._left) > _PEERS:
            self._left.popitem(last=False)
        return 0.0

    def _now(self, peer: str) -> float:
        left, at = self._left.get(peer, (_GUESSES, 0.0))
        return min(_GUESSES, left + (self._clock() - at) * _GUESSES_A_SECOND)
