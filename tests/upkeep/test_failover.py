"""A database that has become a stand-by takes nothing: the answer is 503 until there is a primary again, never a guess."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession

from benchmarks.running import Service, running_service
from queue_server.drive.reducer import FeedState
from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.postgres import PostgresLog
from tests.bus.nats_server import NatsServer
from tests.deploy.cell import samples
from tests.upkeep.test_service import snapshot_of

FAILOVER_SECONDS = 30.0


class Database:
    """A PostgreSQL that can be turned into a stand-by of nobody, and promoted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine = EmbeddedPostgres(folder)

    @property
    def url(self) -> str:
        return self._engine.dsn

    async def start(self) -> None:
        self._engine = EmbeddedPostgres(self._folder)
        await self._engine.__aenter__()

    async def stop(self) -> None:
        await self._engine.__aexit__(None, None, None)

    async def demote(self) -> None:
        """Come back as a server in recovery, as one that was failed over from does."""
        await self.stop()
        (self._folder / "postgres" / "cluster" / "standby.signal").touch()
        await self.start()

    async def promote(self) -> None:
        connection = await asyncpg.connect(self.url)
        assert await connection.fetchval("select pg_is_in_recovery()")
        assert await connection.fetchval("select pg_promote(true, 30)")
        await connection.close()


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="queue-test-") as folder:
        database = Database(Path(folder) / "data")
        await database.start()
        yield database
        await database.stop()


async def test_a_failover_to_a_standby_is_503_until_it_is_promoted(database: Database) -> None:
    async with running_service(settings={"QUEUE_DATABASE_URL": database.url}) as service, ClientSession() as session:
        token = await service.token()
        status, _, issued = await issue(session, service, token, "one")
        assert status == 201
        held = FeedState()
        held.take(await snapshot_of(service, token, ""))

        await database.demote()
        for _ in range(2):
            status, retry_after, body = await issue(session, service, token, "two")
            assert (status, retry_after, body["code"]) == (503, "1", "log_unavailable")
        # What has happened stays so; whether the node can say it now depends on what it still waits for.
        status, _, body = await issue(session, service, token, "one")
        assert status == 503 or (status, body) == (201, issued)
        async with session.get(f"{service.url}/readyz") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")

        await database.promote()
        first = await settled(session, service, token, "one")
        second = await settled(session, service, token, "two")
        assert first == issued
        assert second["seq"] == first["seq"] + 1, "a command that was not acknowledged has happened once"
        again = await snapshot_of(service, token, f"&after={held.after}")
        assert again["type"] == "snapshot", "another timeline may be another history"


async def test_nodes_started_before_and_after_a_failover_hear_each_other(database: Database) -> None:
    """The name on the bus must not be the epoch, of which a failover makes another one on the same log."""
    nats = NatsServer()
    nats.start()
    settings = {"QUEUE_DATABASE_URL": database.url, "QUEUE_BUS_URL": nats.url}
    try:
        async with running_service(settings=settings) as older, ClientSession() as session:
            token = await older.token()
            before = await epoch_of(database.url)
            await database.demote()
            await database.promote()
            assert await epoch_of(database.url) != before
            async with running_service(settings=settings) as younger:
                await settled(session, older, token, "one")
                await settled(session, younger, token, "two")
                await heard(older)
                await heard(younger)
                found = (await younger.run("doctor"))["findings"]
                levels = {each["check"]: each["level"] for each in found}
                assert (levels["bus"], levels["disk"], levels["stand-bys"]) == ("ok", "unseen", "ok")
    finally:
        nats.kill()


async def epoch_of(url: str) -> str:
    log = await PostgresLog.connect(url)
    try:
        return await log.epoch()
    finally:
        await log.close()


async def heard(service: Service) -> None:
    """Wait until the node has heard a hint of the other one; only its own figures tell."""
    async with asyncio.timeout(FAILOVER_SECONDS):
        while (await samples(service, "queue_bus_hints_heard_total"))[""] == 0:
            await asyncio.sleep(0.05)


async def settled(session: ClientSession, service: Service, token: str, key: str) -> Any:
    """Repeat the command with its key, as clients do, until it has an answer."""
    async with asyncio.timeout(FAILOVER_SECONDS):
        while True:
            status, retry_after, body = await issue(session, service, token, key)
            if status == 201:
                return body
            assert (status, retry_after) == (503, "1")


async def issue(session: ClientSession, service: Service, token: str, key: str) -> tuple[int, str | None, Any]:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with session.post(f"{service.url}/v1/branches/main/tickets", json={"service": "cash"}, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After"), await answer.json()
