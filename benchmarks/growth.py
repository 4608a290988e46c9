"""
How cost grows: issues a second and their p99 against the number of branches, of clients, and of connected screens, drawn as a picture.

One of the three is varied while the others stay at 200 branches, 64 clients and no screens. Every point stands beside a bare aiohttp POST
with as many clients, measured right after it: what both have in common is the machine. A screen follows one of the branches and is told
of every ticket in it; the screens take processor time of the same machine.
"""

import asyncio
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.growth_picture import draw
from benchmarks.issue_throughput import running_reference
from benchmarks.load import Plan, Result, generate
from benchmarks.report import RESULTS, ratio, spread
from benchmarks.running import Service, running_service
from benchmarks.screens import Plan as Screens
from benchmarks.screens import crowd
from queue_server.drive.client import Client

BRANCHES, CLIENTS = 200, 64
Steps = dict[str, tuple[int, ...]]
STEPS: Steps = {
    "branches": (1, 10, 50, 200, 500, 1000),
    "clients": (1, 4, 16, 64, 128, 256),
    "screens": (0, 50, 100, 200, 500, 1000),
}
WARMUP_SECONDS = 0.5


def _plan(port: int, token: str, branches: range, clients: int, seconds: float) -> Plan:
    """Spread *clients* over *branches*, each visiting its share of them in turn."""
    shares = [branches[n % len(branches) :: clients] for n in range(clients)]
    return Plan(
        "127.0.0.1",
        port,
        tuple(tuple(issue_request(f"bench-{branch}", branch, token) for branch in share) for share in shares),
        WARMUP_SECONDS,
        seconds,
    )


async def _issues(  # noqa: PLR0917 - what is varied
    service: Service, token: str, branches: range, clients: int, screens: int, seconds: float
) -> Result:
    plan = _plan(service.http_port, token, branches, clients, seconds)
    if not screens:
        return check(await generate(plan), {"201"})
    names = [f"bench-{branches[n % len(branches)]}" for n in range(screens)]
    async with crowd(Screens("127.0.0.1", service.push_port, token, names)):
        return check(await generate(plan), {"201"})


async def measure(rounds: int, seconds: float, all_steps: Steps = STEPS) -> dict[str, Any]:
    """Measure every point in turns with the reference and return the figures."""
    points: dict[str, list[dict[str, Any]]] = {kind: [] for kind in all_steps}
    for kind, steps in all_steps.items():
        # A service of its own for each of the three: the days grow with every point.
        async with running_service() as service, running_reference(600) as (port, _):
            token = await service.token()
            async with Client(service.url, token) as client:
                most = max(steps) if kind == "branches" else BRANCHES
                await make_branches(client, [f"bench-{n}" for n in range(most)])
            for step in steps:
                sizes = {"branches": BRANCHES, "clients": CLIENTS, "screens": 0, kind: step}
                ours, bare = list[Result](), list[Result]()
                for turn in range(rounds):
                    # The record of one branch's day would be full before the rounds are over: each has others, as far as there are any.
                    first, clients = turn * sizes["branches"] % most, sizes["clients"]
                    these = range(first, first + sizes["branches"])
                    ours.append(await _issues(service, token, these, clients, sizes["screens"], seconds))
                    bare.append(check(await generate(_plan(port, "", range(BRANCHES), clients, seconds)), {"201"}))
                points[kind].append(_point(step, ours, bare))
    return {"what": "issues a second and p99 by branches, clients and screens, each beside a bare POST", "points": points}


def _point(step: int, ours: list[Result], bare: list[Result]) -> dict[str, Any]:
    return {
        "at": step,
        "issues_a_second": spread([result.rate for result in ours]),
        "bare_posts_a_second": spread([result.rate for result in bare]),
        "ratio": ratio([result.rate for result in ours], [result.rate for result in bare]),
        "issue_p50_ms": spread([result.latency["issue"].p50 * 1000 for result in ours], 2),
        "issue_p99_ms": spread([result.latency["issue"].p99 * 1000 for result in ours], 2),
        "bare_p99_ms": spread([result.latency["issue"].p99 * 1000 for result in bare], 2),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures and draw them."""
    for kind, points in figures["points"].items():
        print(f"Issues by the number of {kind}")
        for point in points:
            rate, p99 = point["issues_a_second"], point["issue_p99_ms"]
            print(
                f"  {point['at']:>6,}: {rate['median']:>8,.0f} /s ({rate['low']:,.0f} to {rate['high']:,.0f}),"
                f" p99 {p99['median']:>6.1f} ms ({p99['low']:.1f} to {p99['high']:.1f});"
                f" bare {point['bare_posts_a_second']['median']:,.0f} /s, p99 {point['bare_p99_ms']['median']:.1f} ms;"
                f" ratio {point['ratio']['median']:.2f} ({point['ratio']['low']:.2f} to {point['ratio']['high']:.2f})"
            )
    RESULTS.mkdir(exist_ok=True)
    draw(figures["points"], RESULTS / "growth.png")
    print(f"  drawn in {RESULTS / 'growth.png'}")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=1.5)))
