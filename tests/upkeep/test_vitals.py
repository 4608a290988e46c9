"""What doctor says of a database elsewhere: what it cannot see, and whether a failover would lose anything."""

import re
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from queue_server.upkeep import postgres
from queue_server.upkeep.findings import Finding, Level
from queue_server.upkeep.vitals import Vitals, look_at_engine, look_at_remote_disk


async def vitals_of(url: str) -> Vitals:
    async with postgres.snapshot(url) as seen:
        return await seen.vitals()


@pytest.fixture
async def vitals(database_url: str) -> Vitals:
    return await vitals_of(database_url)


def stand_bys(vitals: Vitals, names: str = "", **found: Any) -> Finding:
    settings = vitals.settings | {"synchronous_standby_names": names}
    findings = look_at_engine(structs.replace(vitals, settings=settings, **found))
    return next(finding for finding in findings if finding.check == "stand-bys")


@pytest.mark.parametrize(
    ("names", "standbys", "synchronous", "level"),
    [
        ("", 0, 0, Level.OK),
        ("", 2, 0, Level.WARNING),
        ("node2", 1, 1, Level.OK),
        ("node2", 0, 0, Level.FAULT),
        ("node2, node3", 1, 0, Level.FAULT),
        ("*", 0, 0, Level.FAULT),
        ("FIRST 2 (node2, node3)", 2, 1, Level.FAULT),
        ("any 2 (node2, node3, node4)", 3, 3, Level.OK),
        ("2 (node2, node3)", 2, 1, Level.FAULT),
        ("node2", 1, None, Level.UNSEEN),
    ],
)
def test_stand_bys_that_are_named_are_to_be_connected(
    vitals: Vitals, names: str, standbys: int, synchronous: int | None, level: Level
) -> None:
    assert stand_bys(vitals, names, standbys=standbys, synchronous=synchronous).level is level


async def test_a_user_without_rights_is_not_shown_which_stand_bys_are_synchronous(vitals: Vitals, database_url: str) -> None:
    assert (vitals.standbys, vitals.synchronous) == (0, 0)
    session = await asyncpg.connect(database_url)
    await session.execute("create role plain login password 'x'; grant select on all tables in schema public to plain")
    try:
        found = await vitals_of(re.sub(r"//[^@]*@", "//plain:x@", database_url))
    finally:
        await session.execute("drop owned by plain; drop role plain")
        await session.close()
    assert found.synchronous is None
    assert stand_bys(found).level is Level.UNSEEN


def test_the_room_of_a_server_elsewhere_is_not_called_well(vitals: Vitals) -> None:
    found = look_at_remote_disk(vitals)
    assert found.level is Level.UNSEEN
    assert re.match(r"the database takes \d+ MiB; the room left on its server cannot be seen from here", found.text)
