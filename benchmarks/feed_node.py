"""The feed in this very process, over a log in memory: what the feed costs by itself, without a database beside it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from itertools import count

from benchmarks.branches import SERVICES, TIERS, configuration
from benchmarks.screens import Plan
from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import Tokens, create_token
from queue_server.core.commands import IssueTicket
from queue_server.core.state import BranchState
from queue_server.eventlog.memory import MemoryLog
from queue_server.push.admission import Admission
from queue_server.push.guests import Guest
from queue_server.push.hub import Hub
from queue_server.push.server import PushServer
from queue_server.runtime.clock import LogClock
from queue_server.runtime.commits import Commit
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from queue_server.wire.configuration import read_configuration


class Commits:
    """Notes the moment of each commit: an observer that stands before the feed."""

    def __init__(self) -> None:
        self.last = 0.0
        self.moments: dict[tuple[str, int], float] = {}

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Note the moment."""
        self.moments[commit.branch_id, state.seq] = self.last = time.monotonic()

    def reloaded(self, state: BranchState) -> None:
        """Nothing is read anew here."""


class FeedNode:
    """A runtime with its feed."""

    def __init__(self, runtime: Runtime, hub: Hub, push: PushServer, token: str) -> None:
        self.hub = hub
        self._runtime = runtime
        self._push = push
        self._token = token
        self._numbers = count(1)
        self.commits = Commits()
        runtime.observers.insert(0, self.commits)

    def plan(self, branches: list[str], stalled: int = 0, *, keeps_arrivals: bool = False) -> Plan:
        """Return the plan of one screen for each of *branches*."""
        return Plan("127.0.0.1", self._push.port, self._token, branches, stalled, keeps_arrivals)

    async def issue(self, branch: str) -> Outcome:
        """Issue a ticket, which every screen of *branch* is told of."""
        n = next(self._numbers)
        command = IssueTicket(
            at=0, command_id=f"issue-{n}", actor="kiosk:1", ticket_id=f"ticket-{n}", service=SERVICES[n % 4], tier=TIERS[n % 4]
        )
        return await self._runtime.execute(branch, command)

    async def told_frame(self, branch: str) -> bytes:
        """Issue a ticket and return what each screen of *branch* was told of it, as it went over the wire."""
        await self.issue(branch)
        frame = self._push._packing.packed
        if b'"type":"delta"' not in frame:
            raise RuntimeError("something else was told in the same moment")
        return frame

    def guests(self) -> list[Guest]:
        """Return the connections."""
        return list(self._push._guests.present)

    async def drained(self) -> None:
        """Wait until the system has taken all that was written."""
        while any(guest.transport.get_write_buffer_size() for guest in self.guests()):
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running_feed(branches: Sequence[str]) -> AsyncIterator[FeedNode]:
    """Run a node with *branches*."""
    runtime, store = Runtime(MemoryLog(), LogClock()), MemoryTokens()
    await runtime.start()
    tokens, hub = Tokens(store), Hub(runtime)
    runtime.observers.append(hub)
    push = PushServer(hub, Admission(tokens), port=0, screens_limit=20_000)
    await push.start()
    try:
        for branch in branches:
            rules = read_configuration(configuration(branch))
            await runtime.put_configuration(branch, rules, expected=None, next_day=False, actor="admin:1", command_id=branch)
        yield FeedNode(runtime, hub, push, (await create_token(store, Role.ADMIN))[0])
    finally:
        await push.close()
        await runtime.close()
