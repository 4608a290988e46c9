"""What it takes for a bug to do harm: each a few steps at two nodes, *here* and *there*, with the fault that it waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.branches import SERVICES
from tests.faults.hall import Hall
from tests.faults.history import Attempt

SECONDS = 5.0
ROUND_TRIPS = 5
"""While so many are answered there, what was sent here has come to its node."""
ISSUE = "/tickets"
TICKET = {"service": SERVICES[0]}

Provocation = Callable[[Hall], Coroutine[Any, Any, None]]


async def race(hall: Hall) -> None:
    """Here a command is on its way to a log that does not answer; there another one is quicker."""
    here, there = hall.urls
    before = await both_know(hall)
    hall.ways.database[0].hold()
    late = asyncio.create_task(hall.clients.command(here, hall.branch, ISSUE, TICKET))
    for _ in range(ROUND_TRIPS):
        await hall.clients.read(there, hall.branch, fresh=False)
    # Whoever looks meanwhile must not see it; with the bug they do, and without it this read ends when the race is over.
    look = asyncio.create_task(hall.clients.read(here, hall.branch, fresh=False))
    await asyncio.wait((late, look), timeout=0.2)
    await hall.clients.command(there, hall.branch, ISSUE, TICKET | {"tier": "gold"})
    hall.ways.database[0].release()
    async with asyncio.timeout(SECONDS):
        await late
        await look
    assert len(await hall.facts()) >= before + 1


async def both_know(hall: Hall) -> int:
    """Let both nodes have the branch in memory; returns how many facts it has."""
    for url in hall.urls:
        await hall.clients.read(url, hall.branch)
    return len(await hall.facts())


async def quarrel(hall: Hall) -> None:
    """Here a counter is closed; there, where nobody has heard of it, it is to be opened."""
    here, there = hall.urls
    await both_know(hall)
    await hall.clients.command(here, hall.branch, "/counters/1/close", {})
    await hall.clients.command(there, hall.branch, "/counters/1/open", {})


async def look_there(hall: Hall) -> None:
    """What is done here is looked for there."""
    here, there = hall.urls
    await both_know(hall)
    await hall.clients.command(here, hall.branch, ISSUE, TICKET)
    await hall.clients.read(there, hall.branch)


async def lost_answer(hall: Hall) -> None:
    """The log stores what it is given, and its answer is lost."""
    here, _ = hall.urls
    before = await both_know(hall)
    hall.ways.database[0].mute()
    asking = asyncio.create_task(hall.clients.command(here, hall.branch, ISSUE, TICKET))
    await until(hall, lambda facts: facts > before)
    hall.ways.database[0].reset()
    await asking


async def until(hall: Hall, is_so: Callable[[int], bool]) -> None:
    """Wait for so many facts."""
    async with asyncio.timeout(SECONDS):
        while not is_so(len(await hall.facts())):
            await asyncio.sleep(0)


async def repeat(hall: Hall) -> None:
    """Two commands, and the first of them once more."""
    here, _ = hall.urls
    await issue(hall)
    first = hall.clients.history.requests[-1]
    await issue(hall)
    await hall.clients.repeat(here, first)


async def issue(hall: Hall) -> Attempt:
    """Issue a ticket here."""
    return await hall.clients.command(hall.urls[0], hall.branch, ISSUE, TICKET)


async def let_wait(hall: Hall) -> None:
    """Somebody is called and does not come."""
    await issue(hall)
    await hall.clients.command(hall.urls[0], hall.branch, "/counters/1/call-next", {})
    async with asyncio.timeout(SECONDS):
        while not any(row.name == "NoShowRecorded" for row in await hall.facts()):
            await asyncio.sleep(0)


async def call_twice(hall: Hall) -> None:
    """A counter calls, and calls once more."""
    for _ in range(2):
        await issue(hall)
    for _ in range(2):
        await hall.clients.command(hall.urls[0], hall.branch, "/counters/1/call-next", {})


async def come_back(hall: Hall) -> None:
    """The screens are cut off, and while they are away something happens."""
    for way in hall.ways.screens:
        way.reset()
    for _ in range(3):
        await issue(hall)
    await hall.seen()
