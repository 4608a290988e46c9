"""What a backup holds, and what becomes of one that fails."""

import os
import stat
from pathlib import Path
from typing import IO

import pytest
from msgspec import json

from queue_server.core.apply import apply
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.postgres import PostgresLog
from queue_server.upkeep import postgres
from queue_server.upkeep.archive import ArchiveError, new_archive, opened_archive
from queue_server.upkeep.backup import back_up
from queue_server.upkeep.marks import state_hash
from queue_server.upkeep.port import TABLES, NotFit
from queue_server.upkeep.restore import folded
from tests.scenario import fingerprint
from tests.upkeep.copies import brought_back, execute, files_in, taken, verify_alone_of
from tests.upkeep.days import BRANCHES


async def test_the_archive_is_for_its_owner_alone_and_replaces_an_older_one(hall_url: str, tmp_path: Path) -> None:
    path = tmp_path / "hall.backup"
    path.write_text("an older one")
    await taken(hall_url, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files_in(tmp_path) == ["hall.backup"]
    assert verify_alone_of(path) == len(BRANCHES)


async def test_a_backup_sees_one_moment_while_others_write(hall_url: str, tmp_path: Path) -> None:
    async with postgres.snapshot(hall_url) as snapshot:
        heads = await snapshot.heads()
        await execute(hall_url, "delete from note", "delete from event where branch_id = 'a'", "delete from branch_head")
        manifest = await back_up(snapshot, tmp_path / "hall.backup")
    assert [(mark.branch_id, mark.seq) for mark in manifest.branches] == [(head.branch_id, head.seq) for head in heads]
    assert all(mark.fault is None for mark in manifest.branches)
    assert verify_alone_of(tmp_path / "hall.backup") == len(heads)


async def test_what_breaks_off_leaves_what_was_there(hall_url: str, tmp_path: Path) -> None:
    path, _ = await taken(hall_url, tmp_path / "hall.backup")
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="broken off"):
        await half_written(path)
    assert path.read_bytes() == before
    assert files_in(tmp_path) == ["hall.backup"]


@pytest.mark.parametrize(("name", "reason"), [("", "is a folder; name a file"), ("nowhere/hall.backup", "No such file")])
async def test_a_place_that_cannot_be_written_is_a_sentence(hall_url: str, tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ArchiveError, match=reason):
        await taken(hall_url, tmp_path / name)


async def half_written(path: Path, file: IO[bytes] | None = None) -> None:
    """Begin an archive, in *file* where one is given, and fail in the middle."""
    with new_archive(path) as archive:
        archive._zip.fp = file or archive._zip.fp
        with archive.open("tables/event") as writer:
            await writer.write(os.urandom(1_000_000))
            raise RuntimeError("broken off")


async def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "hall.backup"
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(ArchiveError, match="No space left on device"):
        await half_written(path, full)
    assert not files_in(tmp_path)


async def test_a_branch_that_cannot_be_read_is_backed_up_and_named(hall_url: str, empty_database_url: str, tmp_path: Path) -> None:
    await execute(hall_url, "update event set body = '{}' where branch_id = 'b' and name = 'DayOpened'")
    await execute(hall_url, "delete from event where branch_id = 'Z-9' and seq = 3")
    path, manifest = await taken(hall_url, tmp_path / "hall.backup")
    faults = {mark.branch_id: mark.fault for mark in manifest.branches}
    assert faults["a"] is None
    assert "DayOpened" in (faults["b"] or "")
    assert "fact 3 of" in (faults["Z-9"] or "")
    assert (await brought_back(empty_database_url, path)).verified == 3


async def test_a_state_is_told_apart_by_its_hash_and_alike_however_it_came_about(hall_url: str, archive: Path) -> None:
    log = await PostgresLog.connect(hall_url, require_durability=False)
    with opened_archive(archive) as opened:
        marks = {mark.branch_id: mark for mark in folded(opened)}
    head = await log.head("a")
    assert head is not None
    rows = await log.read_after("a", head.day, 0, 10_000)
    state, hashes = BranchState("a"), set()
    for row in rows:
        apply(state, to_event(row))
        hashes.add(state_hash(state))
    assert len(hashes) == len(rows), "every fact leads to another state"
    assert marks["a"].state == state_hash(state)
    print_before = fingerprint(state)
    state.forget_reach()
    state.is_due_known = False
    assert fingerprint(state) == print_before
    assert state_hash(state) == marks["a"].state, "what is only kept does not count"
    await log.close()


async def test_a_database_without_the_present_schema_is_not_backed_up(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFit, match="nothing to back up"):
        await taken(empty_database_url, tmp_path / "x")
    await execute(empty_database_url, "create table schema_migration (version int, name text, checksum text)")
    await execute(empty_database_url, "insert into schema_migration values (1, 'event_log', 'another')")
    with pytest.raises(NotFit, match="has 1 migrations, this version"):
        await taken(empty_database_url, tmp_path / "x")
    assert not files_in(tmp_path)


async def test_every_table_of_the_schema_is_backed_up(database_url: str) -> None:
    """A migration that adds a table has to name it in `upkeep/port.py`, or it would be missing after a restore."""
    found = await execute(
        database_url,
        "select array_agg(relname::text order by relname) from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'S', 'm') and not relispartition",
    )
    assert set(found) == {"event", "schema_migration", *TABLES}


async def test_the_manifest_is_plain_json_that_says_what_is_where(archive: Path) -> None:
    with opened_archive(archive) as opened:
        plain = json.decode(opened._zip.read("manifest.json"))
    assert plain["kind"] == "queue-server backup"
    rows = {part["table"]: part["rows"] for part in plain["parts"]}
    assert rows["branch_head"] == 3
    assert rows["event_2026_01"] > 50
    assert {step["name"] for step in plain["schema"]} >= {"event_log", "note"}
