"""One who listens to a bus, and can be waited for."""

import asyncio
from collections.abc import Callable

from queue_server.bus.line import Line
from queue_server.bus.port import Hint


class Ears:
    """Keeps what a bus says, from its start."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.heard: list[Hint] = []
        self.resumptions = 0
        self._news = asyncio.Event()
        line.listen(self._hear, self._resume)
        line.start()

    async def connected(self, times: int = 1) -> None:
        """Wait until the line was there *times* times."""
        await self.until(lambda: self.resumptions >= times)

    async def hears(self, hint: Hint) -> None:
        """Wait for *hint*."""
        await self.until(lambda: hint in self.heard)

    async def until(self, come: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until *come* holds; looked at with each piece of news."""
        async with asyncio.timeout(seconds):
            while not come():
                self._news.clear()
                await self._news.wait()

    def _hear(self, hint: Hint) -> None:
        self.heard.append(hint)
        self._news.set()

    def _resume(self) -> None:
        self.resumptions += 1
        self._news.set()
