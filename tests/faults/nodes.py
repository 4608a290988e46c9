"""Nodes in the process of the test: as `queue-server run` composes them, over one database, so that a test can plant a bug in them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from unittest.mock import patch

from queue_server import compose
from queue_server.access.roles import Role
from queue_server.access.tokens import create_token
from queue_server.compose import Addresses
from queue_server.settings import Settings
from tests.faults.clients import SUBJECT

QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "outlook_seconds": 0.5, "command_timeout_seconds": 3.0}


@asynccontextmanager
async def nodes(dsns: Sequence[str]) -> AsyncIterator[list[Addresses]]:
    """A node for each of *dsns*, which are ways to one database; all of them end with the block."""
    # The collector belongs to the test's process; ports are drawn by the system.
    with patch("gc.freeze"), patch("gc.set_threshold"):
        async with AsyncExitStack() as stack:
            # One after the other: the first brings the schema and the sample branch.
            yield [await stack.enter_async_context(_node(dsn)) for dsn in dsns]


@asynccontextmanager
async def _node(dsn: str) -> AsyncIterator[Addresses]:
    opened: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    settings, stop = Settings(database_url=dsn, http_port=0, push_port=0, **QUICK), asyncio.Event()
    # A signal would be for all nodes of the process at once.
    with patch("queue_server.compose.serving.stop_asked_for", lambda: stop):
        serving = asyncio.create_task(compose.serve(settings, opened.set_result))
        await asyncio.wait((serving, opened), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield await opened
    finally:
        stop.set()
        await serving


async def admin(dsn: str) -> str:
    """Make a token for the clients."""
    async with compose.token_store(dsn) as store:
        token, _ = await create_token(store, Role.ADMIN, None, SUBJECT)
        return token
