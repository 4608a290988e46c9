"""How often each customer is overtaken: how many who came later, for the same service, were called before."""

from bisect import bisect_left, insort


class Overtaking:
    """
    Counts for one service; customers are known by their number in the order of arrival.

    `first` is who has waited the longest. Of those who no longer wait only the ones are kept who came after: `gone`, and those of them
    who were `called`. Nobody else can overtake.
    """

    __slots__ = ("_arrived", "_called", "_first", "_gone")

    def __init__(self) -> None:
        """Nobody has come yet."""
        self._arrived = 0
        self._first = 0
        self._gone: set[int] = set()
        self._called: list[int] = []

    def arrive(self) -> int:
        """Return the number of the next customer."""
        number = self._arrived
        self._arrived = number + 1
        return number

    def call(self, number: int) -> int:
        """Return how many have overtaken this customer, who is called now."""
        called = self._called
        if number == self._first:
            overtaken = len(called)
        else:
            overtaken = len(called) - bisect_left(called, number)
            insort(called, number)
        self.leave(number)
        return overtaken

    def leave(self, number: int) -> None:
        """Forget a customer who no longer waits."""
        gone = self._gone
        if number != self._first:
            gone.add(number)
            return
        first = number + 1
        if gone:
            while first in gone:
                gone.remove(first)
                first += 1
            del self._called[: bisect_left(self._called, first)]
        self._first = first
