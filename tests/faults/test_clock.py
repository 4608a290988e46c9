"""A node whose clock is stepped by an hour goes on telling the log's time."""

import asyncio
import email.utils
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession

from benchmarks.running import Service
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.faults.checker import check_history
from tests.faults.clients import Clients
from tests.faults.cluster import clock_of_its_own
from tests.faults.facts import stored
from tests.faults.nodes import admin

HOUR = 3600
NEAR_SECONDS = 60
SECONDS = 20.0
BRANCH = "north"


async def told_time(session: ClientSession, url: str) -> float:
    """Return how far the node's clock of the day is from ours, in seconds, by the date of an answer."""
    async with session.get(f"{url}/healthz") as response:
        return email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp() - datetime.now(UTC).timestamp()


async def test_a_clock_that_is_stepped_changes_nothing(durable_engine: EmbeddedPostgres, durable_url: str, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0\n", encoding="ascii")
    node = Service(tmp_path, settings={"QUEUE_DATABASE_URL": durable_url, **clock_of_its_own(clock)})
    node.launch()
    try:
        await node.ready()
        async with ClientSession() as session, Clients([node.url], await admin(durable_url), [BRANCH], 1) as clients:
            await clients.make_branches()
            await clients.command(node.url, BRANCH, "/tickets", {"service": "cash"})
            for step in (HOUR, -HOUR):
                clock.write_text(f"{step:+d}\n", encoding="ascii")
                async with asyncio.timeout(SECONDS):
                    while abs(await told_time(session, node.url) - step) > NEAR_SECONDS:
                        await asyncio.sleep(0)
                await clients.command(node.url, BRANCH, "/tickets", {"service": "cash"})
    finally:
        await node.stop()
    facts = await stored(durable_url, [BRANCH])
    now = datetime.now(UTC).timestamp() * 1000
    assert all(abs(row.at - now) < NEAR_SECONDS * 1000 for row in facts[BRANCH])
    assert check_history(clients.history, facts) == []
