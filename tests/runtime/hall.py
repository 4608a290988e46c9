"""A running hall on a log in memory, whose clock and faults the test decides."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, Self, TypeVar

from queue_server.core import commands as c
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.state import BranchState
from queue_server.eventlog.memory import MemoryLog
from queue_server.eventlog.port import Appended, Claim
from queue_server.runtime.commits import Commit
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from tests.scenario import MORNING, rules

C = TypeVar("C", bound=c.Command)
_ids = count(1)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = MORNING

    def now(self) -> Instant:
        return self.at

    def observe(self, sent: float, received: float, log_clock: Instant) -> None:
        """The test's own time counts."""


class TestedLog(MemoryLog):
    """Does at the next appends what the test has lined up, and counts the statements."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[tuple[Sequence[Claim], Sequence[tuple[BranchId, Day, int]]]] = []
        self.script: list[Callable[[Callable[[], Awaitable[Appended]]], Awaitable[Appended]]] = []

    async def append(
        self, claims: Sequence[Claim], confirm: Sequence[tuple[BranchId, Day, int]] = (), epoch: str | None = None
    ) -> Appended:
        self.appends.append((claims, confirm))
        real = super().append
        if self.script:
            return await self.script.pop(0)(lambda: real(claims, confirm, epoch))
        return await real(claims, confirm, epoch)


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.told: asyncio.Queue[Commit] = asyncio.Queue()
        self.reloads = 0

    def committed(self, commit: Commit, state: BranchState) -> None:
        assert state.seq == commit.changes[-1].event.seq
        self.commits.append(commit)
        if not commit.own:
            self.told.put_nowait(commit)

    def reloaded(self, state: BranchState) -> None:
        self.reloads += 1


class Hall:
    """`async with Hall() as hall` gives a running node with the branch `b`."""

    def __init__(self, log: TestedLog | None = None, **options: Any) -> None:
        self.log = log or TestedLog()
        self.clock = HandClock()
        self.watcher = Watcher()
        self.runtime = Runtime(self.log, self.clock, **options)
        self.runtime.observers.append(self.watcher)

    async def __aenter__(self) -> Self:
        await self.runtime.start()
        if not await self.runtime.exists("b"):
            await self.create("b")
        self.log.appends.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runtime.close()

    async def create(self, branch: str) -> None:
        await self.runtime.put_configuration(
            branch, rules(id=branch), expected=None, next_day=False, actor="test", command_id=f"create-{branch}"
        )

    def do(self, command: type[C], branch: str = "b", key: str | None = None, request: bytes | None = None, **fields: Any) -> Any:
        """Start a command; await it for its outcome."""
        number = next(_ids)
        envelope: dict[str, Any] = {"at": 0, "command_id": key or f"c{number}", "actor": "test"}
        return asyncio.ensure_future(
            self.runtime.execute(branch, command(**(envelope | fields)), request or (b"r" if key else None))
        )

    def issue(self, ticket: str, branch: str = "b", key: str | None = None, request: bytes | None = None) -> Any:
        return self.do(c.IssueTicket, branch, key, request, ticket_id=ticket, service="cash")

    async def numbers(self, branch: str = "b") -> list[str]:
        return await self.runtime.read(branch, lambda state, _: [ticket.number for ticket in state.tickets.values()])


def number_of(outcome: Outcome) -> str:
    ticket = outcome.changes[0].ticket
    assert ticket is not None
    return ticket.number
