"""
What the fence costs: an append of facts that moves the heads of its branches, against a plain insert of the same facts.

Both go through one connection with the writer's settings, in the same JSON document, one commit each, a few of one and a few of
the other in turns. Every fourth claim also moves the moment at which its branch wants to be woken, as calls do.
"""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from benchmarks.report import line, ratio, spread, spread_line
from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.port import Claim, Head, Row
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_writer import WRITER_SETTINGS

DAY = "2026-11-23"
NOON = 1_795_000_000_000
BRANCHES = 200
BODY = b'{"ticket_id":"0190a5b8c7d64e5f9a3b","number":"A042","service":"cash","tier":"gold"' + b" " * 150 + b"}"
IN_TURNS = 5
PLAIN = """
insert into event (branch_id, day, seq, at, name, version, command_id, actor, request, body)
select branch_id, day, seq, at, name, version, command_id, actor, decode(request, 'base64'), decode(body, 'base64')
  from json_to_recordset(convert_from($1::bytea, 'UTF8')::json)
       as r (branch_id text, day date, seq int, at bigint, name text, version smallint, command_id text, actor text,
             request text, body text)
"""


def fact(branch: str, seq: int) -> Row:
    """Return a stored fact of about the size of an issue."""
    return Row(branch, DAY, seq, NOON + seq, "TicketIssued", 1, f"kiosk-1:5f3a-{seq:x}", "kiosk:1", b"r" * 16, BODY)


class Sides:
    """The same facts by both ways, of *size* branches at a time."""

    def __init__(self, log: PostgresLog, plain: Callable[[bytes], Awaitable[Any]], size: int) -> None:
        self._log = log
        self._plain = plain
        self._size = size
        self._seq = 1

    async def open(self) -> None:
        """Make the branches."""
        heads = [Head(f"fenced-{n}", DAY, 1, True, NOON) for n in range(BRANCHES)]
        await self._log.append([Claim(None, head, [fact(head.branch_id, 1)]) for head in heads])

    def batches(self) -> list[range]:
        """Return the numbers of the branches of each batch; all together once around."""
        self._seq += 1
        return [range(at, at + self._size) for at in range(0, BRANCHES - self._size + 1, self._size)]

    async def append(self, numbers: range) -> None:
        """Append one batch, with the fence."""
        claims = [self._claim(n) for n in numbers]
        appended = await self._log.append(claims)
        if len(appended.claimed) != len(claims):
            raise RuntimeError("a claim was lost, though nobody else writes")

    async def insert(self, numbers: range) -> None:
        """Insert one batch, without it."""
        await self._plain(msgspec.json.encode([fact(f"plain-{n}", self._seq) for n in numbers]))

    def _claim(self, number: int) -> Claim:
        branch, wakes_at = f"fenced-{number}", NOON + self._seq * (number % 4 == 0)
        return Claim((DAY, self._seq - 1), Head(branch, DAY, self._seq, True, wakes_at), [fact(branch, self._seq)])


@contextlib.asynccontextmanager
async def sides(size: int) -> AsyncIterator[Sides]:
    """Open a database of its own with both ways into it."""
    with tempfile.TemporaryDirectory(prefix="queue-fence-", ignore_cleanup_errors=True) as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as database:
            await migrate(database.dsn)
            log = await PostgresLog.connect(database.dsn)
            connection = await asyncpg.connect(database.dsn, server_settings=WRITER_SETTINGS)
            try:
                both = Sides(log, (await connection.prepare(PLAIN)).fetch, size)
                await both.open()
                yield both
            finally:
                await connection.close(timeout=5)
                await log.close()


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


async def _round(both: Sides, seconds: float) -> tuple[float, float]:
    fenced, plain, ends = list[float](), list[float](), time.monotonic() + seconds
    while time.monotonic() < ends:
        batches = both.batches()
        for start in range(0, len(batches), IN_TURNS):
            turn = batches[start : start + IN_TURNS]
            fenced += [await _timed(both.append(batch)) for batch in turn]
            plain += [await _timed(both.insert(batch)) for batch in turn]
    return statistics.median(fenced), statistics.median(plain)


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Measure batches of three sizes and return the figures."""
    sizes: dict[str, Any] = {}
    for size in (8, 32, 64):
        async with sides(size) as both:
            medians = [await _round(both, seconds) for _ in range(rounds)]
        fenced, plain = [pair[0] for pair in medians], [pair[1] for pair in medians]
        sizes[str(size)] = {
            "append_ms": spread(fenced, 3),
            "plain_insert_ms": spread(plain, 3),
            "ratio": ratio(fenced, plain),
            "rounds": {"append": fenced, "plain": plain},
        }
    return {"what": "append with the head's fence against a plain insert of the same facts, by branches in a batch", "sizes": sizes}


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("An append with the head's fence against a plain insert of the same facts")
    for size, of in figures["sizes"].items():
        print(line(f"append, batches of {size} branches", of["rounds"]["append"], "ms", 3))
        print(line(f"plain insert, batches of {size} branches", of["rounds"]["plain"], "ms", 3))
        print(spread_line(f"ratio, batches of {size} branches", of["ratio"]))


if __name__ == "__main__":
    show(asyncio.run(measure(rounds=3, seconds=3)))
