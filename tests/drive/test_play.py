"""A small recorded day is played against a real server, as a user would: by the command, over HTTP and the feed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from benchmarks.running import QUEUE_SERVER, ROOT, Service, running_service
from queue_server.drive.client import Client
from queue_server.drive.play import DriveError, DriveOptions, drive
from queue_server.drive.trace import TraceError
from tests.drive.recorded import write_trace
from tests.faults.targets import Kind, strike

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = "1999-02-03"
SPEED = "1200"


def small_day() -> str:
    """Write down sixty customers of one hour; every fourth gives up, some at once, and two counters served at a time."""
    rows = []
    for turn in range(60):
        arrives, service, tier = 36_000 + 60 * turn, ("PS", "NE", "NW")[turn % 3], str(turn % 3)
        clock, starts = _clock(arrives), _clock(arrives + 20)
        if turn % 4 == 3:
            rows.append(f"{DAY},{clock},{service},{tier},{turn % 8 * 30},left,,,")
        else:
            rows.append(f"{DAY},{clock},{service},{tier},20,served,{starts},90,S0{turn % 2}")
    return "\n".join(rows) + "\n"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncIterator[Service]:
    async with running_service() as running:
        yield running


async def run_drive(service: Service, trace: Path, token: str, *more: str) -> tuple[int, list[str], str]:
    addresses = ("--url", service.url, "--push-url", service.push_url, "--token", token)
    command = (*QUEUE_SERVER, "drive", str(trace), *addresses, "--speed", SPEED, *more)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines(), errors.decode()


async def test_a_day_is_played_without_error_or_broken_invariant(service: Service, tmp_path: Path) -> None:
    trace = write_trace(tmp_path, small_day())
    code, lines, errors = await run_drive(service, trace, await service.token(), "--day", DAY, "--json")
    summary: dict[str, Any] = msgspec.json.decode(lines[-1])
    assert (summary["errors"], summary["violations"], summary["display_equals_snapshot"]) == ([], [], True), errors
    assert code == 0
    assert summary["issued"] == 60 == summary["served"] + summary["left"] + summary["no_shows"]
    assert summary["served"] >= 45
    assert summary["called"] >= summary["served"]
    assert {tier: entry["tickets"] for tier, entry in summary["tiers"].items()} == {"2": 20, "1": 20, "0": 20}
    assert 0 < summary["call_to_display_seconds"]["p50"] <= summary["call_to_display_seconds"]["p99"] < 30
    assert "60/60" in errors, "progress goes to stderr"


async def test_a_day_goes_on_when_service_and_database_are_killed_in_its_midst(service: Service, tmp_path: Path) -> None:
    token = await service.token()
    playing = asyncio.create_task(run_drive(service, write_trace(tmp_path, small_day()), token, "--day", DAY, "--json"))
    async with Client(service.url, token) as client, asyncio.timeout(30):
        known = {entry["id"] for entry in (await client.get("/v1/branches"))["branches"]}
        while not (new := {entry["id"] for entry in (await client.get("/v1/branches"))["branches"]} - known):
            continue
        while not (await client.get(f"/v1/branches/{new.copy().pop()}/state"))["calls"]:
            continue
    strike(service, Kind.BOTH)
    code, lines, errors = await playing
    summary: dict[str, Any] = msgspec.json.decode(lines[-1])
    assert (summary["errors"], summary["violations"], summary["display_equals_snapshot"]) == ([], [], True), errors
    assert (code, summary["issued"]) == (0, 60)


async def test_the_table_is_for_people(service: Service, tmp_path: Path) -> None:
    code, lines, _ = await run_drive(service, write_trace(tmp_path), await service.token(), "--day", "1999-02-04")
    assert code == 0
    assert "  issued 1   called 1   served 1   left 0   no-shows 0" in lines


async def options_for(service: Service, trace: Path, **changes: Any) -> DriveOptions:
    options = DriveOptions(
        trace=trace,
        url=service.url,
        push_url=service.push_url,
        token=await service.token(),
        day=DAY,
        show_progress=False,
    )
    return msgspec.structs.replace(options, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token": "nobody"}, "the token was refused"),
        ({"token": "two\nlines"}, "holds characters that no token has"),
        ({"day": "2001-01-01"}, "no day 2001-01-01; it has 1999-02-03, 1999-02-04"),
        ({"speed": 0}, "the speed must be above 0"),
        ({"url": "localhost:8080"}, "localhost:8080"),
        ({"push_url": "http://localhost"}, "http://localhost"),
        ({"push_url": "ws://127.0.0.1:9"}, "nobody answers at ws://127.0.0.1:9"),
    ],
)
async def test_what_cannot_be_played_is_said_in_one_sentence(service: Service, tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises((DriveError, TraceError), match=message):
        await drive(await options_for(service, write_trace(tmp_path), **changes))


async def test_a_token_that_may_not_make_a_branch_is_told_so(service: Service, tmp_path: Path) -> None:
    code, lines, errors = await run_drive(service, write_trace(tmp_path), await service.token("kiosk"), "--day", DAY)
    assert (code, lines) == (2, [])
    assert "the token may not make a branch; it needs the role admin" in errors
