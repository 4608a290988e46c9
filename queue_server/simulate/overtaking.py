"""How often each customer is overtaken: how many who came later, for the same service, were called before."""

from bisect import bisect_left, insort


class Overtaking:
    """
    Counts for one service; customers are known by their number in the order of arrival.

    Of those already called only the ones are kept who came after somebody who still waits: nobody else can overtake.
    """

    __slots__ = ("_arrived", "_called", "_first", "_waiting")

    def __init__(self) -> None:
        """Nobody has come yet."""
        self._arrived = 0
        self._first = 0
        self._waiting: set[int] = set()
        self._called: list[int] = []

    def arrive(self) -> int:
        """Return the number of the next customer."""
        number = self._arrived
        self._arrived += 1
        self._waiting.add(number)
        return number

    def call(self, number: int) -> int:
        """Return how many have overtaken this customer, who is called now."""
        overtaken = len(self._called) - bisect_left(self._called, number)
        if number != self._first:
            insort(self._called, number)
        self.leave(number)
        return overtaken

    def leave(self, number: int) -> None:
        """Forget a customer who no longer waits."""
        waiting = self._waiting
        waiting.discard(number)
        if number != self._first:
            return
        first = number + 1
        while first < self._arrived and first not in waiting:
            first += 1
        self._first = first
        if self._called and self._called[0] < first:
            del self._called[: bisect_left(self._called, first)]
