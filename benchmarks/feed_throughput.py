"""
Deliveries of the feed against a loop that writes one prebuilt frame to the same sockets.

200 screens follow one branch. On the one side tickets are issued one after the other, decided, committed to a log in memory and told
to every screen; on the other a frame of the same size is written to the same connections. Both wait every few rounds until the
system has taken what was written, and then, untimed, until the screens, a process of their own, have read it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.feed_node import FeedNode, running_feed
from benchmarks.report import line, ratio, spread
from benchmarks.screens import Crowd, crowd

SCREENS = 200
IN_ONE_GO = 20
BRANCH = "feed"
FRAME = b"\x81\x7e\x00\xb9" + b'{"type":"delta","day":"2026-11-23","prev":1000,"seq":1001,"events":[]' + b" " * 115 + b"}"


class Side:
    """One of the two: deliveries a second of each round, by the wall's time and by this process's processor time."""

    def __init__(self, node: FeedNode, screens: Crowd, step: Callable[[], Awaitable[Any]]) -> None:
        self._node = node
        self._screens = screens
        self._step = step
        self.rates: list[float] = []
        self.by_processor: list[float] = []

    async def round(self, goes: int) -> None:
        """Measure once more."""
        wall = used = 0.0
        for _ in range(goes):
            began, cost = time.perf_counter(), time.process_time()
            for _ in range(IN_ONE_GO):
                await self._step()
            await self._node.drained()
            wall, used = wall + time.perf_counter() - began, used + time.process_time() - cost
            # Each go begins with empty sockets: where they are full, writing is only putting into a list.
            await self._screens.reach(IN_ONE_GO * SCREENS)
        deliveries = goes * IN_ONE_GO * SCREENS
        self.rates.append(deliveries / wall)
        self.by_processor.append(deliveries / used)


async def measure(rounds: int, goes: int) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    async with running_feed([BRANCH]) as node, crowd(node.plan([BRANCH] * SCREENS)) as (screens, _):
        transports = [guest.transport for guest in node.guests()]

        async def write() -> None:
            for transport in transports:
                transport.write(FRAME)
            await asyncio.sleep(0)

        feed, loop = Side(node, screens, lambda: node.issue(BRANCH)), Side(node, screens, write)
        told = node.told_seconds
        alone = list[float]()
        for _ in range(rounds):
            before = told()
            await feed.round(goes)
            alone.append(goes * IN_ONE_GO * SCREENS / (told() - before))
            await loop.round(goes)
    return {
        "what": "deliveries of the feed against a loop that writes one prebuilt frame to the same sockets",
        "screens": SCREENS,
        "deliveries_a_second": spread(alone),
        "deliveries_with_decisions_a_second": spread(feed.rates),
        "prebuilt_frames_a_second": spread(loop.rates),
        "ratio": ratio(alone, loop.rates),
        "ratio_with_decisions": ratio(feed.rates, loop.rates),
        "ratio_of_processor_time_with_decisions": ratio(feed.by_processor, loop.by_processor),
        "rounds": {"feed": alone, "with_decisions": feed.rates, "loop": loop.rates},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"Deliveries to {figures['screens']} screens of one branch")
    print(line("the feed: a commit told to all", figures["rounds"]["feed"], "/s"))
    print(line("with the command and its commit in memory", figures["rounds"]["with_decisions"], "/s"))
    print(line("a loop that writes one prebuilt frame", figures["rounds"]["loop"], "/s"))
    print(f"  ratio {figures['ratio']} (with the commands {figures['ratio_with_decisions']})")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, goes=15)))
