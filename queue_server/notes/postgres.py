"""
Notes in PostgreSQL, in the table `note`.

What a fault says of itself may quote the values of the statement, here the text that must reach no log. So no fault gets out of this
module, nor into a traceback: only its kind is told.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import asyncpg
import structlog

from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.postgres_hosts import connect_primary
from queue_server.notes.port import NotesUnavailable

_log = structlog.get_logger(__name__)

_KEEP = "insert into note (branch_id, note_id, day, text) values ($1, $2, $3, $4)"
_FIND = "select text from note where branch_id = $1 and note_id = $2"
_REMOVE = "delete from note where branch_id = $1 and note_id = $2 returning true"
_FORGET = """
delete from note where (branch_id, note_id) in (
    select note.branch_id, note.note_id
      from note join unnest($1::text[], $2::date[]) as since (branch_id, day) on note.branch_id = since.branch_id
     where note.day < since.day
     limit $3
) returning true"""


class PostgresNotes:
    """One connection, made when it is first needed and again when it was lost: announcements are few."""

    def __init__(self, dsn: str, *, timeout_seconds: float = 5.0) -> None:
        self._dsn = dsn
        self._timeout = timeout_seconds
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()

    async def keep(self, branch_id: BranchId, note_id: str, day: Day, text: str) -> None:
        """Keep *text* under a new *note_id*; durable when this returns."""
        await self._fetch(_KEEP, branch_id, note_id, date.fromisoformat(day), text)

    async def find(self, branch_id: BranchId, note_id: str) -> str | None:
        """Return the text; None when there is none, or none any more."""
        rows = await self._fetch(_FIND, branch_id, note_id)
        return rows[0]["text"] if rows else None

    async def remove(self, branch_id: BranchId, note_id: str) -> bool:
        """Delete the text; False when there was none."""
        return bool(await self._fetch(_REMOVE, branch_id, note_id))

    async def forget(self, since: Mapping[BranchId, Day], limit: int) -> int:
        """Delete of each branch the texts of days before *since* says, at most *limit* in all; return how many they were."""
        days = [date.fromisoformat(day) for day in since.values()]
        return len(await self._fetch(_FORGET, list(since), days, limit))

    async def close(self) -> None:
        """Give the connection back; idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
                await connection.close(timeout=self._timeout)

    async def _fetch(self, query: str, *values: Any) -> Sequence[asyncpg.Record]:
        try:
            # Waiting for one's turn counts too: nobody waits longer than the time-out.
            async with asyncio.timeout(self._timeout), self._turn:
                return await self._ask(query, values)
        except Exception as fault:  # noqa: BLE001 - whatever it is may quote the text
            kind = type(fault).__name__
        # Here the fault is over, so that it is not the context of what is raised.
        _log.warning("notes do not answer", reason=kind)
        raise NotesUnavailable(kind)

    async def _ask(self, query: str, values: Sequence[Any]) -> Sequence[asyncpg.Record]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect_primary(self._dsn)
            return await self._connection.fetch(query, *values)
        except BaseException:
            # Also when the time is up: what is left of the answer must not be taken for that of the next question.
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
