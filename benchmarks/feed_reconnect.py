"""
A thousand screens of a hundred branches that come back at once, while tickets are issued; and how many screens one node holds.

Every screen's connection is cut and all connect again in the same moment, each from the position that it holds. Meanwhile tickets are
issued at a steady pace in all branches; the p99 of an issue from the cut until a second after the last screen is live stands against
the p99 with all screens quietly connected. For the capacity the number of screens is doubled while the node keeps its promises: every
screen live, a heartbeat for each within the ten seconds that hold two, and issues answered.
"""

import asyncio
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.load import Plan as Load
from benchmarks.load import Result, generate
from benchmarks.memory import resident_mib
from benchmarks.report import line, ratio, spread
from benchmarks.running import Service, running_service
from benchmarks.screens import Plan, crowd
from queue_server.drive.client import Client

SCREENS = 1000
BRANCHES = [f"hall-{n}" for n in range(100)]
CLIENTS = 20
PAUSE_SECONDS = 0.08
"""Twenty clients with this pause issue about 240 tickets a second."""
STEPS = (2000, 4000, 8000)
LATEST_BEAT_SECONDS = 10.0


def _screens(service: Service, token: str, count: int) -> Plan:
    return Plan("127.0.0.1", service.push_port, token, [BRANCHES[n % len(BRANCHES)] for n in range(count)])


async def _issues(service: Service, token: str, seconds: float) -> Result:
    shares = tuple(
        tuple(issue_request(branch, n, token) for n, branch in enumerate(BRANCHES[at::CLIENTS])) for at in range(CLIENTS)
    )
    load = Load("127.0.0.1", service.http_port, shares, 0.5, seconds, pause_seconds=PAUSE_SECONDS)
    return check(await generate(load), {"201"})


async def _rounds(service: Service, token: str, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"seconds": [], "normal_p99_ms": [], "during_p99_ms": [], "during_longest_ms": []}
    async with crowd(_screens(service, token, SCREENS)) as (screens, _):
        for _ in range(rounds):
            normal = await _issues(service, token, 4)
            issuing = asyncio.create_task(_issues(service, token, 4))
            # The generator takes a moment to start and warms up for half a second.
            await asyncio.sleep(1.5)
            back = await screens.ask("connect")
            during = await issuing
            if back.live != SCREENS:
                raise RuntimeError(f"{back.live} screens are live")
            found["seconds"].append(back.seconds)
            found["normal_p99_ms"].append(normal.latency["issue"].p99 * 1000)
            found["during_p99_ms"].append(during.latency["issue"].p99 * 1000)
            found["during_longest_ms"].append(during.latency["issue"].max * 1000)
    return found


async def _holds(service: Service, token: str, count: int) -> dict[str, Any]:
    """Return how the node fares with *count* screens."""
    async with crowd(_screens(service, token, count)) as (screens, opened):
        await screens.ask()
        issued = await _issues(service, token, LATEST_BEAT_SECONDS)
        report = await screens.ask()
        return {
            "screens": count,
            "live": report.live,
            "seconds": round(opened.seconds, 2),
            # Three in ten and a half seconds, but for those that fell on its edges.
            "beats_a_screen": round(report.beats / count, 2),
            "deltas_a_second": round(report.deltas / LATEST_BEAT_SECONDS),
            "issue_p99_ms": round(issued.latency["issue"].p99 * 1000, 1),
            "resident_mib": round(resident_mib(service.pid)),
            "is_held": report.live == count and report.beats >= count * 2,
        }


async def measure(rounds: int) -> dict[str, Any]:
    """Measure and return the figures."""
    settings = {"QUEUE_SCREENS_LIMIT": str(max(STEPS) + 1)}
    async with running_service(settings=settings) as service:
        token = await service.token()
        async with Client(service.url, token) as client:
            await make_branches(client, BRANCHES)
        found = await _rounds(service, token, rounds)
        capacity = list[dict[str, Any]]()
        for count in STEPS:
            capacity.append(await _holds(service, token, count))
            if not capacity[-1]["is_held"]:
                break
    return {
        "what": "1,000 screens of 100 branches reconnect at once under about 240 issues a second",
        "screens": SCREENS,
        "all_live_seconds": spread(found["seconds"], 2),
        "normal_issue_p99_ms": spread(found["normal_p99_ms"]),
        "during_issue_p99_ms": spread(found["during_p99_ms"]),
        "ratio": ratio(found["during_p99_ms"], found["normal_p99_ms"]),
        "capacity": capacity,
        "rounds": found,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    of = figures["rounds"]
    print(f"{figures['screens']:,} screens reconnect at once")
    print(line("until all are live", of["seconds"], "s", 2))
    print(line("issue p99, all screens connected", of["normal_p99_ms"], "ms", 1))
    print(line("issue p99 while they reconnect", of["during_p99_ms"], "ms", 1))
    print(f"  ratio {figures['ratio']}")
    for step in figures["capacity"]:
        print(
            f"  {step['screens']:>6,} screens: {'held' if step['is_held'] else 'not held'}; live after {step['seconds']} s,"
            f" {step['beats_a_screen']} heartbeats in 10 s, {step['deltas_a_second']:,} deltas/s, issue p99 {step['issue_p99_ms']} ms,"
            f" {step['resident_mib']} MiB"
        )


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
