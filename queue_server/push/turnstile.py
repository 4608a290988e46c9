"""How a rush is let in: a few in each turn of the event loop, so that commands go on in between."""

import asyncio
from collections import deque


class Turnstile:
    """Lets *at_once* through in each turn of the event loop, in the order in which they came; the rest waits outside."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Return when it is one's turn."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._let_in)
        self._waiting.append(turn)
        await turn

    def _let_in(self) -> None:
        left = self._at_once
        while self._waiting and left:
            turn = self._waiting.popleft()
            # Whoever has given up takes no place.
            if not turn.done():
                turn.set_result(None)
                left -= 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._let_in)
