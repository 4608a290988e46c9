"""The three things that can carry a bus, each with what a test needs: lines over it, a stranger's voice, and a break."""

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack

import asyncpg
from nats.aio.client import Client

from queue_server.bus.line import Line
from queue_server.bus.memory import Exchange, MemoryLink
from queue_server.bus.nats import SUBJECT, nats_line
from queue_server.bus.postgres import CHANNEL, postgres_line
from tests.bus.ears import Ears
from tests.bus.nats_server import NatsServer


class Carrier(ABC):
    """One kind of bus; the lines it makes are closed at the end of the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    @abstractmethod
    def line(self, *, waiting_limit: int = 10_000, heartbeat_seconds: float = 2.0, patience_seconds: float = 4.0) -> Line:
        """Return a line that has not been started."""

    @abstractmethod
    async def say(self, message: bytes) -> None:
        """Say something as a stranger."""

    @abstractmethod
    async def cut(self) -> None:
        """Break every connection."""

    def ears(self, line: Line | None = None) -> Ears:
        """Start a line, this one or another, and listen."""
        ears = Ears(line or self.line())
        self._stack.push_async_callback(ears.line.close)
        return ears


class InMemory(Carrier):
    """Inside the process."""

    def __init__(self, stack: AsyncExitStack) -> None:
        super().__init__(stack)
        self.exchange = Exchange()

    def line(self, *, waiting_limit: int = 10_000, heartbeat_seconds: float = 2.0, patience_seconds: float = 4.0) -> Line:
        return Line(
            lambda: MemoryLink(self.exchange),
            waiting_limit=waiting_limit,
            heartbeat_seconds=heartbeat_seconds,
            patience_seconds=patience_seconds,
        )

    async def say(self, message: bytes) -> None:
        self.exchange.say(message)

    async def cut(self) -> None:
        for link in list(self.exchange.links):
            link.lost("cut")


class OnPostgres(Carrier):
    """NOTIFY on a real server."""

    def __init__(self, stack: AsyncExitStack, dsn: str) -> None:
        super().__init__(stack)
        self.dsn = dsn

    def line(self, *, waiting_limit: int = 10_000, heartbeat_seconds: float = 2.0, patience_seconds: float = 4.0) -> Line:
        return postgres_line(
            self.dsn, waiting_limit=waiting_limit, heartbeat_seconds=heartbeat_seconds, patience_seconds=patience_seconds
        )

    async def say(self, message: bytes) -> None:
        await self._run("select pg_notify($1, $2)", CHANNEL, message.decode())

    async def cut(self) -> None:
        await self._run(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and application_name like 'queue-server bus%'"
        )

    async def _run(self, sql: str, *arguments: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(sql, *arguments)
        finally:
            await connection.close()


class OnNats(Carrier):
    """A real nats-server."""

    def __init__(self, stack: AsyncExitStack, server: NatsServer) -> None:
        super().__init__(stack)
        self.server = server

    def line(self, *, waiting_limit: int = 10_000, heartbeat_seconds: float = 2.0, patience_seconds: float = 4.0) -> Line:
        return nats_line(
            [self.server.url],
            waiting_limit=waiting_limit,
            heartbeat_seconds=heartbeat_seconds,
            patience_seconds=patience_seconds,
        )

    async def say(self, message: bytes) -> None:
        client = Client()
        await client.connect(self.server.url)
        await client.publish(SUBJECT, message)
        await client.close()

    async def cut(self) -> None:
        self.server.kill()
        self.server.start()
