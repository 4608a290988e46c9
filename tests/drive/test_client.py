"""The client against a tiny server that answers as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from queue_server.drive.client import Client, Refused, Unreachable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, *, attempt_seconds: float = 5.0) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/a", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with Client(f"http://127.0.0.1:{port}", "secret", attempt_seconds=attempt_seconds) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_a_command_has_a_token_a_key_and_a_body() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"got": await request.json()}, status=201)

    async with serving(answer) as client:
        assert await client.post("/a", {"b": 1}) == {"got": {"b": 1}}
        await client.post("/a", {"b": 1})
    assert seen[0].headers["Authorization"] == "Bearer secret"
    assert seen[0].headers["Idempotency-Key"] != seen[1].headers["Idempotency-Key"]


async def test_a_busy_server_is_asked_again_with_the_same_key() -> None:
    keys: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"code": "log_unavailable"}, status=503 if len(keys) < 3 else 200)

    async with serving(answer) as client:
        await client.post("/a", {})
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_a_time_out_means_unknown_and_repeats_the_same_key() -> None:
    keys: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            await asyncio.Event().wait()
        return web.json_response({})

    async with serving(answer, attempt_seconds=0.1) as client:
        await client.post("/a", {})
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_repeating_is_bounded() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"code": "log_unavailable"}, status=503)

    async with serving(answer) as client:
        with pytest.raises(Unreachable, match=r"POST /a had no answer within 0.2 s \(503 log_unavailable\)"):
            await client.post("/a", {}, give_up=0.2)


async def test_a_refusal_is_told_at_once_with_its_code() -> None:
    requests: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response({"code": "wrong_state", "state": "cancelled", "detail": "It has left."}, status=409)

    async with serving(answer) as client:
        with pytest.raises(Refused, match="POST /a was refused: 409 wrong_state: It has left") as caught:
            await client.post("/a", {})
    assert (caught.value.code, caught.value.problem["state"], requests) == ("wrong_state", "cancelled", ["/a"])


async def test_an_answer_that_is_not_json_is_kept_as_text() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="<h1>Not here</h1>", status=404)

    async with serving(answer) as client:
        with pytest.raises(Refused, match="404 \\(no code\\): <h1>Not here</h1>"):
            await client.get("/a")


async def test_nobody_there_is_unreachable() -> None:
    async with Client("http://127.0.0.1:9", "secret") as client:
        with pytest.raises(Unreachable, match="GET /a had no answer within 0"):
            await client.get("/a", give_up=0)
