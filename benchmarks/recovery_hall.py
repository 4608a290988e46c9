"""Clients that never cease, and when they are answered again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Self

from queue_server.drive.client import Client

BRANCHES = [f"hall-{n}" for n in range(4)]
LONGEST_SECONDS = 60.0
PAUSE_SECONDS = 0.005


class Hall:
    """One client for each branch; `longest` is the longest time between two answers of one of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent_at = dict.fromkeys(BRANCHES, 0.0)
        self._in_flight = 0
        self._answered = asyncio.Condition()
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self.longest = 0.0

    @contextlib.asynccontextmanager
    async def used(self) -> AsyncIterator[Self]:
        """Issue tickets in all branches meanwhile."""
        clients = [asyncio.create_task(self._use(branch)) for branch in BRANCHES]
        try:
            yield self
        finally:
            for task in clients:
                task.cancel()
            await asyncio.gather(*clients, return_exceptions=True)

    async def _use(self, branch: str) -> None:
        before = time.monotonic()
        while True:
            if not self._goes_on.is_set():
                await self._goes_on.wait()
                before = time.monotonic()
            sent = time.monotonic()
            self._in_flight += 1
            await self._client.post(f"/v1/branches/{branch}/tickets", {"service": "cash"}, give_up=LONGEST_SECONDS)
            self._in_flight -= 1
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before), now
            async with self._answered:
                self._sent_at[branch] = sent
                self._answered.notify_all()
            await asyncio.sleep(PAUSE_SECONDS)

    async def busy(self) -> None:
        """Wait until a command is in flight in most branches."""
        while self._in_flight < len(BRANCHES) - 1:
            await asyncio.sleep(0)

    async def rest(self) -> None:
        """Let everything be answered, and nothing more be asked."""
        self._goes_on.clear()
        while self._in_flight:
            await asyncio.sleep(PAUSE_SECONDS)

    def go_on(self) -> None:
        """Let the clients go on."""
        self._goes_on.set()

    async def back(self, since: float, enough: Callable[[list[bool]], bool]) -> float:
        """Wait until commands sent after *since* were answered in *enough* branches; returns the seconds from then."""
        async with asyncio.timeout(LONGEST_SECONDS), self._answered:
            await self._answered.wait_for(lambda: enough([sent > since for sent in self._sent_at.values()]))
        return time.monotonic() - since
