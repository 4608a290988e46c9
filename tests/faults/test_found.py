"""What campaigns have found, each as small as it could be made."""

import asyncio
from collections.abc import Awaitable, Callable

from queue_server.core.apply import apply
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Appended
from tests.runtime.hall import Hall
from tests.scenario import fingerprint

SECONDS = 5.0
LOSSES = 3
"""After so many in a row a branch is brought back with a delay, and others may be quicker."""


async def test_a_branch_that_is_lost_again_before_its_return_was_told_is_not_shown() -> None:
    """Its state is ahead of the log, with facts that lost their claim: a screen that gets it shows what has never been."""
    async with Hall() as hall:
        wrong: list[int] = []

        class Notice:
            def committed(self, _commit: object, state: BranchState) -> None:
                self.reloaded(state)

            def reloaded(self, state: BranchState) -> None:
                stored = BranchState("b")
                for row in hall.log._rows["b", state.day]:
                    apply(stored, to_event(row))
                if fingerprint(stored) != fingerprint(state):
                    wrong.append(state.seq)

        async def lose(_append: Callable[[], Awaitable[Appended]]) -> Appended:
            return Appended(frozenset(), frozenset(), hall.clock.at)

        async def lose_late(append: Callable[[], Awaitable[Appended]]) -> Appended:
            async with asyncio.timeout(SECONDS):
                while not any(branch.lookers for branch in hall.runtime._branches.loaded()):
                    await asyncio.sleep(0)
            # What is decided again is decided later: another fact than the one that has lost.
            hall.clock.at += 1
            return await lose(append)

        hall.runtime.observers.append(Notice())
        hall.log.script = [*(lose for _ in range(LOSSES)), lose_late]
        first = hall.issue("x")
        async with asyncio.timeout(SECONDS):
            while len(hall.log.script) > 1:
                await asyncio.sleep(0)
        # Somebody else's command loads the branch meanwhile and is in the air when it is brought back.
        await asyncio.gather(first, hall.issue("y"))
        assert wrong == []
