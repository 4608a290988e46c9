"""
A snapshot of the whole database, and the way back into an empty one.

Both are one transaction. The snapshot is REPEATABLE READ: it sees one moment, blocks nobody and is blocked by nobody. The way back
makes the schema too, so that whatever interrupts it leaves the database as it was.
"""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from typing import Any, TypeAlias

import asyncpg

from queue_server.eventlog.migrate import LOCK, apply_missing, find_migrations, migrations_folder
from queue_server.eventlog.port import Head, Row
from queue_server.eventlog.postgres_faults import is_unavailable, unavailable_when_away
from queue_server.eventlog.postgres_hosts import connect_primary
from queue_server.eventlog.postgres_partitions import make_partitions
from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.eventlog.postgres_writer import read_history
from queue_server.upkeep.manifest import Part, SchemaStep
from queue_server.upkeep.port import TABLES, NotFit, Origin, Source
from queue_server.upkeep.postgres_vitals import read_schema, read_vitals
from queue_server.upkeep.vitals import Vitals

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CONNECT_SECONDS = 10.0
_PAGE = 1000
_PARTITION = re.compile(r"event_\d{4}_\d{2}")
_LEDGER = "schema_migration"
_COUNTED = 1_000_000
_SESSION = {"tcp_user_timeout": "10s", "jit": "off", "statement_timeout": "0", "lock_timeout": "5s"}

_SOURCE = """
select array(select attname::text from pg_attribute
              where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum),
       array(select a.attname::text
               from pg_index i
              cross join unnest(i.indkey) with ordinality as key (attnum, place)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
              where i.indrelid = $1::text::regclass and i.indisprimary order by key.place)"""
_OTHERS = """
select application_name, count(*) as sessions from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid()
   and application_name ~ '^queue-server (writer|reader|bus)' group by 1 order by 1"""


class PostgresFacts:
    """Reads branches within the transaction of *connection*."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def heads(self) -> list[Head]:
        """Return all heads, ordered by branch."""
        records = await self._connection.fetch(QUERIES["heads"])
        return [Head(record[0], record[1].isoformat(), *record[2:]) for record in records]

    async def facts(self, head: Head) -> AsyncIterator[Row]:
        """Yield the facts of the head's day, in order."""
        seq = 0
        while True:
            day = date.fromisoformat(head.day)
            page = await self._connection.fetch(QUERIES["read_after"], head.branch_id, day, seq, _PAGE)
            for record in page:
                yield Row(head.branch_id, head.day, *record)
            if len(page) < _PAGE:
                return
            seq = page[-1]["seq"]


class PostgresSnapshot(PostgresFacts):
    """Everything as it stood at one moment; made by `snapshot`."""

    async def origin(self) -> Origin:
        """Return where this comes from; raises NotFit when the schema is not that of this version."""
        schema = await self._schema()
        epoch, _ = await read_history(self._connection)
        made_at, engine = await self._connection.fetchrow(  # type: ignore[misc]
            "select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), current_setting('server_version')"
        )
        return Origin(made_at, engine, epoch, schema)

    async def sources(self) -> list[Source]:
        """Return all that is to be copied: the small tables, then the facts by month."""
        partitions = sorted(record["relname"] for record in await self._connection.fetch(QUERIES["partitions"]))
        return [await self._source(table) for table in (*TABLES, *partitions)]

    async def copy(self, source: Source, write: Callable[[bytes], Coroutine[Any, Any, None]]) -> int:
        """Hand the text of *source* to *write* piece by piece, and return how many rows it was."""
        # The names are those of our own schema, which need no quotes.
        query = f"select {', '.join(source.columns)} from {source.table} order by {', '.join(source.order)}"  # noqa: S608
        return _count(await self._connection.copy_from_query(query, output=write, format="text"))

    async def log_id(self) -> str:
        """Return the identifier of the log, which its nodes have in common."""
        log_id: str = await self._connection.fetchval(QUERIES["log_id"])
        return log_id

    async def vitals(self) -> Vitals:
        """Return what the database says of itself."""
        return await read_vitals(self._connection)

    async def _schema(self) -> tuple[SchemaStep, ...]:
        found, known = await read_schema(self._connection), known_schema()
        if not found:
            raise NotFit("There is nothing to back up: the database has no schema of queue-server yet.")
        if found != known:
            raise NotFit(
                f"The database's schema has {len(found)} migrations, this version of queue-server has {len(known)}:"
                " back it up with the version that runs on it, or run `queue-server migrate` first."
            )
        return found

    async def _source(self, table: str) -> Source:
        columns, order = await self._connection.fetchrow(_SOURCE, table)  # type: ignore[misc]
        return Source(table, tuple(columns), tuple(order))


class PostgresTarget(PostgresFacts):
    """A database that is being filled; made by `target`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._migrations = find_migrations(migrations_folder())

    async def holds(self) -> dict[str, int]:
        """Return how many rows each of our tables holds, those without any left out; counting ends at a million."""
        held = {}
        for table in ("event", *TABLES):
            # A database always has an identity.
            if table != "log_identity" and await self._exists(table):
                counted = f"select count(*) from (select from {table} limit {_COUNTED}) as rows"  # noqa: S608
                held[table] = await self._connection.fetchval(counted)
        return {table: rows for table, rows in held.items() if rows}

    async def build(self, steps: int) -> None:
        """Put an empty schema in place of what is there, as it was after the first *steps* migrations; its identity is a new one."""
        if await self._exists(_LEDGER) and await self._newest() > len(self._migrations):
            raise NotFit("The database was made by a newer version of queue-server: restore with that one.")
        await self._connection.execute(f"drop table if exists {', '.join(('event', *TABLES, _LEDGER))} cascade")
        await apply_missing(self._connection, self._migrations[:steps])

    async def load(self, part: Part, chunks: Iterable[bytes]) -> int:
        """Load the text of *part* and return how many rows it was; of the identity only the secret counts."""
        if part.table == "log_identity":
            return await self._load_secret(part, chunks)
        if _PARTITION.fullmatch(part.table):
            await make_partitions(self._connection, [part.table.removeprefix("event_").replace("_", "-")])
        elif part.table not in TABLES or not await self._exists(part.table):
            raise NotFit(f"The archive holds a table {part.table} that this version of queue-server does not know.")
        return await self._copy(part.table, part, chunks)

    async def finish(self) -> Sequence[str]:
        """Bring the schema to that of this version; return the names of the migrations applied."""
        applied = await apply_missing(self._connection, self._migrations)
        await self._connection.execute("analyze event, branch_head")
        return applied

    async def epoch(self) -> str:
        """Return the name of the history that begins here."""
        return (await read_history(self._connection))[0]

    async def _load_secret(self, part: Part, chunks: Iterable[bytes]) -> int:
        # Keys are known by hashes under the secret, so it stays; the log_id that the schema came with names the new history.
        await self._connection.execute("create temporary table restored_identity (like log_identity) on commit drop")
        rows = await self._copy("restored_identity", part, chunks)
        await self._connection.execute("update log_identity set secret = restored_identity.secret from restored_identity")
        return rows

    async def _copy(self, table: str, part: Part, chunks: Iterable[bytes]) -> int:
        return _count(
            await self._connection.copy_to_table(table, source=_awaited(chunks), columns=list(part.columns), format="text")
        )

    async def _exists(self, table: str) -> bool:
        return await self._connection.fetchval("select to_regclass($1)", table) is not None

    async def _newest(self) -> int:
        newest: int | None = await self._connection.fetchval("select max(version) from schema_migration")
        return newest or 0


def known_schema() -> tuple[SchemaStep, ...]:
    """Return the migrations of this version."""
    return tuple(SchemaStep(step.version, step.name, step.checksum) for step in find_migrations(migrations_folder()))


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[PostgresSnapshot]:
    """
    Look at the database at *dsn* as it stands now, for as long as wanted.

    Raises:
        LogUnavailable: it does not answer.
    """
    with unavailable_when_away():
        connection = await _connected(dsn, "queue-server backup")
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield PostgresSnapshot(connection)
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)


@asynccontextmanager
async def target(dsn: str) -> AsyncIterator[PostgresTarget]:
    """
    Fill the database at *dsn*, which nobody may be using: all of it when this is left, or nothing.

    Raises:
        NotFit: nodes of queue-server are connected to it, or what is in it cannot be replaced.
        LogUnavailable: it does not answer.
    """
    with unavailable_when_away(), _refusals():
        connection = await _connected(dsn, "queue-server restore")
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
                await _refuse_company(connection)
                yield PostgresTarget(connection)
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)


async def _connected(dsn: str, name: str) -> Connection:
    return await connect_primary(dsn, timeout=_CONNECT_SECONDS, server_settings={**_SESSION, "application_name": name})


async def _refuse_company(connection: Connection) -> None:
    others = await connection.fetch(_OTHERS)
    if others:
        named = ", ".join(f"{record['application_name']} ({record['sessions']})" for record in others)
        raise NotFit(f"Nodes of queue-server are connected to this database: {named}. Stop them first.")


@contextmanager
def _refusals() -> Iterator[None]:
    """What the server refuses of an archive is a sentence; it may quote values, so only its kind and message are told."""
    try:
        yield
    except asyncpg.LockNotAvailableError:
        raise NotFit("Somebody else is using the database; end those sessions first.") from None
    except asyncpg.PostgresError as fault:
        if is_unavailable(fault):
            raise
        raise NotFit(f"The database does not take what is in the archive ({type(fault).__name__}: {fault}).") from None


async def _awaited(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _count(status: str) -> int:
    """Return the number of rows in the server's answer, such as `COPY 12`."""
    return int(status.rpartition(" ")[2])
