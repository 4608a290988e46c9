"""Nodes that share one database, each a process of its own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.running import Service
from queue_server.eventlog.embedded import EmbeddedPostgres


@contextlib.asynccontextmanager
async def running_nodes(count: int) -> AsyncIterator[list[Service]]:
    """Run *count* nodes on one database with full durability, and stop them afterwards."""
    with tempfile.TemporaryDirectory(prefix="queue-cell-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with EmbeddedPostgres(folder / "data") as database:
            nodes = list[Service]()
            try:
                for n in range(count):
                    (folder / f"node{n}").mkdir()
                    nodes.append(Service(folder / f"node{n}", settings={"QUEUE_DATABASE_URL": database.dsn}))
                    nodes[-1].launch()
                    await nodes[-1].ready()
                yield nodes
            finally:
                await asyncio.gather(*(node.stop() for node in nodes))
