"""What a proxy of ours repeats, and what never: seen by nodes that fail on purpose."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.deploy.proxies import Node, Running, running_proxy

COMMAND = "/v1/branches/main/tickets"
KEYED = {"Idempotency-Key": "k1"}
PROXIES = ["nginx", "haproxy"]


class Stub:
    """A node that hangs up in the middle of the first request of all, and answers the others."""

    arrived: list[tuple[str, str, bytes]]

    def __init__(self, arrived: list[tuple[str, str, bytes]]) -> None:
        self.arrived = arrived
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/readyz":
            return web.Response(text="ready")
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.arrived.append((request.method, request.path, await request.read()))
        if len(self.arrived) == 1 and request.path != "/v1/branches/calm/state":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=201, text="done")


@contextlib.asynccontextmanager
async def before_two_stubs(kind: str) -> AsyncIterator[tuple[Running, list[Stub], list[tuple[str, str, bytes]]]]:
    arrived: list[tuple[str, str, bytes]] = []
    stubs = [Stub(arrived), Stub(arrived)]
    async with contextlib.AsyncExitStack() as stack:
        servers = [TestServer(web.Application()) for _ in stubs]
        nodes = []
        for stub, server in zip(stubs, servers, strict=True):
            server.app.router.add_route("*", "/{any:.*}", stub.answer)
            await server.start_server()
            stack.push_async_callback(server.close)
            assert server.port is not None
            nodes.append(Node(server.port, server.port))
        yield await stack.enter_async_context(running_proxy(kind, nodes)), stubs, arrived


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize(
    ("method", "headers", "attempts", "status"),
    [
        ("POST", KEYED, 2, 201),
        ("POST", {}, 1, 502),
        ("PUT", {"If-Match": '"1"'}, 1, 502),
        ("GET", {}, 2, 201),
    ],
    ids=["command-with-key", "command-without-key", "configuration", "read"],
)
async def test_what_a_node_has_left_unanswered(kind: str, method: str, headers: dict[str, str], attempts: int, status: int) -> None:
    body = b'{"service":"cash"}' if method != "GET" else b""
    async with before_two_stubs(kind) as (proxy, _, arrived), ClientSession() as session:
        async with session.request(method, proxy.url + COMMAND, data=body, headers=headers) as response:
            assert response.status == status, proxy.log()
        assert arrived == [(method, COMMAND, body)] * attempts


@pytest.mark.parametrize("kind", PROXIES)
async def test_what_a_client_claims_about_itself_is_not_passed_on(kind: str) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    async with before_two_stubs(kind) as (proxy, stubs, _), ClientSession() as session:
        async with session.get(f"{proxy.url}/v1/branches/calm/state", headers=claims) as response:
            assert response.status == 201
        headers = next(stub.headers for stub in stubs if stub.headers)
        assert (headers["x-forwarded-for"], headers["x-real-ip"]) == ("127.0.0.1", "127.0.0.1")
        assert (headers["x-forwarded-proto"], headers["host"]) == ("http", proxy.url.removeprefix("http://"))
        assert headers.get("forwarded", "") == ""


@pytest.mark.parametrize("kind", PROXIES)
async def test_the_metrics_of_a_node_are_not_shown_outside(kind: str) -> None:
    async with before_two_stubs(kind) as (proxy, _, arrived), ClientSession() as session:
        async with session.get(f"{proxy.url}/metrics") as response:
            assert response.status == 404
        assert arrived == []


async def test_a_node_that_is_drained_gets_nothing_new() -> None:
    async with before_two_stubs("haproxy") as (proxy, stubs, _), ClientSession(headers=KEYED) as session:
        await proxy.administer("set server once_one/node1 state drain")
        for number in range(12):
            async with session.post(f"{proxy.url}/v1/branches/b{number}/tickets") as response:
                assert response.status == 201, proxy.log()
    assert [bool(stub.headers) for stub in stubs] == [False, True]
