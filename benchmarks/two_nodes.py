"""
Two nodes against one, all on this machine: the issue throughput of a cell, with database and load generator on the same processors.

Both nodes run all the time. A request goes to the node of its branch, as a proxy's hash would send it, or, for one node, all go to the
first. With two processors there is nothing to win: the figure says what a second node costs where it brings no processor with it.
"""

import asyncio
from typing import Any

from benchmarks.branches import check, make_branches
from benchmarks.cell import running_nodes
from benchmarks.issue_throughput import BRANCHES, plan
from benchmarks.load import Plan, Result, generate
from benchmarks.report import line, ratio, spread, spread_line
from queue_server.drive.client import Client


def _half(whole: Plan, port: int, of: int) -> Plan:
    """Return the plan of every second connection, which visits every second branch only; half as many connections."""
    connections = [
        tuple(request for request in requests if int(request.path.split("/")[3].removeprefix("bench-")) % 2 == of)
        for requests in whole.connections
    ]
    mine = [requests for requests in connections if requests]
    return Plan(whole.host, port, tuple(mine[: len(whole.connections) // 2]), whole.warmup_seconds, whole.seconds)


def _p99(results: list[Result]) -> float:
    return max(result.latency["issue"].p99 for result in results) * 1000


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    one, two, p99 = list[float](), list[float](), dict[str, list[float]](one=[], two=[])
    async with running_nodes(2) as nodes:
        token = await nodes[0].token()
        async with Client(nodes[0].url, token) as client:
            await make_branches(client, [f"bench-{n}" for n in range(BRANCHES)])
        for _ in range(rounds):
            for rates, kind, ports in (
                (one, "one", [nodes[0].http_port] * 2),
                (two, "two", [node.http_port for node in nodes]),
            ):
                # Two generators on either side, so that they cost the same.
                halves = [_half(plan(0, token, seconds), port, of) for of, port in enumerate(ports)]
                results = [check(result, {"201"}) for result in await asyncio.gather(*map(generate, halves))]
                rates.append(sum(result.rate for result in results))
                p99[kind].append(_p99(results))
    return {
        "what": "issues a second of two nodes against one, with database and load generators on the same two processors",
        "one_node_a_second": spread(one),
        "two_nodes_a_second": spread(two),
        "p99_ms": {kind: spread(values) for kind, values in p99.items()},
        "ratio": ratio(two, one),
        "rounds": {"one": one, "two": two},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("Durable POST /tickets of a cell, 64 connections over 200 branches, everything on one machine")
    for kind in ("one", "two"):
        print(line(f"{kind} node(s)", figures["rounds"][kind], "/s") + f"   p99 {figures['p99_ms'][kind]['median']} ms")
    print(spread_line("ratio: two nodes / one", figures["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=5)))
