"""Screens that hang on a node or a proxy, and the truth they are compared with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import ClientSession

from benchmarks.running import Service
from queue_server.drive.feed import Feed, fresh_snapshot
from queue_server.drive.reducer import comparable
from tests.deploy.cell import Cell

Json = dict[str, Any]

CONVERGE_SECONDS = 15.0


class Screens:
    """One screen of staff and one board for each branch."""

    def __init__(self, push_url: str, token: str, branches: Sequence[str]) -> None:
        self._token = token
        self.feeds = [(branch, Feed(push_url, token, branch, view)) for branch in branches for view in ("staff", "board")]

    async def show_what_is(self, cell: Cell, branches: Sequence[str], node: Service | None = None) -> None:
        """Wait until every screen has come to the head of its branch, and compare it with what *node* answers."""
        node = node or cell.nodes[0]
        for branch, feed in self.feeds:
            truth = await _state(node, cell.headers, branch)
            await _reach(feed, branch, truth["seq"])
            while feed.state.head != truth["seq"]:
                # The screen hangs on another node, and this one has not heard of the last fact yet.
                truth = await _state(node, cell.headers, branch, f"?at_least={feed.state.day}:{feed.state.head}")
                await _reach(feed, branch, truth["seq"])
            assert feed.gaps == []
            if feed.view == "staff":
                assert _lists(comparable(feed.state.state)) == _lists(comparable(truth))
            else:
                fresh = await fresh_snapshot(node.push_url, self._token, branch, "board")
                assert comparable(feed.state.state) == comparable(fresh.state)


@contextlib.asynccontextmanager
async def screens(push_url: str, token: str, branches: Sequence[str]) -> AsyncIterator[Screens]:
    """Hang up screens at *push_url*, all of which have got their snapshot."""
    shown = Screens(push_url, token, branches)
    tasks = [asyncio.create_task(feed.run()) for _, feed in shown.feeds]
    try:
        for branch, feed in shown.feeds:
            assert await feed.reach(1, CONVERGE_SECONDS), f"{feed.view} of {branch}: {feed.fault}"
        yield shown
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reach(feed: Feed, branch: str, seq: int) -> None:
    assert await feed.reach(seq, CONVERGE_SECONDS), f"{feed.view} of {branch} stays at {feed.state.head}: {feed.fault}"


async def _state(node: Service, headers: dict[str, str], branch: str, query: str = "") -> Json:
    address = f"{node.url}/v1/branches/{branch}/state{query}"
    async with ClientSession(headers=headers) as session, session.get(address) as response:
        assert response.status == 200, await response.text()
        state: Json = await response.json()
        return state


def _lists(state: Json) -> Json:
    """Return what the feed and the address have in common."""
    return {name: state[name] for name in ("tickets", "counters", "calls", "services", "notices")}
