"""
The one connection that appends.

It is opened when first needed and opened again after a fault. Every new connection is greeted before it is used: it must be a
primary whose settings keep what they acknowledge, and it says which history it serves. The backend of a connection that was
given up may still be running its last statement; it is ended first, by its process and start time.

Where commits wait for a stand-by, one whose wait is broken off can be read, and a failover would lose it. So nobody here breaks one
off: a statement that takes too long is left, not cancelled, and its backend is not ended while it waits; until it is through
nothing else is tried, for nothing else could be committed either. What others may break off is what `secure` is for.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

import asyncpg
import structlog

from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres_append import CAREFUL, EVERYDAY
from queue_server.eventlog.postgres_faults import unavailable_when_away
from queue_server.eventlog.postgres_hosts import connect_primary
from queue_server.eventlog.postgres_queries import QUERIES

_log = structlog.get_logger(__name__)

# A statement that waits longer than this is given up by the server, so that a fault ends within seconds.
WRITER_SETTINGS = {
    "application_name": "queue-server writer",
    "synchronous_commit": "on",
    # For each lock. Longer than a commit takes that is not stuck: who waits for a head that is held then goes past it.
    "lock_timeout": "250ms",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_user_timeout": "5s",
    # The statement's cost does not depend on its values; planning it anew would cost more than running it.
    "plan_cache_mode": "force_generic_plan",
    # The heads are few: a plan made while the table was small must not scan it when it has grown.
    "enable_seqscan": "off",
    # No batch looks one head up twice.
    "enable_memoize": "off",
    "jit": "off",
}

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Statement: TypeAlias = "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]"


class DurabilityError(Exception):
    """The server's settings would lose what it has acknowledged."""


class LockHeldError(Exception):
    """The everyday statement has waited too long for another session; it was rolled back, and nothing was appended."""


class Writer:
    """Runs the append statements, on a connection that it looks after."""

    def __init__(self, dsn: str, *, command_timeout_seconds: float, require_durability: bool) -> None:
        self._dsn = dsn
        self._timeout = command_timeout_seconds
        self._require_durability = require_durability
        self._connection: Connection | None = None
        self._statements: dict[str, Statement] = {}
        self._former: tuple[int, datetime] | None = None
        self._backend: tuple[int, datetime] | None = None
        self._history: str | None = None
        self._warning: str | None = None

    @property
    def backend_pid(self) -> int | None:
        """The process that serves this connection; None before the first."""
        return self._backend[0] if self._backend else None

    async def history(self) -> str:
        """Return the name of the history that the present connection serves, connecting when there is none."""
        await self._ready()
        return self._history or ""

    async def append(self, name: str, arguments: list[bytes], expected_history: str | None) -> asyncpg.Record:
        """
        Run the append *name* with *arguments*, as `queries.sql` reads them.

        Raises:
            LockHeldError: the everyday append has waited too long for a lock.
            LogUnavailable: the outcome is unknown, or the server now serves another history than *expected_history*.
        """
        statements = await self._ready()
        self._require(expected_history)
        with self._given_up_on_faults():
            records = await self._fetch(name, statements[name], arguments)
            self._require_silence()
        return records[0]

    async def _fetch(self, name: str, statement: Statement, arguments: list[bytes]) -> list[asyncpg.Record]:
        # At asyncpg's own time limit the server would be told to cancel the statement; to hang up tells it nothing.
        hang_up = asyncio.get_running_loop().call_later(self._timeout, self._give_up)
        try:
            return await statement.fetch(*arguments)
        except asyncpg.LockNotAvailableError:
            if name == EVERYDAY:
                raise LockHeldError from None
            raise
        finally:
            hang_up.cancel()

    async def secure(self, expected_history: str | None) -> None:
        """
        Make a commit of nothing, which is durable only when all before it is; errors as those of an append.

        Commits reach a stand-by in order, so one that was waited for is proof for all before it.
        """
        await self._ready()
        self._require(expected_history)
        with self._given_up_on_faults():
            if self._connection is not None:
                await self._connection.execute(QUERIES["secure"], timeout=self._timeout)
                self._require_silence()

    def _require(self, history: str | None) -> None:
        if history not in {None, self._history}:
            raise LogUnavailable("The database serves another history than before; ask for its epoch and load anew.")

    def _hear(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        # By the place in the server's code: its texts are translated, and other warnings (such as that a vacuum is due) take nothing back.
        if message.as_dict().get("server_source_function") == "SyncRepWaitForLSN":
            self._warning = message.as_dict().get("message", "")

    def _require_silence(self) -> None:
        # A commit whose wait for a stand-by was broken off from outside ends well, with a warning.
        warning, self._warning = self._warning, None
        if warning is not None:
            raise LogUnavailable(f"The database warns: {warning}")

    @contextmanager
    def _given_up_on_faults(self) -> Iterator[None]:
        try:
            with unavailable_when_away():
                yield
        except (LogUnavailable, asyncio.CancelledError):
            # The statement may still run: the connection cannot be trusted to be free. Given up in this very turn of the loop, it
            # takes with it the request to cancel that asyncpg has just begun.
            self._give_up()
            raise

    def close(self) -> None:
        """Drop the connection."""
        self._give_up()

    def _give_up(self) -> None:
        if self._connection is not None:
            self._former = self._backend
            self._connection.terminate()
        self._connection, self._statements = None, {}

    async def _ready(self) -> dict[str, Statement]:
        if self._connection is not None and self._connection.is_closed():
            self._give_up()
        if self._statements:
            return self._statements
        with unavailable_when_away():
            connection = await connect_primary(self._dsn, timeout=self._timeout, server_settings=WRITER_SETTINGS)
            try:
                async with asyncio.timeout(self._timeout):
                    statements = {name: await connection.prepare(QUERIES[name]) for name in (EVERYDAY, CAREFUL)}
                    # After it: preparing leaves a transaction open, which the next query ends.
                    await self._greet(connection)
            except DurabilityError as fault:
                connection.terminate()
                if self._backend is None:
                    raise
                # It was another server when the service began: what it would have lost is not known yet.
                raise LogUnavailable(str(fault)) from fault
            except BaseException:
                connection.terminate()
                raise
            self._connection, self._statements, self._warning = connection, statements, None
            connection.add_log_listener(self._hear)
        return statements

    async def _greet(self, connection: Connection) -> None:
        if self._former:
            await self._end_former(connection, *self._former)
        await self._check_durability(connection)
        self._history, self._backend = await read_history(connection)
        _log.info("log_connected", pid=self._backend[0], history=self._history)

    async def _end_former(self, connection: Connection, pid: int, started: datetime) -> None:
        former = await connection.fetchrow(QUERIES["end_former"], pid, started)
        if former is not None and former["waits"]:
            raise LogUnavailable("The last commit still waits for its stand-by.")
        _log.info("former_backend_ended", pid=pid, gone=former and former["gone"])
        self._former = None

    async def _check_durability(self, connection: Connection) -> None:
        settings = {record["name"]: record["setting"] for record in await connection.fetch(QUERIES["durability"])}
        _log.info("log_durability", **settings)
        relaxed = sorted(name for name, setting in settings.items() if setting != "on")
        if relaxed and self._require_durability:
            raise DurabilityError(
                f"The database may lose what it has acknowledged: {' and '.join(relaxed)} must be on"
                f" ({', '.join(f'{name} is {settings[name]}' for name in relaxed)})."
            )


async def read_history(connection: Connection) -> tuple[str, tuple[int, datetime]]:
    """Return the opaque name of the history that *connection* serves, and its backend's process and start time."""
    record = await connection.fetchrow(QUERIES["history"])
    if record is None:
        raise LogUnavailable("The database has no log identity; run the migrations.")
    name = hashlib.sha256(record["history"].encode()).hexdigest()[:32]
    return name, (record["pid"], record["started"])
