"""The service as a whole: what keeps it from starting, what ends it, and who is let in meanwhile."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.running import QUEUE_SERVER, Service, running_service
from queue_server import compose
from queue_server.compose import CannotStartError, StoppedError
from queue_server.push.refusals import unauthenticated
from queue_server.runtime.writer import Writer
from queue_server.settings import Settings
from tests.push.test_server import end_of

REVOKED_SECONDS = 10.0


@pytest.mark.parametrize("name", ["http", "push"])
async def test_a_busy_port_is_refused_before_anything_is_started(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        settings = Settings(**{"http_port": 0, "push_port": 0, f"{name}_port": port, "data_dir": tmp_path / "data"})
        with pytest.raises(CannotStartError, match=f"127.0.0.1:{port} .* QUEUE_{name.upper()}_PORT"):
            await compose.serve(settings, lambda _: None)
    assert not (tmp_path / "data").exists()


async def test_without_its_writer_the_service_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, run = asyncio.Event(), Writer.run

    async def end_when_opened(writer: Writer) -> None:
        running = asyncio.create_task(run(writer))
        await opened.wait()
        running.cancel()
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(Writer, "run", end_when_opened)
    monkeypatch.setattr("queue_server.compose.serving.spare_the_collector", lambda: None)
    settings = Settings(http_port=0, push_port=0, data_dir=tmp_path / "data")
    with pytest.raises(StoppedError, match="writer"):
        async with asyncio.timeout(60):
            await compose.serve(settings, lambda _: opened.set())


async def test_a_revoked_token_is_refused_by_a_running_service_within_seconds() -> None:
    async with running_service() as service, ClientSession() as session:
        token = await service.token()
        headers = {"Authorization": f"Bearer {token}"}
        feed = f"{service.push_url}/v1/branches/main/feed"
        assert await status(session, service, token) == 200
        async with connect(feed, additional_headers=headers, proxy=None) as screen:
            assert await service.run("token", "revoke", token) == {"revoked": True}
            async with asyncio.timeout(REVOKED_SECONDS):
                assert await end_of(screen) == unauthenticated().close_code
        assert await status(session, service, token) == 401
        with pytest.raises(RuntimeError, match="No token is revoked"):
            await service.run("token", "revoke", token)


async def test_a_process_of_screens_tells_what_another_one_writes(tmp_path: Path) -> None:
    async with running_service() as service, ClientSession() as session:
        headers = {"Authorization": f"Bearer {await service.token()}"}
        screens = Service(tmp_path, (*QUEUE_SERVER, "push"), {"QUEUE_DATA_DIR": str(service.data)})
        screens.launch()
        try:
            await screens.ready()
            async with connect(f"{screens.push_url}/v1/branches/main/feed", additional_headers=headers, proxy=None) as screen:
                snapshot = msgspec.json.decode(await screen.recv())
                assert snapshot["type"] == "snapshot"
                issued = await issue(session, service, headers)
                delta = await next_of(screen, "delta")
                assert (delta["prev"], delta["seq"]) == (snapshot["seq"], issued["seq"])
                assert delta["events"][0]["name"] == "TicketIssued"
            async with asyncio.timeout(20):
                # What was told before both were on the bus was found without it.
                while "queue_bus_hints_heard_total 0.0" in await metrics(session, screens):
                    await issue(session, service, headers)
            assert "queue_bus_connected 1.0" in await metrics(session, screens)
            async with session.get(f"{screens.url}/v1/branches", headers=headers) as answer:
                assert answer.status == 404, "commands are given elsewhere"
        finally:
            assert await screens.stop() == 0


async def metrics(session: ClientSession, service: Service) -> str:
    async with session.get(f"{service.url}/metrics") as answer:
        return await answer.text()


async def issue(session: ClientSession, service: Service, headers: dict[str, str]) -> Any:
    async with session.post(f"{service.url}/v1/branches/main/tickets", json={"service": "cash"}, headers=headers) as answer:
        assert answer.status == 201
        return await answer.json()


async def next_of(screen: ClientConnection, kind: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            message = msgspec.json.decode(await screen.recv())
            if message["type"] == kind:
                return message


async def status(session: ClientSession, service: Service, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{service.url}/v1/branches", headers=headers) as response:
        return response.status
