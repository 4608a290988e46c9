"""Branches to measure against, and the commands that fill them."""

from collections.abc import Sequence
from typing import Any

from benchmarks.load import Plan, Request, Result, generate
from benchmarks.running import Service
from queue_server.drive.client import Client

Json = dict[str, Any]

SERVICES = ("cash", "loans", "cards", "advice")
TIERS = ("private", "platinum", "gold", "standard")


def configuration(branch_id: str, counters: int = 4, start: str = "pressed") -> Json:
    """Return a branch of four services and four tiers."""
    return {
        "id": branch_id,
        "name": {"en": branch_id},
        "tiers": [{"id": tier, "name": {"en": tier}, "target_seconds": 300 * (n + 1)} for n, tier in enumerate(TIERS)],
        "services": [{"id": service, "name": {"en": service}, "prefix": "ABCD"[n]} for n, service in enumerate(SERVICES)],
        "counters": [{"id": str(n), "number": str(n)} for n in range(1, counters + 1)],
        "start": start,
    }


async def make_branches(client: Client, ids: Sequence[str], counters: int = 4, start: str = "pressed") -> None:
    """Make the branches *ids*."""
    for branch_id in ids:
        await client.send("PUT", f"/v1/branches/{branch_id}", configuration(branch_id, counters, start))


def issue_request(branch_id: str, turn: int, token: str) -> Request:
    """Return the request of a kiosk; *turn* picks the service and the tier."""
    body = f'{{"service":"{SERVICES[turn % 4]}","tier":"{TIERS[turn // 4 % 4]}"}}'
    return Request("issue", "POST", f"/v1/branches/{branch_id}/tickets", token, body)


def call_request(branch_id: str, counter: str, token: str) -> Request:
    """Return the request of a counter's one key: finish the present ticket and call the next."""
    return Request("call-next", "POST", f"/v1/branches/{branch_id}/counters/{counter}/call-next", token, '{"finish":{}}')


async def fill(service: Service, branch_id: str, waiting: int, token: str) -> None:
    """Issue *waiting* tickets in one branch."""
    connections = min(50, waiting)
    requests = [tuple(issue_request(branch_id, turn, token) for turn in range(n, n + 16)) for n in range(connections)]
    plan = Plan("127.0.0.1", service.http_port, tuple(requests), each=waiting // connections)
    check(await generate(plan), {"201"})


def check(result: Result, allowed: set[str]) -> Result:
    """Return *result*; raises when an answer was not one of the *allowed* or a connection broke: then the figures mean nothing."""
    if set(result.statuses) - allowed or result.failures:
        raise RuntimeError(f"the server did not answer as it should: {result}")
    return result
