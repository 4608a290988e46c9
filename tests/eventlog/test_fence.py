"""What only real sessions on a real PostgreSQL can show: races, stuck sessions, unknown outcomes, and what the fence is for."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import msgspec
import pytest

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Claim, EventLog, LogUnavailable, Row
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_append import CAREFUL, EVERYDAY
from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.eventlog.postgres_writer import WRITER_SETTINGS, Writer
from tests.eventlog.claims import MONDAY, claim, row

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
BRANCHES = [f"branch-{n}" for n in range(8)]


@pytest.fixture
async def rival(database_url: str) -> AsyncIterator[PostgresLog]:
    """Another node on the same database."""
    log = await PostgresLog.connect(database_url, require_durability=False)
    yield log
    await log.close()


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[Connection]:
    """A session of somebody else on the same database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def signed(branch_id: BranchId, after: int, count: int, node: str) -> Claim:
    """Claim facts that say which node decided them, and the first of how many."""
    made = claim(branch_id, after, count)
    rows = [row(branch_id, MONDAY, r.seq, f"{node}:{after}:{count}") for r in made.rows]
    return Claim(made.expected, made.head, rows)


async def stream(log: EventLog, branch_id: BranchId) -> list[Row]:
    return await log.read_after(branch_id, MONDAY, 0, 10_000)


def assert_whole(rows: list[Row]) -> None:
    """No gap, and every command's facts are all there, side by side."""
    assert [r.seq for r in rows] == list(range(1, len(rows) + 1))
    at = 0
    while at < len(rows):
        _, after, count = rows[at].command_id.split(":")
        assert int(after) == at
        assert {r.command_id for r in rows[at : at + int(count)]} == {rows[at].command_id}
        at += int(count)


async def test_two_nodes_race_in_opposite_orders(postgres_log: PostgresLog, rival: PostgresLog) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    heads = dict.fromkeys(BRANCHES, 0)
    for _ in range(150):
        sizes = {node: {b: chance.randint(1, 3) for b in BRANCHES} for node in "ab"}
        ours = [signed(b, heads[b], sizes["a"][b], "a") for b in BRANCHES]
        theirs = [signed(b, heads[b], sizes["b"][b], "b") for b in reversed(BRANCHES)]
        first, second = await asyncio.gather(postgres_log.append(ours), rival.append(theirs))
        assert not first.claimed & second.claimed, f"two winners with seed {seed}"
        for node, appended in (("a", first), ("b", second)):
            for branch_id in appended.claimed:
                heads[branch_id] += sizes[node][branch_id]
    for branch_id in BRANCHES:
        rows = await stream(postgres_log, branch_id)
        assert len(rows) == heads[branch_id] > 0, f"seed {seed}"
        assert_whole(rows)


async def test_two_nodes_race_to_make_the_same_branches(postgres_log: PostgresLog, rival: PostgresLog) -> None:
    names = [f"new-{n}" for n in range(60)]
    for start in range(0, 60, 6):
        batch = names[start : start + 6]
        first, second = await asyncio.gather(
            postgres_log.append([signed(b, 0, 2, "a") for b in batch]),
            rival.append([signed(b, 0, 3, "b") for b in reversed(batch)]),
        )
        assert not first.claimed & second.claimed
        assert first.claimed | second.claimed == set(batch)
    for name in names:
        assert_whole(await stream(rival, name))
    assert len(await rival.heads()) == 60


async def test_a_stuck_session_costs_only_its_own_branch(postgres_log: PostgresLog, session: Connection) -> None:
    await postgres_log.append([claim(b, 0) for b in BRANCHES])
    async with session.transaction():
        await session.execute("select from branch_head where branch_id = $1 for update", BRANCHES[3])
        appended = await postgres_log.append([claim(b, 1) for b in BRANCHES])
        assert appended.claimed == set(BRANCHES) - {BRANCHES[3]}
    assert (await postgres_log.append([claim(BRANCHES[3], 1)])).claimed == {BRANCHES[3]}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[bytes]]]:
    """The appends that were run, with their arguments."""
    ran: list[tuple[str, list[bytes]]] = []
    append = Writer.append

    async def noted(self: Writer, name: str, arguments: list[bytes], expected: str | None) -> asyncpg.Record:
        ran.append((name, arguments))
        return await append(self, name, arguments, expected)

    monkeypatch.setattr(Writer, "append", noted)
    return ran


async def test_a_stuck_session_is_waited_for_once(
    postgres_log: PostgresLog, session: Connection, ran: list[tuple[str, list[bytes]]]
) -> None:
    """A branch whose head was held goes the careful way until it is claimed; whoever shares its batch does not wait again."""
    await postgres_log.append([claim(b, 0) for b in BRANCHES])
    async with session.transaction():
        await session.execute("select from branch_head where branch_id = $1 for update", BRANCHES[3])
        for after in (1, 2, 3):
            await postgres_log.append([claim(b, 1 if b == BRANCHES[3] else after) for b in BRANCHES])
    await postgres_log.append([claim(BRANCHES[3], 1)])
    await postgres_log.append([claim(BRANCHES[3], 2)])
    assert [name for name, _ in ran] == [CAREFUL, EVERYDAY, CAREFUL, CAREFUL, CAREFUL, CAREFUL, EVERYDAY]


async def test_who_was_only_slower_goes_the_everyday_way_again(
    postgres_log: PostgresLog, rival: PostgresLog, ran: list[tuple[str, list[bytes]]]
) -> None:
    await rival.append([claim("main", 0)])
    await rival.append([claim("main", 1)])
    assert (await postgres_log.append([claim("main", 1)])).claimed == frozenset()
    assert (await postgres_log.append([claim("main", 2)])).claimed == {"main"}
    assert [name for name, _ in ran] == [CAREFUL, EVERYDAY, EVERYDAY, EVERYDAY]


async def test_all_nodes_take_heads_in_one_order(postgres_log: PostgresLog, ran: list[tuple[str, list[bytes]]]) -> None:
    """So that two of them cannot wait for each other."""
    for after in (0, 1):
        await postgres_log.append([claim(b, after) for b in reversed(BRANCHES)])
    for _, arguments in ran:
        assert [each["branch_id"] for each in msgspec.json.decode(arguments[0])] == BRANCHES


async def test_a_lock_is_given_up_before_the_database_looks_for_a_deadlock(session: Connection) -> None:
    """What two might wait for in a circle nevertheless is rolled back as what it is to both: a lock that took too long."""
    await session.execute("select set_config('lock_timeout', $1, false)", WRITER_SETTINGS["lock_timeout"])
    setting = "select setting::int from pg_settings where name = $1"
    assert 0 < await session.fetchval(setting, "lock_timeout") < await session.fetchval(setting, "deadlock_timeout")


async def test_an_idle_writer_stands_in_nobodys_way(postgres_log: PostgresLog, session: Connection) -> None:
    """Preparing a statement opens a transaction, with its locks, that the next query must end."""
    held = "select count(*) from pg_locks where pid = $1 and relation is not null"
    assert await session.fetchval(held, postgres_log.writer_pid) == 0
    state = await session.fetchval("select state from pg_stat_activity where pid = $1", postgres_log.writer_pid)
    assert state == "idle"


async def test_a_session_stuck_in_making_a_branch_costs_only_that_branch(postgres_log: PostgresLog, session: Connection) -> None:
    async with session.transaction():
        move = b'[{"branch_id":"new","day":"2026-11-23","seq":1,"is_open":true}]'
        await session.execute("select set_config('application_name', 'stuck', false)")
        assert await session.fetchval(QUERIES[CAREFUL], move, b"[]", b"[]") == ["new"]
        assert (await postgres_log.append([claim("new", 0), claim("other", 0)])).claimed == {"other"}


async def test_without_skip_locked_a_stuck_session_stops_the_node(
    postgres_log: PostgresLog, database_url: str, session: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres_log.append([claim(b, 0) for b in BRANCHES])
    monkeypatch.setitem(QUERIES, CAREFUL, QUERIES[CAREFUL].replace("skip locked", ""))
    ablated = await PostgresLog.connect(database_url, require_durability=False)
    async with session.transaction():
        await session.execute("select from branch_head where branch_id = $1 for update", BRANCHES[3])
        with pytest.raises(LogUnavailable, match="lock timeout"):
            await ablated.append([claim(b, 1) for b in BRANCHES])
    assert [head.seq for head in await postgres_log.heads()] == [1] * len(BRANCHES)
    await ablated.close()


async def append_when_back(log: PostgresLog, claims: list[Claim], tries: int) -> frozenset[BranchId]:
    """Append again after a lost connection, as the owner of the claims does."""
    for _ in range(tries - 1):
        try:
            return (await log.append(claims)).claimed
        except LogUnavailable:
            continue
    return (await log.append(claims)).claimed


async def test_without_the_fence_a_loser_builds_on_facts_it_never_saw(postgres_log: PostgresLog, session: Connection) -> None:
    """What the head is for: the primary key alone keeps one row a seq, but not one decision a stretch."""
    await postgres_log.append([signed("main", 0, 3, "a")])
    winner, loser = signed("main", 3, 1, "a"), signed("main", 3, 3, "b")
    await postgres_log.append([winner])

    for lost in loser.rows:
        await session.execute(
            "insert into event values ($1, $2::text::date, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
            *(getattr(lost, field) for field in Row.__struct_fields__),
        )
    torn = await stream(postgres_log, "main")
    assert [r.seq for r in torn] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(AssertionError):
        assert_whole(torn)

    await session.execute("delete from event where seq > 4")
    assert (await postgres_log.append([loser])).claimed == frozenset()
    assert_whole(await stream(postgres_log, "main"))


async def test_the_primary_key_stands_behind_the_fence(postgres_log: PostgresLog, session: Connection) -> None:
    await postgres_log.append([claim("main", 0), claim("other", 0)])
    await session.execute("update branch_head set seq = 9 where branch_id = 'main'")
    await postgres_log.append([claim("main", 9)])
    await session.execute("update branch_head set seq = 9 where branch_id = 'main'")
    with pytest.raises(asyncpg.UniqueViolationError):
        await postgres_log.append([claim("main", 9), claim("other", 1)])
    assert (await postgres_log.append([claim("other", 1)])).claimed == {"other"}


async def test_an_append_whose_session_is_killed_has_one_effect(postgres_log: PostgresLog, session: Connection) -> None:
    await postgres_log.append([claim("main", 0)])
    async with session.transaction():
        await session.execute("lock table event in access exclusive mode")
        pending = asyncio.create_task(postgres_log.append([signed("main", 1, 2, "a")]))
        await waits_for_a_lock(session, postgres_log.writer_pid)
        await session.execute("select pg_terminate_backend($1)", postgres_log.writer_pid)
        with pytest.raises(LogUnavailable):
            await pending
    assert (await postgres_log.append([signed("main", 1, 2, "a")])).claimed == {"main"}
    assert [r.seq for r in await stream(postgres_log, "main")] == [1, 2, 3]


async def waits_for_a_lock(session: Connection, pid: int | None) -> None:
    async with asyncio.timeout(10):
        while not await session.fetchval("select exists (select from pg_locks where pid = $1 and not granted)", pid):
            await asyncio.sleep(0)


async def test_an_append_that_was_never_answered_has_one_effect(database_url: str, session: Connection) -> None:
    """The backend is frozen before it runs the statement, and thawed after the owner has appended the same again."""
    log = await PostgresLog.connect(database_url, command_timeout_seconds=0.5, require_durability=False)
    await log.append([claim("main", 0)])
    frozen = log.writer_pid
    assert frozen is not None
    os.kill(frozen, signal.SIGSTOP)
    try:
        with pytest.raises(LogUnavailable):
            await log.append([signed("main", 1, 2, "a")])
        claimed = await append_when_back(log, [signed("main", 1, 2, "a")], tries=5)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert claimed == {"main"}
    async with asyncio.timeout(10):
        while await session.fetchval("select exists (select from pg_stat_activity where pid = $1)", frozen):
            await asyncio.sleep(0)
    assert [r.seq for r in await stream(log, "main")] == [1, 2, 3]
    await log.close()


async def test_a_cancelled_append_leaves_no_connection_in_doubt(postgres_log: PostgresLog, session: Connection) -> None:
    await postgres_log.append([claim("main", 0)])
    async with session.transaction():
        await session.execute("lock table event in access exclusive mode")
        pending = asyncio.create_task(postgres_log.append([claim("main", 1)]))
        await waits_for_a_lock(session, postgres_log.writer_pid)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
    await postgres_log.append([claim("main", 1)])
    assert [r.seq for r in await stream(postgres_log, "main")] == [1, 2]
