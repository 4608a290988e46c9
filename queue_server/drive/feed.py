"""One screen's connection to the push feed, kept alive by resuming where it stands."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from queue_server.drive.reducer import FeedGap, FeedState

Json = dict[str, Any]
Watch = Callable[[FeedState, Json, float], None]
"""Told of each message after it was reduced, with the moment of its arrival on the loop's clock."""

LARGEST_MESSAGE = 64 * 2**20
OPEN_SECONDS = 5.0
RECONNECT_SECONDS = 0.2
MOST_RECONNECTS = 150
SILENT_SECONDS = 15.0
"""A heartbeat comes every 5 s; after three missed ones the connection counts as dead."""

_decode = msgspec.json.Decoder().decode


class FeedRefused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The feed cannot be had: a wrong address or token, or nobody there."""


class Feed:
    """
    Follows one view of one branch.

    `state` is what has been shown so far; `changed` wakes whoever awaits progress; `gaps` names the breaks in the chain of
    `prev`, each followed by a fresh connection.
    """

    def __init__(self, push_url: str, token: str, branch: str, view: str, watch: Watch | None = None) -> None:
        self._address = f"{push_url.rstrip('/')}/v1/branches/{branch}/feed?view={view}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._watch = watch
        self.view = view
        self.state = FeedState()
        self.gaps: list[str] = []
        self.changed = asyncio.Condition()
        self.fault: FeedRefused | None = None
        self._was_live = False

    async def run(self) -> None:
        """Follow the feed until cancelled; on lasting trouble set `fault` and end."""
        try:
            for _ in range(MOST_RECONNECTS):
                await self._follow()
                await asyncio.sleep(RECONNECT_SECONDS)
            self.fault = FeedRefused(f"the {self.view} feed was lost {MOST_RECONNECTS} times")
        except FeedRefused as fault:
            self.fault = fault
        finally:
            await self._tell()

    async def reach(self, seq: int, seconds: float) -> bool:
        """Wait until the feed has told of *seq*; False when it has not after *seconds*."""
        return await self._wait(lambda: self.state.head >= seq and self.state.epoch is not None, seconds)

    async def _wait(self, is_true: Callable[[], bool], seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(lambda: is_true() or self.fault is not None)
        return is_true()

    async def _follow(self) -> None:
        after = f"&after={self.state.after}" if self.state.after else ""
        try:
            async with connect(
                self._address + after,
                additional_headers=self._headers,
                compression=None,
                max_size=LARGEST_MESSAGE,
                open_timeout=OPEN_SECONDS,
                proxy=None,
            ) as connection:
                await self._read(connection)
        except ConnectionClosed as closed:
            if closed.rcvd is not None and 4400 <= closed.rcvd.code < 4500:
                raise FeedRefused(f"the {self.view} feed was refused: {closed.rcvd.code} {closed.rcvd.reason}") from closed
        except InvalidStatus as fault:
            if fault.response.status_code < 500:
                raise FeedRefused(f"the {self.view} feed was refused: HTTP {fault.response.status_code}") from fault
        except (InvalidURI, ValueError) as fault:
            raise FeedRefused(f"the address of the feed is wrong: {fault}") from fault
        except (OSError, TimeoutError, InvalidHandshake):
            if not self._was_live:
                raise FeedRefused(f"nobody answers at {self._address}") from None

    async def _read(self, connection: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with asyncio.timeout(SILENT_SECONDS):
                raw = await connection.recv()
            arrived, message = loop.time(), _decode(raw)
            try:
                self.state.take(message)
            except FeedGap as gap:
                # What was lost between is not known: this state is abandoned for a snapshot.
                self.gaps.append(f"{self.view}: {gap}")
                self.state = FeedState()
                return
            self._was_live = True
            if self._watch is not None:
                self._watch(self.state, message, arrived)
            await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


async def fresh_snapshot(push_url: str, token: str, branch: str, view: str, seconds: float = 15.0) -> FeedState:
    """
    Return what a screen that connects now is shown first.

    Raises:
        FeedRefused: no snapshot came within *seconds*.
    """
    feed = Feed(push_url, token, branch, view)
    task = asyncio.create_task(feed.run())
    try:
        if await feed.reach(0, seconds):
            return feed.state
        raise feed.fault or FeedRefused(f"the {view} feed sent no snapshot within {seconds:g} s")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
