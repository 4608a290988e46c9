"""How long notes are kept: for a branch's present business day and the calendar day before it."""

from collections.abc import Sequence
from datetime import date, timedelta

from queue_server.eventlog.port import Head
from queue_server.notes.port import Notes

_AT_ONCE = 1000


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
