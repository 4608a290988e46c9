"""A fault stays where it is: with its branch, its observer, its command."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core import commands as c
from queue_server.core.state import BranchState
from queue_server.eventlog.port import Appended, LogUnavailable
from queue_server.runtime.errors import DamagedStream, NotYet, Unsettled
from tests.runtime.hall import Hall, TestedLog, number_of
from tests.scenario import HOUR

Real = Callable[[], Awaitable[Appended]]


async def _unreachable(_real: Real) -> Appended:
    raise LogUnavailable("away")


class Clumsy:
    """An observer that fails at everything."""

    def committed(self, *_: object) -> None:
        raise RuntimeError("clumsy")

    def reloaded(self, *_: object) -> None:
        raise RuntimeError("clumsy")


async def test_an_observer_that_fails_stops_neither_the_writing_nor_the_others() -> None:
    async with Hall() as hall:
        hall.runtime.observers.insert(0, Clumsy())
        assert number_of(await hall.issue("a")) == "A001"
        assert number_of(await hall.issue("b")) == "A002"
        assert hall.watcher.commits[-1].changes[-1].event.seq == 4
        assert await hall.runtime.alive()


async def test_a_writer_that_has_died_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Hall()
    await hall.runtime.start()
    assert await hall.runtime.alive()

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hall.runtime._writer, "_take", broken)
    hall.runtime._writer.wake("nowhere")
    with pytest.raises(ZeroDivisionError):
        await hall.runtime.failed()
    assert not await hall.runtime.alive()


async def test_time_at_the_head_of_the_queue_does_not_keep_commands_from_being_given_up_on() -> None:
    async with Hall(timeout_seconds=0.05) as hall:
        away = asyncio.Event()

        async def hold(_real: Real) -> Appended:
            away.set()
            raise LogUnavailable("away")

        hall.log.script = [hold, *[_unreachable] * 6]
        first = hall.issue("a")
        await away.wait()
        hall.runtime._writer.wake("b")
        later = hall.issue("b")
        for command in (first, later):
            with pytest.raises(Unsettled):
                await command


async def test_a_damaged_branch_does_not_keep_the_others_from_rolling() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        await hall.create("a-broken-one")
    del log._rows["a-broken-one", "2026-01-01"][0]
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
    with pytest.raises(DamagedStream):
        await late.issue("x", "a-broken-one")
    await late.runtime.close()


async def test_a_branch_brought_back_is_shown_when_nothing_of_it_is_in_the_air() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log) as two:
        seen: list[tuple[int, int]] = []

        class Notice:
            def committed(self, _commit: object, state: BranchState) -> None:
                self.reloaded(state)

            def reloaded(self, state: BranchState) -> None:
                seen.append((state.seq, log._heads["b"].seq))

        two.runtime.observers.append(Notice())
        await two.numbers()
        for round_ in range(20):
            await one.issue(f"one-{round_}")
            await asyncio.gather(*(two.issue(f"two-{round_}-{index}") for index in range(3)))
        assert seen
        assert all(shown <= stored for shown, stored in seen), "uncommitted facts were shown"


async def test_readers_who_wait_do_not_fill_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queue_server.runtime.runtime._AT_LEAST_SECONDS", 0.2)
    async with Hall(queue_limit=3) as hall:
        gone = asyncio.Event()

        async def hold(real: Real) -> Appended:
            await gone.wait()
            return await real()

        hall.log.script = [hold]
        held = hall.issue("a")
        readers = [asyncio.ensure_future(hall.runtime.read("b", lambda *_: None, ("9999-12-31", 1))) for _ in range(50)]
        await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        assert hall.runtime.queued <= 1
        gone.set()
        assert all(isinstance(result, NotYet) for result in await asyncio.gather(*readers, return_exceptions=True))
        await held


async def test_an_empty_answer_names_the_head_it_was_decided_on() -> None:
    async with Hall() as hall:
        await hall.do(c.OpenCounter, counter="1")
        gone = asyncio.Event()

        async def hold(real: Real) -> Appended:
            await gone.wait()
            return await real()

        hall.log.script = [hold]
        held = hall.issue("a")
        await asyncio.sleep(0)
        both = [hall.do(c.CallNext, counter="1"), hall.do(c.PauseCounter, counter="2")]
        opened, nobody = hall.do(c.OpenCounter, counter="3"), hall.do(c.CallNext, counter="3")
        await asyncio.sleep(0)
        gone.set()
        await held
        await asyncio.gather(*both, return_exceptions=True)
        assert (await nobody).seq == (await opened).seq
