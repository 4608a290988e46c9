"""Reads all stored facts of a branch, straight from the database: what the service says of itself is not asked."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from queue_server.eventlog.port import Row

_SQL = """
select day, seq, at, name, version, command_id, actor, request, body
  from event where branch_id = $1 order by day, seq
"""


async def stored(dsn: str, branches: Sequence[str]) -> dict[str, Sequence[Row]]:
    """Return the facts of each of *branches*, oldest first."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn)
    try:
        return {branch: [_row(branch, record) for record in await connection.fetch(_SQL, branch)] for branch in branches}
    finally:
        await connection.close()


def _row(branch: str, record: Any) -> Row:
    day, *rest = record
    return Row(branch, day.isoformat(), *rest)
