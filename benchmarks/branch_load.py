"""
Loading a branch's day of 5,000 facts: how long it takes, and how long the event loop is held meanwhile.

The day is made by the core as a service would make it (issue, call, finish and the rest in turns) and lies in PostgreSQL. The reference
reads the same rows and does nothing with them. The pauses are measured in loads of their own, by a task that takes every turn of the
loop it can get; the longest pause of the same task beside an idle loop says what the machine adds.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.branches import SERVICES, TIERS, configuration
from benchmarks.report import line, ratio, spread, spread_line
from queue_server.core import commands as c
from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.postgres import PostgresLog
from queue_server.runtime.branch import load
from queue_server.runtime.clock import LogClock
from queue_server.runtime.runtime import Runtime
from queue_server.wire.configuration import read_configuration

BRANCH = "day"
FACTS = 5000
COUNTERS = 10


async def make_day(log: PostgresLog) -> int:
    """Make a branch with a day of at least `FACTS` facts; returns how many there are."""
    runtime = Runtime(log, LogClock())
    await runtime.start()
    numbers, who = count(1), "staff:1"
    rules = read_configuration(configuration(BRANCH, COUNTERS, "on_call"))

    async def do(command: c.Command) -> int:
        command.command_id = f"command-{next(numbers)}"
        return (await runtime.execute(BRANCH, command, b"r" * 16)).seq

    try:
        await runtime.put_configuration(BRANCH, rules, expected=None, next_day=False, actor="admin:1", command_id="put")
        for counter in range(1, COUNTERS + 1):
            await do(c.OpenCounter(at=0, command_id="", actor=who, counter=str(counter)))
        seq = 0
        while seq < FACTS:
            n = next(numbers)
            await do(c.IssueTicket(at=0, command_id="", actor=who, ticket_id=f"t-{n}", service=SERVICES[n % 4], tier=TIERS[n % 3]))
            seq = await do(c.CallNext(at=0, command_id="", actor=who, counter=str(n % COUNTERS + 1), finish=True))
    finally:
        await runtime.close()
    return seq


async def _timed_load(log: PostgresLog) -> float:
    began = time.perf_counter()
    await load(log, BRANCH)
    return (time.perf_counter() - began) * 1000


async def _timed_read(log: PostgresLog, day: str) -> float:
    began, after = time.perf_counter(), 0
    async with log._reader() as connection:
        while records := await connection.fetch(
            "select seq, at, name, version, command_id, actor, request, body from event"
            " where branch_id = $1 and day = $2 and seq > $3 order by seq limit 1000",
            BRANCH,
            date.fromisoformat(day),
            after,
        ):
            after = records[-1][0]
    return (time.perf_counter() - began) * 1000


async def _longest_pause(work: Any) -> float:
    """Return the longest time in milliseconds that a task which is always ready had to wait while *work* was done."""
    task, longest = asyncio.ensure_future(work), 0.0
    before = time.perf_counter()
    while not task.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    await task
    return longest * 1000


async def measure(rounds: int, loads: int) -> dict[str, Any]:
    """Measure in turns and return the figures."""
    took, read, pause, idle = list[float](), list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="queue-load-", ignore_cleanup_errors=True) as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as database:
            await migrate(database.dsn)
            log = await PostgresLog.connect(database.dsn)
            facts = await make_day(log)
            head = await log.head(BRANCH)
            assert head is not None  # noqa: S101 - it was just made
            for _ in range(rounds):
                took.append(statistics.median([await _timed_load(log) for _ in range(loads)]))
                read.append(statistics.median([await _timed_read(log, head.day) for _ in range(loads)]))
                pause.append(max([await _longest_pause(load(log, BRANCH)) for _ in range(loads)]))
                idle.append(max([await _longest_pause(asyncio.sleep(took[-1] / 1000)) for _ in range(loads)]))
            await log.close()
    return {
        "what": f"loading a branch's day of {facts} facts from PostgreSQL, against reading its rows",
        "facts": facts,
        "load_ms": spread(took),
        "read_ms": spread(read),
        "ratio": ratio(took, read),
        "longest_pause_ms": spread(pause, 2),
        "longest_pause_of_an_idle_loop_ms": spread(idle, 2),
        "rounds": {"load": took, "read": read, "pause": pause, "idle": idle},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"A branch's day of {figures['facts']:,} facts")
    of = figures["rounds"]
    print(line("loaded", of["load"], "ms", 1))
    print(line("its rows read, nothing done with them", of["read"], "ms", 1))
    print(line("longest pause of the loop while loading", of["pause"], "ms", 2))
    print(line("longest pause of an idle loop", of["idle"], "ms", 2))
    print(spread_line("ratio: loaded / read", figures["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, loads=5)))
