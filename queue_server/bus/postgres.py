"""
Hints by NOTIFY, for one database and a few nodes.

They are sent after the commit, on a connection of their own: a NOTIFY inside the transaction takes a lock of the whole server at
every commit, and a fault of it would roll back the facts. One statement sends a round.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import asyncpg

from queue_server.bus.line import Line
from queue_server.eventlog.postgres_hosts import connect_primary

CHANNEL = "queue_hints"
_NOTIFY = "select pg_notify($1, message) from unnest($2::text[]) as message"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def postgres_line(dsn: str, *, heartbeat_seconds: float = 2.0, patience_seconds: float = 4.0, waiting_limit: int = 10_000) -> Line:
    """Return a bus over the database at *dsn*; every node that shares its log must name the same one."""
    return Line(
        lambda: PostgresLink(dsn),
        heartbeat_seconds=heartbeat_seconds,
        patience_seconds=patience_seconds,
        waiting_limit=waiting_limit,
    )


class PostgresLink:
    """Two connections: one listens, one notifies."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connections: list[Connection] = []

    async def open(self, hear: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Connect twice, and listen."""
        listening = await self._connect("queue-server bus listener", lost)
        await listening.add_listener(CHANNEL, lambda _connection, _pid, _channel, payload: hear(str(payload).encode()))
        await self._connect("queue-server bus sender", lost)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Notify of *messages* in one statement, which commits by itself."""
        await self._connections[-1].execute(_NOTIFY, CHANNEL, [message.decode() for message in messages])

    async def close(self) -> None:
        """Break the connections off: a server that does not answer has no say in it, and nothing is under way that matters."""
        for connection in self._connections:
            connection.terminate()

    async def _connect(self, name: str, lost: Callable[[str], None]) -> Connection:
        # Only a primary takes a NOTIFY, and only its listeners hear it.
        settings = {"application_name": name, "tcp_user_timeout": "5s", "jit": "off"}
        connection = await connect_primary(self._dsn, server_settings=settings)
        connection.add_termination_listener(lambda _connection: lost(f"the connection of the {name} is broken"))
        self._connections.append(connection)
        return connection
