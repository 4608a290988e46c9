"""How long notes are kept: for a branch's present business day and the calendar day before it."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import structlog

from queue_server.eventlog.port import EventLog, Head, LogUnavailable
from queue_server.notes.port import Notes, NotesUnavailable

_log = structlog.get_logger(__name__)

_AT_ONCE = 1000
_EVERY_SECONDS = 3600.0


async def keep_forgetting(notes: Notes, log: EventLog) -> None:
    """
    Delete what is old at once, and then every hour, until cancelled.

    Not told by the facts that open a day: this way no day is missed, whichever node rolled it and whoever was away then.
    """
    while True:
        try:
            await forget_old(notes, await log.heads())
        except (LogUnavailable, NotesUnavailable):
            _log.warning("old notes could not be deleted, and will be tried again")
        except Exception:  # noqa: BLE001 - logged, and tried again
            _log.exception("old notes could not be deleted, and will be tried again")
        await asyncio.sleep(_EVERY_SECONDS)


async def forget_old(notes: Notes, heads: Sequence[Head]) -> int:
    """
    Delete the notes of days before the one that precedes each branch's own, a thousand at a time; return how many they were.

    A branch's day is that of its head: one that has not rolled yet keeps its notes, whatever a clock says.
    """
    since = {head.branch_id: _the_day_before(head.day) for head in heads}
    forgotten = 0
    while True:
        count = await notes.forget(since, _AT_ONCE)
        forgotten += count
        if count < _AT_ONCE:
            return forgotten


def _the_day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
