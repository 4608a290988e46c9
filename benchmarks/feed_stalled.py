"""
From a commit to the screens, with one screen in twenty stalled from the beginning against none.

100 screens follow one branch, in which 200 tickets a second are issued; a stalled one never reads. The run begins with fresh
connections: the stalled take in what the system and the feed buffer for them (filling), until the feed gives up on all of them, and
goes on for some seconds after that (given up). A run without stalled screens and of as many tickets follows each. THE ratio is that of
the p99 over the whole run; those of the two stretches stand beside it.
"""

import asyncio
import statistics
from typing import Any

from msgspec import Struct

from benchmarks.feed_node import FeedNode, running_feed
from benchmarks.report import line, percentile, ratio, spread, spread_line
from benchmarks.screens import Report, crowd

SCREENS = 100
STALLED = SCREENS // 20
A_SECOND = 200
BRANCH = "feed"
LONGEST_FILLING = 60 * A_SECOND
"""Tickets after which the feed should long have given up on whoever reads nothing."""
STRETCHES = ("whole", "filling", "given_up")


class Run(Struct, frozen=True):
    """The delays of all arrivals in milliseconds, with the `seq` each belongs to, and the last `seq` before all were given up."""

    delays: list[tuple[int, float]]
    filled_at: int

    def stretch(self, name: str, filled_at: int) -> list[float]:
        """Return the delays of one of the stretches, where the stalled were given up after *filled_at*."""
        return [delay for seq, delay in self.delays if name == "whole" or (seq <= filled_at) == (name == "filling")]


def _delays(node: FeedNode, report: Report) -> list[tuple[int, float]]:
    moments = node.commits.moments
    return [(seq, (at - moments[BRANCH, seq]) * 1000) for seq, came in report.arrivals[BRANCH].items() for at in came]


class Pace:
    """Issues tickets at a steady pace."""

    def __init__(self, node: FeedNode) -> None:
        self._node = node
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.issued = 0

    async def issue(self) -> None:
        """Issue the next ticket when it is due."""
        await asyncio.sleep(self._began + self.issued / A_SECOND - self._loop.time())
        await self._node.issue(BRANCH)
        self.issued += 1


async def _run(stalled: int, filling: int | None, seconds: float) -> tuple[Run, int]:
    """Issue *filling* tickets, or, with None, until the feed has given up on *stalled* screens, then for *seconds* more."""
    # A node of its own each time: the day grows with every run.
    async with running_feed([BRANCH]) as node, crowd(node.plan([BRANCH] * SCREENS, stalled, keeps_arrivals=True)) as (screens, _):
        pace = Pace(node)
        while pace.issued < filling if filling is not None else node.hub.behind < stalled:
            await pace.issue()
            if pace.issued > LONGEST_FILLING:
                raise RuntimeError(f"only {node.hub.behind} of {stalled} screens were given up")
        filling, filled_at = pace.issued, max(seq for _, seq in node.commits.moments)
        for _ in range(round(A_SECOND * seconds)):
            await pace.issue()
        await asyncio.sleep(0.5)
        return Run(_delays(node, await screens.ask()), filled_at), filling


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    p50: dict[str, list[float]] = {"stalled": [], "none": []}
    p99: dict[str, dict[str, list[float]]] = {stretch: {"stalled": [], "none": []} for stretch in STRETCHES}
    filled = list[float]()
    for _ in range(rounds):
        stalled, filling = await _run(STALLED, None, seconds)
        none, _ = await _run(0, filling, seconds)
        filled.append(filling / A_SECOND)
        for kind, run in (("stalled", stalled), ("none", none)):
            p50[kind].append(statistics.median(run.stretch("whole", stalled.filled_at)))
            for stretch in STRETCHES:
                p99[stretch][kind].append(percentile(run.stretch(stretch, stalled.filled_at), 0.99))
    ratios = {stretch: ratio(of["stalled"], of["none"]) for stretch, of in p99.items()}
    return {
        "what": "from a commit to the screens that read, with 5 % of all screens stalled from the beginning against none",
        "screens": SCREENS,
        "stalled": STALLED,
        "filling_seconds": spread(filled),
        "p50_ms": {kind: spread(values, 2) for kind, values in p50.items()},
        "p99_ms": {stretch: {kind: spread(values, 2) for kind, values in of.items()} for stretch, of in p99.items()},
        "ratio": ratios["whole"],
        "ratio_filling": ratios["filling"],
        "ratio_given_up": ratios["given_up"],
        "rounds": p99,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"From commit to screen, {figures['screens']} screens, {figures['stalled']} stalled from the beginning against none")
    for stretch, of in figures["rounds"].items():
        for kind, values in of.items():
            print(line(f"p99, {stretch.replace('_', ' ')}, {kind}", values, "ms", 2))
    print(spread_line("seconds until all stalled were given up", figures["filling_seconds"], "s", 1))
    for label, name in (("whole run", "ratio"), ("filling", "ratio_filling"), ("given up", "ratio_given_up")):
        print(spread_line(f"ratio of the p99: {label}", figures[name]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=5)))
