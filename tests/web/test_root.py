"""What is outside the branches: health, metrics, screens, and the end."""

import asyncio
import time

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from queue_server.access.roles import Role
from queue_server.runtime.runtime import Runtime
from queue_server.web.app import make_runner
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def test_health_needs_no_token(desk: Desk) -> None:
    anybody = desk.with_token(None)
    assert (await anybody.send("GET", "/healthz")).body == {"status": "ok"}
    assert (await anybody.send("GET", "/readyz")).body == {"status": "ready"}
    assert (await anybody.send("GET", "/ui.json")).body == {"push_port": 8081, "push_url": None}


async def test_without_the_log_it_is_not_ready(desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> bool:
        return False

    monkeypatch.setattr(runtime, "alive", away)
    answer = await desk.with_token(None).send("GET", "/readyz")
    assert (answer.status, answer.code) == (503, "log_unavailable")
    assert (await desk.with_token(None).send("GET", "/healthz")).status == 200


async def test_a_log_that_hangs_is_not_waited_for(desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    thawed, asked = asyncio.Event(), 0

    async def hang() -> bool:
        nonlocal asked
        asked += 1
        try:
            await thawed.wait()
        except asyncio.CancelledError:
            await thawed.wait()  # giving up needs the database too
            raise
        return True

    monkeypatch.setattr(runtime, "alive", hang)
    anybody = desk.with_token(None)
    async with asyncio.timeout(2):
        answers = await asyncio.gather(*(anybody.send("GET", "/readyz") for _ in range(5)))
    assert {(answer.status, answer.code) for answer in answers} == {(503, "log_unavailable")}
    assert asked == 1
    thawed.set()
    assert (await anybody.send("GET", "/readyz")).status == 200


async def test_metrics_are_open_to_this_machine_only(desk: Desk) -> None:
    anybody = desk.with_token(None)
    answer = await anybody.send("GET", "/metrics")
    assert (answer.status, answer.content) == (200, b"queue_build_info 1\n")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    proxied = ("X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Server", "Forwarded", "X-Real-IP", "Via")
    for name in (*proxied, "CF-Connecting-IP", "True-Client-IP"):
        assert (await anybody.send("GET", "/metrics", None, **{name: "10.0.0.1"})).code == "unauthenticated"
    scraper, kiosk = await desk.as_(Role.METRICS), await desk.as_(Role.KIOSK)
    assert (await scraper.send("GET", "/metrics", None, X_Forwarded_For="10.0.0.1")).status == 200
    assert (await kiosk.send("GET", "/metrics", None, X_Forwarded_For="10.0.0.1")).code == "forbidden"


async def test_a_page_has_its_policy_and_may_be_kept_only_where_its_name_changes(desk: Desk) -> None:
    anybody = desk.with_token(None)
    page = await anybody.send("GET", "/kiosk/")
    assert page.status == 200
    assert b"<title>Ticket</title>" in page.content
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    policy = page.headers["Content-Security-Policy"]
    for part in (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "style-src 'self'",
        "img-src 'self' data:",
        "frame-ancestors 'self'",
    ):
        assert part in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    script = await anybody.send("GET", "/kiosk/assets/index-abc.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["Cache-Control"]
    kept = await anybody.send("GET", "/kiosk/", None, If_None_Match=page.headers["ETag"])
    assert (kept.status, kept.content) == (304, b"")


async def test_the_slash_is_added_and_the_query_kept(desk: Desk) -> None:
    answer = await desk.with_token(None).send("GET", "/kiosk?branch=main")
    assert (answer.status, answer.headers["Location"]) == (308, "/kiosk/?branch=main")


@pytest.mark.parametrize(
    "path", ["/", "/kiosk/nothing.js", "/kiosk/../conftest.py", "/kiosk/%2e%2e/x", "/display/", "/favicon.ico"]
)
async def test_there_is_nothing_else(desk: Desk, path: str) -> None:
    answer = await desk.with_token(None).send("GET", path)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_the_root_is_only_read(desk: Desk) -> None:
    for path in ("/healthz", "/kiosk/", "/openapi.json"):
        answer = await desk.with_token(None).send("POST", path)
        assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", "GET, HEAD")


async def test_no_other_page_may_read_what_the_interface_says(main: Caller) -> None:
    answer = await main.get("/state", Origin="https://elsewhere.example")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_it_stops_within_a_second_with_connections_open(server: RawTestServer) -> None:
    runner = make_runner(server._handler)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with ClientSession() as session:
        answers = await asyncio.gather(*(session.get(f"http://{host}:{port}/healthz") for _ in range(20)))
        for answer in answers:
            await answer.read()
        began = time.monotonic()
        await runner.cleanup()
        assert time.monotonic() - began < 1
        with pytest.raises(OSError):
            await asyncio.open_connection(host, port)
