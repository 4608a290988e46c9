"""
From a commit to the screens, with one screen in twenty stalled against none.

200 screens follow one branch, in which a hundred tickets a second are issued; a stalled one never reads. Before each round so much is
said that the buffers of the stalled are full: the round sees the feed as it is when it has given up on them.
"""

import asyncio
import statistics
from typing import Any

from benchmarks.feed_node import FeedNode, running_feed
from benchmarks.report import line, ratio, spread
from benchmarks.screens import Report, crowd

SCREENS = 200
STALLED = SCREENS // 20
A_SECOND = 100
TO_FILL_THE_BUFFERS = 4000
BRANCH = "feed"


def _delays(node: FeedNode, report: Report) -> list[float]:
    """Return the delays of all arrivals, in milliseconds, in order."""
    moments = node.commits.moments
    return sorted((at - moments[BRANCH, seq]) * 1000 for seq, came in report.arrivals[BRANCH].items() for at in came)


async def _round(node: FeedNode, stalled: int, seconds: float) -> tuple[float, float]:
    """Return p50 and p99 of the delays, in milliseconds."""
    async with crowd(node.plan([BRANCH] * SCREENS, stalled, keeps_arrivals=True)) as (screens, _):
        for n in range(TO_FILL_THE_BUFFERS):
            await node.issue(BRANCH)
            if n % 50 == 0:
                await asyncio.sleep(0.01)
        await screens.reach(TO_FILL_THE_BUFFERS * (SCREENS - stalled))
        if node.hub.behind != stalled:
            raise RuntimeError(f"{node.hub.behind} screens are behind, not {stalled}")
        loop = asyncio.get_running_loop()
        began = loop.time()
        for n in range(round(A_SECOND * seconds)):
            await asyncio.sleep(began + n / A_SECOND - loop.time())
            await node.issue(BRANCH)
        await asyncio.sleep(0.5)
        delays = _delays(node, await screens.ask())
    return statistics.median(delays), delays[int(len(delays) * 0.99)]


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    found: dict[str, list[tuple[float, float]]] = {"none": [], "stalled": []}
    for _ in range(rounds):
        for kind, stalled in (("none", 0), ("stalled", STALLED)):
            # A node of its own each time: the day grows with every round.
            async with running_feed([BRANCH]) as node:
                found[kind].append(await _round(node, stalled, seconds))
    p50, p99 = ({kind: [pair[n] for pair in pairs] for kind, pairs in found.items()} for n in (0, 1))
    return {
        "what": "from a commit to the screens that read, with 5 % of all screens stalled against none",
        "screens": SCREENS,
        "stalled": STALLED,
        "p50_ms": {kind: spread(values, 2) for kind, values in p50.items()},
        "p99_ms": {kind: spread(values, 2) for kind, values in p99.items()},
        "ratio": ratio(p99["stalled"], p99["none"]),
        "rounds": p99,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"From commit to screen, {figures['screens']} screens, {figures['stalled']} stalled against none")
    for kind, values in figures["rounds"].items():
        print(line(f"p99, {kind}", values, "ms", 2) + f"   p50 {figures['p50_ms'][kind]['median']} ms")
    print(f"  ratio {figures['ratio']}")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=5)))
