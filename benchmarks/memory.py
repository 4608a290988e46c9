"""
The memory of a thousand branches with a hundred open tickets each, against the empty service and against the JSON of those tickets.

Each round fills a service of its own over HTTP, as kiosks would, and then ends it and starts it again on the same data, where it loads
every branch. THE figure is the larger of the two. The JSON is `GET /state` of each branch: what staff would be shown of it.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.load import Plan, Request, generate
from benchmarks.report import line, ratio, spread, spread_line
from benchmarks.running import Service, running_service
from queue_server.drive.client import Client

BRANCHES = 1000
TICKETS = 100
CONNECTIONS = 50
LOOKED_AT = 20
"""Branches whose JSON is measured: all are alike."""


class Round(Struct, frozen=True):
    """MiB of the service: empty, filled, and after a restart that loaded everything; and of the JSON."""

    empty: float
    filled: float
    loaded: float
    json: float

    @property
    def largest(self) -> float:
        """The most that it took."""
        return max(self.filled, self.loaded)


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def _fill(service: Service, token: str) -> None:
    names = [f"hall-{n}" for n in range(BRANCHES)]
    async with Client(service.url, token) as client:
        for start in range(0, BRANCHES, CONNECTIONS):
            await asyncio.gather(*(make_branches(client, [name]) for name in names[start : start + CONNECTIONS]))
    shares = [tuple(issue_request(name, n, token) for n, name in enumerate(names[at::CONNECTIONS])) for at in range(CONNECTIONS)]
    check(await generate(Plan("127.0.0.1", service.http_port, tuple(shares), each=TICKETS * BRANCHES // CONNECTIONS)), {"201"})


async def _visit(service: Service, token: str) -> None:
    """Let the service load every branch."""
    shares = [
        tuple(Request("read", "GET", f"/v1/branches/hall-{n}/services", token) for n in range(at, BRANCHES, CONNECTIONS))
        for at in range(CONNECTIONS)
    ]
    check(await generate(Plan("127.0.0.1", service.http_port, tuple(shares), each=BRANCHES // CONNECTIONS)), {"200"})


async def _json_mib(service: Service, token: str) -> float:
    async with Client(service.url, token) as client:
        states = [await client.get(f"/v1/branches/hall-{n}/state") for n in range(LOOKED_AT)]
    return sum(len(msgspec.json.encode(state)) for state in states) / LOOKED_AT * BRANCHES / 2**20


async def _round() -> Round:
    async with running_service() as service:
        token = await service.token()
        empty = resident_mib(service.pid)
        await _fill(service, token)
        filled = resident_mib(service.pid)
        await service.stop()
        service.launch()
        await service.ready()
        await _visit(service, token)
        loaded = resident_mib(service.pid)
        return Round(empty, filled, loaded, await _json_mib(service, token))


async def measure(rounds: int) -> dict[str, Any]:
    """Measure and return the figures."""
    found = [await _round() for _ in range(rounds)]
    largest, empty, json = ([getattr(each, name) for each in found] for name in ("largest", "empty", "json"))
    added = [most - least for most, least in zip(largest, empty, strict=True)]
    return {
        "what": f"resident memory of the service with {BRANCHES} branches of {TICKETS} open tickets",
        "resident_mib": spread(largest),
        "empty_mib": spread(empty),
        "filled_over_http_mib": spread([each.filled for each in found]),
        "loaded_after_restart_mib": spread([each.loaded for each in found]),
        "json_mib": spread(json),
        "ratio": ratio(added, json),
        "kib_a_ticket": spread([mib * 1024 / (BRANCHES * TICKETS) for mib in added], 2),
        "rounds": {
            "filled": [each.filled for each in found],
            "loaded": [each.loaded for each in found],
            "empty": empty,
            "json": json,
        },
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"{BRANCHES:,} branches with {TICKETS} open tickets each, resident memory of the service")
    for label, name in (
        ("filled over HTTP", "filled"),
        ("after a restart on the same data, all loaded", "loaded"),
        ("the empty service", "empty"),
        ("the JSON that shows the tickets", "json"),
    ):
        print(line(label, figures["rounds"][name], "MiB", 1))
    print(spread_line("a ticket, all included, the empty service aside", figures["kib_a_ticket"], "KiB", 2))
    print(spread_line("ratio: added to the empty service / JSON", figures["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=2)))
