"""What was backed up comes back as it was, under another name; or nothing does."""

from collections.abc import Iterable
from pathlib import Path

import asyncpg
import pytest
from msgspec import structs

from queue_server.eventlog.migrate import find_migrations, migrations_folder
from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from queue_server.upkeep import postgres
from queue_server.upkeep.archive import ArchiveError, opened_archive
from queue_server.upkeep.manifest import Part
from queue_server.upkeep.port import NotFit
from queue_server.upkeep.restore import restore
from tests.upkeep.copies import brought_back, execute, rewritten, taken, verify_alone_of
from tests.upkeep.days import BRANCHES, contents, fill


@pytest.mark.parametrize("seed", [1, 20, 300])
async def test_random_days_come_back_row_by_row(database_url: str, empty_database_url: str, tmp_path: Path, seed: int) -> None:
    await fill(database_url, seed)
    path, manifest = await taken(database_url, tmp_path / "hall.backup")
    assert [mark.branch_id for mark in manifest.branches] == sorted(BRANCHES)
    assert len({mark.day for mark in manifest.branches}) == 2
    assert all(mark.state for mark in manifest.branches)
    assert verify_alone_of(path) == len(BRANCHES)
    restored = await brought_back(empty_database_url, path)
    before, after = await contents(database_url), await contents(empty_database_url)
    identities = before.pop("log_identity"), after.pop("log_identity")
    assert after == before
    assert all(before.values()), "a table that is empty proves nothing"
    assert identities[0][0][2] == identities[1][0][2], "the secret is kept"
    assert identities[0][0][1] != identities[1][0][1], "the history is another one"
    assert restored.epoch != manifest.epoch
    assert restored.verified == len(BRANCHES)
    again, manifest_of_copy = await taken(empty_database_url, tmp_path / "again.backup")
    assert manifest_of_copy.branches == manifest.branches
    assert await brought_back(database_url, again, replace=True)


async def test_a_database_that_holds_something_is_refused_and_left_alone(hall_url: str, archive: Path) -> None:
    before = await contents(hall_url)
    with pytest.raises(NotFit, match=r"not empty: it holds event \(rows: \d+\), branch_head \(rows: 3\), access_token \(rows: 2\)"):
        await brought_back(hall_url, archive)
    assert await contents(hall_url) == before


async def test_a_migrated_database_without_anything_in_it_is_empty(database_url: str, archive: Path, hall_url: str) -> None:
    await execute(hall_url, "truncate event, branch_head, access_token, note")
    assert (await brought_back(hall_url, archive)).verified == 3


async def test_a_database_that_nodes_are_connected_to_is_refused(empty_database_url: str, archive: Path, hall_url: str) -> None:
    log = await PostgresLog.connect(hall_url, require_durability=False)
    with pytest.raises(NotFit, match=r"Nodes of queue-server are connected .*: queue-server (reader|writer) \(1\)"):
        await brought_back(hall_url, archive, replace=True)
    await log.close()


async def test_a_database_in_use_is_refused_in_time(archive: Path, hall_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "50ms")
    other = await asyncpg.connect(hall_url)
    async with other.transaction():
        await other.execute("select from note")
        with pytest.raises(NotFit, match="Somebody else is using"):
            await brought_back(hall_url, archive, replace=True)
    await other.close()
    assert (await contents(hall_url))["note"]


async def test_a_database_of_a_newer_version_is_refused(archive: Path, hall_url: str) -> None:
    await execute(hall_url, "insert into schema_migration values (9999, 'later', 'x')")
    with pytest.raises(NotFit, match="newer version"):
        await brought_back(hall_url, archive, replace=True)


class BrokenOffError(Exception):
    """What ends a restore in the middle."""


@pytest.mark.parametrize("table", ["log_identity", "branch_head", "event_2026_01"])
async def test_an_interrupted_restore_leaves_nothing(empty_database_url: str, archive: Path, table: str) -> None:
    class Breaks(postgres.PostgresTarget):
        async def load(self, part: Part, chunks: Iterable[bytes]) -> int:
            rows = await super().load(part, chunks)
            if part.table == table:
                raise BrokenOffError
            return rows

    with opened_archive(archive) as opened, pytest.raises(BrokenOffError):
        async with postgres.target(empty_database_url) as target:
            await restore(opened, Breaks(target._connection), replace=False, verify=False)
    assert await execute(empty_database_url, "select count(*) from pg_class where relnamespace = 'public'::regnamespace") == 0
    assert (await brought_back(empty_database_url, archive)).verified == 3


async def brought_back_without_its_session(url: str, path: Path) -> None:
    with opened_archive(path) as archive:
        async with postgres.target(url) as target:
            await target.build(1)
            await execute(
                url, "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'queue-server restore'"
            )
            await restore(archive, target, replace=False, verify=False)


async def test_a_restore_whose_session_is_ended_leaves_nothing(empty_database_url: str, archive: Path) -> None:
    with pytest.raises(LogUnavailable):
        await brought_back_without_its_session(empty_database_url, archive)
    assert await execute(empty_database_url, "select to_regclass('branch_head')") is None


async def test_another_state_than_the_manifest_says_is_not_taken(empty_database_url: str, archive: Path, tmp_path: Path) -> None:
    with opened_archive(archive) as opened:
        manifest = opened.manifest
        first = structs.replace(manifest.branches[0], state="0" * 64)
        forged = rewritten(archive, tmp_path / "forged", structs.replace(manifest, branches=(first, *manifest.branches[1:])))
    with pytest.raises(ArchiveError, match=r"1 branches are not what they were; the first: .* has another state"):
        await brought_back(empty_database_url, forged)
    with pytest.raises(ArchiveError, match="has another state"):
        verify_alone_of(forged)
    assert await execute(empty_database_url, "select to_regclass('branch_head')") is None
    assert await brought_back(empty_database_url, forged, verify=False), "only --verify looks"


async def test_hashes_of_another_version_are_not_compared_but_the_facts_are(
    empty_database_url: str, archive: Path, tmp_path: Path
) -> None:
    with opened_archive(archive) as opened:
        strange = tuple(structs.replace(mark, state="another form") for mark in opened.manifest.branches)
        older = structs.replace(opened.manifest, version="0.0.1", branches=strange)
    assert (await brought_back(empty_database_url, rewritten(archive, tmp_path / "older", older))).verified == 3


async def test_an_archive_of_an_older_schema_is_migrated_on(empty_database_url: str, archive: Path, tmp_path: Path) -> None:
    """The notes came with the second migration: an archive from before has none."""
    with opened_archive(archive) as opened:
        parts = tuple(part for part in opened.manifest.parts if part.table != "note")
        older = structs.replace(opened.manifest, schema=opened.manifest.schema[:1], parts=parts)
    restored = await brought_back(empty_database_url, rewritten(archive, tmp_path / "older", older))
    assert restored.migrations == tuple(step.name for step in find_migrations(migrations_folder())[1:])
    assert (await contents(empty_database_url))["note"] == []


async def test_a_table_that_is_not_known_is_refused(empty_database_url: str, archive: Path, tmp_path: Path) -> None:
    with opened_archive(archive) as opened:
        strange = tuple(
            structs.replace(part, table="pg_authid" if part.table == "note" else part.table) for part in opened.manifest.parts
        )
        forged = rewritten(archive, tmp_path / "forged", structs.replace(opened.manifest, parts=strange))
    with pytest.raises(NotFit, match="a table pg_authid that this version"):
        await brought_back(empty_database_url, forged)
