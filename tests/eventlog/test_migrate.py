"""Migrations: applied once, in order, by one node at a time, and never on top of a schema that is not theirs."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from queue_server.eventlog.migrate import SchemaError, find_migrations, migrate, migrations_folder
from queue_server.eventlog.port import LogUnavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("create table first (x int);\ninsert into first values (1);\n")
    (tmp_path / "0002_second.sql").write_text("alter table first add y int;\n")
    return tmp_path


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {r[0] for r in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")}
    finally:
        await connection.close()


async def test_what_is_missing_is_applied_once(empty_database_url: str, folder: Path) -> None:
    assert await migrate(empty_database_url, folder) == ["first", "second"]
    assert await migrate(empty_database_url, folder) == []
    (folder / "0003_third.sql").write_text("create table third (z int);")
    assert await migrate(empty_database_url, folder) == ["third"]


async def test_nodes_that_start_together_apply_each_migration_once(empty_database_url: str, folder: Path) -> None:
    answers = await asyncio.gather(*(migrate(empty_database_url, folder) for _ in range(4)))
    assert sorted(answers) == [[], [], [], ["first", "second"]]


async def test_our_own_migrations_make_the_schema(empty_database_url: str) -> None:
    assert (await migrate(empty_database_url))[0] == "event_log"
    assert {"event", "branch_head", "log_identity", "access_token"} <= await tables(empty_database_url)


async def test_a_database_that_is_not_there_is_unavailable(empty_database_url: str) -> None:
    for url in ("postgresql://queue@/queue?host=/nowhere", empty_database_url.replace("/test_", "/missing_")):
        with pytest.raises(LogUnavailable):
            await migrate(url)


async def test_every_database_gets_an_identity_of_its_own(empty_database_url: str, database_url: str) -> None:
    await migrate(empty_database_url)
    identities = []
    for url in (empty_database_url, database_url):
        connection = await asyncpg.connect(url)
        identities += await connection.fetch("select log_id, secret from log_identity")
        await connection.close()
    assert identities[0]["log_id"] != identities[1]["log_id"]
    assert identities[0]["secret"] != identities[1]["secret"]


async def test_a_newer_database_is_refused(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(SchemaError, match=r"has migration 0002 \(second\), but this version of queue-server knows only 1"):
        await migrate(empty_database_url, folder)


async def test_a_changed_migration_is_refused_before_anything_is_applied(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder)
    (folder / "0001_first.sql").write_text("create table first (x bigint);")
    (folder / "0003_third.sql").write_text("create table third (z int);")
    with pytest.raises(SchemaError, match=r"Migration 0001 \(first\) was applied to the database with other contents"):
        await migrate(empty_database_url, folder)
    assert "third" not in await tables(empty_database_url)


async def test_other_line_ends_are_no_other_contents(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder)
    first = folder / "0001_first.sql"
    first.write_bytes(first.read_bytes().replace(b"\n", b"\r\n"))
    assert await migrate(empty_database_url, folder) == []


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database_url: str, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("create table second (y int); select nonsense;")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(empty_database_url, folder)
    assert await tables(empty_database_url) == {"schema_migration", "first"}
    (folder / "0002_second.sql").write_text("create table second (y int);")
    assert await migrate(empty_database_url, folder) == ["second"]


def test_numbers_without_a_gap(folder: Path) -> None:
    (folder / "0004_fourth.sql").write_text("")
    with pytest.raises(ValueError, match="without a gap"):
        find_migrations(folder)


def test_a_name_without_a_number_is_refused(folder: Path) -> None:
    (folder / "draft.sql").write_text("")
    with pytest.raises(ValueError, match=r"draft\.sql is not named"):
        find_migrations(folder)


def test_our_own_migrations_are_found() -> None:
    assert find_migrations(migrations_folder())[0].name == "event_log"
