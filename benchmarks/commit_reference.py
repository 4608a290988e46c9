"""A reference: one connection that inserts one row and commits, again and again, on an embedded database of its own, fsync on."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg

from queue_server.eventlog.embedded import EmbeddedPostgres

ROW = b"x" * 300
"""About what the fact of an issue takes."""


class Commits:
    """The connection; it and its database are idle while it is not asked."""

    def __init__(self, insert: Any) -> None:
        self._insert = insert

    async def took(self, seconds: float, pause_seconds: float = 0.0) -> list[float]:
        """Commit row after row for *seconds*, with a pause after each; returns the seconds that each commit took."""
        took, ends = list[float](), time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            await self._insert.fetchval(ROW)
            took.append(time.perf_counter() - began)
            if pause_seconds:
                await asyncio.sleep(pause_seconds)
        return took


@contextlib.asynccontextmanager
async def running_commits() -> AsyncIterator[Commits]:
    """Run the database."""
    with tempfile.TemporaryDirectory(prefix="queue-commits-", ignore_cleanup_errors=True) as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as database:
            connection = await asyncpg.connect(database.dsn)
            try:
                await connection.execute("create table line (seq bigserial primary key, body bytea not null)")
                yield Commits(await connection.prepare("insert into line (body) values ($1)"))
            finally:
                await connection.close(timeout=5)
