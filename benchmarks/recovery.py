"""
How soon commands are answered again after a fault of the database's process behind the writer, the service, or the whole database.

Four clients send one command after the other, each to a branch of its own, and repeat what was not answered; the time runs from the
fault until the first answer to a command that was sent after it, and until every branch has one. The silent process is stopped
(SIGSTOP) and stays so until the round is over; it is caught between two statements, for one that is frozen in the middle of a commit
holds locks without which the whole database stands still. The reference is the longest time between two answers without a fault.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import asyncpg

from benchmarks.branches import make_branches
from benchmarks.report import line, spread
from benchmarks.running import Service, children, running_service
from queue_server.drive.client import Client
from queue_server.eventlog.embedded import EmbeddedPostgres

BRANCHES = [f"hall-{n}" for n in range(4)]
CALM_SECONDS = 1.0
LONGEST_SECONDS = 60.0
WRITER = "select pid from pg_stat_activity where application_name = 'queue-server writer'"
STATE = "select state from pg_stat_activity where pid = $1"


class Hall:
    """Clients that never cease; `sent_at` of the last answered command of each branch, and the longest time between answers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent_at = dict.fromkeys(BRANCHES, 0.0)
        self.longest = 0.0
        self._answered = asyncio.Condition()

    async def use(self, branch: str) -> None:
        """Issue tickets in *branch* until cancelled."""
        before = time.monotonic()
        while True:
            sent = time.monotonic()
            await self._client.post(f"/v1/branches/{branch}/tickets", {"service": "cash"}, give_up=LONGEST_SECONDS)
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before), now
            async with self._answered:
                self.sent_at[branch] = sent
                self._answered.notify_all()
            await asyncio.sleep(0.005)

    async def back(self, since: float, enough: Callable[[list[bool]], bool]) -> float:
        """Wait until commands sent after *since* were answered in *enough* branches; returns the seconds from then."""
        async with asyncio.timeout(LONGEST_SECONDS), self._answered:
            await self._answered.wait_for(lambda: enough([sent > since for sent in self.sent_at.values()]))
        return time.monotonic() - since


async def _silence(service: Service) -> list[int]:
    """Stop the process behind the writer's connection, between two statements; returns it."""
    async with EmbeddedPostgres(service.data) as database:
        connection = await asyncpg.connect(database.dsn)
        try:
            pid = int(await connection.fetchval(WRITER))
            while True:
                os.kill(pid, signal.SIGSTOP)
                with contextlib.suppress(TimeoutError):
                    if await connection.fetchval(STATE, pid, timeout=0.5) == "idle":
                        return [pid]
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(0.002)
        finally:
            await connection.close(timeout=5)


async def _kill_service(service: Service) -> list[int]:
    service.kill()
    service.launch()
    return []


async def _kill_database(service: Service) -> list[int]:
    if (pid := service.database_pid()) is None:
        raise RuntimeError("there is no database")
    for each in (pid, *children(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    return []


FAULTS = {"silent database peer": _silence, "service killed": _kill_service, "database killed": _kill_database}


async def _round(service: Service, hall: Hall, fault: str) -> tuple[float, float, float]:
    """Return the seconds until any and every branch answered again, and the longest time between answers before."""
    hall.longest = 0.0
    await asyncio.sleep(CALM_SECONDS)
    calm = hall.longest
    stopped = await FAULTS[fault](service)
    since = time.monotonic()
    try:
        return await hall.back(since, any), await hall.back(since, all), calm
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def measure(rounds: int) -> dict[str, Any]:
    """Measure the faults in turns and return the figures."""
    found: dict[str, list[tuple[float, float, float]]] = {fault: [] for fault in FAULTS}
    async with running_service() as service:
        token = await service.token()
        async with Client(service.url, token, attempt_seconds=2.0) as client:
            await make_branches(client, BRANCHES)
            hall = Hall(client)
            clients = [asyncio.create_task(hall.use(branch)) for branch in BRANCHES]
            try:
                for _ in range(rounds):
                    for fault in FAULTS:
                        found[fault].append(await _round(service, hall, fault))
            finally:
                for task in clients:
                    task.cancel()
                await asyncio.gather(*clients, return_exceptions=True)
    columns = [[row[n] for rows in found.values() for row in rows] for n in (0, 1, 2)]
    return {
        "what": "seconds from a fault until commands are answered again, in any branch and in every branch",
        "any_branch_seconds": {fault: spread([row[0] for row in rows], 2) for fault, rows in found.items()},
        "every_branch_seconds": {fault: spread([row[1] for row in rows], 2) for fault, rows in found.items()},
        "longest_between_answers_without_fault_seconds": spread(columns[2], 3),
        "rounds": {fault: [row[1] for row in rows] for fault, rows in found.items()},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("From a fault until every branch answers again")
    for fault, values in figures["rounds"].items():
        print(line(fault, values, "s", 2) + f"   any branch {figures['any_branch_seconds'][fault]['median']} s")
    print(
        f"  longest time between two answers without a fault: {figures['longest_between_answers_without_fault_seconds']['high']} s"
    )


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3)))
