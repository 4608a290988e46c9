"""The PostgreSQL log when the server goes away, changes, or is not what it should be; and the plans of its queries."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date
from typing import TypeAlias

import asyncpg
import pytest

from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_faults import is_unavailable
from queue_server.eventlog.postgres_partitions import make_partitions, months_from
from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.eventlog.postgres_writer import WRITER_SETTINGS, DurabilityError
from tests.eventlog.claims import MONDAY, claim

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def end_sessions_of_the_log(session: Connection) -> None:
    await session.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


async def append_again(log: PostgresLog) -> int:
    """Append at the head, once more when the connection was found dead; return the new seq."""
    for _ in range(2):
        try:
            head = await log.head("main")
            seq = head.seq if head else 0
            await log.append([claim("main", seq)])
        except LogUnavailable:
            continue
        return seq + 1
    raise AssertionError("the log did not come back")


async def test_it_comes_back_after_its_sessions_were_ended(postgres_log: PostgresLog, session: Connection) -> None:
    epoch = await postgres_log.epoch()
    assert await append_again(postgres_log) == 1
    former = postgres_log.writer_pid
    await end_sessions_of_the_log(session)
    assert await append_again(postgres_log) == 2
    assert postgres_log.writer_pid != former
    assert await postgres_log.epoch() == epoch


async def test_readers_are_not_trusted_where_the_writer_got_no_answer(
    postgres_log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_arguments: object) -> list[object]:
        raise TimeoutError

    await append_again(postgres_log)
    before = await reader_pid(postgres_log)
    assert await reader_pid(postgres_log) == before
    monkeypatch.setattr(postgres_log._writer, "_fetch", silent)
    with pytest.raises(LogUnavailable):
        await postgres_log.append([claim("main", 1)])
    assert await reader_pid(postgres_log) != before


async def reader_pid(log: PostgresLog) -> int:
    async with log._reader() as connection:
        return int(await connection.fetchval("select pg_backend_pid()"))


async def test_another_history_is_not_written_to_until_its_epoch_was_asked_for(
    postgres_log: PostgresLog, session: Connection
) -> None:
    epoch = await postgres_log.epoch()
    await append_again(postgres_log)
    await session.execute("update log_identity set log_id = gen_random_uuid()")
    await end_sessions_of_the_log(session)
    for _ in range(3):
        with pytest.raises(LogUnavailable):
            await postgres_log.append([claim("main", 1)])
        with pytest.raises(LogUnavailable):
            await postgres_log.head("main")
    assert await postgres_log.epoch() != epoch
    assert await append_again(postgres_log) == 2


async def test_a_server_that_takes_no_writes_is_unavailable(postgres_log: PostgresLog, session: Connection) -> None:
    name = await session.fetchval("select current_database()")
    await session.execute(f"alter database {name} set default_transaction_read_only = on")
    await end_sessions_of_the_log(session)
    for _ in range(2):
        with pytest.raises(LogUnavailable):
            await postgres_log.append([claim("main", 0)])
    await session.execute("set default_transaction_read_only = off")
    await session.execute(f"alter database {name} reset default_transaction_read_only")
    await end_sessions_of_the_log(session)
    assert await append_again(postgres_log) == 1


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(LogUnavailable):
        await PostgresLog.connect("postgresql://queue@/queue?host=/nowhere", command_timeout_seconds=1)


async def test_a_database_without_the_schema_is_no_log(empty_database_url: str) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await PostgresLog.connect(empty_database_url, require_durability=False)


async def test_a_server_that_would_lose_what_it_acknowledged_is_refused(database_url: str) -> None:
    with pytest.raises(DurabilityError, match="fsync and full_page_writes must be on"):
        await PostgresLog.connect(database_url)


async def test_the_identifier_of_the_log_is_another_one_than_its_epoch(postgres_log: PostgresLog, session: Connection) -> None:
    identifier = await postgres_log.log_id()
    assert identifier != await postgres_log.epoch()
    await session.execute("update log_identity set log_id = gen_random_uuid()")
    assert await postgres_log.log_id() != identifier


async def test_the_secret_is_kept_and_is_not_the_epoch(postgres_log: PostgresLog) -> None:
    secret = await postgres_log.secret()
    assert len(secret) == 32
    assert secret == await postgres_log.secret()
    assert secret.hex() not in await postgres_log.epoch()


async def test_facts_can_be_read_as_jsonb(postgres_log: PostgresLog, session: Connection) -> None:
    await postgres_log.append([claim("main", 0, 2)])
    numbers = await session.fetch("select body ->> 'number' as number from event_json order by seq")
    assert [record["number"] for record in numbers] == ["A001", "A002"]


async def test_partitions_are_made_ahead_once_by_whichever_node(database_url: str, session: Connection) -> None:
    logs = await asyncio.gather(*(PostgresLog.connect(database_url, require_durability=False) for _ in range(3)))
    today = await session.fetchval("select current_date")
    names = {record["relname"] for record in await session.fetch(QUERIES["partitions"])}
    assert names == {f"event_{month.replace('-', '_')}" for month in months_from(today)}
    assert len(names) == 4
    for log in logs:
        await log.make_partitions()
        await log.close()


async def test_a_partition_is_made_beside_a_reader_and_a_writer(database_url: str, session: Connection) -> None:
    other = await asyncpg.connect(database_url)
    async with session.transaction():
        await session.execute("select count(*) from event")
        async with asyncio.timeout(5):
            assert "2040-01" in await make_partitions(other, ["2040-01"])
    await other.close()


def test_months_go_over_the_turn_of_the_year() -> None:
    assert months_from(date(2026, 11, 30)) == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert months_from(date(2026, 12, 1), 1) == ["2026-12", "2027-01"]


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InternalClientError(), True),
        (asyncpg.ConnectionDoesNotExistError(), True),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.ReadOnlySQLTransactionError(), True),
        (asyncpg.LockNotAvailableError(), True),
        (asyncpg.exceptions._base.DataError("not a string"), False),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.UntranslatableCharacterError(), False),
        (ValueError(), False),
    ],
)
def test_only_faults_of_connection_and_server_mean_unavailable(error: Exception, away: bool) -> None:
    assert is_unavailable(error) is away


@pytest.fixture
async def busy_session(postgres_log: PostgresLog, session: Connection) -> Connection:
    """Enough heads and facts that the planner has a choice."""
    await session.execute(
        "insert into branch_head select 'branch-' || n, $1::text::date, 1, true, n from generate_series(1, 5000) n", MONDAY
    )
    await session.execute(
        "insert into event select 'branch-' || b, $1::text::date, n, 0, 'x', 1, 'c' || n, 'a', null, '{}'"
        " from generate_series(1, 20) b, generate_series(1, 1000) n",
        MONDAY,
    )
    await session.execute("analyze")
    return session


async def plan(session: Connection, query: str, *arguments: object) -> str:
    await session.execute("set plan_cache_mode = force_generic_plan")
    records = await session.fetch(f"explain (costs off) {QUERIES[query]}", *arguments)
    return "\n".join(record[0] for record in records)


async def test_reading_on_uses_the_primary_key_in_its_order(busy_session: Connection) -> None:
    text = await plan(busy_session, "read_after", "branch-3", date.fromisoformat(MONDAY), 500, 100)
    assert "Index Scan using event_2026_11_pkey" in text
    assert "seq > " in text
    assert "Sort" not in text
    assert "Seq Scan" not in text


async def test_a_head_moves_without_touching_an_index(session: Connection) -> None:
    """An index on what an append changes would have a new entry written to every index of the table."""
    columns = await session.fetch(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = 'branch_head'::regclass"
    )
    assert [name for (name,) in columns] == ["branch_id"]


async def use_settings_of_the_writer(session: Connection) -> None:
    for name, value in WRITER_SETTINGS.items():
        await session.execute("select set_config($1, $2, false)", name, value)


@pytest.mark.parametrize("is_analysed", [False, True])
@pytest.mark.parametrize("heads", [0, 10, 1000, 5000])
async def test_an_append_looks_up_its_heads_one_by_one(
    postgres_log: PostgresLog, session: Connection, heads: int, is_analysed: bool
) -> None:
    """In the order of its document, so that two nodes cannot wait for each other, and however many there are."""
    await session.execute(
        "insert into branch_head select 'branch-' || n, $1::text::date, 1, true, n from generate_series(1, $2::int) n",
        MONDAY,
        heads,
    )
    if is_analysed:
        await session.execute("analyze")
    await use_settings_of_the_writer(session)
    text = await plan(session, "append", b"[]")
    move = text[text.index("Update on branch_head") : text.index("CTE added")]
    lines = [line.strip(" ->") for line in move.splitlines()]
    steps = [line for line in lines if line and not line.startswith(("Filter", "Index Cond", "TID Cond"))]
    assert [re.sub(r"( on \w+) \w+$", r"\1", step) for step in steps] == [
        "Update on branch_head",
        "Nested Loop",
        "CTE Scan on fact",
        "Nested Loop",
        "Subquery Scan on h_1",
        "Index Scan using branch_head_pkey on branch_head",
        "Tid Scan on branch_head",
    ]


async def test_a_careful_append_looks_up_its_heads_one_by_one(busy_session: Connection) -> None:
    await use_settings_of_the_writer(busy_session)
    text = await plan(busy_session, "append_carefully", b"[]", b"[]", b"[]")
    assert text.count("Index Scan using branch_head_pkey") == 2
    assert "Tid Scan on branch_head" in text
    assert "Seq Scan" not in text
