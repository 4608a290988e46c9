"""What a node tells the others of its commits."""

import asyncio

from queue_server.bus.hints import CommitHints
from queue_server.bus.memory import Exchange
from queue_server.bus.port import Hint
from queue_server.core.state import BranchState
from queue_server.runtime.commits import Commit
from tests.bus.ears import Ears
from tests.runtime.hall import Hall


async def test_each_commit_of_a_node_is_told_to_the_others() -> None:
    exchange = Exchange()
    here, there = Ears(exchange.line()), Ears(exchange.line())
    await here.connected()
    await there.connected()
    async with Hall() as hall:
        hall.runtime.observers.append(CommitHints(here.line))
        await asyncio.gather(*(hall.issue(f"t{number}") for number in range(5)))
        head = await hall.log.head("b")
        assert head is not None
        await there.hears(Hint("b", head.day, head.seq))
    assert here.heard == []
    await here.line.close()
    await there.line.close()


async def test_what_another_process_wrote_is_not_told_again() -> None:
    line = Exchange().line()
    watcher = CommitHints(line)
    state = BranchState("b", day="2026-11-23", seq=4)
    watcher.committed(Commit("b", [], own=False), state)
    watcher.reloaded(state)
    assert line.state().waiting == 0
    watcher.committed(Commit("b", [], own=True), state)
    assert line.state().waiting == 1
