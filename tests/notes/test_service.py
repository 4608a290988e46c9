"""Announcements in the whole service: the text outlives a restart, and is nowhere but in its table."""

import asyncio

from aiohttp import ClientSession
from websockets.asyncio.client import connect

from benchmarks.running import Service, running_service

CANARY = "canary-77c0"
NOTE = {"note": f"Mr {CANARY}, please come to the desk"}


async def test_a_note_is_read_after_a_restart_and_written_nowhere_else() -> None:
    async with running_service() as service, ClientSession() as session:
        token = await service.token()
        told: list[str | bytes] = []
        async with connect(feed(service), additional_headers=bearer(token), proxy=None) as screen, asyncio.timeout(30):
            told.append(await screen.recv())
            first = await announce(session, service, token)
            delta = ""
            while "AnnouncementMade" not in delta:
                delta = str(await screen.recv())
            told.append(delta)
        paths = ("/v1/branches/main/events?limit=1000", "/v1/branches/main/state", "/metrics")
        told += [await read(session, service, token, path) for path in paths]
        text = await read(session, service, token, f"/v1/branches/main/announcements/{first['announcement']}")
        service.kill()
        service.launch()
        await service.ready()
        assert await announce(session, service, token) == first
        assert await read(session, service, token, f"/v1/branches/main/announcements/{first['announcement']}") == text
        told += [path.read_text("utf-8", errors="replace") for path in (service.log, *service.data.rglob("*.log"))]
        assert CANARY in text
        assert len(told) > 6
        assert not [text for text in told if CANARY in str(text)]


def feed(service: Service) -> str:
    return f"{service.push_url}/v1/branches/main/feed"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def announce(session: ClientSession, service: Service, token: str) -> dict[str, object]:
    address = f"{service.url}/v1/branches/main/announcements"
    async with session.post(address, json=NOTE, headers=bearer(token) | {"Idempotency-Key": "k"}) as response:
        assert response.status == 200, await response.text()
        receipt: dict[str, object] = await response.json()
        return receipt


async def read(session: ClientSession, service: Service, token: str, path: str) -> str:
    async with session.get(service.url + path, headers=bearer(token)) as response:
        assert response.status == 200, await response.text()
        return await response.text()
