"""Screens that write down every message, and say whether they came as far as the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import msgspec

from queue_server.drive.feed import Feed
from queue_server.drive.reducer import FeedState
from tests.faults.history import History, Json, Screen

_BEATS = 3


class Watching:
    """A screen that follows a branch for as long as it lasts, and comes back whenever it is cut off."""

    def __init__(self, push_url: str, token: str, branch: str, view: str) -> None:
        self.screen = Screen(branch, view)
        self.feed = Feed(push_url, token, branch, view, self._write_down)

    def _write_down(self, _state: FeedState, message: Json, _arrived: float) -> None:
        self.screen.messages.append(msgspec.json.encode(message))

    def so_far(self) -> Screen:
        """Return what it has seen until now."""
        return Screen(self.screen.branch, self.screen.view, list(self.screen.messages), [*self.screen.gaps, *self.feed.gaps])

    async def run(self) -> None:
        """Follow until cancelled, also past the patience of one feed."""
        while True:
            await self.feed.run()
            self.feed.fault = None

    def heard(self, kind: str) -> int:
        """Count the messages of *kind* so far."""
        return sum(msgspec.json.decode(message)["type"] == kind for message in self.screen.messages)

    async def is_live(self, seconds: float) -> bool:
        """Tell whether heartbeats go on to come, and on the same connection."""
        beats, snapshots = self.heard("heartbeat") + _BEATS, self.heard("snapshot")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self.feed.changed:
                await self.feed.changed.wait_for(lambda: self.heard("heartbeat") >= beats)
        return self.heard("heartbeat") >= beats and self.heard("snapshot") == snapshots

    async def converges(self, seq: int, seconds: float) -> bool:
        """Tell whether the screen has come as far as *seq* within *seconds*."""
        return await self.feed.reach(seq, seconds)


@contextlib.asynccontextmanager
async def watching(
    push_urls: Sequence[str], token: str, branches: Sequence[str], history: History
) -> AsyncIterator[list[Watching]]:
    """A board and a staff screen of each branch, spread over the nodes; what they saw goes to *history* in the end."""
    places = [(branch, view) for branch in branches for view in ("staff", "board")]
    # Shifted by one each time round: whoever holds the boards of some branches holds the staff screens of others.
    holders = [push_urls[(n + n // len(push_urls)) % len(push_urls)] for n in range(len(places))]
    screens = [Watching(holder, token, *place) for holder, place in zip(holders, places, strict=True)]
    tasks = [asyncio.create_task(screen.run()) for screen in screens]
    try:
        for screen in screens:
            await screen.feed.reach(0, 10.0)
        yield screens
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for screen in screens:
            history.screens.append(screen.so_far())
