"""A short history under faults: nodes in this process, each behind a proxy of its own before the database and before its screens."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from queue_server.eventlog.port import Row
from tests.faults.addresses import target_of, through
from tests.faults.chaos import Chaos
from tests.faults.clients import Clients, Manners
from tests.faults.facts import stored
from tests.faults.history import History
from tests.faults.nodes import admin, nodes
from tests.faults.watching import Watching, watching

CONVERGES_SECONDS = 10.0
BRANCHES = ("north",)


class Ways(Struct, frozen=True):
    """The proxies before the database and before the screens, one of each for every node."""

    database: Sequence[Chaos]
    screens: Sequence[Chaos]


class Setting(Struct, frozen=True):
    """How large the hall is, how its clients behave, and what its nodes are set to besides."""

    nodes: int = 2
    commands: int = 120
    clients: int = 8
    seed: int = 1
    manners: Manners = Manners()
    branches: Sequence[str] = BRANCHES
    node: dict[str, Any] = {}


class Seen(Struct):
    """
    What a hall has left: what the clients saw, the facts, and which screens never came as far as they.

    All the facts once the hall has closed: until its last screen has gone, time makes more of them.
    """

    history: History
    facts: dict[str, Sequence[Row]]
    stuck: list[str]


class Hall:
    """A running hall; faults are what the test does to its `ways`."""

    def __init__(self, dsn: str, setting: Setting, ways: Ways, clients: Clients, screens: list[Watching]) -> None:
        self.ways = ways
        self.clients = clients
        self.urls = clients.urls
        self.branch = setting.branches[0]
        self._dsn = dsn
        self._setting = setting
        self.screens = screens
        self._seen: list[Seen] = []

    async def use(self) -> None:
        """Let the clients do all that they were to do; once more is as much again, and something else."""
        await self.clients.use(self._setting.commands, self._setting.clients)

    async def so_far(self) -> tuple[History, dict[str, Sequence[Row]]]:
        """Return what has been seen while nobody asks for anything, with the facts."""
        seen = self.clients.history
        # First the screens: what they were told of is in the log when that is read.
        screens = [each.so_far() for each in self.screens]
        return History(seen.subject, list(seen.requests), list(seen.reads), screens), await stored(
            self._dsn, self._setting.branches
        )

    async def facts(self) -> Sequence[Row]:
        """Return what is stored of the first branch."""
        return (await stored(self._dsn, [self.branch]))[self.branch]

    async def seen(self, *, converge: bool = True) -> Seen:
        """Return what has been seen once everybody is done."""
        facts = await stored(self._dsn, self._setting.branches)
        ends = {branch: rows[-1].seq for branch, rows in facts.items()}
        screens = [(each, each.screen.branch) for each in (self.screens if converge else ())]
        stuck = [
            f"a {each.screen.view} of {branch} did not come to {ends[branch]}"
            for each, branch in screens
            if not await each.converges(ends[branch], CONVERGES_SECONDS)
        ]
        self._seen.append(Seen(self.clients.history, facts, stuck))
        return self._seen[-1]

    async def closed(self) -> None:
        """Complete what has been seen with the facts that came after it."""
        for seen in self._seen:
            seen.facts = await stored(self._dsn, self._setting.branches)


@contextlib.asynccontextmanager
async def hall(dsn: str, setting: Setting) -> AsyncIterator[Hall]:
    """Open a hall on the empty database at *dsn*; what its screens saw is in the history when it has closed."""
    async with contextlib.AsyncExitStack() as stack:
        database = [await stack.enter_async_context(Chaos(target_of(dsn))) for _ in range(setting.nodes)]
        addresses = await stack.enter_async_context(nodes([through(dsn, chaos.port) for chaos in database], **setting.node))
        feeds = [await stack.enter_async_context(Chaos(("127.0.0.1", urlsplit(at.push).port or 0))) for at in addresses]
        token = await admin(dsn)
        clients = Clients([at.http for at in addresses], token, setting.branches, setting.seed, setting.manners)
        await stack.enter_async_context(clients)
        await clients.make_branches()
        pushes = [f"ws://127.0.0.1:{feed.port}" for feed in feeds]
        screens = await stack.enter_async_context(watching(pushes, token, setting.branches, clients.history))
        opened = Hall(dsn, setting, Ways(database, feeds), clients, screens)
        yield opened
    await opened.closed()
