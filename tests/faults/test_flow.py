"""More commands than may wait, while the log does not answer: those beyond the limit are turned away at once, and the screens go on."""

import asyncio

from tests.faults.checker import check_history
from tests.faults.clients import Manners
from tests.faults.hall import Setting, hall
from tests.faults.provoking import ISSUE, TICKET

LIMIT, FLOOD = 40, 150
TIMEOUT_SECONDS = 3.0
SECONDS = 20.0
NODE = {"command_queue_limit": LIMIT, "command_timeout_seconds": TIMEOUT_SECONDS}


async def test_a_flood_is_turned_away_early_and_what_was_taken_is_settled(durable_url: str) -> None:
    setting = Setting(nodes=1, manners=Manners(attempt_seconds=SECONDS), node=NODE)
    async with hall(durable_url, setting) as opened:
        (url,), (way,) = opened.urls, opened.ways.database
        await opened.clients.command(url, opened.branch, ISSUE, TICKET)
        way.hold()
        flood = [opened.clients.request(opened.branch, ISSUE, TICKET) for _ in range(FLOOD)]
        attempts = await asyncio.gather(*(opened.clients.repeat(url, request) for request in flood))
        # Held all the while: nobody can have been answered otherwise.
        assert {(each.status, each.answer["code"], each.is_told_when) for each in attempts} == {(503, "log_unavailable", True)}
        early = [each for each in attempts if each.ended - each.began < TIMEOUT_SECONDS]
        assert FLOOD - 2 * LIMIT <= len(early) < FLOOD
        assert all(await asyncio.gather(*(screen.is_live(SECONDS) for screen in opened.screens)))
        way.release()
        async with asyncio.timeout(SECONDS):
            settled = await asyncio.gather(*(opened.clients.settle(url, request) for request in flood))
        seen = await opened.seen()
    assert [each.status for each in settled] == [201] * FLOOD
    assert seen.stuck == []
    assert check_history(seen.history, seen.facts) == []
    assert sum(row.name == "TicketIssued" for row in seen.facts[opened.branch]) == FLOOD + 1
