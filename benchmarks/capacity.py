"""
How many screens one node holds, with tickets issued in all branches.

The number of screens of a hundred branches is doubled while the node keeps its promises: every screen live, two heartbeats for each within
the ten seconds that hold two, and every issue answered. It ends at the first step that is not held, or before one for which the
system gives no more open files or local ports. The reference is the first step: what grows stands beside it.
"""

import asyncio
import resource
from pathlib import Path
from typing import Any

from benchmarks.branches import make_branches
from benchmarks.feed_reconnect import BRANCHES, issues, screens_of
from benchmarks.memory import resident_mib
from benchmarks.running import Service, processor_seconds, running_service
from benchmarks.screens import crowd
from queue_server.drive.client import Client

STEPS = (1000, 2000, 4000, 8000, 16_000)
BEATS_SECONDS = 10.0
SPARE_FILES = 500
PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def _room() -> int:
    """Return how many connections the system's limits allow one process to one port."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
    first, last = map(int, PORTS.read_text(encoding="ascii").split())
    return min(files, last - first)


async def _step(service: Service, token: str, count: int) -> dict[str, Any]:
    """Return how the node fares with *count* screens."""
    async with crowd(screens_of(service, token, count)) as (screens, opened):
        await screens.ask()
        before = processor_seconds(service.pid)
        issued = await issues(service, token, BEATS_SECONDS)
        used = processor_seconds(service.pid) - before
        report = await screens.ask()
        return {
            "screens": count,
            "live": report.live,
            "seconds": round(opened.seconds, 2),
            "beats_a_screen": round(report.beats / count, 2),
            "deltas_a_second": round(report.deltas / BEATS_SECONDS),
            "issue_p99_ms": round(issued.latency["issue"].p99 * 1000, 1),
            "processor_share": round(used / BEATS_SECONDS, 2),
            "resident_mib": round(resident_mib(service.pid)),
            "is_held": report.live == count and report.beats >= count * 2,
        }


async def _tried(service: Service, token: str, count: int) -> tuple[dict[str, Any] | None, str]:
    """Try *count* screens; returns how the node fared, and why it must end here, if it must."""
    if count > (room := _room()):
        return None, f"the system gives room for {room:,} connections, not for {count:,}"
    try:
        found = await _step(service, token, count)
    except (TimeoutError, RuntimeError) as fault:
        return None, f"{count:,} screens: {type(fault).__name__}: {str(fault)[:200]}"
    if found["is_held"]:
        return found, ""
    return found, f"{count:,} screens: {found['live']:,} live, {found['beats_a_screen']} heartbeats for each in {BEATS_SECONDS:g} s"


async def measure() -> dict[str, Any]:
    """Measure and return the figures."""
    steps, ended = list[dict[str, Any]](), ""
    async with running_service(settings={"QUEUE_SCREENS_LIMIT": str(max(STEPS) + 1)}) as service:
        token = await service.token()
        async with Client(service.url, token) as client:
            await make_branches(client, BRANCHES)
        for count in STEPS:
            found, ended = await _tried(service, token, count)
            steps += [found] if found else []
            if ended:
                break
    return {
        "what": "screens that one node holds, with about 240 issues a second in 100 branches",
        "held": max((step["screens"] for step in steps if step["is_held"]), default=0),
        "ended_by": ended or f"{max(STEPS):,} screens, the most that were tried",
        "steps": steps,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"Screens that one node holds: {figures['held']:,}; ended by: {figures['ended_by']}")
    for step in figures["steps"]:
        print(
            f"  {step['screens']:>6,} screens: {'held' if step['is_held'] else 'not held'}; live after {step['seconds']} s,"
            f" {step['beats_a_screen']} heartbeats in 10 s, {step['deltas_a_second']:,} deltas/s, issue p99 {step['issue_p99_ms']} ms,"
            f" {step['processor_share']:.0%} of a processor, {step['resident_mib']} MiB"
        )


if __name__ == "__main__":
    show(asyncio.run(measure()))
