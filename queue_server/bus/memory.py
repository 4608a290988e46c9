"""The bus inside one process: the twin that the contract of the others is checked against, and the bus of nodes in a test."""

import asyncio
from collections.abc import Callable, Sequence

from queue_server.bus.line import Line


class Exchange:
    """Brings each message to every link that is open on it, in order."""

    def __init__(self) -> None:
        self.links: list[MemoryLink] = []

    def line(self) -> Line:
        """Return a bus over this exchange."""
        return Line(lambda: MemoryLink(self))

    def say(self, message: bytes) -> None:
        """Bring *message* to everybody, at the loop's next turn."""
        for link in self.links:
            asyncio.get_running_loop().call_soon(link.hear, message)


class MemoryLink:
    """A link of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.hear: Callable[[bytes], None] = lambda _message: None
        self.lost: Callable[[str], None] = lambda _reason: None

    async def open(self, hear: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Join the exchange."""
        self.hear, self.lost = hear, lost
        self._exchange.links.append(self)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Give *messages* to the exchange."""
        for message in messages:
            self._exchange.say(message)

    async def close(self) -> None:
        """Leave the exchange."""
        if self in self._exchange.links:
            self._exchange.links.remove(self)
