"""The commands as a user gives them, beside a running service and without one."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import connect

from benchmarks.running import QUEUE_SERVER, Service, running_service
from queue_server import cli
from queue_server.drive.reducer import FeedState


async def issue(session: ClientSession, service: Service, token: str, key: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with session.post(f"{service.url}/v1/branches/main/tickets", json={"service": "cash"}, headers=headers) as answer:
        assert answer.status == 201
        return await answer.json()


async def snapshot_of(service: Service, token: str, after: str) -> Any:
    """Return the first message that a screen is sent which knows the stream up to *after*."""
    address = f"{service.push_url}/v1/branches/main/feed?view=board{after}"
    async with connect(address, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as screen:
        return msgspec.json.decode(await screen.recv())


async def test_a_hall_is_backed_up_while_it_serves_and_goes_on_from_there_after_a_restore(tmp_path: Path) -> None:
    backup = str(tmp_path / "hall.backup")
    async with running_service() as service, ClientSession() as session:
        token = await service.token()
        first = await issue(session, service, token, "one")
        made = await service.run("backup", backup)
        assert [(mark["branch_id"], mark["seq"]) for mark in made["branches"]] == [("main", first["seq"])]
        lost = await issue(session, service, token, "two")
        held = FeedState()
        held.take(await snapshot_of(service, token, ""))
        assert held.after is not None
        resumed = await snapshot_of(service, token, f"&after={held.after}")
        assert resumed["type"] != "snapshot", "as long as the history is the same, a screen goes on where it was"

        with pytest.raises(RuntimeError, match="already runs on the data folder"):
            await service.run("restore", backup, "--replace", "--yes")
        assert await service.stop() == 0
        with pytest.raises(RuntimeError, match="not empty"):
            await service.run("restore", backup)
        restored = await service.run("restore", backup, "--verify", "--replace", "--yes")
        assert (restored["verified"], restored["branches"]) == (1, made["branches"])
        assert restored["epoch"] != made["epoch"]

        service.launch()
        await service.ready()
        again = await snapshot_of(service, token, f"&after={held.after}")
        assert again["type"] == "snapshot"
        assert again["epoch"] != held.after.split(":")[0]
        assert again["seq"] == first["seq"]
        assert await issue(session, service, token, "one") == first, "a key gives its first receipt again"
        assert (await issue(session, service, token, "other"))["ticket"]["number"] == lost["ticket"]["number"], (
            "what came after the backup is gone"
        )


async def test_doctor_beside_a_running_service_and_without_one(tmp_path: Path) -> None:
    async with running_service() as service:
        assert levels(await service.run("doctor"))["tokens"] == "warning"
        await service.token()
        found = await service.run("doctor")
        assert set(levels(found).values()) == {"ok"}
        texts = {finding["check"]: finding["text"] for finding in found["findings"]}
        assert texts["http port"].endswith("is answered by queue-server")
        assert texts["push port"].endswith("is answered by queue-server")
        assert texts["durability"] == "fsync = on, full_page_writes = on, synchronous_commit = on"
        assert texts["bus"].startswith("there and back in")
        assert '"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "event": "log_durability"' in service.log_tail(
            99_999
        )
        assert await service.stop() == 0
        found = await service.run("doctor")
        assert set(levels(found).values()) == {"ok"}
        assert all(text["text"].endswith("is free") for text in found["findings"][:2])


def levels(found: Any) -> dict[str, str]:
    assert found["ok"]
    return {finding["check"]: finding["level"] for finding in found["findings"]}


async def test_doctor_makes_no_database(tmp_path: Path) -> None:
    service = Service(tmp_path)
    found = await service.run("doctor")
    assert levels(found)["database"] == "warning"
    assert not service.data.exists()
    with pytest.raises(RuntimeError, match="There is no database in"):
        await service.run("backup", str(tmp_path / "x"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flags", [["--replace"], ["--yes"]])
def test_deleting_is_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    # How this process logs is not for a test to change.
    monkeypatch.setattr(cli, "_configure_logging", lambda *_args, **_options: None)
    assert cli.main(["restore", str(tmp_path / "x"), *flags]) == 2
    assert "only together with --yes" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["backup", "restore", "doctor"])
async def test_each_command_explains_itself(command: str) -> None:
    process = await asyncio.create_subprocess_exec(*QUEUE_SERVER, command, "--help", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert b"--json" in said
    assert said.startswith(f"usage: queue-server {command}".encode()), sys.executable
