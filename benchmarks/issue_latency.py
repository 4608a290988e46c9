"""
One issue on an idle service, against a bare aiohttp POST and a commit of one row after the other.

One connection sends one request at a time and then waits 5 ms, so that what follows an answer (screens, other nodes) is over. The issue must cost the way through HTTP and one durable commit; what it takes beyond the
sum of both is the service's own.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.commit_reference import ROW
from benchmarks.issue_throughput import running_reference
from benchmarks.load import Plan, generate
from benchmarks.report import line, spread
from benchmarks.running import running_service
from queue_server.drive.client import Client
from queue_server.eventlog.embedded import EmbeddedPostgres

BRANCH = "bench-0"
PAUSE_SECONDS = 0.005


async def _request_p50(port: int, token: str, seconds: float) -> float:
    """Return the p50 of a request, in milliseconds."""
    plan = Plan("127.0.0.1", port, ((issue_request(BRANCH, 0, token),),), 0.5, seconds, pause_seconds=PAUSE_SECONDS)
    return check(await generate(plan), {"201"}).latency["issue"].p50 * 1000


async def _commit_p50(connection: asyncpg.Connection, seconds: float) -> float:
    """Return the p50 of a commit, in milliseconds."""
    insert = await connection.prepare("insert into line (body) values ($1)")
    took, ends = list[float](), time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends:
        await insert.fetchval(ROW)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_SECONDS)
    return statistics.median(took) * 1000


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    ours, bare, commit = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="queue-latency-", ignore_cleanup_errors=True) as folder:
        async with running_service() as service, EmbeddedPostgres(Path(folder) / "data") as database:
            token = await service.token()
            async with Client(service.url, token) as client:
                await make_branches(client, [BRANCH])
                answer = await client.send("POST", f"/v1/branches/{BRANCH}/tickets", {"service": "cash"})
            connection = await asyncpg.connect(database.dsn)
            await connection.execute("create table line (seq bigserial primary key, body bytea not null)")
            async with running_reference(int(answer.headers["Content-Length"])) as (port, _):
                for _ in range(rounds):
                    ours.append(await _request_p50(service.http_port, token, seconds))
                    bare.append(await _request_p50(port, "", seconds))
                    commit.append(await _commit_p50(connection, seconds))
            await connection.close(timeout=5)
    return {
        "what": "p50 of an issue on an idle service against the p50 of a bare POST and the p50 of one commit together",
        "issue_ms": spread(ours, 3),
        "bare_post_ms": spread(bare, 3),
        "commit_ms": spread(commit, 3),
        "ratio": round(statistics.median(ours) / (statistics.median(bare) + statistics.median(commit)), 3),
        "rounds": {"issue": ours, "bare": bare, "commit": commit},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("One issue at a time on an idle service, p50")
    for label, side in (("issue", "issue"), ("bare aiohttp POST", "bare"), ("commit of one row", "commit")):
        print(line(label, figures["rounds"][side], "ms", 3))
    print(f"  ratio to both together {figures['ratio']}")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=3)))
