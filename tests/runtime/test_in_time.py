"""Whoever asks has an answer in time, and nobody holds the loop for long, whatever happens below."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.port import Appended, LogUnavailable, Row
from queue_server.runtime.errors import DamagedStream, Overloaded, Unsettled
from queue_server.runtime.reloads import _delay
from tests.runtime.hall import Hall, TestedLog
from tests.scenario import HOUR

Real = Callable[[], Awaitable[Appended]]
SECONDS = 5.0


async def test_a_branch_that_loses_again_and_again_is_given_up_on_in_time() -> None:
    async with Hall(timeout_seconds=0.2) as hall:

        async def lose(_real: Real) -> Appended:
            hall.log.script = [lose]
            return Appended(frozenset(), frozenset(), hall.clock.at)

        hall.log.script = [lose]
        # Twelve attempts would take twenty seconds.
        with pytest.raises(Unsettled):
            await asyncio.wait_for(hall.issue("a"), 2.0)
        hall.log.script = []


async def test_a_branch_that_cannot_be_read_is_given_up_on_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    log = TestedLog()
    async with Hall(log):
        pass
    hall = Hall(log, timeout_seconds=0.1)
    await hall.runtime.start()

    async def never(_branch: BranchId, _day: Day, _seq: int, _limit: int) -> list[Row]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(log, "read_after", never)
    with pytest.raises(Unsettled):
        await asyncio.wait_for(hall.issue("a"), SECONDS)
    await hall.runtime.close()


async def test_readers_who_were_given_up_on_are_forgotten_and_those_who_wait_are_bounded() -> None:
    async with Hall(timeout_seconds=0.1, queue_limit=3) as hall:
        gone = asyncio.Event()

        async def hold(real: Real) -> Appended:
            await gone.wait()
            return await real()

        hall.log.script = [hold]
        held = hall.issue("a")
        await asyncio.sleep(0)
        branch = hall.runtime._branches.loaded()[0]
        for _ in range(3):
            readers = [asyncio.ensure_future(hall.numbers()) for _ in range(4)]
            await asyncio.sleep(0)
            assert len(branch.lookers) == 3, "the fourth is answered at once"
            assert [type(fault) for fault in await asyncio.gather(*readers, return_exceptions=True)] == [Unsettled] * 4
            assert not branch.lookers
        with pytest.raises(Unsettled):
            await held
        gone.set()


async def test_readers_of_a_branch_that_cannot_be_brought_back_are_told() -> None:
    async with Hall() as hall:

        async def lose(_real: Real) -> Appended:
            del hall.log._rows["b", hall.log._heads["b"].day][0]
            return Appended(frozenset(), frozenset(), hall.clock.at)

        hall.log.script = [lose]
        lost = hall.issue("a")
        await asyncio.sleep(0)
        reader = asyncio.ensure_future(hall.numbers())
        with pytest.raises(DamagedStream):
            await asyncio.wait_for(reader, SECONDS)
        with pytest.raises(DamagedStream):
            await asyncio.wait_for(lost, SECONDS)


async def test_many_branches_that_roll_at_once_leave_room_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    branches = [f"b{number}" for number in range(20)]
    async with Hall() as hall:
        for branch in branches:
            await hall.create(branch)
        hall.log.appends.clear()
        monkeypatch.setattr("queue_server.runtime.writer._DECIDES_SECONDS", 0.0)
        hall.clock.at += 24 * HOUR
        for branch in branches:
            hall.runtime._writer.wake(branch)
        ends = time.monotonic() + SECONDS
        while any(state.day == "2026-01-01" for state in hall.runtime.loaded() if state.branch_id != "b"):
            assert time.monotonic() < ends
            await asyncio.sleep(0)
        assert max(len(claims) for claims, _ in hall.log.appends) == 1


async def test_a_fault_of_sealing_stays_with_its_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Hall() as hall:
        await hall.create("other")
        from queue_server.runtime.flight import Flight

        seal, failed = Flight.seal, list[str]()

        def fail_once(self: Flight) -> None:
            if self.branch.id == "b" and not failed:
                failed.append("b")
                raise ZeroDivisionError
            seal(self)

        monkeypatch.setattr(Flight, "seal", fail_once)
        lost, good = hall.issue("a"), hall.issue("o", "other")
        await good
        with pytest.raises(Exception, match="IssueTicket"):
            await lost
        assert await hall.numbers() == []
        assert await hall.runtime.alive()


async def test_a_receipt_from_the_log_is_given_only_when_it_is_durable() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        await hall.issue("a", key="k")
    async with Hall(log, timeout_seconds=0.2) as hall:

        async def away() -> None:
            raise LogUnavailable("no stand-by has it")

        secure, log.secure = log.secure, away  # type: ignore[method-assign]
        with pytest.raises(Unsettled):
            await hall.issue("a", key="k")
        log.secure = secure  # type: ignore[method-assign]
        assert (await hall.issue("a", key="k")).replayed


async def test_an_error_while_an_outcome_is_unknown_does_not_say_that_nothing_happened() -> None:
    async with Hall() as hall:

        async def lost(real: Real) -> Appended:
            await real()
            raise LogUnavailable("cut")

        async def odd(_real: Real) -> Appended:
            raise RuntimeError("an internal error of the server")

        hall.log.script = [lost, odd, odd]
        with pytest.raises(Unsettled):
            await hall.issue("a", key="k")
        assert (await hall.issue("b", key="k")).replayed


async def test_whoever_waits_is_answered_before_the_service_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queue_server.runtime.runtime._LAST_ANSWERS_SECONDS", 0.05)
    async with Hall() as hall:
        gone = asyncio.Event()

        async def hold(real: Real) -> Appended:
            await gone.wait()
            return await real()

        quick = await hall.issue("a")
        hall.log.script = [hold]
        held = hall.issue("b")
        await asyncio.sleep(0)
        await hall.runtime.wind_down()
        assert quick.changes
        with pytest.raises(Unsettled):
            await held
        with pytest.raises(Overloaded):
            await hall.issue("c")
        gone.set()


def test_whatever_fails_often_is_tried_again_in_seconds() -> None:
    assert _delay(5000) == 5.0
