"""
SIGTERM with 200 screens: until the process has ended, and until all screens are caught up at another node.

Two nodes share a database; the screens are connected to the first, in whose branches tickets are issued until the signal. They
reconnect to the second as soon as they are told to (1012), from the position that they hold. The reference is the same stop
without a screen.
"""

import asyncio
import time
from typing import Any

from benchmarks.branches import issue_request, make_branches
from benchmarks.cell import running_nodes
from benchmarks.load import Plan as Load
from benchmarks.load import generate
from benchmarks.report import line, spread
from benchmarks.running import Service
from benchmarks.screens import Plan, crowd
from queue_server.drive.client import Client

SCREENS = 200
BRANCHES = [f"hall-{n}" for n in range(20)]


async def _stop(node: Service) -> float:
    began = time.monotonic()
    if (code := await node.stop()) != 0:
        raise RuntimeError(f"the node ended with {code}")
    return time.monotonic() - began


async def _round(nodes: list[Service], token: str) -> tuple[float, float]:
    """Return seconds until the first node has ended, and until all screens are live at the second."""
    plan = Plan("127.0.0.1", nodes[0].push_port, token, [BRANCHES[n % len(BRANCHES)] for n in range(SCREENS)])
    async with crowd(plan) as (screens, _):
        requests = tuple((issue_request(branch, 0, token),) for branch in BRANCHES)
        load = Load("127.0.0.1", nodes[0].http_port, requests, 0.2, 1.0, pause_seconds=0.02)
        await generate(load)
        began = time.monotonic()
        stopping = asyncio.create_task(_stop(nodes[0]))
        screens.order("move", nodes[1].push_port)
        live = await screens.hear()
        elsewhere = time.monotonic() - began
        if live.live != SCREENS or live.closed != SCREENS:
            raise RuntimeError(f"not all screens were told and came back: {live.live} live, {live.closed} told")
        return await stopping, elsewhere


async def measure(rounds: int) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    ended, elsewhere, empty = list[float](), list[float](), list[float]()
    async with running_nodes(2) as nodes:
        token = await nodes[0].token()
        async with Client(nodes[0].url, token) as client:
            await make_branches(client, BRANCHES)
        for _ in range(rounds):
            exit_seconds, live_seconds = await _round(nodes, token)
            ended.append(exit_seconds)
            elsewhere.append(live_seconds)
            nodes[0].launch()
            await nodes[0].ready()
            empty.append(await _stop(nodes[0]))
            nodes[0].launch()
            await nodes[0].ready()
    return {
        "what": "SIGTERM with screens connected: seconds until the process has ended, and until all are live at another node",
        "screens": SCREENS,
        "exit_seconds": spread(ended, 3),
        "all_live_elsewhere_seconds": spread(elsewhere, 3),
        "exit_without_screens_seconds": spread(empty, 3),
        "rounds": {"exit": ended, "elsewhere": elsewhere, "empty": empty},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"SIGTERM with {figures['screens']} screens")
    for label, name in (
        ("the process has ended", "exit"),
        ("all live elsewhere", "elsewhere"),
        ("ended, without screens", "empty"),
    ):
        print(line(label, figures["rounds"][name], "s", 3))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
