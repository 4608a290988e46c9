"""Backup, restore and doctor on the database that the settings name."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from queue_server.bus.port import Bus
from queue_server.compose.faults import CannotStartError
from queue_server.compose.parts import NO_BUS, bus_of, database
from queue_server.eventlog.port import LogUnavailable
from queue_server.settings import Settings
from queue_server.upkeep import backup, restore
from queue_server.upkeep.archive import ArchiveError, opened_archive
from queue_server.upkeep.findings import Finding, fault, fine, warning
from queue_server.upkeep.machine import look_at_disk, look_at_port, look_at_zones
from queue_server.upkeep.manifest import Manifest
from queue_server.upkeep.marks import Fold
from queue_server.upkeep.port import NotFit
from queue_server.upkeep.postgres import PostgresSnapshot, known_schema, snapshot, target
from queue_server.upkeep.restore import Restored
from queue_server.upkeep.vitals import (
    Vitals,
    look_at_branches,
    look_at_deadlines,
    look_at_engine,
    look_at_partitions,
    look_at_remote_disk,
    look_at_schema,
    look_at_tokens,
)

_BUS_SECONDS = 6.0


async def back_up(settings: Settings, path: Path) -> Manifest:
    """Copy everything into an archive at *path*, beside whatever runs."""
    _see_that_there_is_one(settings)
    with _told():
        async with _seen(settings) as (_, seen):
            return await backup.back_up(seen, path)


async def bring_back(settings: Settings, path: Path, *, replace: bool, verify: bool) -> tuple[Manifest, Restored]:
    """Fill the database, which nobody may be using, with the archive at *path*; all of it or nothing."""
    with _told(), opened_archive(path) as archive:
        async with database(settings, exclusive=True, migrated=False) as dsn, target(dsn) as filled:
            restored = await restore.restore(archive, filled, replace=replace, verify=verify)
        return archive.manifest, restored


def verify_archive(path: Path) -> tuple[Manifest, int]:
    """Read the archive at *path* and fold its branches, touching no database; return how many they are."""
    with _told(), opened_archive(path) as archive:
        return archive.manifest, restore.verify_alone(archive)


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that could go wrong, changing nothing, and return what is found."""
    http, http_is_ours = await look_at_port("http port", settings.http_host, settings.http_port, "QUEUE_HTTP_PORT")
    push, push_is_ours = await look_at_port("push port", settings.push_host, settings.push_port, "QUEUE_PUSH_PORT")
    disk = [] if settings.database_url is not None else [look_at_disk(settings.data_dir)]
    return [http, push, *disk, *await _database(settings, is_served=http_is_ours or push_is_ours)]


async def _database(settings: Settings, *, is_served: bool) -> list[Finding]:
    try:
        _see_that_there_is_one(settings)
    except CannotStartError as none:
        return [warning("database", str(none), "`queue-server run` makes one")]
    try:
        async with _seen(settings) as (dsn, seen):
            vitals = await seen.vitals()
            findings = [*look_at_engine(vitals), look_at_schema(vitals.schema, known_schema())]
            if settings.database_url is not None:
                findings.insert(0, look_at_remote_disk(vitals))
            if vitals.schema == known_schema():
                findings += await _contents(seen, vitals, is_served=is_served)
                findings.append(await _prove(bus_of(dsn, await seen.log_id(), settings.bus_url)))
            return findings
    except (CannotStartError, LogUnavailable) as away:
        return [fault("database", str(away), "a PostgreSQL that answers, as a primary")]


async def _contents(seen: PostgresSnapshot, vitals: Vitals, *, is_served: bool) -> list[Finding]:
    today = datetime.fromtimestamp(vitals.now / 1000, UTC).date()
    return [
        look_at_partitions(vitals.partitions, today),
        look_at_tokens(vitals.admins),
        *await _branches(seen, vitals, is_served=is_served),
    ]


async def _branches(seen: PostgresSnapshot, vitals: Vitals, *, is_served: bool) -> list[Finding]:
    marks, zones = [], {}
    heads = await seen.heads()
    for head in heads:
        fold = Fold(head)
        async for row in seen.facts(head):
            fold.take(row)
        marks.append(fold.mark())
        if fold.state.configuration is not None:
            zones[head.branch_id] = fold.state.configuration.time_zone
    overdue = look_at_deadlines(heads, vitals.now, is_served=is_served and vitals.writers > 0)
    return [look_at_branches(marks), look_at_zones(zones), overdue]


async def _prove(bus: Bus | None) -> Finding:
    """Send something over the bus and see it come back."""
    if bus is None:
        return fine("bus", f"none is wanted (QUEUE_BUS_URL = {NO_BUS}); nodes find each other's facts by looking")
    back = asyncio.Event()
    bus.listen(lambda _hint: None, back.set)
    bus.start()
    try:
        async with asyncio.timeout(_BUS_SECONDS):
            await back.wait()
        return fine("bus", f"there and back in {(bus.state().round_trip_seconds or 0) * 1000:.1f} ms")
    except TimeoutError:
        text = f"nothing that is sent comes back within {_BUS_SECONDS:.0f} s; nodes hear of each other's facts late"
        return fault("bus", text, "a QUEUE_BUS_URL whose server answers and lets this node publish and subscribe, or none at all")
    finally:
        await bus.close()


@asynccontextmanager
async def _seen(settings: Settings) -> AsyncIterator[tuple[str, PostgresSnapshot]]:
    async with database(settings, exclusive=False, migrated=False) as dsn, snapshot(dsn) as seen:
        yield dsn, seen


def _see_that_there_is_one(settings: Settings) -> None:
    """The embedded database is made where there is none, which is not for these commands to do."""
    if settings.database_url is None and not (settings.data_dir / "postgres" / "cluster").is_dir():
        raise CannotStartError(f"There is no database in {settings.data_dir} yet; QUEUE_DATA_DIR names another folder.")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ArchiveError, NotFit, LogUnavailable) as fault:
        raise CannotStartError(str(fault)) from None
