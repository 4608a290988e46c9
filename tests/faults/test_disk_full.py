"""The disk of the database is full: nothing is promised that could not be stored, the screens go on, and it heals by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from benchmarks.running import Service
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.faults.checker import check_history
from tests.faults.clients import Clients, Manners
from tests.faults.facts import stored
from tests.faults.history import Attempt
from tests.faults.nodes import admin
from tests.faults.provoking import ISSUE, TICKET
from tests.faults.small_disk import small_disk
from tests.faults.watching import Watching, watching

MEGABYTES = 160
SECONDS = 20.0
BACK_SECONDS = 10.0
"""The supervisor tries every five seconds at most to start a database that cannot be started."""
Exhaust = Callable[[str], Coroutine[Any, Any, None]]
BUSY, QUIET = "busy", "quiet"
SETTINGS = {"QUEUE_COMMAND_TIMEOUT_SECONDS": "1", "QUEUE_HEARTBEAT_SECONDS": "0.2"}
WRITE_A_MEGABYTE = "select pg_logical_emit_message(true, 'test', repeat('x', 1000000))"


@contextlib.asynccontextmanager
async def running(folder: Path, log: Path) -> AsyncIterator[Service]:
    service = Service(folder, settings=SETTINGS)
    # What it says is not kept on the disk that is filled.
    service.log = log
    service.launch()
    try:
        await service.ready()
        yield service
    finally:
        await service.stop()


async def until_turned_away(clients: Clients) -> Attempt:
    """Issue tickets until there is no room for one more."""
    async with asyncio.timeout(SECONDS):
        while True:
            attempt = await clients.repeat(clients.urls[0], clients.request(BUSY, ISSUE, TICKET))
            if attempt.status != 201:
                return attempt


async def use_up_the_log(dsn: str) -> None:
    """Write until the database dies of it: a server that cannot write its log ends all its sessions."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(dsn)
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    await connection.execute(WRITE_A_MEGABYTE)
        finally:
            connection.terminate()


async def look_around(clients: Clients, screens: Sequence[Watching]) -> None:
    """A client is turned away politely; whoever only looks is served."""
    turned_away = await until_turned_away(clients)
    assert (turned_away.status, turned_away.answer["code"], turned_away.is_told_when) == (503, "log_unavailable", True)
    assert all(await asyncio.gather(*(screen.is_live(SECONDS) for screen in screens)))
    assert await clients.read(clients.urls[0], QUIET, fresh=False) is not None


async def serve_again(clients: Clients) -> float:
    """Bring everything that was turned away to its answer; return how long the first took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await clients.command(clients.urls[0], BUSY, ISSUE, TICKET)
    took = loop.time() - began
    for request in clients.history.requests:
        if request.attempts[-1].is_unsettled:
            await clients.settle(clients.urls[0], request)
    return took


async def leave_no_room(_dsn: str) -> None:
    """The database lives, and cannot make a file longer."""


@pytest.mark.parametrize("exhaust", [leave_no_room, use_up_the_log])
async def test_a_full_disk_loses_nothing_and_heals_when_there_is_room(exhaust: Exhaust, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MEGABYTES) as disk:
        async with running(disk.folder, tmp_path / "server.log") as service, EmbeddedPostgres(service.data) as database:
            token, before = await admin(database.dsn), (service.pid, service.database_pid())
            async with Clients([service.url], token, [BUSY, QUIET], 1, Manners(dropped=0.0)) as clients:
                await clients.make_branches()
                await clients.use(60, 8)
                async with watching([service.push_url], token, [BUSY, QUIET], clients.history) as screens:
                    disk.fill()
                    await exhaust(database.dsn)
                    await look_around(clients, screens)
                    disk.free()
                    assert await serve_again(clients) < BACK_SECONDS
                    ends = {branch: rows[-1].seq for branch, rows in (await stored(database.dsn, [BUSY, QUIET])).items()}
                    assert all([await each.converges(ends[each.screen.branch], SECONDS) for each in screens])
            assert service.pid == before[0]
            assert (service.database_pid() == before[1]) == (exhaust is leave_no_room)
            facts = await stored(database.dsn, [BUSY, QUIET])
    assert check_history(clients.history, facts) == []
