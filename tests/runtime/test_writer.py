"""Commit, then tell: batches, lost claims, unknown outcomes, repeated keys."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core import commands as c
from queue_server.core.apply import apply
from queue_server.core.rejections import CounterClosed, UnknownService, VersionConflict
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Appended, LogUnavailable
from queue_server.runtime.errors import KeyReused, Overloaded, Spoiled, UnknownBranch, Unsettled
from tests.runtime.hall import Hall, TestedLog, number_of
from tests.scenario import fingerprint, rules

Real = Callable[[], Awaitable[Appended]]


class Gate:
    """Holds an append until the test lets it go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, real: Real) -> Appended:
        self.reached.set()
        await self.open.wait()
        return await real()


async def _unreachable(_real: Real) -> Appended:
    raise LogUnavailable("cut before it arrived")


async def _answer_lost(real: Real) -> Appended:
    await real()
    raise LogUnavailable("cut after it was stored")


async def _refused(_real: Real) -> Appended:
    raise ValueError("a row that the log does not take")


async def test_what_queues_during_a_commit_goes_out_in_one_statement() -> None:
    async with Hall() as hall:
        await hall.create("other")
        hall.log.appends.clear()
        gate = Gate()
        hall.log.script = [gate]
        first = hall.issue("a")
        await gate.reached.wait()
        rest = [hall.issue(f"t{index}", "b" if index % 2 else "other") for index in range(10)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, *rest)
        assert [sum(len(claim.rows) for claim in claims) for claims, _ in hall.log.appends] == [1, 10]


async def test_nobody_is_answered_and_nothing_is_seen_before_the_commit() -> None:
    async with Hall() as hall:
        gate = Gate()
        hall.log.script = [gate]
        issued = hall.issue("a")
        await gate.reached.wait()
        seen = asyncio.ensure_future(hall.numbers())
        await asyncio.sleep(0)
        assert not issued.done()
        assert not seen.done()
        assert len(hall.watcher.commits) == 1, "the branch's creation alone"
        gate.open.set()
        assert number_of(await issued) == "A001"
        assert await seen == ["A001"]


async def test_refusals_and_empty_answers_are_confirmed_by_the_log() -> None:
    async with Hall() as hall:
        with pytest.raises(UnknownService):
            await hall.do(c.IssueTicket, ticket_id="a", service="none")
        assert hall.log.appends[-1][0] == []
        assert [branch for branch, _, _ in hall.log.appends[-1][1]] == ["b"]
        await hall.do(c.OpenCounter, counter="1")
        assert (await hall.do(c.CallNext, counter="1")).changes == []
        assert [branch for branch, _, _ in hall.log.appends[-1][1]] == ["b"]


async def test_a_lost_claim_is_decided_again_on_what_is_there_now() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log) as two:
        assert await two.numbers() == []
        await one.issue("a")
        # The second node decides on an old head, loses, reads on, and gives the next number.
        assert number_of(await two.issue("b")) == "A002"
        assert [change.event.seq for commit in two.watcher.commits for change in commit.changes] == [3, 4]
        assert [commit.own for commit in two.watcher.commits] == [False, True], "what was missed is told change by change"
        await two.do(c.OpenCounter, counter="1")
        outcome = await one.do(c.CallNext, counter="1")
        assert outcome.changes[0].ticket.number == "A001", "a refusal on an old head is confirmed, and decided again"


async def test_a_loser_does_not_hold_up_the_others() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log) as two:
        await two.create("other")
        await two.numbers()
        await one.issue("a")
        lost, won = two.issue("b"), two.issue("o", "other")
        await won
        assert not lost.done()
        assert number_of(await lost) == "A002"


@pytest.mark.parametrize("fault", [_unreachable, _answer_lost])
async def test_an_unknown_outcome_is_settled_by_appending_again(fault: Callable[[Real], Awaitable[Appended]]) -> None:
    async with Hall() as hall:
        hall.log.script = [fault, _unreachable]
        assert number_of(await hall.issue("a", key="k")) == "A001"
        assert await hall.numbers() == ["A001"]
        assert [type(change.event.fact).__name__ for commit in hall.watcher.commits for change in commit.changes].count(
            "TicketIssued"
        ) == 1
        repeated = await hall.issue("b", key="k")
        assert (number_of(repeated), repeated.replayed) == ("A001", True)


async def test_while_the_log_is_away_commands_get_unsettled_and_the_truth_later() -> None:
    async with Hall(timeout_seconds=0.05) as hall:
        gate = Gate()
        hall.log.script = [_answer_lost, *([_unreachable] * 4), gate]
        with pytest.raises(Unsettled):
            await hall.issue("a", key="k")
        gate.open.set()
        for _ in range(100):
            try:
                repeated = await hall.issue("b", key="k")
            except Unsettled:
                continue
            break
        assert (number_of(repeated), repeated.replayed) == ("A001", True)


async def test_another_history_drops_all_that_was_known() -> None:
    async with Hall() as hall:
        await hall.issue("a")
        other = TestedLog()
        async with Hall(other) as restored:
            await restored.issue("x")
            await restored.issue("y")
        hall.log._heads, hall.log._rows, hall.log._epoch = other._heads, other._rows, other._epoch
        hall.log.script = [_unreachable]
        assert number_of(await hall.issue("b")) == "A003"
        assert hall.runtime.epoch == await other.epoch()


async def test_one_bad_row_fails_its_own_branch_only() -> None:
    async with Hall() as hall:
        await hall.create("other")
        gate = Gate()
        hall.log.script = [gate]
        held = hall.issue("a")
        await gate.reached.wait()
        bad, good = hall.issue("bad"), hall.issue("o", "other")
        await asyncio.sleep(0)
        hall.log.script = [_refused, _refused]
        gate.open.set()
        await held
        with pytest.raises(Spoiled):
            await bad
        await good
        assert number_of(await hall.issue("b")) == "A002", "what the bad command had done is forgotten"


async def test_a_fault_in_deciding_spoils_its_own_command_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Hall() as hall:
        gate = Gate()
        hall.log.script = [gate]
        held = hall.issue("a")
        await gate.reached.wait()
        before, culprit, after = hall.issue("b"), hall.do(c.CallNext, counter=["not", "a", "counter"]), hall.issue("c")
        gate.open.set()
        await held
        with pytest.raises(Spoiled):
            await culprit
        assert sorted([number_of(await before), number_of(await after)]) == ["A002", "A003"]


async def test_a_key_has_one_effect_however_often_it_comes() -> None:
    async with Hall() as hall:
        together = await asyncio.gather(*(hall.issue(f"t{index}", key="k") for index in range(5)))
        assert {number_of(outcome) for outcome in together} == {"A001"}
        assert sum(outcome.replayed for outcome in together) == 4
        assert await hall.numbers() == ["A001"]
        with pytest.raises(KeyReused):
            await hall.issue("z", key="k", request=b"other")


async def test_a_key_whose_first_use_was_refused_is_free() -> None:
    async with Hall() as hall:
        await hall.issue("a")
        with pytest.raises(CounterClosed):
            await hall.do(c.CallNext, key="k", counter="1")
        await hall.do(c.OpenCounter, counter="1")
        assert (await hall.do(c.CallNext, key="k", counter="1")).changes


async def test_the_first_receipt_comes_again_after_a_restart() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        first = await hall.issue("a", key="k")
        await hall.do(c.OpenCounter, counter="1")
        await hall.do(c.CallNext, key="n", counter="1")
    async with Hall(log) as hall:
        repeated = await hall.issue("other", key="k")
        assert (repeated.replayed, repeated.day, repeated.seq, repeated.at) == (True, first.day, first.seq, first.at)
        assert repeated.changes[0].ticket == first.changes[0].ticket, "as it was then, not as it is now"


async def test_a_restart_gives_the_same_state() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        for index in range(30):
            await hall.issue(f"t{index}")
        await hall.do(c.OpenCounter, counter="1")
        await hall.do(c.CallNext, counter="1")
        before = await hall.runtime.read("b", lambda state, _: fingerprint(state))
    async with Hall(log) as hall:
        assert await hall.runtime.read("b", lambda state, _: fingerprint(state)) == before
        rebuilt = BranchState("b")
        for row in await log.read_after("b", before["day"], 0, 1000):
            apply(rebuilt, to_event(row))
        assert fingerprint(rebuilt) == before


async def test_the_queue_is_bounded() -> None:
    async with Hall(queue_limit=3) as hall:
        gate = Gate()
        hall.log.script = [gate]
        taken = [hall.issue("a")]
        await gate.reached.wait()
        taken += [hall.issue(f"t{index}") for index in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hall.issue("too many")
        gate.open.set()
        await asyncio.gather(*taken)


async def test_a_branch_is_created_once() -> None:
    log = TestedLog()
    async with Hall(log) as one, Hall(log) as two:
        made = await asyncio.gather(one.create("new"), two.create("new"), one.create("new"), return_exceptions=True)
        assert sorted(type(result).__name__ for result in made) == ["NoneType", "VersionConflict", "VersionConflict"]
        assert number_of(await two.issue("a", "new")) == "A001"
        with pytest.raises(VersionConflict):
            await one.runtime.put_configuration("new", rules(), expected=7, next_day=False, actor="t", command_id="p")
        with pytest.raises(UnknownBranch):
            await one.issue("a", "nowhere")


async def test_close_commits_what_has_queued() -> None:
    log = TestedLog()
    async with Hall(log) as hall:
        issued = [hall.issue(f"t{index}") for index in range(20)]
        await asyncio.sleep(0)
        await hall.runtime.close()
        assert len(await asyncio.gather(*issued)) == 20
        with pytest.raises(Overloaded):
            await hall.issue("late")
