"""A restore or a failover puts another history in the place of the one that was known: nothing of the old one is written into it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core import commands as c
from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Appended, Head, LogUnavailable
from tests.runtime.hall import Hall, TestedLog, number_of

Real = Callable[[], Awaitable[Appended]]


async def another_history(tickets: int, counters: int) -> TestedLog:
    """Return a log in which as much has happened as in the one that it replaces, and something else."""
    log = TestedLog()
    async with Hall(log) as hall:
        for number in range(counters):
            await hall.do(c.OpenCounter, counter=str(number + 1))
        for number in range(tickets):
            await hall.issue(f"other-{number}")
    return log


def replace(hall: Hall, by: TestedLog) -> None:
    hall.log._heads, hall.log._rows, hall.log._epoch = by._heads, by._rows, by._epoch


async def test_what_was_decided_before_is_not_appended_though_somebody_else_has_noticed_meanwhile() -> None:
    async with Hall() as hall:
        await hall.issue("a")
        await hall.issue("b")
        # Its head stands where the old one stood, with one ticket less.
        restored = await another_history(tickets=1, counters=1)
        noticed: list[asyncio.Future[None]] = []

        async def fail_over(_real: Real) -> Appended:
            replace(hall, restored)
            noticed.append(asyncio.ensure_future(hall.runtime._writer.check_history()))
            raise LogUnavailable("failed over")

        hall.log.script = [fail_over]
        assert number_of(await hall.issue("x")) == "A002"
        await asyncio.gather(*noticed)
        assert await hall.numbers() == ["A001", "A002"]


async def test_a_log_that_serves_another_history_takes_no_append_of_the_old_one() -> None:
    async with Hall() as hall:
        await hall.issue("a")
        await hall.issue("b")
        replace(hall, await another_history(tickets=1, counters=1))
        # No append has failed: nothing but the name tells that it is another one.
        assert number_of(await hall.issue("x")) == "A002"


@pytest.mark.parametrize("in_the_air", [True, False])
async def test_screens_of_the_old_history_get_everything_anew(in_the_air: bool) -> None:
    async with Hall() as hall:
        await hall.issue("a")
        replace(hall, await another_history(tickets=1, counters=2))
        told, reloads = len(hall.watcher.commits), hall.watcher.reloads
        if in_the_air:
            await hall.issue("x")
        else:
            await hall.runtime._writer.check_history()
            assert await hall.numbers() == ["A001"]
            await asyncio.sleep(0)
        assert hall.watcher.reloads == reloads + 1
        assert all(commit.own for commit in hall.watcher.commits[told:]), "deltas between two histories mean nothing"


async def test_a_branch_that_was_being_read_is_read_once_more() -> None:
    log = TestedLog()
    async with Hall(log) as one:
        await one.issue("a")
    hall = Hall(log)
    await hall.runtime.start()
    restored = await another_history(tickets=2, counters=0)
    head = log.head

    async def replaced_meanwhile(branch_id: BranchId) -> Head | None:
        log.head = head  # type: ignore[method-assign]
        was = await head(branch_id)
        replace(hall, restored)
        await hall.runtime._writer.check_history()
        # What it reads now is still of the old one, as from a connection that was made before.
        return was

    log.head = replaced_meanwhile  # type: ignore[method-assign]
    assert await hall.numbers() == ["A001", "A002"]
    await hall.runtime.close()
