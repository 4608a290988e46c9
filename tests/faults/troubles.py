"""
What is done to a cluster while it is used: one trouble after another, drawn by chance, each over after some seconds.

A trouble leaves the cluster as it found it: what was killed is started again, what was frozen goes on, what was held is let through.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.faults.chaos import Chaos
from tests.faults.cluster import FAKETIME, Cluster, Node, send

HOUR = 3600
_FREEZE_SECONDS = (0.2, 1.0, 3.0, 7.0)
"""The longest is longer than a node waits for its database."""
_DELAYS = (0.005, 0.03)

Trouble = Callable[[Cluster, Node, random.Random], Awaitable[None]]


async def kill_node(_cluster: Cluster, node: Node, _chance: random.Random) -> None:
    """A node is killed and started again."""
    node.service.kill()
    node.service.launch()
    await node.service.ready()


async def freeze_node(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """A node stops, and goes on later as if nothing had been."""
    await _frozen([node.service.pid], chance)


async def kill_database(cluster: Cluster, _node: Node, _chance: random.Random) -> None:
    """The database is killed with all its processes; its supervisor starts it again."""
    send(signal.SIGKILL, *cluster.database_processes())
    async with asyncio.timeout(60):
        while not await cluster.writers():
            await asyncio.sleep(0.05)


async def freeze_database(cluster: Cluster, _node: Node, chance: random.Random) -> None:
    """All of the database stops for a while."""
    await _frozen(cluster.database_processes(), chance)


async def freeze_writer(cluster: Cluster, _node: Node, chance: random.Random) -> None:
    """The database's process that appends for a node stops, perhaps in the middle of an append, and goes on later."""
    if writers := await cluster.writers():
        await _frozen([chance.choice(writers)], chance)


async def kill_writer(cluster: Cluster, _node: Node, chance: random.Random) -> None:
    """A process of the database is killed: the database ends all others and recovers by itself."""
    if writers := await cluster.writers():
        send(signal.SIGKILL, chance.choice(writers))


async def _frozen(pids: list[int], chance: random.Random) -> None:
    send(signal.SIGSTOP, *pids)
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        send(signal.SIGCONT, *pids)


async def reset(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """Connections are reset."""
    _way(node, chance).reset()


async def cut(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """Connections end in the middle of a message."""
    _way(node, chance).cut()


async def mute(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """What is asked arrives, what is answered does not; then the connections are reset."""
    way = _way(node, chance)
    way.mute()
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.reset()


async def half_open(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """Nothing goes through for a while, and nothing says so."""
    way = _way(node, chance)
    way.hold()
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.release()


async def delay(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """Everything takes longer for a while."""
    way = _way(node, chance)
    way.delay_seconds = chance.choice(_DELAYS)
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.delay_seconds = 0.0


async def step_clock(_cluster: Cluster, node: Node, chance: random.Random) -> None:
    """A node's clock of the day is stepped by an hour, to either side or back."""
    node.step_clock(chance.choice((-HOUR, 0, HOUR)))


def _way(node: Node, chance: random.Random) -> Chaos:
    return chance.choice((node.database, node.http, node.push))


TROUBLES: tuple[Trouble, ...] = (
    kill_node,
    freeze_node,
    kill_database,
    freeze_database,
    freeze_writer,
    kill_writer,
    reset,
    cut,
    mute,
    half_open,
    delay,
    *((step_clock,) if FAKETIME is not None else ()),
)


async def trouble(cluster: Cluster, chance: random.Random, pause_seconds: float, done: Counter[str]) -> None:
    """Make trouble until cancelled, with a pause of about *pause_seconds* in between; *done* counts what was done."""
    while True:
        await asyncio.sleep(pause_seconds * chance.uniform(0.2, 1.8))
        one = chance.choice(TROUBLES)
        done[one.__name__] += 1
        await one(cluster, chance.choice(cluster.nodes), chance)
