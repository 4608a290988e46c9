"""A short history of many clients at three nodes; the campaign tells long ones, with every trouble."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from tests.faults.checker import check_history
from tests.faults.doubles import doubles
from tests.faults.hall import Hall, Setting, hall

SETTING = Setting(nodes=3, commands=600, clients=32, branches=("north", "south"))
AFTER_ATTEMPTS = 100
"""So often something happens to the connections."""


@contextlib.asynccontextmanager
async def cut_off(opened: Hall, seed: int) -> AsyncIterator[None]:
    """Connections to the database and to the screens are reset, or end in the middle of a message, again and again."""
    chance, attempts = random.Random(seed), 0

    def now_and_then() -> None:
        nonlocal attempts
        attempts += 1
        if attempts % AFTER_ATTEMPTS == 0:
            way = chance.choice((*opened.ways.database, *opened.ways.screens))
            chance.choice((way.reset, way.cut))()

    opened.clients.progress = now_and_then
    yield
    assert attempts >= SETTING.commands


async def test_many_clients_at_three_nodes_are_told_the_truth(durable_url: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with hall(durable_url, SETTING) as opened:
        async with cut_off(opened, seed):
            await opened.use()
        seen = await opened.seen()
    violations = await asyncio.to_thread(check_history, seen.history, seen.facts)
    assert violations == [], f"seed {seed}"
    assert seen.stuck == []
    assert [double for rows in seen.facts.values() for double in doubles(rows)] == []
    assert not any(request.attempts[-1].is_unsettled for request in seen.history.requests)
