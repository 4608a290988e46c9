"""Fixtures for every test: one embedded PostgreSQL a session, and for each test that asks a database of its own."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.postgres import PostgresLog

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine() -> Iterator[EmbeddedPostgres]:
    """A server whose durability is relaxed, for speed; nothing but a test can ask for that."""
    # Under the system's folder for temporary files: its path is short enough for a socket.
    with tempfile.TemporaryDirectory(prefix="queue-test-") as folder:
        engine = EmbeddedPostgres(Path(folder) / "data", relaxed_durability=True)
        _in_a_thread(engine.__aenter__())
        yield engine
        _in_a_thread(engine.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def template(engine: EmbeddedPostgres) -> str:
    """The name of a migrated database that others are copied from."""
    _in_a_thread(_command(engine.dsn, "create database template_queue"))
    _in_a_thread(migrate(_named(engine.dsn, "template_queue")))
    return "template_queue"


@pytest.fixture
async def empty_database_url(engine: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database without a schema."""
    name = f"test_{next(_numbers)}"
    await _command(engine.dsn, f"create database {name}")
    yield _named(engine.dsn, name)
    await _command(engine.dsn, f"drop database {name} with (force)")


@pytest.fixture
async def database_url(engine: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A migrated database of this test's own."""
    name = f"test_{next(_numbers)}"
    await _command(engine.dsn, f"create database {name} template {template}")
    yield _named(engine.dsn, name)
    await _command(engine.dsn, f"drop database {name} with (force)")


@pytest.fixture
async def postgres_log(database_url: str) -> AsyncIterator[PostgresLog]:
    """An event log on a database of this test's own."""
    log = await PostgresLog.connect(database_url, require_durability=False)
    yield log
    await log.close()


def _in_a_thread(work: Coroutine[Any, Any, Any]) -> None:
    """Run *work* to its end on a loop of its own, also when the session's fixtures are first asked for inside a test's loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def _named(dsn: str, name: str) -> str:
    return dsn.replace("/queue?", f"/{name}?")


async def _command(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
