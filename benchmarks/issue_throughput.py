"""
Durable `POST /tickets` against a bare aiohttp JSON POST, and against one connection that commits one row after the other.

64 connections over 200 branches, a token and a key with each request, metrics on, fsync on. All run on this machine, one after the other,
in turns: A B C A B C; each round's issues are divided by the same round's reference. The bare POST is given twice: as aiohttp's
documentation writes it, and with msgspec in place of the standard library's JSON. A last line issues while twenty screens follow twenty
of the branches and are told of every ticket in them.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.commit_reference import Commits, running_commits
from benchmarks.load import Latency, Plan, Request, generate
from benchmarks.report import keep, line, ratio, spread, spread_line
from benchmarks.running import ROOT, Service, free_ports, processor_seconds, running_service
from benchmarks.screens import Plan as Screens
from benchmarks.screens import crowd
from queue_server.drive.client import Client, Unreachable

CONNECTIONS = 64
BRANCHES = 200
SCREENS = 20
WARMUP_SECONDS = 1.0


@contextlib.asynccontextmanager
async def running_reference(size: int, *, lean: bool = False) -> AsyncIterator[tuple[int, int]]:
    """Run the bare aiohttp server, whose answers have *size* bytes; yields its port and its process."""
    port = free_ports(1)[0]
    command = (sys.executable, "-m", "benchmarks.reference_aiohttp", str(port), str(size), *(["--lean"] if lean else []))
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        async with Client(f"http://127.0.0.1:{port}", "") as client:
            with contextlib.suppress(Unreachable):
                await client.post("/v1/branches/none/tickets", {"service": "cash"}, give_up=10)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def plan(port: int, token: str, seconds: float) -> Plan:
    """Spread the connections over the branches, each connection visiting its own share of them in turn."""
    shares = [range(n, BRANCHES + n, CONNECTIONS) for n in range(CONNECTIONS)]
    connections = [tuple(_request(branch % BRANCHES, token) for branch in share) for share in shares]
    return Plan("127.0.0.1", port, tuple(connections), WARMUP_SECONDS, seconds)


def _request(branch: int, token: str) -> Request:
    return issue_request(f"bench-{branch}", branch, token)


async def receipt_size(service: Service, token: str) -> int:
    """Return the size of a receipt in bytes."""
    async with Client(service.url, token) as client:
        await make_branches(client, [f"bench-{n}" for n in range(BRANCHES)])
        answer = await client.send("POST", "/v1/branches/bench-0/tickets", {"service": "cash", "tier": "gold"})
        return int(answer.headers["Content-Length"])


class Side:
    """One of those that are compared: its rates, its latencies, and the processor time that an answer costs it."""

    def __init__(self, port: int, token: str, process: int) -> None:
        self._port = port
        self._token = token
        self._process = process
        self.rates: list[float] = []
        self.latencies: list[Latency] = []
        self.cost_us: list[float] = []

    async def round(self, seconds: float) -> None:
        """Measure once more."""
        before = processor_seconds(self._process)
        result = check(await generate(plan(self._port, self._token, seconds)), {"201"})
        used = processor_seconds(self._process) - before
        self.rates.append(result.rate)
        self.latencies.append(result.latency["issue"])
        # The generator's warm-up costs the server as much as the rest.
        self.cost_us.append(used / (result.rate * (seconds + WARMUP_SECONDS)) * 1e6)


class Sides:
    """All that are compared, each idle while another is measured."""

    def __init__(self, service: Service, token: str, bare: tuple[int, int], lean: tuple[int, int], commits: Commits) -> None:
        self.ours, self.watched = (Side(service.http_port, token, service.pid) for _ in range(2))
        self.bare, self.lean = (Side(port, token, process) for port, process in (bare, lean))
        self.commits: list[float] = []
        self._committing = commits
        self._screens = Screens("127.0.0.1", service.push_port, token, [f"bench-{n}" for n in range(SCREENS)])

    async def round(self, seconds: float) -> None:
        """Measure each of them once more."""
        await self.ours.round(seconds)
        await self.bare.round(seconds)
        took = await self._committing.took(seconds)
        self.commits.append(len(took) / sum(took))
        await self.lean.round(seconds)
        async with crowd(self._screens):
            await self.watched.round(seconds)

    def figures(self) -> dict[str, Any]:
        """Return what was measured."""
        named = {"ours": self.ours, "bare": self.bare, "lean": self.lean, "with_screens": self.watched}
        rates = {name: side.rates for name, side in named.items()} | {"commits": self.commits}
        return {
            "issues_a_second": spread(self.ours.rates),
            "bare_posts_a_second": spread(self.bare.rates),
            "single_row_commits_a_second": spread(self.commits),
            "lean_posts_a_second": spread(self.lean.rates),
            "issues_a_second_with_screens": spread(self.watched.rates),
            "ratio": ratio(self.ours.rates, self.bare.rates),
            "ratio_to_commits": ratio(self.ours.rates, self.commits),
            "ratio_to_lean": ratio(self.ours.rates, self.lean.rates),
            "ratio_with_screens": ratio(self.watched.rates, self.bare.rates),
            "issue_p50_ms": spread([latency.p50 * 1000 for latency in self.ours.latencies]),
            "issue_p99_ms": spread([latency.p99 * 1000 for latency in self.ours.latencies]),
            "processor_us": {name: spread(side.cost_us) for name, side in named.items()},
            "rounds": rates,
        }


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    async with running_service() as service, running_commits() as commits:
        token = await service.token()
        size = await receipt_size(service, token)
        async with running_reference(size) as bare, running_reference(size, lean=True) as lean:
            sides = Sides(service, token, bare, lean, commits)
            for _ in range(rounds):
                await sides.round(seconds)
    about = {"connections": CONNECTIONS, "branches": BRANCHES, "screens": SCREENS, "answer_bytes": size}
    return {
        "what": "durable POST /tickets against a bare aiohttp JSON POST and against single-row commits",
        **about,
        **sides.figures(),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"Durable POST /tickets, {CONNECTIONS} connections over {BRANCHES} branches")
    for label, name in (
        ("queue-server, issues", "ours"),
        ("bare aiohttp JSON POST", "bare"),
        ("one connection, one row, one commit", "commits"),
        ("bare POST with msgspec for the JSON", "lean"),
        (f"queue-server with {SCREENS} screens that follow", "with_screens"),
    ):
        print(line(label, figures["rounds"][name], "/s"))
    for name, cost in figures["processor_us"].items():
        print(spread_line(f"server's processor time an answer, {name.replace('_', ' ')}", cost, "us", 0))
    print(spread_line("ratio: issues / bare POSTs", figures["ratio"]))
    print(spread_line("ratio: issues / commits", figures["ratio_to_commits"]))
    print(spread_line("ratio: issues / bare POSTs with msgspec", figures["ratio_to_lean"]))
    print(spread_line(f"ratio: issues with {SCREENS} screens / bare POSTs", figures["ratio_with_screens"]))
    print(f"  issue p50 {figures['issue_p50_ms']['median']} ms, p99 {figures['issue_p99_ms']['median']} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.rounds, arguments.seconds))
    show(figures)
    print(f"  kept in {keep('issue_throughput', figures)}")


if __name__ == "__main__":
    main()
