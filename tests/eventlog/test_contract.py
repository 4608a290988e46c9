"""What every event log keeps, in memory and on PostgreSQL."""

import asyncio
import time

import pytest

from queue_server.core.ids import Day
from queue_server.eventlog.memory import MemoryLog
from queue_server.eventlog.port import Claim, EventLog, Head, KnownKey, Row
from tests.eventlog.claims import MONDAY, NOON, TUESDAY, claim, row


@pytest.fixture(params=["memory", "postgres"])
def log(request: pytest.FixtureRequest) -> EventLog:
    log: EventLog = MemoryLog() if request.param == "memory" else request.getfixturevalue("postgres_log")
    return log


async def test_a_new_branch_is_claimed_by_making_its_head(log: EventLog) -> None:
    appended = await log.append([claim("main", 0, 2)])
    assert appended.claimed == {"main"}
    assert await log.head("main") == Head("main", MONDAY, 2, True, None)
    assert await log.read_after("main", MONDAY, 0, 10) == [row("main", MONDAY, 1), row("main", MONDAY, 2)]


async def test_an_unknown_branch_has_neither_head_nor_facts(log: EventLog) -> None:
    assert await log.head("nowhere") is None
    assert await log.read_after("nowhere", MONDAY, 0, 10) == []
    assert await log.keys("nowhere", MONDAY) == []
    assert await log.heads() == []


async def test_a_claim_at_the_head_wins_and_moves_it(log: EventLog) -> None:
    await log.append([claim("main", 0)])
    appended = await log.append([claim("main", 1, 3, wakes_at=NOON)])
    assert appended.claimed == {"main"}
    assert await log.head("main") == Head("main", MONDAY, 4, True, NOON)


@pytest.mark.parametrize("expected", [None, (MONDAY, 1), (MONDAY, 3), (TUESDAY, 2), ("2026-11-22", 2)])
async def test_a_claim_elsewhere_loses_and_leaves_no_trace(log: EventLog, expected: tuple[Day, int] | None) -> None:
    await log.append([claim("main", 0, 2)])
    day, seq = expected or (MONDAY, 0)
    lost = Claim(expected, Head("main", day, seq + 1, False, NOON), [row("main", day, seq + 1)])
    appended = await log.append([lost])
    assert appended.claimed == frozenset()
    assert await log.head("main") == Head("main", MONDAY, 2, True, None)
    assert len(await log.read_after("main", MONDAY, 0, 10)) == 2
    assert await log.read_after("main", TUESDAY, 0, 10) == []


async def test_a_claim_on_a_branch_that_is_not_there_loses(log: EventLog) -> None:
    appended = await log.append([claim("ghost", 4)])
    assert appended.claimed == frozenset()
    assert await log.head("ghost") is None
    assert await log.read_after("ghost", MONDAY, 0, 10) == []


async def test_who_loses_holds_up_nobody_else_in_the_batch(log: EventLog) -> None:
    await log.append([claim("a", 0), claim("b", 0), claim("c", 0)])
    await log.append([claim("b", 1)])
    appended = await log.append([claim("c", 1), claim("b", 1), claim("a", 1), claim("d", 0)])
    assert appended.claimed == {"a", "c", "d"}
    assert [(head.branch_id, head.seq) for head in await log.heads()] == [("a", 2), ("b", 2), ("c", 2), ("d", 1)]


async def test_rows_come_back_as_they_were_given(log: EventLog) -> None:
    body = '{"name":"Ω “quoted” \\u0000 \\\\ 票"}'.encode()
    odd = Row("hall/7 é", MONDAY, 1, 2**53 + 1, "BranchConfigured", 32_000, 'k"\\\n\x1fey', "staff:ж", b"\x00\xff" * 16, body)
    await log.append([Claim(None, Head("hall/7 é", MONDAY, 1, False, None), [odd])])
    assert await log.read_after("hall/7 é", MONDAY, 0, 1) == [odd]
    assert await log.heads() == [Head("hall/7 é", MONDAY, 1, False, None)]


async def test_one_bad_row_fails_the_batch_and_leaves_nothing(log: EventLog) -> None:
    if isinstance(log, MemoryLog):
        bad = Claim(None, Head("bad", MONDAY, 2, True, None), [row("bad", MONDAY, 2)])
    else:
        bad = Claim(None, Head("bad", MONDAY, 1, True, None), [row("bad", MONDAY, 1, command_id="nul \0")])
    with pytest.raises(Exception) as caught:
        await log.append([claim("good", 0), bad])
    assert type(caught.value).__name__ in ("UntranslatableCharacterError", "ValueError")
    assert await log.heads() == []
    assert (await log.append([claim("good", 0)])).claimed == {"good"}


async def test_a_day_is_crossed_in_one_append(log: EventLog) -> None:
    await log.append([claim("main", 0, 3)])
    rows = [row("main", MONDAY, 4), row("main", TUESDAY, 1), row("main", TUESDAY, 2)]
    appended = await log.append([Claim((MONDAY, 3), Head("main", TUESDAY, 2, True, NOON), rows)])
    assert appended.claimed == {"main"}
    assert [r.seq for r in await log.read_after("main", MONDAY, 0, 10)] == [1, 2, 3, 4]
    assert await log.read_after("main", TUESDAY, 0, 10) == rows[1:]
    assert (await log.append([claim("main", 4)])).claimed == frozenset()
    assert (await log.append([claim("main", 2, day=TUESDAY)])).claimed == {"main"}


async def test_a_day_of_any_month_finds_its_place(log: EventLog) -> None:
    for branch_id, day in (("old", "1999-02-03"), ("new", "2031-12-31")):
        assert (await log.append([claim(branch_id, 0, 2, day=day)])).claimed == {branch_id}
        assert [r.day for r in await log.read_after(branch_id, day, 0, 10)] == [day, day]


async def test_confirm_says_which_heads_still_stand(log: EventLog) -> None:
    await log.append([claim("a", 0, 2), claim("b", 0, 2)])
    appended = await log.append([], [("a", MONDAY, 2), ("b", MONDAY, 1), ("c", MONDAY, 1)])
    assert appended.claimed == frozenset()
    assert appended.standing == {"a"}


async def test_confirm_is_answered_as_things_stood_before_the_batch(log: EventLog) -> None:
    await log.append([claim("a", 0, 2)])
    appended = await log.append([claim("a", 2)], [("a", MONDAY, 2)])
    assert appended.claimed == {"a"}
    assert appended.standing == {"a"}
    assert (await log.append([], [("a", MONDAY, 2)])).standing == frozenset()


async def test_due_branches_come_in_the_order_of_their_moment(log: EventLog) -> None:
    await log.append([claim("late", 0, wakes_at=NOON + 2), claim("soon", 0, wakes_at=NOON), claim("next", 0, wakes_at=NOON + 1)])
    await log.append([claim("never", 0), claim("also", 0, wakes_at=NOON)])
    assert await log.due(NOON - 1) == []
    assert await log.due(NOON + 1) == ["also", "soon", "next"]


async def test_keys_name_the_effects_of_each_command(log: EventLog) -> None:
    rows = [
        row("main", MONDAY, 1, "grace:A001:5"),
        row("main", MONDAY, 2, "key-1", b"hash-1"),
        row("main", MONDAY, 3, "key-1"),
        row("main", MONDAY, 4, "a-key", b"hash-2"),
    ]
    await log.append([Claim(None, Head("main", MONDAY, 4, True, None), rows)])
    assert await log.keys("main", MONDAY) == [
        KnownKey("grace:A001:5", 1, 1, None),
        KnownKey("key-1", 2, 3, b"hash-1"),
        KnownKey("a-key", 4, 4, b"hash-2"),
    ]
    assert await log.keys("main", TUESDAY) == []


async def test_reading_goes_on_after_a_seq_up_to_a_limit(log: EventLog) -> None:
    await log.append([claim("main", 0, 10), claim("other", 0, 3)])
    assert [r.seq for r in await log.read_after("main", MONDAY, 0, 4)] == [1, 2, 3, 4]
    assert [r.seq for r in await log.read_after("main", MONDAY, 4, 100)] == [5, 6, 7, 8, 9, 10]
    assert await log.read_after("main", MONDAY, 10, 5) == []


async def test_the_clock_is_in_milliseconds_of_utc(log: EventLog) -> None:
    before = time.time_ns() // 1_000_000
    clocks = [await log.clock(), (await log.append([claim("main", 0)])).clock, await log.clock()]
    assert before <= clocks[0] <= clocks[1] <= clocks[2] <= time.time_ns() // 1_000_000


async def test_the_epoch_is_steady_and_has_no_colon(log: EventLog) -> None:
    epoch = await log.epoch()
    await log.append([claim("main", 0)])
    assert await log.epoch() == epoch
    assert len(epoch) == 32
    assert ":" not in epoch


async def test_closing_twice_is_no_fault(log: EventLog) -> None:
    await log.close()
    await log.close()


async def test_many_tasks_at_once_lose_nothing(log: EventLog) -> None:
    await log.append([claim("main", 0)])

    async def add_twenty() -> None:
        won = 0
        while won < 20:
            head = await log.head("main")
            assert head is not None
            won += len((await log.append([claim("main", head.seq)])).claimed)

    await asyncio.gather(*(add_twenty() for _ in range(5)))
    assert [r.seq for r in await log.read_after("main", MONDAY, 0, 1000)] == list(range(1, 102))
