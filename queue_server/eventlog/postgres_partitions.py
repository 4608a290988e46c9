"""
The monthly partitions of the event table.

A partition is made on the side and then attached: `create table ... partition of` would wait behind every reader, and every
insert behind it. They are made three months ahead, and on demand when a fact belongs to a month that nobody has foreseen.
"""

from collections.abc import Iterable
from datetime import date
from typing import TypeAlias

import asyncpg
import structlog

from queue_server.eventlog.postgres_queries import QUERIES

_log = structlog.get_logger(__name__)

# An arbitrary number that all versions share.
_LOCK = 7_208_416_002
MONTHS_AHEAD = 3

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


def months_from(day: date, ahead: int = MONTHS_AHEAD) -> list[str]:
    """Return the month of *day* and the next *ahead* ones, as "2026-11"."""
    first = day.year * 12 + day.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(first, first + ahead + 1)]


async def make_partitions(connection: Connection, months: Iterable[str]) -> frozenset[str]:
    """Make the partitions of *months* that are missing; return every month that has one."""
    wanted = frozenset(months)
    present = await _present(connection)
    if wanted <= present:
        return present
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        # Another node may have made them while this one waited for the lock.
        for month in sorted(wanted - await _present(connection)):
            await _make(connection, month)
    return present | wanted


async def _present(connection: Connection) -> frozenset[str]:
    records = await connection.fetch(QUERIES["partitions"])
    return _months(record["relname"] for record in records)


def _months(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.removeprefix("event_").replace("_", "-") for name in names)


async def _make(connection: Connection, month: str) -> None:
    first = date.fromisoformat(f"{month}-01")
    after = date.fromisoformat(f"{months_from(first)[1]}-01")
    name = f"event_{first:%Y_%m}"
    # The names and dates are made of digits only.
    await connection.execute(f"create table {name} (like event including defaults including constraints including indexes)")
    await connection.execute(f"alter table event attach partition {name} for values from ('{first}') to ('{after}')")
    _log.info("partition_made", partition=name)


def months_of(days: Iterable[str]) -> frozenset[str]:
    """Return the months that ISO *days* fall in."""
    return frozenset([day[:7] for day in days])
