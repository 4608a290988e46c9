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
from tests.faults.cluster import FAKETIME, Cluster, Member, send

HOUR = 3600
_FREEZE_SECONDS = (0.2, 1.0, 3.0, 7.0)
"""The longest is longer than a node waits for its database."""
_DELAYS = (0.005, 0.03)

Struck = str
"""What was struck, for whoever counts."""
Trouble = Callable[[Cluster, random.Random], Awaitable[Struck]]
WayTrouble = Callable[[Chaos, random.Random], Awaitable[None]]


async def kill(cluster: Cluster, chance: random.Random) -> Struck:
    """A process of ours is killed and started again."""
    member = chance.choice(cluster.members)
    member.service.kill()
    member.service.launch()
    await member.service.ready()
    return member.part


async def freeze(cluster: Cluster, chance: random.Random) -> Struck:
    """A process of ours stops, and goes on later as if nothing had been."""
    member = chance.choice(cluster.members)
    await _frozen([member.service.pid], chance)
    return member.part


async def kill_database(cluster: Cluster, _chance: random.Random) -> Struck:
    """The database is killed with all its processes; its supervisor starts it again."""
    send(signal.SIGKILL, *cluster.database_processes())
    async with asyncio.timeout(60):
        while not await cluster.writers():
            await asyncio.sleep(0.05)
    return ""


async def freeze_database(cluster: Cluster, chance: random.Random) -> Struck:
    """All of the database stops for a while."""
    await _frozen(cluster.database_processes(), chance)
    return ""


async def freeze_writer(cluster: Cluster, chance: random.Random) -> Struck:
    """The database's process that appends for a node stops, perhaps in the middle of an append, and goes on later."""
    if writers := await cluster.writers():
        await _frozen([chance.choice(writers)], chance)
    return ""


async def kill_writer(cluster: Cluster, chance: random.Random) -> Struck:
    """A process of the database is killed: the database ends all others and recovers by itself."""
    if writers := await cluster.writers():
        send(signal.SIGKILL, chance.choice(writers))
    return ""


async def _frozen(pids: list[int], chance: random.Random) -> None:
    send(signal.SIGSTOP, *pids)
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        send(signal.SIGCONT, *pids)


async def kill_nats(cluster: Cluster, chance: random.Random) -> Struck:
    """NATS is killed, and started again after a while."""
    if cluster.nats is not None:
        cluster.nats.kill()
        try:
            await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
        finally:
            cluster.nats.start()
    return ""


async def freeze_nats(cluster: Cluster, chance: random.Random) -> Struck:
    """NATS stops for a while: connections stay, hints do not come."""
    if cluster.nats is not None:
        cluster.nats.freeze()
        try:
            await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
        finally:
            cluster.nats.thaw()
    return ""


async def reset(way: Chaos, _chance: random.Random) -> None:
    """Connections are reset."""
    way.reset()


async def cut(way: Chaos, _chance: random.Random) -> None:
    """Connections end in the middle of a message."""
    way.cut()


async def mute(way: Chaos, chance: random.Random) -> None:
    """What is asked arrives, what is answered does not; then the connections are reset."""
    way.mute()
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.reset()


async def half_open(way: Chaos, chance: random.Random) -> None:
    """Nothing goes through for a while, and nothing says so."""
    way.hold()
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.release()


async def delay(way: Chaos, chance: random.Random) -> None:
    """Everything takes longer for a while."""
    way.delay_seconds = chance.choice(_DELAYS)
    try:
        await asyncio.sleep(chance.choice(_FREEZE_SECONDS))
    finally:
        way.delay_seconds = 0.0


async def step_clock(cluster: Cluster, chance: random.Random) -> Struck:
    """A process's clock of the day is stepped by an hour, to either side or back."""
    member = chance.choice(cluster.members)
    member.step_clock(chance.choice((-HOUR, 0, HOUR)))
    return member.part


def _on_a_way(trouble: WayTrouble) -> Trouble:
    """Return *trouble* as done to one way of one process, chosen by chance."""

    async def strike(cluster: Cluster, chance: random.Random) -> Struck:
        name, way = chance.choice(sorted(_ways(chance.choice(cluster.members)).items()))
        await trouble(way, chance)
        return name

    strike.__name__ = trouble.__name__
    return strike


def _ways(member: Member) -> dict[str, Chaos]:
    """Name the ways of *member*; a process that holds screens alone is told apart by its part."""
    return {f"{member.part} {name}": way for name, way in member.ways.items()}


_OF_NATS: tuple[Trouble, ...] = (kill_nats, freeze_nats)
TROUBLES: tuple[Trouble, ...] = (
    kill,
    freeze,
    kill_database,
    freeze_database,
    freeze_writer,
    kill_writer,
    *map(_on_a_way, (reset, cut, mute, half_open, delay)),
    *((step_clock,) if FAKETIME is not None else ()),
)


async def trouble(cluster: Cluster, chance: random.Random, pause_seconds: float, done: Counter[str]) -> None:
    """Make trouble until cancelled, with a pause of about *pause_seconds* in between; *done* counts what came to its end."""
    troubles = TROUBLES if cluster.nats is None else TROUBLES + _OF_NATS
    while True:
        await asyncio.sleep(pause_seconds * chance.uniform(0.2, 1.8))
        one = chance.choice(troubles)
        struck = await one(cluster, chance)
        done[f"{one.__name__} {struck}".strip()] += 1
