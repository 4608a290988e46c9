"""
Deliveries of the feed against a loop that writes one prebuilt frame to the same sockets.

200 screens follow one branch. On the one side tickets are issued one after the other, decided, committed to a log in memory, and told
to every screen; the clock runs from the commit until the system has taken the last byte. On the other a frame of exactly the size
of the last real one is written to the same connections in a loop, and the clock runs from the first write until the system
has taken the last byte. Both let the event loop turn once before they look whether all was taken. They take turns after every few
tickets, when the screens, a process of their own, have read everything; that is not timed.

THE ratio is of these two. A second one also counts what comes before the commit: the command, its decision, and the log in memory.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.feed_node import FeedNode, running_feed
from benchmarks.report import line, ratio, spread, spread_line
from benchmarks.screens import Crowd, crowd

SCREENS = 200
IN_ONE_GO = 20
BRANCH = "feed"

Step = Callable[[], Awaitable[float]]
"""Tells every screen of one thing and returns the moment from which the deliveries count."""


class Side:
    """One of the two: deliveries a second of each round, from the moment that counts and with all that came before it."""

    def __init__(self, node: FeedNode, screens: Crowd, step: Step) -> None:
        self._node = node
        self._screens = screens
        self._step = step
        self._counted = self._whole = 0.0
        self._deliveries = 0
        self.rates: list[float] = []
        self.whole: list[float] = []

    async def go(self) -> None:
        """Measure one go."""
        for _ in range(IN_ONE_GO):
            began = time.monotonic()
            since = await self._step()
            await self._node.drained()
            ended = time.monotonic()
            self._counted += ended - since
            self._whole += ended - began
        self._deliveries += IN_ONE_GO * SCREENS
        # Each go begins with empty sockets: where they are full, writing is only putting into a list.
        await self._screens.reach(IN_ONE_GO * SCREENS)

    def end_round(self) -> None:
        """Keep what was measured since the last round."""
        self.rates.append(self._deliveries / self._counted)
        self.whole.append(self._deliveries / self._whole)
        self._counted = self._whole = 0.0
        self._deliveries = 0


class Prebuilt:
    """The loop of the reference."""

    def __init__(self, node: FeedNode) -> None:
        self._transports = [guest.transport for guest in node.guests()]
        self.frame = b""

    async def write(self) -> float:
        """Write the frame to every screen."""
        began = time.monotonic()
        for transport in self._transports:
            transport.write(self.frame)
        await asyncio.sleep(0)
        return began


async def measure(rounds: int, goes: int) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    sizes = list[int]()
    async with running_feed([BRANCH]) as node, crowd(node.plan([BRANCH] * SCREENS)) as (screens, _):

        async def issue() -> float:
            await node.issue(BRANCH)
            return node.commits.last

        prebuilt = Prebuilt(node)
        feed, loop = Side(node, screens, issue), Side(node, screens, prebuilt.write)
        for _ in range(rounds):
            for _ in range(goes):
                await feed.go()
                prebuilt.frame = await node.told_frame(BRANCH)
                await screens.reach(SCREENS)
                await loop.go()
            sizes.append(len(prebuilt.frame))
            feed.end_round()
            loop.end_round()
    return {
        "what": "deliveries of the feed, from the commit, against a loop that writes one prebuilt frame to the same sockets",
        "screens": SCREENS,
        "frame_bytes": sizes,
        "deliveries_a_second": spread(feed.rates),
        "deliveries_with_decisions_a_second": spread(feed.whole),
        "prebuilt_frames_a_second": spread(loop.rates),
        "ratio": ratio(feed.rates, loop.rates),
        "ratio_with_decisions": ratio(feed.whole, loop.whole),
        "rounds": {"feed": feed.rates, "with_decisions": feed.whole, "loop": loop.rates},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"Deliveries to {figures['screens']} screens of one branch, frames of {figures['frame_bytes'][-1]} bytes")
    print(line("the feed, from the commit", figures["rounds"]["feed"], "/s"))
    print(line("the feed, with the command and its decision", figures["rounds"]["with_decisions"], "/s"))
    print(line("a loop that writes one prebuilt frame", figures["rounds"]["loop"], "/s"))
    print(spread_line("ratio: the feed, from the commit / the loop", figures["ratio"]))
    print(spread_line("ratio: with the command and its decision / the loop", figures["ratio_with_decisions"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, goes=15)))
