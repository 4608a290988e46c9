"""Nodes in the process of the test: as `queue-server run` composes them, over one database, so that a test can plant a bug in them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from queue_server import compose
from queue_server.access.roles import Role
from queue_server.access.tokens import create_token
from queue_server.compose import Addresses
from queue_server.settings import Settings
from tests.faults.clients import SUBJECT

QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "outlook_seconds": 0.5, "command_timeout_seconds": 2.0}


@asynccontextmanager
async def nodes(dsns: Sequence[str], **settings: Any) -> AsyncIterator[list[Addresses]]:
    """A node for each of *dsns*, which are ways to one database, with *settings*; all of them end with the block."""
    # The collector belongs to the test's process; ports are drawn by the system.
    with patch("gc.freeze"), patch("gc.set_threshold"):
        serving: list[tuple[asyncio.Task[None], asyncio.Event]] = []
        try:
            # One after the other: the first brings the schema and the sample branch.
            yield [await _open(dsn, serving, QUICK | settings) for dsn in dsns]
        finally:
            for _, stop in serving:
                stop.set()
            await asyncio.gather(*(task for task, _ in serving))


async def _open(dsn: str, serving: list[tuple["asyncio.Task[None]", asyncio.Event]], chosen: dict[str, Any]) -> Addresses:
    opened: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    settings, stop = Settings(database_url=dsn, http_port=0, push_port=0, **chosen), asyncio.Event()
    # A signal would be for all nodes of the process at once.
    with patch("queue_server.compose.serving.stop_asked_for", lambda: stop):
        task = asyncio.create_task(compose.serve(settings, opened.set_result))
        await asyncio.wait((task, opened), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    serving.append((task, stop))
    return await opened


async def admin(dsn: str) -> str:
    """Make a token for the clients."""
    async with compose.token_store(dsn) as store:
        token, _ = await create_token(store, Role.ADMIN, None, SUBJECT)
        return token
