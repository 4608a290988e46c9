"""What a campaign kills: one service with the database that it has started itself, or two nodes behind a proxy with a bus of NATS."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Protocol

from aiohttp import ClientSession

from benchmarks.running import Service, children, running_service
from tests.bus.nats_server import NatsServer
from tests.deploy.cell import Cell, running_cell, samples
from tests.deploy.proxies import running_proxy

NODES = 2
WHOLE_SECONDS = 60.0
LOOK_SECONDS = 0.02


class Kind(StrEnum):
    """What is killed."""

    SERVICE = "service"
    POSTGRES = "postgres"
    BOTH = "both"
    NATS = "nats"
    NODE = "node"


ALONE = frozenset({Kind.SERVICE, Kind.POSTGRES, Kind.BOTH})
"""Those that need no other node."""


class Target(Protocol):
    """Something that is used at `url`, with an administrator's `token`, and of which parts are killed."""

    url: str
    token: str

    def strike(self, kind: Kind, chance: random.Random) -> None:
        """Kill what *kind* names."""
        ...

    async def whole(self) -> None:
        """Wait until all parts are there again: a kill is to meet everything at work."""
        ...

    async def agree(self, heads: dict[str, tuple[str, int]]) -> None:
        """Let every node come as far as *heads*: what is asked afterwards is to be answered alike by all."""
        ...

    def said(self) -> str:
        """Return the end of what was logged."""
        ...


class Alone:
    """One service; the death of its database is its own affair, its own death that of whoever supervises it."""

    def __init__(self, service: Service, token: str) -> None:
        self.url = service.url
        self.token = token
        self._service = service

    def strike(self, kind: Kind, chance: random.Random) -> None:
        strike(self._service, kind)

    async def whole(self) -> None:
        await self._service.ready()

    async def agree(self, heads: dict[str, tuple[str, int]]) -> None:
        await _agree([self._service], self.token, heads)

    def said(self) -> str:
        return self._service.log_tail()


class Shared:
    """Two nodes behind a proxy; NATS stays away until the hall has been served without it."""

    def __init__(self, url: str, cell: Cell, nats: NatsServer) -> None:
        self.url = url
        self.token = cell.token
        self._cell = cell
        self._nats = nats
        self._nats_is_away = False

    def strike(self, kind: Kind, chance: random.Random) -> None:
        if kind is Kind.NATS:
            self._nats.kill()
            self._nats_is_away = True
        else:
            node = chance.choice(self._cell.nodes)
            node.kill()
            node.launch()

    async def whole(self) -> None:
        if self._nats_is_away:
            self._nats.start()
            self._nats_is_away = False
        async with asyncio.timeout(WHOLE_SECONDS):
            for node in self._cell.nodes:
                await node.ready()
                while (await samples(node, "queue_bus_connected"))[""] < 1:
                    await asyncio.sleep(LOOK_SECONDS)

    async def agree(self, heads: dict[str, tuple[str, int]]) -> None:
        await _agree(self._cell.nodes, self._cell.token, heads)

    def said(self) -> str:
        return "\n".join(node.log_tail() for node in self._cell.nodes)


def strike(service: Service, kind: Kind) -> None:
    """Kill what *kind* names and start the service again when it was killed."""
    if kind in {Kind.POSTGRES, Kind.BOTH}:
        kill_database(service)
    if kind in {Kind.SERVICE, Kind.BOTH}:
        service.kill()
        service.launch()


def kill_database(service: Service) -> None:
    """
    Kill PostgreSQL with all its processes.

    Its backends would notice the death of their postmaster only when they next wait: one of them could still answer.
    """
    if (pid := service.database_pid()) is None:
        raise RuntimeError("there is no database to kill")
    for each in (pid, *children(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


async def _agree(nodes: Sequence[Service], token: str, heads: dict[str, tuple[str, int]]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers) as session:
        for node in nodes:
            for branch, (day, seq) in heads.items():
                async with session.get(f"{node.url}/v1/branches/{branch}/state?at_least={day}:{seq}") as response:
                    if response.status != 200:
                        raise RuntimeError(f"{branch} does not come to {day}:{seq}: {await response.text()}")


@contextlib.asynccontextmanager
async def target_for(kinds: Sequence[Kind]) -> AsyncIterator[Target]:
    """Run what *kinds* are parts of."""
    if ALONE.issuperset(kinds):
        async with running_service() as service:
            yield Alone(service, await service.token())
        return
    # Where NATS is killed no node may be spared the hints: each branch is written by both. Else as a bank would have it.
    balance = "random" if set(kinds) == {Kind.NATS} else "nginx"
    async with contextlib.AsyncExitStack() as stack:
        nats = NatsServer()
        nats.start()
        stack.callback(nats.kill)
        cell = await stack.enter_async_context(running_cell(NODES, {"QUEUE_BUS_URL": nats.url}))
        proxy = await stack.enter_async_context(running_proxy(balance, cell.addresses))
        shared = Shared(proxy.url, cell, nats)
        await shared.whole()
        yield shared
