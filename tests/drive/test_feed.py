"""The feed client against a tiny server that plays prepared connections, one after the other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from queue_server.drive.feed import Feed, FeedRefused, fresh_snapshot
from tests.drive.screens import delta, issued, staff_snapshot, ticket

Json = dict[str, Any]
STAY = {"type": "stay"}


@asynccontextmanager
async def playing(*connections: Sequence[Json]) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve each connection its messages and close it, unless the last is STAY; yields the address and the paths asked for."""
    paths: list[str] = []

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        for message in connections[len(paths) - 1]:
            if message is STAY:
                await connection.wait_closed()
            elif message["type"] == "close":
                await connection.close(message["code"], message["reason"])
            else:
                await connection.send(msgspec.json.encode(message).decode())

    async with serve(play, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}", paths


@asynccontextmanager
async def following(address: str) -> AsyncIterator[Feed]:
    feed = Feed(address, "secret", "b", "staff")
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_feed_that_breaks_off_is_resumed_where_it_stood() -> None:
    broken = [staff_snapshot(3), delta(3, issued(4, "A001"))]
    async with playing(broken, [delta(4, issued(5, "A002")), STAY]) as (address, paths), following(address) as feed:
        assert await feed.reach(5, 5)
        assert [held["number"] for held in feed.state.state["tickets"]] == ["A001", "A002"]
    assert paths == ["/v1/branches/b/feed?view=staff", "/v1/branches/b/feed?view=staff&after=e:2026-01-01:4"]
    assert feed.gaps == []


async def test_a_gap_is_noted_and_answered_by_a_fresh_connection() -> None:
    gap = [staff_snapshot(3), delta(7, issued(8, "A002")), STAY]
    async with playing(gap, [staff_snapshot(8, (ticket("A002"),)), STAY]) as (address, paths), following(address) as feed:
        assert await feed.reach(8, 5)
    assert feed.gaps == ["staff: delta continues 2026-01-01:7, held is 2026-01-01:3"]
    assert paths[1] == "/v1/branches/b/feed?view=staff"


async def test_a_refused_feed_says_why() -> None:
    close = {"type": "close", "code": 4404, "reason": "unknown branch"}
    async with playing([close]) as (address, _):
        with pytest.raises(FeedRefused, match="the staff feed was refused: 4404 unknown branch"):
            await fresh_snapshot(address, "secret", "b", "staff")


async def test_nobody_there_is_told() -> None:
    with pytest.raises(FeedRefused, match=r"nobody answers at ws://127\.0\.0\.1:9/v1"):
        await fresh_snapshot("ws://127.0.0.1:9", "secret", "b", "staff")


async def test_a_fresh_snapshot_is_the_first_message_of_a_new_connection() -> None:
    async with playing([staff_snapshot(9), STAY]) as (address, _):
        assert (await fresh_snapshot(address, "secret", "b", "staff")).seq == 9


async def test_watchers_are_told_after_the_state_has_changed() -> None:
    seen: list[tuple[str, int]] = []
    async with playing([staff_snapshot(3), delta(3, issued(4, "A001")), STAY]) as (address, _):
        feed = Feed(address, "secret", "b", "staff", lambda state, message, _at: seen.append((message["type"], state.seq)))
        task = asyncio.create_task(feed.run())
        assert await feed.reach(4, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert seen == [("snapshot", 3), ("delta", 4)]
