"""
A thousand screens of a hundred branches that come back at once, while tickets are issued.

Every screen's connection is cut and all connect again in the same moment, each from the position that it holds. Tickets are issued at
a steady pace in all branches before and meanwhile; the p99 of the issues that were under way at any moment from the cut until a
second after the last screen was live stands against the p99 of those that were answered in the quiet seconds before the cut.
"""

import asyncio
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.load import Plan as Load
from benchmarks.load import Result, generate
from benchmarks.report import line, percentile, ratio, spread, spread_line
from benchmarks.running import Service, running_service
from benchmarks.screens import Crowd, Plan, crowd
from queue_server.drive.client import Client

SCREENS = 1000
BRANCHES = [f"hall-{n}" for n in range(100)]
CLIENTS = 20
PAUSE_SECONDS = 0.08
"""Twenty clients with this pause issue about 240 tickets a second."""
QUIET_SECONDS = 4.0
AFTER_SECONDS = 1.0
LONGEST_SECONDS = 10.0
"""From the cut until `AFTER_SECONDS` after the last screen is live."""


def screens_of(service: Service, token: str, count: int) -> Plan:
    """Return the plan of *count* screens, spread over the branches."""
    return Plan("127.0.0.1", service.push_port, token, [BRANCHES[n % len(BRANCHES)] for n in range(count)])


async def issues(service: Service, token: str, seconds: float) -> Result:
    """Issue tickets in all branches."""
    shares = tuple(
        tuple(issue_request(branch, n, token) for n, branch in enumerate(BRANCHES[at::CLIENTS])) for at in range(CLIENTS)
    )
    load = Load("127.0.0.1", service.http_port, shares, 0.5, seconds, pause_seconds=PAUSE_SECONDS, keeps_moments=True)
    return check(await generate(load), {"201"})


def _under_way(result: Result, begins: float, ends: float) -> list[float]:
    """Return the milliseconds of the issues that were under way between the two moments."""
    if max(sent + took for sent, took in result.moments) < ends:
        raise RuntimeError("the issues ended before the screens were back")
    return [took * 1000 for sent, took in result.moments if sent <= ends and sent + took >= begins]


async def _round(service: Service, token: str, screens: Crowd) -> dict[str, float]:
    issuing = asyncio.create_task(issues(service, token, QUIET_SECONDS + LONGEST_SECONDS))
    # The generator takes a moment to start and warms up for half a second.
    await asyncio.sleep(QUIET_SECONDS + 1.0)
    back = await screens.ask("connect")
    result = await issuing
    if back.live != SCREENS:
        raise RuntimeError(f"{back.live} screens are live")
    quiet = [took * 1000 for sent, took in result.moments if sent + took < back.began]
    during = _under_way(result, back.began, back.began + back.seconds + AFTER_SECONDS)
    return {
        "seconds": back.seconds,
        "normal_p99_ms": percentile(quiet, 0.99),
        "during_p99_ms": percentile(during, 0.99),
        "during_longest_ms": max(during),
    }


async def measure(rounds: int) -> dict[str, Any]:
    """Measure and return the figures."""
    async with running_service() as service:
        token = await service.token()
        async with Client(service.url, token) as client:
            await make_branches(client, BRANCHES)
        async with crowd(screens_of(service, token, SCREENS)) as (screens, _):
            found = [await _round(service, token, screens) for _ in range(rounds)]
    of = {name: [each[name] for each in found] for name in found[0]}
    return {
        "what": "1,000 screens of 100 branches reconnect at once under about 240 issues a second",
        "screens": SCREENS,
        "all_live_seconds": spread(of["seconds"], 2),
        "normal_issue_p99_ms": spread(of["normal_p99_ms"]),
        "during_issue_p99_ms": spread(of["during_p99_ms"]),
        "during_longest_ms": spread(of["during_longest_ms"]),
        "ratio": ratio(of["during_p99_ms"], of["normal_p99_ms"]),
        "rounds": of,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    of = figures["rounds"]
    print(f"{figures['screens']:,} screens reconnect at once")
    print(line("until all are live", of["seconds"], "s", 2))
    print(line("issue p99, all screens connected", of["normal_p99_ms"], "ms", 1))
    print(line("issue p99 from the cut until a second after", of["during_p99_ms"], "ms", 1))
    print(line("the longest issue of these", of["during_longest_ms"], "ms", 1))
    print(spread_line("ratio of the p99", figures["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
