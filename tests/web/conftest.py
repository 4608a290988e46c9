"""A server over a log in memory, with the sample branch, and a token of each role."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import Tokens, create_token
from queue_server.eventlog.memory import MemoryLog
from queue_server.notes.memory import MemoryNotes
from queue_server.runtime.clock import LogClock
from queue_server.runtime.runtime import Runtime
from queue_server.web.app import make_handler, make_runner
from tests.web.caller import Caller

SAMPLE = Path(__file__).parents[2] / "queue_server" / "samples" / "main.toml"


@pytest.fixture
def sample() -> dict[str, Any]:
    """The configuration of the sample branch, as it would be sent."""
    return tomllib.loads(SAMPLE.read_text("utf-8"))


@pytest.fixture
async def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
async def runtime(log: MemoryLog) -> AsyncIterator[Runtime]:
    """The running system, without a branch."""
    running = Runtime(log, LogClock())
    await running.start()
    yield running
    await running.close()


@pytest.fixture
def store() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def notes() -> MemoryNotes:
    return MemoryNotes()


@pytest.fixture
async def server(runtime: Runtime, store: MemoryTokens, notes: MemoryNotes, tmp_path: Path) -> AsyncIterator[RawTestServer]:
    """The application, listening."""

    async def metrics() -> bytes:
        return b"queue_build_info 1\n"

    page = tmp_path / "kiosk"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Ticket</title>")
    (page / "assets" / "index-abc.js").write_text("export {};")
    handler = make_handler(
        runtime,
        Tokens(store),
        notes,
        secret=b"0123456789abcdef0123456789abcdef",
        push_port=8081,
        metrics_page=metrics,
        static_dir=tmp_path,
        version="1.2.3",
    )
    listening = RawTestServer(handler)
    await listening.start_server()
    yield listening
    await listening.close()


@pytest.fixture
async def listener(server: RawTestServer) -> AsyncIterator[web.ServerRunner]:
    """The application, listening as it does in earnest."""
    runner = make_runner(server._handler)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner
    await runner.cleanup()


@pytest.fixture
def address(listener: web.ServerRunner) -> tuple[str, int]:
    """Where that is."""
    host, port = listener.addresses[0][:2]
    return host, port


class Desk:
    """Makes callers with tokens."""

    def __init__(self, session: ClientSession, server: RawTestServer, store: MemoryTokens) -> None:
        self._session = session
        self._store = store
        self.url = str(server.make_url("")).rstrip("/")

    async def as_(self, role: Role, branches: list[str] | None = None, subject: str | None = None) -> Caller:
        """Return a caller with a token of *role*."""
        token, _ = await create_token(self._store, role, branches, subject)
        return Caller(self._session, self.url, token)

    def with_token(self, token: str | None) -> Caller:
        """Return a caller with this token, or none."""
        return Caller(self._session, self.url, token)


@pytest.fixture
async def desk(server: RawTestServer, store: MemoryTokens) -> AsyncIterator[Desk]:
    async with ClientSession() as session:
        yield Desk(session, server, store)


@pytest.fixture
async def admin(desk: Desk) -> Caller:
    """An admin, while there is no branch yet."""
    return await desk.as_(Role.ADMIN)


@pytest.fixture
async def main(admin: Caller, sample: dict[str, Any]) -> Caller:
    """An admin at the sample branch, where counter 3 (which may call everything) is open."""
    answer = await admin.put("", sample)
    assert answer.status == 201, answer.body
    opened = await admin.post("/counters/3/open")
    assert opened.status == 200, opened.body
    return admin
