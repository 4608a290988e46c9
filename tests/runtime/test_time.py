"""What time alone makes happen on a running node: deadlines, the roll, the sweep, and the one clock."""

import asyncio
from datetime import UTC, datetime

import pytest

from queue_server.core import commands as c
from queue_server.runtime.calendar import open_day_command
from queue_server.runtime.clock import LogClock
from queue_server.runtime.errors import NotYet
from tests.runtime.hall import Hall, TestedLog, number_of
from tests.scenario import HOUR, rules


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


async def _names(hall: Hall) -> list[str]:
    return [type(change.event.fact).__name__ for commit in hall.watcher.commits for change in commit.changes]


async def test_a_command_after_the_roll_finds_the_new_day_open() -> None:
    async with Hall() as hall:
        await hall.issue("a", key="k")
        hall.clock.at += 24 * HOUR
        outcome = await hall.issue("b")
        assert number_of(outcome) == "A001"
        (claims, _) = hall.log.appends[-1]
        assert [row.name for row in claims[0].rows] == [
            "TicketExpired",
            "DayClosed",
            "DayOpened",
            "BranchConfigured",
            "TicketIssued",
        ]
        assert outcome.day == "2026-01-02"
        repeated = await hall.issue("c", key="k")
        assert (repeated.replayed, repeated.day) == (True, "2026-01-01"), "a key is known the day after"
        hall.clock.at += 24 * HOUR
        await hall.issue("d")
        assert not (await hall.issue("e", key="k")).replayed, "and no longer"


async def _carrying(hall: Hall) -> None:
    changed = rules(carry_over=True)
    await hall.runtime.put_configuration("b", changed, expected=1, next_day=False, actor="test", command_id="carries")


async def test_who_waits_is_carried_over_in_one_append() -> None:
    async with Hall() as hall:
        await _carrying(hall)
        await hall.issue("a", key="k")
        hall.clock.at += 24 * HOUR
        outcome = await hall.issue("b")
        (claims, _) = hall.log.appends[-1]
        assert [row.name for row in claims[0].rows] == [
            "TicketCarried",
            "DayClosed",
            "DayOpened",
            "BranchConfigured",
            "TicketIssued",
            "TicketIssued",
        ]
        assert (number_of(outcome), await hall.numbers()) == ("A002", ["A001", "A002"])
        repeated = await hall.issue("c", key="k")
        assert (repeated.replayed, repeated.day, number_of(repeated)) == (True, "2026-01-01", "A001")


async def test_a_node_that_starts_after_the_roll_reads_the_new_day_alone() -> None:
    log = TestedLog()
    async with Hall(log) as one:
        await _carrying(one)
        await one.issue("a")
        one.clock.at += 24 * HOUR
        await one.issue("b")
        async with Hall(log, poll_seconds=0.001) as two:
            assert await two.numbers() == ["A001", "A002"]
            waited = await two.runtime.read("b", lambda state, _: state.tickets["a"].arrived_at)
            assert waited < one.clock.at - 23 * HOUR


async def test_days_that_nobody_used_are_passed_over() -> None:
    async with Hall() as hall:
        hall.clock.at += 5 * 24 * HOUR
        assert (await hall.issue("a")).day == "2026-01-06"


async def test_an_alarm_wakes_the_branch_and_the_day_rolls_without_a_command() -> None:
    async with Hall() as hall:
        await hall.issue("a")
        hall.clock.at += 24 * HOUR
        hall.runtime._writer.wake("b")
        await hall.runtime.execute("b", c.ApplyDeadlines(at=0, command_id="x", actor="t"))
        assert "DayOpened" in await _names(hall)


async def test_the_sweep_wakes_what_nobody_has_loaded() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        await hall.issue("a")
    rolled = asyncio.Event()

    class Notice:
        def committed(self, *_: object) -> None:
            rolled.set()

        def reloaded(self, *_: object) -> None:
            pass

    late = Hall(log)
    late.clock.at += 24 * HOUR
    late.runtime.observers.append(Notice())
    await late.runtime.start()
    await asyncio.wait_for(rolled.wait(), 5)
    await late.runtime.close()
    head = await log.head("b")
    assert head is not None
    assert head.day == "2026-01-02"


async def test_what_another_process_wrote_is_found_by_the_poll() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=0.01) as two:
        await two.numbers()
        outcome = await one.issue("a")
        told = await asyncio.wait_for(two.watcher.told.get(), 5)
        assert (told.own, told.changes[-1].event.seq) == (False, outcome.seq)
        assert await two.numbers() == ["A001"]


async def test_a_reader_may_ask_for_a_state_at_least_as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log) as two:
        await two.numbers()
        outcome = await one.issue("a")
        seen = await two.runtime.read("b", lambda state, _: list(state.tickets), (outcome.day, outcome.seq))
        assert seen == ["a"]
        monkeypatch.setattr("queue_server.runtime.runtime._AT_LEAST_SECONDS", 0.05)
        with pytest.raises(NotYet):
            await two.runtime.read("b", lambda state, _: None, (outcome.day, outcome.seq + 1))


@pytest.mark.parametrize(
    ("zone", "starts", "at", "day", "opens", "rolls"),
    [
        ("UTC", "04:00", "2026-11-23T03:59:59.999", "2026-11-22", "2026-11-22T04:00", "2026-11-23T04:00"),
        ("UTC", "04:00", "2026-11-23T04:00:00", "2026-11-23", "2026-11-23T04:00", "2026-11-24T04:00"),
        ("Asia/Shanghai", "04:00", "2026-11-22T21:00:00", "2026-11-23", "2026-11-22T20:00", "2026-11-23T20:00"),
        # The clocks change in this night: the business day has 25 hours.
        ("Europe/Berlin", "02:00", "2026-10-24T12:00:00", "2026-10-24", "2026-10-24T00:00", "2026-10-25T00:00"),
        ("Europe/Berlin", "04:00", "2026-10-24T12:00:00", "2026-10-24", "2026-10-24T02:00", "2026-10-25T03:00"),
        ("Europe/Berlin", "00:00", "2026-03-29T12:00:00", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
    ],
)
def test_the_calendar(  # noqa: PLR0917 - filled by name
    zone: str, starts: str, at: str, day: str, opens: str, rolls: str
) -> None:
    command = open_day_command(rules(time_zone=zone, day_starts_at=starts), 1, _ms(at), None)
    assert (command.day, command.opens_at, command.rolls_at) == (day, _ms(opens), _ms(rolls))


def test_a_day_is_not_opened_twice_when_the_branch_moves_to_another_zone() -> None:
    command = open_day_command(rules(time_zone="UTC"), 1, _ms("2026-11-23T05:00"), "2026-11-23")
    assert command.day == "2026-11-24"
    assert command.rolls_at > _ms("2026-11-23T05:00")


def test_the_clock_runs_on_the_monotonic_clock_and_follows_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    clock = LogClock()
    with pytest.raises(RuntimeError):
        clock.now()
    clock.observe(100.0, 100.0, 5_000_000)
    assert clock.now() == 5_000_000
    now = 101.0
    assert clock.now() == 5_001_000
    # An exchange that took long bounds the offset only loosely, one that was short moves it.
    clock.observe(100.0, 101.0, 5_000_400)
    assert clock.now() == 5_001_000
    clock.observe(101.0, 101.0, 5_000_400)
    assert clock.now() == 5_000_401
