"""
What a fact costs on the disk: in the table with its index, in the write-ahead log, and in a backup; and how fast a backup is made and restored.

Customers are issued a ticket, called and finished, four facts each, over a key of their own as every client sends. Bytes do not depend on
the machine; the two speeds do.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.branches import call_request, check, issue_request, make_branches
from benchmarks.load import Plan, generate
from benchmarks.running import Service
from queue_server.drive.client import Client
from queue_server.eventlog.embedded import EmbeddedPostgres

BRANCHES, COUNTERS, CUSTOMERS = 8, 4, 10_000
_STORED = """
select (select count(*) from event) as facts,
       (select sum(pg_relation_size(inhrelid)) from pg_inherits where inhparent = 'event'::regclass)::bigint as rows,
       (select sum(pg_indexes_size(inhrelid)) from pg_inherits where inhparent = 'event'::regclass)::bigint as indexes,
       pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal"""


async def _serve(service: Service, token: str) -> None:
    pairs = [
        (issue_request(f"hall-{branch}", counter, token), call_request(f"hall-{branch}", str(counter), token))
        for branch in range(BRANCHES)
        for counter in range(1, COUNTERS + 1)
    ]
    plan = Plan("127.0.0.1", service.http_port, tuple(pairs), each=2 * CUSTOMERS // len(pairs))
    check(await generate(plan), {"200", "201"})


async def _prepare(service: Service, token: str) -> None:
    async with Client(service.url, token) as client:
        await make_branches(client, [f"hall-{branch}" for branch in range(BRANCHES)], COUNTERS, "on_call")
        for branch in range(BRANCHES):
            for counter in range(1, COUNTERS + 1):
                await client.post(f"/v1/branches/hall-{branch}/counters/{counter}/open", {})


async def _timed(service: Service, *command: str) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    said = await service.run(*command)
    return time.perf_counter() - began, said


async def _copy(folder: Path, service: Service, url: str) -> dict[str, float]:
    """Back up beside the running service, and restore into a second database, as the commands do it."""
    making, made = await _timed(service, "backup", str(folder / "backup"))
    session = await asyncpg.connect(url)
    await session.execute("create database copy")
    await session.close()
    beside = Service(folder / "beside", settings={"QUEUE_DATABASE_URL": url.replace("/queue?", "/copy?")})
    restoring, _ = await _timed(beside, "restore", str(folder / "backup"), "--verify")
    return {"bytes": made["bytes"], "making": making, "restoring": restoring}


async def measure() -> dict[str, Any]:
    """Fill an empty database and return the figures."""
    with tempfile.TemporaryDirectory(prefix="queue-storage-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with EmbeddedPostgres(folder / "data") as database:
            service = Service(folder, settings={"QUEUE_DATABASE_URL": database.dsn})
            service.launch()
            try:
                await service.ready()
                token = await service.token()
                await _prepare(service, token)
                session = await asyncpg.connect(database.dsn)
                before = await session.fetchrow(_STORED)
                await _serve(service, token)
                after = await session.fetchrow(_STORED)
                await session.close()
                return _figures(before, after, await _copy(folder, service, database.dsn))
            finally:
                await service.stop()


def _figures(before: Any, after: Any, copy: dict[str, float]) -> dict[str, Any]:
    facts, added = after["facts"], after["facts"] - before["facts"]
    return {
        "what": "bytes a fact, and the speed of a backup and of a restore with --verify",
        "customers": CUSTOMERS,
        "facts_a_customer": round(added / CUSTOMERS, 2),
        "table_bytes_a_fact": round(after["rows"] / facts),
        "index_bytes_a_fact": round(after["indexes"] / facts),
        "wal_bytes_a_fact": round(float(after["wal"] - before["wal"]) / added),
        "backup_bytes_a_fact": round(copy["bytes"] / facts),
        "backup_facts_a_second": round(facts / copy["making"]),
        "restore_facts_a_second": round(facts / copy["restoring"]),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"{figures['customers']:,} customers, {figures['facts_a_customer']} facts each; bytes a fact:")
    for place in ("table", "index", "wal", "backup"):
        print(f"  {place:<8}{figures[f'{place}_bytes_a_fact']:>6}")
    print(f"  backup {figures['backup_facts_a_second']:,} facts a second, restore --verify {figures['restore_facts_a_second']:,}")


if __name__ == "__main__":
    show(asyncio.run(measure()))
