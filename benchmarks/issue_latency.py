"""
One issue on an idle service, against a bare aiohttp POST and a commit of one row after the other.

One connection sends one request at a time and then waits 5 ms, so that what follows an answer (screens, other nodes) is over. The
issue must cost the way through HTTP and one durable commit; what it takes beyond the sum of both is the service's own.
"""

import asyncio
import statistics
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.commit_reference import running_commits
from benchmarks.issue_throughput import running_reference
from benchmarks.load import Plan, generate
from benchmarks.report import line, ratio, spread, spread_line
from benchmarks.running import Service, running_service
from queue_server.drive.client import Client

BRANCH = "bench-0"
PAUSE_SECONDS = 0.005


async def _request_p50(port: int, token: str, seconds: float) -> float:
    """Return the p50 of a request, in milliseconds."""
    plan = Plan("127.0.0.1", port, ((issue_request(BRANCH, 0, token),),), 0.5, seconds, pause_seconds=PAUSE_SECONDS)
    return check(await generate(plan), {"201"}).latency["issue"].p50 * 1000


async def _receipt_size(service: Service, token: str) -> int:
    async with Client(service.url, token) as client:
        await make_branches(client, [BRANCH])
        answer = await client.send("POST", f"/v1/branches/{BRANCH}/tickets", {"service": "cash"})
        return int(answer.headers["Content-Length"])


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    ours, bare, commit = list[float](), list[float](), list[float]()
    async with running_service() as service, running_commits() as commits:
        token = await service.token()
        async with running_reference(await _receipt_size(service, token)) as (port, _):
            for _ in range(rounds):
                ours.append(await _request_p50(service.http_port, token, seconds))
                bare.append(await _request_p50(port, "", seconds))
                commit.append(statistics.median(await commits.took(seconds, PAUSE_SECONDS)) * 1000)
    return {
        "what": "p50 of an issue on an idle service against the p50 of a bare POST and the p50 of one commit together",
        "issue_ms": spread(ours, 3),
        "bare_post_ms": spread(bare, 3),
        "commit_ms": spread(commit, 3),
        "ratio": ratio(ours, [sum(pair) for pair in zip(bare, commit, strict=True)]),
        "rounds": {"issue": ours, "bare": bare, "commit": commit},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("One issue at a time on an idle service, p50")
    for label, side in (("issue", "issue"), ("bare aiohttp POST", "bare"), ("commit of one row", "commit")):
        print(line(label, figures["rounds"][side], "ms", 3))
    print(spread_line("ratio: issue / (bare POST + commit)", figures["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=3)))
