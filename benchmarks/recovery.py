"""
How soon commands are answered again after a fault of the database's peer, of the service, or of the whole database.

Four clients send one command after the other, each to a branch of its own, and repeat what was not answered; the time runs from the
moment of the fault until the first answer to a command that was sent after it, in any branch and in every branch.

- *silent, commands in flight*: a proxy between service and database swallows the answers on all connections that are open, while the
  clients go on; what was under way is committed, and nobody hears of it. New connections work.
- *silent while idle*: the same while nobody asks for anything; the clients go on half a second later.
- *silent backend*: the process behind the writer's connection is stopped (SIGSTOP) and stays so until the round is over. It is caught
  between two statements, for one that is frozen in the middle of a commit holds locks without which the whole database stands still.
- *service killed* and *database killed*, with all its processes (SIGKILL).

References of the same rounds: `queue-server run` on the same data from its start until it is ready, PostgreSQL alone on
the same data after a kill until it answers, and the longest time between two answers without a fault.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.branches import make_branches
from benchmarks.faults import FAULTS, PROXIED, Setting
from benchmarks.recovery_hall import BRANCHES, Hall
from benchmarks.recovery_reference import postgres_seconds, restart_seconds
from benchmarks.report import line, spread
from benchmarks.running import Service, running_service
from queue_server.drive.client import Client
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.faults.addresses import target_of, through
from tests.faults.chaos import Chaos

CALM_SECONDS = 1.0
ATTEMPT_SECONDS = 2.0

Rounds = dict[str, list[float]]


@contextlib.asynccontextmanager
async def _hall(service: Service) -> AsyncIterator[Hall]:
    """Let the clients in."""
    async with Client(service.url, await service.token(), attempt_seconds=ATTEMPT_SECONDS) as client:
        await make_branches(client, BRANCHES)
        async with Hall(client).used() as hall:
            yield hall


@contextlib.asynccontextmanager
async def _behind_proxy() -> AsyncIterator[Setting]:
    """Run a service that reaches its database through a proxy."""
    with TemporaryDirectory(prefix="queue-silent-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with EmbeddedPostgres(folder / "database") as engine, Chaos(target_of(engine.dsn)) as proxy:
            service = Service(folder, settings={"QUEUE_DATABASE_URL": through(engine.dsn, proxy.port)})
            service.launch()
            try:
                await service.ready()
                async with _hall(service) as hall:
                    yield Setting(service, hall, engine.dsn, proxy)
            finally:
                await service.stop()


@contextlib.asynccontextmanager
async def _embedded() -> AsyncIterator[Setting]:
    """Run a service as a user would start it."""
    async with running_service() as service, _hall(service) as hall:
        # The address stays good; who holds the engine open would stand by at the kills.
        async with EmbeddedPostgres(service.data) as engine:
            dsn = engine.dsn
        yield Setting(service, hall, dsn, None)


async def _round(setting: Setting, fault: str) -> tuple[float, float, float]:
    """Return the seconds until any and every branch answered again, and the longest time between answers before."""
    hall = setting.hall
    hall.longest = 0.0
    await asyncio.sleep(CALM_SECONDS)
    calm = hall.longest
    async with FAULTS[fault](setting) as since:
        return await hall.back(since, any), await hall.back(since, all), calm


async def _references(references: Rounds) -> None:
    """Measure the references once more, on data of their own, of one day that was used for a second."""
    async with running_service() as service:
        async with _hall(service):
            await asyncio.sleep(CALM_SECONDS)
        references["restart"].append(await restart_seconds(service))
        await service.stop()
        references["postgres"].append(await postgres_seconds(service))


async def measure(rounds: int) -> dict[str, Any]:
    """Measure the faults in turns and return the figures."""
    found: dict[str, list[tuple[float, float, float]]] = {fault: [] for fault in FAULTS}
    references: Rounds = {"restart": [], "postgres": []}
    async with _behind_proxy() as proxied, _embedded() as plain:
        for _ in range(rounds):
            for fault in FAULTS:
                found[fault].append(await _round(proxied if fault in PROXIED else plain, fault))
            await _references(references)
    every = {fault: [row[1] for row in rows] for fault, rows in found.items()}
    return {
        "what": "seconds from a fault until commands are answered again, in any branch and in every branch",
        "any_branch_seconds": {fault: spread([row[0] for row in rows], 2) for fault, rows in found.items()},
        "every_branch_seconds": {fault: spread(values, 2) for fault, values in every.items()},
        "service_started_until_ready_seconds": spread(references["restart"], 2),
        "postgres_alone_after_kill_seconds": spread(references["postgres"], 2),
        "longest_between_answers_without_fault_seconds": spread([row[2] for rows in found.values() for row in rows], 3),
        "rounds": every | references,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("From a fault until every branch answers again")
    for fault in FAULTS:
        any_branch = figures["any_branch_seconds"][fault]["median"]
        print(line(fault, figures["rounds"][fault], "s", 2) + f"   any branch {any_branch} s")
    print(line("queue-server run on the same data until ready", figures["rounds"]["restart"], "s", 2))
    print(line("PostgreSQL alone after a kill until it answers", figures["rounds"]["postgres"], "s", 2))
    longest = figures["longest_between_answers_without_fault_seconds"]
    print(f"  longest time between two answers without a fault: median {longest['median']} s, longest {longest['high']} s")


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
