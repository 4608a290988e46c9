"""
SIGTERM with 200 screens, commands in flight and idle HTTP clients: until the process has ended, and until all screens have caught up.

Two nodes share a database. 200 screens, fifty kept-alive HTTP clients that say nothing, and twenty that always have a command in flight are
connected to the first node when the signal comes. The screens reconnect to the second as soon as they are told to (1012), from
the position that they hold. A screen has caught up when it is connected to the second node and holds the head: the last fact of its branch that
the first node has written, as the second node reads it from the log. The reference is the same stop with nobody connected.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from benchmarks.branches import issue_request, make_branches
from benchmarks.cell import running_nodes
from benchmarks.load import Plan as Load
from benchmarks.load import Result, generate
from benchmarks.report import line, ratio, spread, spread_line
from benchmarks.running import Service
from benchmarks.screens import Crowd, Plan, Report, crowd
from queue_server.drive.client import Client

SCREENS = 200
IDLE_CLIENTS = 50
BRANCHES = [f"hall-{n}" for n in range(20)]
BEFORE_SECONDS = 1.5
"""The generator needs a part of it to start."""
ISSUES_SECONDS = 4.0
CATCHES_UP_SECONDS = 20.0


class Stop(Struct, frozen=True):
    """One stop: seconds until the process had ended, and until all screens had caught up; what became of the commands."""

    exit: float
    caught_up: float
    statuses: dict[str, int]
    unanswered: int


@contextlib.asynccontextmanager
async def _idle_clients(port: int) -> AsyncIterator[None]:
    """Keep connections alive that have asked once and then say nothing."""
    writers = list[asyncio.StreamWriter]()
    for _ in range(IDLE_CLIENTS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: hall\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writers.append(writer)
    yield
    for writer in writers:
        writer.close()


async def _stop(node: Service) -> float:
    began = time.monotonic()
    if (code := await node.stop()) != 0:
        raise RuntimeError(f"the node ended with {code}")
    return time.monotonic() - began


async def _heads(node: Service, token: str) -> dict[str, int]:
    """Return the last `seq` of each branch, as *node* reads it from the log."""
    async with Client(node.url, token) as client:
        return {branch: (await client.get(f"/v1/branches/{branch}/state"))["seq"] for branch in BRANCHES}


async def _caught_up(screens: Crowd, report: Report, heads: dict[str, int]) -> float:
    """Wait until every screen holds the head of its branch; returns the moment at which the last of them came there."""
    async with asyncio.timeout(CATCHES_UP_SECONDS):
        while report.heads != heads:
            await asyncio.sleep(0.05)
            report = await screens.ask()
    return report.moved


async def _round(nodes: list[Service], token: str) -> Stop:
    plan = Plan("127.0.0.1", nodes[0].push_port, token, [BRANCHES[n % len(BRANCHES)] for n in range(SCREENS)])
    load = Load(
        "127.0.0.1", nodes[0].http_port, tuple((issue_request(branch, 0, token),) for branch in BRANCHES), 0.0, ISSUES_SECONDS
    )
    async with _idle_clients(nodes[0].http_port), crowd(plan) as (screens, _):
        issuing = asyncio.create_task(generate(load))
        await asyncio.sleep(BEFORE_SECONDS)
        began = time.monotonic()
        stopping = asyncio.create_task(_stop(nodes[0]))
        screens.order("move", nodes[1].push_port)
        live, took, issued = await screens.hear(), await stopping, await issuing
        if live.live != SCREENS or live.closed != SCREENS:
            raise RuntimeError(f"not all screens were told and came back: {live.live} live, {live.closed} told")
        moved = await _caught_up(screens, live, await _heads(nodes[1], token))
    return Stop(took, moved - began, _checked(issued).statuses, issued.failures)


def _checked(issued: Result) -> Result:
    """Return *issued*; raises when commands were not in flight to the end, or were answered by anything but yes or later."""
    if set(issued.statuses) - {"201", "503"} or "201" not in issued.statuses:
        raise RuntimeError(f"the node did not answer as it should: {issued}")
    return issued


async def measure(rounds: int) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    stops, empty = list[Stop](), list[float]()
    async with running_nodes(2) as nodes:
        token = await nodes[0].token()
        async with Client(nodes[0].url, token) as client:
            await make_branches(client, BRANCHES)
        for _ in range(rounds):
            stops.append(await _round(nodes, token))
            nodes[0].launch()
            await nodes[0].ready()
            empty.append(await _stop(nodes[0]))
            nodes[0].launch()
            await nodes[0].ready()
    ended, caught_up = [stop.exit for stop in stops], [stop.caught_up for stop in stops]
    return {
        "what": "SIGTERM with screens, commands in flight and idle HTTP clients: until the end, and until all screens hold the head elsewhere",
        "screens": SCREENS,
        "idle_http_clients": IDLE_CLIENTS,
        "commands_in_flight": len(BRANCHES),
        "exit_seconds": spread(ended, 3),
        "all_caught_up_elsewhere_seconds": spread(caught_up, 3),
        "whole_seconds": spread([max(pair) for pair in zip(ended, caught_up, strict=True)], 3),
        "exit_with_nobody_seconds": spread(empty, 3),
        "ratio": ratio(ended, empty),
        "commands": [{"answered": stop.statuses, "under_way_at_the_end": stop.unanswered} for stop in stops],
        "rounds": {"exit": ended, "caught_up": caught_up, "empty": empty},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"SIGTERM with {SCREENS} screens, {len(BRANCHES)} commands in flight, {IDLE_CLIENTS} idle HTTP clients")
    for label, name in (
        ("the process has ended", "exit"),
        ("all screens hold the head at the other node", "caught_up"),
        ("ended, with nobody connected", "empty"),
    ):
        print(line(label, figures["rounds"][name], "s", 3))
    print(spread_line("ratio: ended / ended with nobody connected", figures["ratio"]))
    under_way = [each["under_way_at_the_end"] for each in figures["commands"]]
    print(f"  commands under way when their connection ended, to be repeated under the same key: {under_way}")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
