"""What is done for every branch again and again does not hold the event loop for all of them at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from queue_server.core.configuration import Configuration
from queue_server.push.hub import Hub
from queue_server.push.views import Following, View
from tests.push.node import running
from tests.push.turns import Turns
from tests.runtime.hall import Hall

BRANCHES = [f"branch-{n}" for n in range(20)]


class Silent:
    """A screen that counts what it is told by the turn of the loop."""

    def __init__(self, told: Counter[int], turns: Turns) -> None:
        self._told = told
        self._turns = turns

    def buffered(self) -> int:
        return 0

    def send(self, frame: bytes) -> None:
        self._told[self._turns.number] += 1

    def drop(self) -> None:
        raise AssertionError("nobody is slow here")


async def put(hall: Hall, branch: str, rules: Configuration) -> None:
    await hall.runtime.put_configuration(
        branch, structs.replace(rules, id=branch), expected=None, next_day=False, actor="test", command_id=branch
    )


@pytest.mark.parametrize(
    "round_of", [lambda hub, group: hub._beat(), lambda hub, group: hub._foretell(group)], ids=["beat", "foretell"]
)
async def test_one_branch_is_told_in_a_turn(round_of: Callable[[Hub, asyncio.TaskGroup], Any]) -> None:
    never = {"heartbeat_seconds": 1000.0, "outlook_seconds": 1000.0}
    async with running(hub_options=never) as node:
        _, rules = await node.hall.runtime.configuration("b")
        turns, told = Turns(), Counter[int]()
        for branch in BRANCHES:
            await put(node.hall, branch, rules)
            await node.hub.join(node.hub.enroll(None), Following(branch, View.BOARD), Silent(told, turns))
        told.clear()
        async with asyncio.TaskGroup() as group:
            await round_of(node.hub, group)
    assert told.total() == len(BRANCHES)
    assert max(told.values()) == 1
