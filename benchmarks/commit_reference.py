"""The second reference: one connection that inserts one row and commits, again and again, on the embedded database."""

import tempfile
import time
from pathlib import Path

import asyncpg

from queue_server.eventlog.embedded import EmbeddedPostgres

ROW = b"x" * 300
"""About what the fact of an issue takes."""


async def commits_a_second(seconds: float) -> float:
    """Return how many single-row commits one connection makes a second, fsync on."""
    with tempfile.TemporaryDirectory(prefix="queue-commits-", ignore_cleanup_errors=True) as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as database:
            connection = await asyncpg.connect(database.dsn)
            try:
                await connection.execute("create table line (seq bigint primary key, body bytea not null)")
                return await _commit(connection, seconds)
            finally:
                await connection.close(timeout=5)


async def _commit(connection: asyncpg.Connection, seconds: float) -> float:
    insert = await connection.prepare("insert into line values ($1, $2)")
    began, count = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < seconds:
        await insert.fetchval(count, ROW)
        count += 1
    return count / elapsed
