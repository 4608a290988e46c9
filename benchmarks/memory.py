"""
The memory of a thousand branches with a hundred open tickets each, against the same service before it had any.

The service is filled over HTTP, then ended and started on the same data: once more it is measured when it has loaded every branch.
"""

import asyncio
from pathlib import Path
from typing import Any

from benchmarks.branches import check, issue_request, make_branches
from benchmarks.load import Plan, Request, generate
from benchmarks.running import Service, running_service
from queue_server.drive.client import Client

BRANCHES = 1000
TICKETS = 100
CONNECTIONS = 50


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


async def measure(rounds: int) -> dict[str, Any]:
    """Measure and return the figures; a restart is a round, the filling was before the first."""
    loaded, empty = list[float](), list[float]()
    async with running_service() as service:
        token = await service.token()
        bare = resident_mib(service.pid)
        await _fill(service, token)
        filled = resident_mib(service.pid)
        for _ in range(rounds):
            await service.stop()
            service.launch()
            await service.ready()
            empty.append(resident_mib(service.pid))
            await _visit(service, token)
            loaded.append(resident_mib(service.pid))
    return {
        "what": f"resident memory of the service with {BRANCHES} branches of {TICKETS} open tickets",
        "empty_mib": round(bare, 1),
        "filled_over_http_mib": round(filled, 1),
        "added_over_http_mib": round(filled - bare, 1),
        "added_by_loading_mib": round(loaded[-1] - empty[-1], 1),
        "kib_a_ticket": round((filled - bare) * 1024 / (BRANCHES * TICKETS), 2),
        "rounds": {"empty": empty, "loaded": loaded},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"{BRANCHES:,} branches with {TICKETS} open tickets each")
    print(f"  resident {figures['filled_over_http_mib']} MiB, of which the empty service {figures['empty_mib']} MiB")
    print(f"  after a restart on the same data: {[round(mib) for mib in figures['rounds']['loaded']]} MiB")
    print(f"  {figures['kib_a_ticket']} KiB a ticket, all included")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=2)))
