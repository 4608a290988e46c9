"""
Durable `POST /tickets` (64 connections over 200 branches, tokens checked, metrics on, fsync on) against a bare aiohttp JSON POST.

All run on this machine, one after the other, in turns: A B C A B C. The figure that counts is the ratio of the medians. The bare
POST is given twice: as aiohttp's documentation writes it, and with msgspec in place of the standard library's JSON.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.commit_reference import commits_a_second
from benchmarks.load import Latency, Plan, Request, generate
from benchmarks.report import keep, line, ratio, spread
from benchmarks.running import ROOT, Service, free_ports, processor_seconds, running_service
from queue_server.drive.client import Client, Unreachable

CONNECTIONS = 64
BRANCHES = 200
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
    """One of the two that are compared: its rates, its latencies, and the processor time that an answer costs it."""

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


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    async with running_service() as service:
        token = await service.token()
        size = await receipt_size(service, token)
        async with running_reference(size) as bare_at, running_reference(size, lean=True) as lean_at:
            ours, bare, lean = (
                Side(port, token, process) for port, process in ((service.http_port, service.pid), bare_at, lean_at)
            )
            for _ in range(rounds):
                for side in (ours, bare, lean):
                    await side.round(seconds)
    commits = await commits_a_second(seconds)
    return {
        "what": "durable POST /tickets against a bare aiohttp JSON POST",
        "connections": CONNECTIONS,
        "branches": BRANCHES,
        "answer_bytes": size,
        "issues_a_second": spread(ours.rates),
        "bare_posts_a_second": spread(bare.rates),
        "lean_posts_a_second": spread(lean.rates),
        "ratio": ratio(ours.rates, bare.rates),
        "ratio_to_lean": ratio(ours.rates, lean.rates),
        "issue_p50_ms": spread([latency.p50 * 1000 for latency in ours.latencies]),
        "issue_p99_ms": spread([latency.p99 * 1000 for latency in ours.latencies]),
        "issue_processor_us": spread(ours.cost_us),
        "bare_post_processor_us": spread(bare.cost_us),
        "lean_post_processor_us": spread(lean.cost_us),
        "single_row_commits_a_second": round(commits, 1),
        "rounds": {"ours": ours.rates, "bare": bare.rates, "lean": lean.rates},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("Durable POST /tickets, 64 connections over 200 branches")
    print(line("queue-server, issues", figures["rounds"]["ours"], "/s"))
    print(line("bare aiohttp JSON POST", figures["rounds"]["bare"], "/s"))
    print(line("the same with msgspec for the JSON", figures["rounds"]["lean"], "/s"))
    print(f"  {'one connection, one row, one commit':<44}{figures['single_row_commits_a_second']:>10,.0f} /s")
    cost, bare = figures["issue_processor_us"]["median"], figures["bare_post_processor_us"]["median"]
    print(f"  {'processor time of the server for an answer':<44}{cost:>10,.0f} us   (bare: {bare:,.0f} us; database aside)")
    print(
        f"  ratio {figures['ratio']} (to the one with msgspec {figures['ratio_to_lean']})   issue p50 {figures['issue_p50_ms']['median']} ms, p99 {figures['issue_p99_ms']['median']} ms"
    )


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
