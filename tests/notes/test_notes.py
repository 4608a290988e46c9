"""The store of notes: one contract in memory and on PostgreSQL, and what its faults may tell."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Mapping

import pytest
from structlog.testing import capture_logs

from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.memory import MemoryLog
from queue_server.eventlog.port import Claim, Head, Row
from queue_server.notes import retention
from queue_server.notes.memory import MemoryNotes
from queue_server.notes.port import Notes, NotesUnavailable
from queue_server.notes.postgres import PostgresNotes
from queue_server.notes.retention import forget_old

TEXT = "The lift is out of order; 电梯停用, ask at counter 3 'please'"


@pytest.fixture
async def postgres_notes(database_url: str) -> AsyncIterator[PostgresNotes]:
    kept = PostgresNotes(database_url)
    yield kept
    await kept.close()


@pytest.fixture(params=["memory", "postgres"])
def notes(request: pytest.FixtureRequest) -> Notes:
    if request.param == "memory":
        return MemoryNotes()
    kept: PostgresNotes = request.getfixturevalue("postgres_notes")
    return kept


class Interrupted(MemoryNotes):
    """Is away at first, then fails in a way that nobody foresaw, then works."""

    def __init__(self) -> None:
        super().__init__()
        self._faults: list[Exception] = [NotesUnavailable("OSError"), RuntimeError("unforeseen")]
        self.forgotten = asyncio.Event()

    async def forget(self, since: Mapping[BranchId, Day], limit: int) -> int:
        if self._faults:
            raise self._faults.pop(0)
        count = await super().forget(since, limit)
        self.forgotten.set()
        return count


def head(branch_id: str, day: str) -> Head:
    return Head(branch_id, day, 1, is_open=True, wakes_at=None)


async def test_a_note_is_found_in_its_branch_until_it_is_removed(notes: Notes) -> None:
    await notes.keep("main", "a", "2026-11-23", TEXT)
    await notes.keep("main", "b", "2026-11-23", "other")
    assert await notes.find("main", "a") == TEXT
    assert await notes.find("elsewhere", "a") is None
    assert not await notes.remove("elsewhere", "a")
    assert await notes.remove("main", "a")
    assert not await notes.remove("main", "a")
    assert await notes.find("main", "a") is None
    assert await notes.find("main", "b") == "other"


async def test_those_of_today_and_yesterday_stay(notes: Notes) -> None:
    for branch_id in ("main", "late", "unknown"):
        for day in ("2026-02-27", "2026-02-28", "2026-03-01"):
            await notes.keep(branch_id, day, day, "text")
    assert await forget_old(notes, [head("main", "2026-03-01"), head("late", "2026-02-28")]) == 1
    assert await notes.find("main", "2026-02-27") is None
    assert await notes.find("main", "2026-02-28") == "text"
    assert await notes.find("late", "2026-02-27") == "text"
    assert await notes.find("unknown", "2026-02-27") == "text"
    assert await forget_old(notes, []) == 0


async def test_old_ones_go_a_bounded_number_at_a_time(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    for number in range(5):
        await notes.keep("main", f"n{number}", "2026-01-01", "text")
    assert await notes.forget({"main": "2026-01-02"}, 2) == 2
    assert await forget_old(notes, [head("main", "2026-03-01")]) == 3
    assert await notes.forget({"main": "2026-01-02"}, 2) == 0


@pytest.mark.parametrize("text", ["a\0 canary", "\ud800 canary"])
async def test_a_fault_tells_nothing_of_the_text(postgres_notes: PostgresNotes, text: str) -> None:
    with capture_logs() as logged, pytest.raises(NotesUnavailable) as raised:
        await postgres_notes.keep("main", "a", "2026-11-23", text)
    assert "canary" not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None
    assert [line["event"] for line in logged] == ["notes do not answer"]
    assert "canary" not in repr(logged)
    await postgres_notes.keep("main", "a", "2026-11-23", TEXT)
    assert await postgres_notes.find("main", "a") == TEXT


async def test_a_lost_connection_is_made_anew(postgres_notes: PostgresNotes) -> None:
    await postgres_notes.keep("main", "a", "2026-11-23", TEXT)
    assert postgres_notes._connection is not None
    postgres_notes._connection.terminate()
    assert await postgres_notes.find("main", "a") == TEXT


async def test_nobody_waits_longer_than_the_time_out(database_url: str) -> None:
    notes = PostgresNotes(database_url, timeout_seconds=0.05)
    async with asyncio.timeout(30), notes._turn:
        answers = await asyncio.gather(*(notes.find("main", "a") for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotesUnavailable] * 3


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: object) -> None:
    notes = PostgresNotes(f"postgresql://queue@/queue?host={tmp_path}")
    with pytest.raises(NotesUnavailable):
        await notes.find("main", "a")
    await notes.close()


async def test_what_is_old_goes_at_the_start_and_a_fault_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_EVERY_SECONDS", 0.0)
    notes, log = Interrupted(), MemoryLog()
    opened = Row("main", "2026-03-01", 1, 0, "DayOpened", 1, "open", "system:day", None, b"{}")
    await log.append([Claim(None, head("main", "2026-03-01"), [opened])])
    await notes.keep("main", "old", "2026-02-27", TEXT)
    with capture_logs() as logged:
        task = asyncio.create_task(retention.keep_forgetting(notes, log))
        async with asyncio.timeout(30):
            await notes.forgotten.wait()
        task.cancel()
    assert [line["log_level"] for line in logged] == ["warning", "error"]
    assert await notes.find("main", "old") is None
