"""A node keeps up with what others write: by hints, in order, without gaps, and never ahead of the log."""

import asyncio

import pytest

from queue_server.core import commands as c
from queue_server.eventlog.port import LogUnavailable, Row
from queue_server.runtime.errors import Overloaded
from queue_server.runtime.runtime import Runtime
from tests.runtime.hall import Hall, TestedLog, Watcher
from tests.scenario import HOUR, fingerprint


def told(watcher: Watcher) -> list[int]:
    return [change.event.seq for commit in watcher.commits for change in commit.changes]


async def until_at(hall: Hall, seq: int) -> None:
    while (told(hall.watcher) or [0])[-1] < seq:
        await hall.watcher.told.get()


async def test_a_hint_is_enough() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=3600) as two:
        await two.numbers()
        outcome = await one.issue("a")
        two.runtime.hint("b", outcome.day, outcome.seq)
        await until_at(two, outcome.seq)
        same = [await hall.runtime.read("b", lambda state, _: fingerprint(state)) for hall in (one, two)]
        assert same[0] == same[1]


async def test_hints_may_be_doubled_late_ahead_of_the_log_or_about_others() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=3600) as two:
        await two.numbers()
        for number in range(5):
            outcome = await one.issue(f"t{number}")
            for seq in (outcome.seq + 50, outcome.seq, outcome.seq - 1, 0):
                two.runtime.hint("b", outcome.day, seq)
            two.runtime.hint("elsewhere", outcome.day, outcome.seq)
        await until_at(two, outcome.seq)
        assert told(two.watcher) == list(range(3, outcome.seq + 1)), "each fact once, in order"


async def test_what_is_hinted_while_reading_is_read_too() -> None:
    class Slow(TestedLog):
        reading = asyncio.Event()
        go_on = asyncio.Event()
        holds = False

        async def read_after(self, branch_id: str, day: str, seq: int, limit: int) -> list[Row]:
            rows = await super().read_after(branch_id, day, seq, limit)
            if self.holds:
                self.reading.set()
                await self.go_on.wait()
            return rows

    log = Slow()
    async with Hall(log) as one, Hall(log, poll_seconds=3600) as two:
        await two.numbers()
        first = await one.issue("a")
        log.holds = True
        two.runtime.hint("b", first.day, first.seq)
        await log.reading.wait()
        second = await one.issue("b")
        two.runtime.hint("b", second.day, second.seq)
        log.holds = False
        log.go_on.set()
        await until_at(two, second.seq)
        assert told(two.watcher) == [first.seq, second.seq]


async def test_own_commands_and_what_is_followed_make_one_sequence() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=0.001) as two:
        await two.numbers()
        for round_ in range(15):
            issued = [hall.issue(f"{name}-{round_}") for name, hall in (("one", one), ("two", two)) for _ in range(2)]
            await asyncio.gather(*issued)
        head = await log.head("b")
        assert head is not None
        await until_at(two, head.seq)
        assert told(two.watcher) == list(range(3, head.seq + 1))


async def test_a_long_absence_is_read_in_slices() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=3600) as two:
        await two.numbers()
        last = (await asyncio.gather(*(one.issue(f"t{number}") for number in range(250))))[-1]
        two.runtime.hint("b", last.day, last.seq)
        await until_at(two, last.seq)
        assert len(two.watcher.commits) >= 3
        assert told(two.watcher) == list(range(3, last.seq + 1))


async def test_a_day_that_rolled_elsewhere_is_read_anew() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=0.001) as two:
        await one.issue("a")
        await two.numbers()
        one.clock.at += 24 * HOUR
        rolled = await one.issue("b")
        assert rolled.day == "2026-01-02"
        while two.watcher.reloads == 0:
            await asyncio.sleep(0)
        assert await two.numbers() == ["A001"]


async def test_a_key_used_at_another_node_is_known_here() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log, poll_seconds=3600) as two:
        await two.numbers()
        first = await one.issue("a", key="k")
        two.runtime.hint("b", first.day, first.seq)
        await until_at(two, first.seq)
        again = await two.issue("other", key="k")
        assert again.replayed
        assert again.changes[0].ticket.ticket_id == "a"


async def test_a_log_that_is_away_is_asked_again_by_the_poll() -> None:
    class Away(TestedLog):
        refusals = 0

        async def read_after(self, branch_id: str, day: str, seq: int, limit: int) -> list[Row]:
            if self.refusals:
                self.refusals -= 1
                raise LogUnavailable("away")
            return await super().read_after(branch_id, day, seq, limit)

    log = Away()
    async with Hall(log) as one, Hall(log, poll_seconds=0.001) as two:
        await two.numbers()
        log.refusals = 3
        outcome = await one.issue("a")
        await until_at(two, outcome.seq)


async def test_one_that_only_follows_takes_no_command_and_lets_nothing_happen() -> None:
    log = TestedLog()
    async with Hall(log) as one:
        await one.issue("a")
        two = Hall(log, poll_seconds=0.001, writes=False)
        await two.runtime.start()
        two.clock.at += 48 * HOUR
        assert await two.numbers() == ["A001"]
        with pytest.raises(Overloaded):
            await two.do(c.CallNext, counter="1")
        outcome = await one.issue("b")
        await until_at(two, outcome.seq)
        head = await log.head("b")
        assert head is not None
        assert head.day == "2026-01-01", "the day is rolled by those who write"
        await two.runtime.close()


async def test_one_that_only_follows_hears_of_the_tenth_day_as_soon_as_of_the_first() -> None:
    async with Hall() as hall:
        follower = Runtime(hall.log, hall.clock, writes=False)
        await follower.start()
        assert await follower.exists("b")
        for day in range(10):
            hall.clock.at += 24 * HOUR
            await hall.issue(f"t{day}")
            await follower.poll()
            async with asyncio.timeout(5):
                while not any(state.day == hall.runtime.loaded()[0].day for state in follower.loaded()):
                    await asyncio.sleep(0)
        assert follower._writer._reloads._failures.total() == 0, "a day that is over is no failure, after which one would wait"
        await follower.close()
