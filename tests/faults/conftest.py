"""A database server whose durability is as in production, shared by the tests of this folder; each test has a database of its own."""

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

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def durable_engine() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="queue-faults-") as folder:
        engine = EmbeddedPostgres(Path(folder) / "data")
        _in_a_thread(engine.__aenter__())
        yield engine
        _in_a_thread(engine.__aexit__(None, None, None))


@pytest.fixture
async def durable_url(durable_engine: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database."""
    name = f"faults_{next(_numbers)}"
    await _command(durable_engine.dsn, f"create database {name}")
    yield durable_engine.dsn.replace("/queue?", f"/{name}?")
    await _command(durable_engine.dsn, f"drop database {name} with (force)")


def _in_a_thread(work: Coroutine[Any, Any, Any]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _command(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
