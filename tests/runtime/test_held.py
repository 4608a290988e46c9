"""A head that stands where it stood and is not given is held by somebody, perhaps by an append of our own that was given up."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core.configuration import Hours, Span
from queue_server.eventlog.port import Appended, LogUnavailable
from queue_server.runtime.errors import Unsettled
from tests.runtime.hall import Hall, TestedLog, number_of
from tests.scenario import HOUR, MORNING, rules

Real = Callable[[], Awaitable[Appended]]
SECONDS = 5.0


class FrozenBackend:
    """Takes an append, holds its heads and says nothing, until it is let go on; whoever comes meanwhile is passed over."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._append: list[Real] = []
        self.skipped = asyncio.Event()
        hall.log.script = [self._freeze]

    async def _freeze(self, real: Real) -> Appended:
        self._append.append(real)
        self._hall.log.script = [self._skip]
        raise LogUnavailable("frozen in the middle of its commit")

    async def _skip(self, real: Real) -> Appended:
        self._hall.log.script = [self._skip]
        claims, _ = self._hall.log.appends[-1]
        if any(claim.head.branch_id == "b" for claim in claims):
            self.skipped.set()
            return Appended(frozenset(), frozenset(), self._hall.clock.at)
        return await real()

    async def go_on(self) -> None:
        self._hall.log.script = []
        await self._append[0]()


async def test_nothing_is_decided_again_while_our_own_append_may_still_win() -> None:
    hall = Hall()
    hours = Hours(week={day: (Span("06:00", "09:00"),) for day in ("thursday",)})
    await hall.runtime.start()
    await hall.runtime.put_configuration("b", rules(id="b", hours=hours), expected=None, next_day=False, actor="t", command_id="c")
    hall.clock.at = MORNING + HOUR - 500
    frozen = FrozenBackend(hall)
    issued = hall.issue("a", key="k")
    await asyncio.wait_for(frozen.skipped.wait(), SECONDS)
    # Decided again now it would be refused: the doors have shut.
    hall.clock.at += 1000
    later = hall.issue("b")
    await frozen.go_on()
    assert number_of(await asyncio.wait_for(issued, SECONDS)) == "A001"
    with pytest.raises(Exception, match="No tickets"):
        await later
    await hall.runtime.close()


async def test_other_branches_go_on_meanwhile_and_commands_of_this_one_are_unsettled() -> None:
    async with Hall(timeout_seconds=0.3) as hall:
        await hall.create("other")
        frozen = FrozenBackend(hall)
        issued = hall.issue("a", key="k")
        await asyncio.wait_for(frozen.skipped.wait(), SECONDS)
        behind = hall.issue("b")
        assert number_of(await asyncio.wait_for(hall.issue("o", "other"), SECONDS)) == "A001"
        for command in (issued, behind):
            with pytest.raises(Unsettled):
                await asyncio.wait_for(command, SECONDS)
        await frozen.go_on()
        again = await asyncio.wait_for(hall.issue("x", key="k"), SECONDS)
        assert (number_of(again), again.replayed) == ("A001", True)
        assert await hall.numbers() == ["A001"], "what was given up on before it was decided has not happened"


async def test_closing_waits_for_it() -> None:
    log = TestedLog()
    hall = Hall(log, timeout_seconds=2.0)
    async with hall:
        frozen = FrozenBackend(hall)
        issued = hall.issue("a")
        await asyncio.wait_for(frozen.skipped.wait(), SECONDS)
        closing = asyncio.ensure_future(hall.runtime.close())
        await frozen.go_on()
        await closing
        assert number_of(await issued) == "A001"
