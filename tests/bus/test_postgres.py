"""The bus on PostgreSQL, when backends freeze, bytes vanish, and the server dies."""

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from queue_server.bus.port import Hint
from queue_server.bus.postgres import postgres_line
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.bus.carriers import OnPostgres
from tests.bus.ears import Ears
from tests.bus.proxy import SilentProxy, Streams

HINT = Hint("main", "2026-11-23", 1)
HEARTBEAT_SECONDS = 0.2
PATIENCE_SECONDS = 0.8
LEEWAY_SECONDS = 2.0
"""For connecting anew on a busy machine."""


@pytest.fixture
async def talker(on_postgres: OnPostgres) -> Ears:
    """Another node, which nothing happens to."""
    ears = on_postgres.ears()
    await ears.connected()
    return ears


async def backend(dsn: str, name: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        # The newest: the other node has its own.
        pid: int = await connection.fetchval(
            "select pid from pg_stat_activity where datname = current_database() and application_name = $1"
            " order by backend_start desc limit 1",
            name,
        )
        return pid
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ["queue-server bus listener", "queue-server bus sender"])
async def test_a_frozen_backend_is_noticed_and_replaced(on_postgres: OnPostgres, talker: Ears, name: str) -> None:
    ears = on_postgres.ears(on_postgres.line(heartbeat_seconds=HEARTBEAT_SECONDS, patience_seconds=PATIENCE_SECONDS))
    await ears.connected()
    frozen = await backend(on_postgres.dsn, name)
    os.kill(frozen, signal.SIGSTOP)
    try:
        began = time.monotonic()
        await ears.connected(2)
        assert time.monotonic() - began < HEARTBEAT_SECONDS + PATIENCE_SECONDS + LEEWAY_SECONDS
        talker.line.publish([HINT])
        await ears.hears(HINT)
        ears.line.publish([Hint("other", HINT.day, 1)])
        await talker.hears(Hint("other", HINT.day, 1))
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert talker.resumptions == 1


async def test_a_connection_whose_bytes_vanish_is_replaced(on_postgres: OnPostgres, talker: Ears) -> None:
    parts = urlsplit(on_postgres.dsn)
    socket = f"{unquote(parse_qs(parts.query)['host'][0])}/.s.PGSQL.5432"

    async def reach() -> Streams:
        return await asyncio.open_unix_connection(socket)

    async with SilentProxy(reach) as proxy:
        dsn = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"
        ears = Ears(postgres_line(dsn, heartbeat_seconds=HEARTBEAT_SECONDS, patience_seconds=PATIENCE_SECONDS))
        await ears.connected()
        proxy.swallow()
        talker.line.publish([HINT])
        proxy.heal()
        await ears.connected(2)
        # What was said while it was deaf is gone: that is what the resumption is told for.
        assert ears.heard == []
        talker.line.publish([Hint("main", HINT.day, 2)])
        await ears.hears(Hint("main", HINT.day, 2))
        await ears.line.close()


async def test_a_server_that_dies_and_comes_back() -> None:
    with tempfile.TemporaryDirectory(prefix="queue-test-") as folder:
        async with EmbeddedPostgres(Path(folder) / "data", exclusive=True, relaxed_durability=True) as engine:
            ears, talker = Ears(postgres_line(engine.dsn)), Ears(postgres_line(engine.dsn))
            await ears.connected()
            await talker.connected()
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            talker.line.publish([HINT])
            await ears.connected(2)
            await talker.connected(2)
            talker.line.publish([Hint("main", HINT.day, 2)])
            await ears.hears(Hint("main", HINT.day, 2))
            await ears.line.close()
            await talker.line.close()
