"""The cable between a node and its database is pulled, at the one end and at the other, while commands are given."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from benchmarks.running import QUEUE_SERVER, Service
from tests.faults.cables import Cable, cable, run_inside
from tests.faults.checker import check_history
from tests.faults.clients import Clients, Manners
from tests.faults.facts import stored
from tests.faults.far_database import DSN, database_answers, far_database
from tests.faults.nodes import admin
from tests.faults.provoking import ISSUE, TICKET
from tests.faults.watching import watching

BUSY, QUIET = "busy", "quiet"
TIMEOUT_SECONDS = 2.0
NOTICED_SECONDS = TIMEOUT_SECONDS + 2.0
"""A command that cannot be stored is answered after the node's time-out, and the look around that finds it."""
BACK_SECONDS = 8.0
SECONDS = 20.0
SETTINGS = {
    "QUEUE_DATABASE_URL": DSN,
    "QUEUE_COMMAND_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
    "QUEUE_HEARTBEAT_SECONDS": "0.2",
}


class Pulling:
    """Clients and screens beside the node, which have only its word."""

    def __init__(self, laid: Cable, node: Service) -> None:
        self._laid = laid
        self._node = node

    async def run(self) -> None:
        """Pull the cable twice under load; nothing may be wrong with what was seen."""
        await database_answers()
        self._node.launch()
        try:
            await self._node.ready()
            token, before = await admin(DSN), self._node.pid
            async with Clients([self._node.url], token, [BUSY, QUIET], 1, Manners(dropped=0.0)) as clients:
                await clients.make_branches()
                async with watching([self._node.push_url], token, [BUSY, QUIET], clients.history) as self._screens:
                    for pull in (self._laid.pull_there, self._laid.pull_here):
                        await self._use(clients, pull)
                    await self._see_all()
            assert self._node.pid == before
            facts = await stored(DSN, [BUSY, QUIET])
        finally:
            await self._node.stop()
        assert check_history(clients.history, facts) == []

    async def _use(self, clients: Clients, pull: Callable[[], None]) -> None:
        busy = [clients.request(BUSY, ISSUE, TICKET) for _ in range(20)]
        under_way = asyncio.gather(*(clients.settle(self._node.url, request) for request in busy))
        pull()
        turned_away = await clients.repeat(self._node.url, clients.request(BUSY, ISSUE, TICKET))
        assert (turned_away.status, turned_away.answer["code"], turned_away.is_told_when) == (503, "log_unavailable", True)
        assert turned_away.ended - turned_away.began < NOTICED_SECONDS
        assert all(await asyncio.gather(*(screen.is_live(SECONDS) for screen in self._screens)))
        assert await clients.read(self._node.url, QUIET, fresh=False) is not None
        self._laid.mend()
        async with asyncio.timeout(BACK_SECONDS):
            await clients.settle(self._node.url, clients.history.requests[-1])
        await under_way

    async def _see_all(self) -> None:
        facts = await stored(DSN, [BUSY, QUIET])
        assert all([await each.converges(facts[each.screen.branch][-1].seq, SECONDS) for each in self._screens])


def test_a_pulled_cable_costs_time_and_nothing_else(tmp_path: Path) -> None:
    with cable() as laid, far_database(tmp_path / "database", laid.there):
        node = Service(tmp_path, ("ip", "netns", "exec", laid.here, *QUEUE_SERVER, "run"), SETTINGS)
        run_inside(laid.here, Pulling(laid, node).run())
