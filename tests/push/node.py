"""A node with its feed on a real socket of the loopback, and screens that follow it."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect

from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import Tokens, create_token, token_hash
from queue_server.core.configuration import Configuration
from queue_server.drive.feed import Watch
from queue_server.drive.reducer import FeedState, comparable
from queue_server.push.admission import Admission
from queue_server.push.hub import Hub
from queue_server.push.server import PushServer
from tests.runtime.hall import Hall

Json = dict[str, Any]


class Node:
    """A hall whose branch `b` can be followed; time between signs of life is short, so that tests need not wait."""

    def __init__(self, hall: Hall, hub: Hub, server: PushServer, store: MemoryTokens, tokens: Tokens) -> None:
        self.hall = hall
        self.hub = hub
        self.server = server
        self._store = store
        self.tokens = tokens

    async def token(self, role: Role = Role.ADMIN, branches: tuple[str, ...] | None = None) -> str:
        token, _ = await create_token(self._store, role, branches)
        return token

    async def revoke(self, token: str) -> None:
        await self._store.revoke(token_hash(token))
        await self.tokens.refresh()

    def address(self, query: str = "view=board", branch: str = "b") -> str:
        return f"ws://127.0.0.1:{self.server.port}/v1/branches/{branch}/feed?{query}"

    @asynccontextmanager
    async def connection(self, query: str = "view=board", **options: Any) -> AsyncIterator[ClientConnection]:
        """A connection of an admin, nothing read yet."""
        headers = {"Authorization": f"Bearer {await self.token()}"}
        async with connect(self.address(query), additional_headers=headers, compression=None, proxy=None, **options) as opened:
            yield opened

    @asynccontextmanager
    async def screen(self, query: str = "view=board", held: FeedState | None = None) -> AsyncIterator["Screen"]:
        """A screen that follows; with *held* it resumes from there."""
        after = f"&after={held.after}" if held is not None else ""
        async with self.connection(query + after, max_size=None) as opened:
            yield Screen(opened, held)

    async def head(self) -> tuple[str, int]:
        return await self.hall.runtime.read("b", lambda state, _: (state.day, state.seq))

    async def fresh(self, query: str = "view=board") -> FeedState:
        """What a screen that connects now is shown."""
        async with self.screen(query) as screen:
            await screen.reach(*await self.head())
            return screen.state


class Screen:
    """Reads the feed into a state, as every client does."""

    def __init__(self, connection: ClientConnection, held: FeedState | None = None) -> None:
        self.connection = connection
        self.state = copy.deepcopy(held) if held is not None else FeedState()
        self.messages: list[Json] = []
        self.watch: Watch | None = None

    async def read(self) -> Json:
        message: Json = msgspec.json.decode(await self.connection.recv(decode=False))
        self.messages.append(message)
        self.state.take(message)
        if self.watch is not None:
            self.watch(self.state, message, 0.0)
        return message

    async def read_until(self, kind: str) -> Json:
        while (message := await self.read())["type"] != kind:
            pass
        return message

    async def reach(self, day: str, seq: int) -> FeedState:
        """Read until nothing up to *seq* is missing."""
        while self.state.day != day or self.state.head < seq:
            await self.read()
        return self.state

    @property
    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]


async def rename(node: Node) -> None:
    """Give the branch another configuration in the middle of the day."""
    _, rules = await node.hall.runtime.configuration("b")
    await configure(node.hall, structs.replace(rules, name={"en": "New"}))


async def configure(hall: Hall, rules: Configuration) -> None:
    """Replace the branch's configuration."""
    version, _ = await hall.runtime.configuration("b")
    await hall.runtime.put_configuration("b", rules, expected=version, next_day=False, actor="test", command_id=f"put-{version}")


def same(left: FeedState, right: FeedState) -> bool:
    """Tell whether two clients at one head show the same, outlook aside."""
    return (left.day, comparable(left.state)) == (right.day, comparable(right.state))


@asynccontextmanager
async def running(
    hall_options: Json | None = None, hub_options: Json | None = None, rules: Configuration | None = None, **options: Any
) -> AsyncIterator[Node]:
    """A node that listens on any free port; *rules* replace those of a branch that is new."""
    async with Hall(**(hall_options or {})) as hall:
        if rules is not None:
            await configure(hall, rules)
        hub = Hub(hall.runtime, **{"heartbeat_seconds": 0.02, "outlook_seconds": 0.02, **(hub_options or {})})
        hall.runtime.observers.append(hub)
        store = MemoryTokens()
        tokens = Tokens(store)
        server = PushServer(hub, Admission(tokens), port=0, **options)
        await server.start()
        try:
            yield Node(hall, hub, server, store, tokens)
        finally:
            await server.close()
