"""Two nodes on one log, kept in step by a bus."""

import asyncio

from queue_server.bus.hints import CommitHints
from queue_server.bus.memory import Exchange
from tests.runtime.hall import Hall, TestedLog


async def test_two_nodes_on_one_log_keep_up_by_hints_alone() -> None:
    """Neither polls within the test: what the second shows of the first it has from a hint."""
    exchange, log = Exchange(), TestedLog()
    lines = [exchange.line(), exchange.line()]
    async with Hall(log, poll_seconds=3600.0) as first, Hall(log, poll_seconds=3600.0) as second:
        halls = [first, second]
        for hall, line in zip(halls, lines, strict=True):
            hall.runtime.observers.append(CommitHints(line))
            ready = asyncio.Event()
            line.listen(lambda hint, hall=hall: hall.runtime.hint(hint.branch_id, hint.day, hint.seq), ready.set)  # type: ignore[misc]
            line.start()
            await ready.wait()
        assert await second.numbers() == []
        told = asyncio.Event()
        second.watcher.committed = lambda commit, state: told.set()  # type: ignore[method-assign]
        await first.issue("t1")
        await told.wait()
        assert await second.numbers() == await first.numbers() != []
        for line in lines:
            await line.close()
