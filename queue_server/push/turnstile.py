"""How a rush is let in, and out: a few at a time, so that commands go on in between."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial


class Turnstile:
    """Lets *at_once* through in each turn of the event loop, in the order in which they came; the rest waits."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: deque[Callable[[], None]] = deque()

    async def enter(self) -> None:
        """Return when it is one's turn."""
        turn = asyncio.get_running_loop().create_future()
        self.line_up(partial(_open, turn))
        await turn

    def line_up(self, step: Callable[[], None]) -> None:
        """Let *step* happen when it is its turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._let_through)
        self._waiting.append(step)

    def _let_through(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(min(self._at_once, len(self._waiting))):
            # Each by itself: one that fails must not keep the others.
            loop.call_soon(self._waiting.popleft())
        if self._waiting:
            loop.call_soon(self._let_through)


def _open(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
