"""With a synchronous stand-by nothing is acknowledged that a failover would lose, however the wait for it ends."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from queue_server.core import commands as c
from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from queue_server.runtime.clock import LogClock
from queue_server.runtime.errors import Unsettled
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from tests.scenario import rules

TIMEOUT_SECONDS = 0.5
SETTLES_SECONDS = 20.0


class Hall:
    """A node on a server whose synchronous stand-by is named and not there, from `part` until `join`."""

    def __init__(self, dsn: str, log: PostgresLog, runtime: Runtime, admin: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.dsn = dsn
        self.log = log
        self.runtime = runtime
        self.admin = admin

    async def part(self) -> None:
        await self._set("synchronous_standby_names = 'nobody'")
        # The server's processes hear of it one by one; it holds from the first commit on that waits.
        probe = await PostgresLog.connect(self.dsn, command_timeout_seconds=SETTLES_SECONDS)
        async with asyncio.timeout(SETTLES_SECONDS):
            while not (await self.break_off_the_wait_of(probe)):
                pass
        await probe.close()

    async def join(self) -> None:
        await self._set("synchronous_standby_names = ''")

    async def _set(self, setting: str) -> None:
        await self.admin.execute(f"alter system set {setting}")
        await self.admin.execute("select pg_reload_conf()")

    async def break_off_the_wait_of(self, log: PostgresLog) -> BaseException | None:
        """Let *log* secure what there is and cancel its wait; returns what it says to that, None when it had not to wait."""
        securing = asyncio.ensure_future(log.secure())
        while not securing.done():
            await self.admin.execute(
                "select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'", log.writer_pid
            )
        return securing.exception()

    async def issue(self, runtime: Runtime | None = None) -> Outcome:
        command = c.IssueTicket(at=0, command_id="client:k", actor="t", ticket_id="t", service="cash")
        return await (runtime or self.runtime).execute("b", command, b"r")

    async def break_off(self) -> None:
        """As an operator might: end the session that waits."""
        async with asyncio.timeout(SETTLES_SECONDS):
            while not await self.admin.fetchval(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where wait_event = 'SyncRep'"
            ):
                await asyncio.sleep(0)

    async def issued(self) -> int:
        return int(await self.admin.fetchval("select count(*) from event where name = 'TicketIssued'"))


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    with tempfile.TemporaryDirectory(prefix="queue-test-") as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as database:
            await migrate(database.dsn)
            log = await PostgresLog.connect(database.dsn, command_timeout_seconds=TIMEOUT_SECONDS)
            runtime = Runtime(log, LogClock(), timeout_seconds=TIMEOUT_SECONDS)
            await runtime.start()
            await runtime.put_configuration("b", rules(id="b"), expected=None, next_day=False, actor="t", command_id="c")
            admin = await asyncpg.connect(database.dsn)
            yield Hall(database.dsn, log, runtime, admin)
            await admin.close()
            await runtime.close()
            await log.close()


async def test_what_no_standby_has_is_not_acknowledged_and_is_there_once_when_one_has(hall: Hall) -> None:
    await hall.part()
    for _ in range(3):
        with pytest.raises(Unsettled):
            await hall.issue()
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
    assert (await hall.issued(), await hall.admin.fetchval(waiting)) == (0, 1), "nobody sees it, and it leaves one session"
    await hall.break_off()
    assert await hall.issued() == 1, "now it can be read, and would be lost all the same"
    with pytest.raises(Unsettled):
        await hall.issue()
    with pytest.raises(LogUnavailable):
        await hall.log.secure()
    await hall.join()
    assert (await settled(hall)).changes
    assert await hall.issued() == 1


async def test_another_node_does_not_acknowledge_it_either(hall: Hall) -> None:
    await hall.part()
    with pytest.raises(Unsettled):
        await hall.issue()
    await hall.break_off()
    log = await PostgresLog.connect(hall.dsn, command_timeout_seconds=TIMEOUT_SECONDS)
    other = Runtime(log, LogClock(), timeout_seconds=TIMEOUT_SECONDS)
    await other.start()
    try:
        with pytest.raises(Unsettled):
            await hall.issue(other)
    finally:
        await hall.join()
        await other.close()
        await log.close()


async def test_a_wait_that_somebody_else_breaks_off_is_no_acknowledgement(hall: Hall) -> None:
    """The server then reports the commit as done, with a warning."""
    await hall.part()
    patient = await PostgresLog.connect(hall.dsn, command_timeout_seconds=SETTLES_SECONDS)
    fault = await hall.break_off_the_wait_of(patient)
    assert isinstance(fault, LogUnavailable)
    assert "warns" in str(fault)
    await hall.join()
    await patient.close()


async def test_without_securing_it_what_would_be_lost_is_acknowledged(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    await hall.part()

    async def take_it_for_durable(_self: PostgresLog) -> None:
        pass

    monkeypatch.setattr(PostgresLog, "secure", take_it_for_durable)
    with pytest.raises(Unsettled):
        await hall.issue()
    await hall.break_off()
    assert await settled(hall)
    await hall.join()


async def settled(hall: Hall) -> Outcome:
    """Repeat the command with its key until it is acknowledged."""
    async with asyncio.timeout(SETTLES_SECONDS):
        while True:
            try:
                return await hall.issue()
            except Unsettled:
                continue
