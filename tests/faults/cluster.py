"""
Many nodes over one database, each a process of its own, with a proxy before everything that they speak through.

A `queue-server push` holds some of the screens. The nodes hear of each other through the database or through a NATS. The database is
supervised from here, as a bank's own would be; the others are started as a user would start them. Where libfaketime is installed
each process has a clock of its own that can be stepped; the machine's clock is never touched.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import asyncpg
from msgspec import Struct

from benchmarks.running import QUEUE_SERVER, Service, children
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.bus.nats_server import NatsServer
from tests.faults.addresses import target_of, through
from tests.faults.chaos import Chaos

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""Debian's libfaketime; None where it is not installed."""
_WRITERS = "select pid from pg_stat_activity where application_name like 'queue-server writer%'"


class BusKind(StrEnum):
    """What carries the hints between the nodes."""

    NOTIFY = "notify"
    NATS = "nats"


class Part(StrEnum):
    """What a process of the cluster is there for."""

    NODE = "node"
    PUSH = "push"


class Member(Struct, frozen=True):
    """One process: the proxies before its database, its bus, its HTTP and its screens, and the file that sets its clock."""

    part: Part
    service: Service
    ways: dict[str, Chaos]
    clock: Path

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.ways['http'].port}"

    @property
    def push_url(self) -> str:
        """Where screens reach it."""
        return f"ws://127.0.0.1:{self.ways['screens'].port}"

    def step_clock(self, seconds: int) -> None:
        """Let its clock of the day be off by *seconds*."""
        self.clock.write_text(f"{seconds:+d}\n", encoding="ascii")


class Cluster(Struct, frozen=True):
    """A database, its nodes and what else holds screens, and the NATS between them where there is one."""

    engine: EmbeddedPostgres
    nats: NatsServer | None
    members: list[Member]

    @property
    def nodes(self) -> list[Member]:
        """Those that take commands."""
        return [member for member in self.members if member.part is Part.NODE]

    def database_processes(self) -> list[int]:
        """Return the database's processes, the first of them the one that the others belong to."""
        return [] if self.engine.pid is None else [self.engine.pid, *children(self.engine.pid)]

    async def writers(self) -> list[int]:
        """Return the database's processes that append for the nodes; none while it cannot be asked."""
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            connection = await asyncpg.connect(self.engine.dsn, timeout=2)
            try:
                return [record["pid"] for record in await connection.fetch(_WRITERS)]
            finally:
                await connection.close(timeout=2)
        return []


def send(number: signal.Signals, *pids: int) -> None:
    """Send a signal to those of *pids* that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.asynccontextmanager
async def running_cluster(folder: Path, count: int, bus: BusKind) -> AsyncIterator[Cluster]:
    """Run *count* nodes and one process that only holds screens, ready."""
    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(EmbeddedPostgres(folder / "database", exclusive=True))
        nats = stack.enter_context(running_nats()) if bus is BusKind.NATS else None
        parts = [*(Part.NODE for _ in range(count)), Part.PUSH]
        members = [await _prepare(stack, part, folder / f"{part}-{n}", engine.dsn, nats) for n, part in enumerate(parts)]
        # The first brings the schema.
        await _start(stack, members[0])
        await asyncio.gather(*(_start(stack, member) for member in members[1:]))
        yield Cluster(engine, nats, members)


@contextlib.contextmanager
def running_nats() -> Iterator[NatsServer]:
    """Run a NATS."""
    nats = NatsServer()
    nats.start()
    try:
        yield nats
    finally:
        nats.kill()


async def _prepare(stack: contextlib.AsyncExitStack, part: Part, folder: Path, dsn: str, nats: NatsServer | None) -> Member:
    folder.mkdir()
    ways = {"database": await stack.enter_async_context(Chaos(target_of(dsn)))}
    settings = {"QUEUE_DATABASE_URL": through(dsn, ways["database"].port)}
    settings |= {"QUEUE_HEARTBEAT_SECONDS": "1", "QUEUE_LOG_LEVEL": "warning"}
    if nats is not None:
        ways["bus"] = await stack.enter_async_context(Chaos(("127.0.0.1", nats.port)))
        settings["QUEUE_BUS_URL"] = f"nats://127.0.0.1:{ways['bus'].port}"
    member = Member(part, _service(part, folder, settings | clock_of_its_own(folder / "clock")), ways, folder / "clock")
    ways["screens"] = await stack.enter_async_context(Chaos(("127.0.0.1", member.service.push_port)))
    if part is Part.NODE:
        ways["http"] = await stack.enter_async_context(Chaos(("127.0.0.1", member.service.http_port)))
    return member


def _service(part: Part, folder: Path, settings: Mapping[str, str]) -> Service:
    return Service(folder, (*QUEUE_SERVER, "run" if part is Part.NODE else "push"), settings)


async def _start(stack: contextlib.AsyncExitStack, member: Member) -> None:
    member.step_clock(0)
    member.service.launch()
    stack.push_async_callback(member.service.stop)
    await member.service.ready()


def clock_of_its_own(path: Path) -> dict[str, str]:
    """Return what lets a process tell the time that is written to *path*, as an offset in seconds; nothing without libfaketime."""
    if FAKETIME is None:
        return {}
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(path),
        "FAKETIME_CACHE_DURATION": "1",
        # What measures durations goes on as ever: only the clock of the day is stepped.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
