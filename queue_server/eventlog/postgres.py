"""
The event log on PostgreSQL.

Facts are appended by one statement on one connection (`postgres_append`, `postgres_writer`); everything else is read through a
small pool. The statements and their reasons stand in `queries.sql`.

A history is named by its *epoch*. When a reconnection finds another one, appends and reads raise LogUnavailable until the owner
has asked for `epoch()`: what it holds in memory was decided on facts that may not exist here.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from operator import attrgetter
from typing import Any, Self, TypeAlias, cast

import asyncpg
import structlog

from queue_server.core.ids import BranchId, Day, Instant
from queue_server.eventlog.port import Appended, Claim, Head, KnownKey, LogUnavailable, Row
from queue_server.eventlog.postgres_append import CAREFUL, EVERYDAY, careful, everyday
from queue_server.eventlog.postgres_faults import unavailable_when_away
from queue_server.eventlog.postgres_hosts import connect_primary
from queue_server.eventlog.postgres_partitions import make_partitions, months_from, months_of
from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.eventlog.postgres_writer import Connection, LockHeldError, Writer, read_history

_log = structlog.get_logger(__name__)

_READER_SETTINGS = {"application_name": "queue-server reader", "tcp_user_timeout": "5s", "jit": "off"}
_branch_of = attrgetter("head.branch_id")

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
PooledConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PostgresLog:
    """The log of one database; made by `connect`."""

    def __init__(self, dsn: str, *, command_timeout_seconds: float, readers: int, require_durability: bool) -> None:
        self._writer = Writer(dsn, command_timeout_seconds=command_timeout_seconds, require_durability=require_durability)
        self._timeout = command_timeout_seconds
        self._epoch: str | None = None
        self._months: frozenset[str] = frozenset()
        self._appending = asyncio.Lock()
        # Whose heads another session holds, as far as is known: nobody else shall wait for that again.
        self._held: frozenset[BranchId] = frozenset()
        self._pool: Pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=readers,
            timeout=command_timeout_seconds,
            command_timeout=command_timeout_seconds,
            server_settings=_READER_SETTINGS,
            # The stubs would have all arguments of asyncpg.connect repeated.
            connect=cast("Any", connect_primary),
            init=self._greet_reader,
        )

    @classmethod
    async def connect(
        cls, dsn: str, *, command_timeout_seconds: float = 6.0, readers: int = 4, require_durability: bool = True
    ) -> Self:
        """
        Connect to a migrated database and make its partitions for the months ahead.

        *require_durability* is for tests alone: production has no setting that reaches it.

        Raises:
            LogUnavailable: the database cannot be reached, or is no primary.
            DurabilityError: the server would lose what it has acknowledged.
        """
        log = cls(dsn, command_timeout_seconds=command_timeout_seconds, readers=readers, require_durability=require_durability)
        try:
            await log._pool
            await log._writer.history()
            await log.make_partitions()
        except BaseException:
            await log.close()
            raise
        return log

    @property
    def writer_pid(self) -> int | None:
        """The server process that takes the appends; None before the first connection."""
        return self._writer.backend_pid

    async def append(
        self, claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]] = (), epoch: str | None = None
    ) -> Appended:
        """Append every claim whose head still stands, in one durable statement; *confirm* is answered as things stood before."""
        # The order of branches is the same on every node, as for any set of locks.
        ordered = sorted(claims, key=_branch_of)
        months = months_of(row.day for claim in ordered for row in claim.rows)
        if not months <= self._months:
            await self._add_partitions(months)
        async with self._writing():
            record = await self._append(ordered, confirm, epoch or self._epoch)
        claimed = frozenset(record[0])
        self._held -= claimed
        return Appended(claimed, frozenset(record[1]), record[2])

    async def _append(
        self, claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]], epoch: str | None
    ) -> asyncpg.Record:
        branches = frozenset(map(_branch_of, claims))
        is_everyday = not confirm and self._held.isdisjoint(branches)
        arguments = everyday(claims) if is_everyday else None
        if arguments is None:
            return await self._writer.append(CAREFUL, careful(claims, confirm), epoch)
        try:
            return await self._writer.append(EVERYDAY, arguments, epoch)
        except LockHeldError:
            record = await self._writer.append(CAREFUL, careful(claims, confirm), epoch)
            self._held |= branches.difference(record[0])
            _log.warning("another session holds a lock", branches=sorted(self._held))
            return record

    async def secure(self) -> None:
        """Return when all that can be read by now is as durable as an append: when a commit that comes after it is."""
        async with self._writing():
            await self._writer.secure(self._epoch)

    async def head(self, branch_id: BranchId) -> Head | None:
        """Return the branch's head; None when there is no such branch."""
        async with self._reader() as connection:
            record = await connection.fetchrow(QUERIES["head"], branch_id)
        return None if record is None else _head(record)

    async def heads(self) -> list[Head]:
        """Return all heads, ordered by branch."""
        async with self._reader() as connection:
            return [_head(record) for record in await connection.fetch(QUERIES["heads"])]

    async def due(self, at: Instant) -> list[BranchId]:
        """Return the branches whose `wakes_at` is at or before *at*, ordered by it."""
        async with self._reader() as connection:
            return [record[0] for record in await connection.fetch(QUERIES["due"], at)]

    async def read_after(self, branch_id: BranchId, day: Day, seq: int, limit: int) -> list[Row]:
        """Return up to *limit* facts of that day after *seq*, oldest first."""
        async with self._reader() as connection:
            records = await connection.fetch(QUERIES["read_after"], branch_id, date.fromisoformat(day), seq, limit)
        return [Row(branch_id, day, *record) for record in records]

    async def keys(self, branch_id: BranchId, day: Day) -> list[KnownKey]:
        """Return the commands that had an effect on that day, in the order of their first fact."""
        async with self._reader() as connection:
            records = await connection.fetch(QUERIES["keys"], branch_id, date.fromisoformat(day))
        return [KnownKey(*record) for record in records]

    async def clock(self) -> Instant:
        """Return the log's clock (ms, UTC)."""
        async with self._reader() as connection:
            clock: Instant = await connection.fetchval(QUERIES["clock"])
        return clock

    async def epoch(self) -> str:
        """Return the name of this history; asking for it accepts it, and appends go on from here."""
        async with self._appending:
            known, self._epoch = self._epoch, await self._writer.history()
        if known not in {None, self._epoch}:
            # Readers that were connected before may still be at the server of the old history.
            await self._pool.expire_connections()
        return self._epoch

    async def log_id(self) -> str:
        """Return what all nodes of this log have in common: a restore replaces it, a failover, which changes the epoch, does not."""
        async with self._reader() as connection:
            log_id: str = await connection.fetchval(QUERIES["log_id"])
        return log_id

    async def secret(self) -> bytes:
        """Return the key of the keyed hashes; it must never leave the service."""
        async with self._reader() as connection:
            secret: bytes = await connection.fetchval(QUERIES["secret"])
        return secret

    async def make_partitions(self) -> None:
        """Make the partitions of this month and the next three; called at start and every day."""
        async with self._reader() as connection:
            today: date = await connection.fetchval("select (clock_timestamp() at time zone 'utc')::date")
        await self._add_partitions(frozenset(months_from(today)))

    async def close(self) -> None:
        """Close the connections; idempotent."""
        self._writer.close()
        try:
            async with asyncio.timeout(2):
                await self._pool.close()
        except (TimeoutError, asyncpg.InterfaceError, OSError):
            self._pool.terminate()

    async def _add_partitions(self, months: frozenset[str]) -> None:
        async with self._reader() as connection:
            self._months = await make_partitions(connection, months)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        async with self._appending:
            try:
                yield
            except LogUnavailable:
                # A peer that is silent here is silent to the readers too; each of them would be waited for once more.
                await self._pool.expire_connections()
                raise

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[PooledConnection]:
        with unavailable_when_away():
            async with self._pool.acquire(timeout=self._timeout) as connection:
                yield connection

    async def _greet_reader(self, connection: Connection) -> None:
        history, _ = await read_history(connection)
        if self._epoch not in (None, history):
            raise LogUnavailable("The database serves another history than before; ask for its epoch and load anew.")


def _head(record: asyncpg.Record) -> Head:
    branch_id, day, seq, is_open, wakes_at = record
    return Head(branch_id, day.isoformat(), seq, is_open, wakes_at)
