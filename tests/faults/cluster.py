"""
Many nodes over one database, each a process of its own, with a proxy before everything that they speak through.

The database is supervised from here, as a bank's own would be; the nodes are started as a user would start them. Where libfaketime
is installed each node has a clock of its own that can be stepped; the machine's clock is never touched.
"""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from msgspec import Struct

from benchmarks.running import Service, children
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.faults.addresses import target_of, through
from tests.faults.chaos import Chaos

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""Debian's libfaketime; None where it is not installed."""
_WRITERS = "select pid from pg_stat_activity where application_name like 'queue-server writer%'"


class Node(Struct, frozen=True):
    """One node: its process, the proxies before its database, its HTTP and its screens, and the file that sets its clock."""

    service: Service
    database: Chaos
    http: Chaos
    push: Chaos
    clock: Path

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.http.port}"

    @property
    def push_url(self) -> str:
        """Where screens reach it."""
        return f"ws://127.0.0.1:{self.push.port}"

    def step_clock(self, seconds: int) -> None:
        """Let its clock of the day be off by *seconds*."""
        self.clock.write_text(f"{seconds:+d}\n", encoding="ascii")


class Cluster(Struct, frozen=True):
    """A database and its nodes."""

    engine: EmbeddedPostgres
    nodes: list[Node]

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
async def running_cluster(folder: Path, count: int) -> AsyncIterator[Cluster]:
    """Run *count* nodes, ready for commands."""
    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(EmbeddedPostgres(folder / "database", exclusive=True))
        yield Cluster(engine, [await _open(stack, folder / f"node-{number}", engine.dsn) for number in range(count)])


async def _open(stack: contextlib.AsyncExitStack, folder: Path, dsn: str) -> Node:
    folder.mkdir()
    database = await stack.enter_async_context(Chaos(target_of(dsn)))
    clock = folder / "clock"
    settings = {"QUEUE_DATABASE_URL": through(dsn, database.port), "QUEUE_HEARTBEAT_SECONDS": "1", "QUEUE_LOG_LEVEL": "warning"}
    service = Service(folder, settings=settings | clock_of_its_own(clock))
    http = await stack.enter_async_context(Chaos(("127.0.0.1", service.http_port)))
    push = await stack.enter_async_context(Chaos(("127.0.0.1", service.push_port)))
    node = Node(service, database, http, push, clock)
    node.step_clock(0)
    service.launch()
    stack.push_async_callback(service.stop)
    await service.ready()
    return node


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
