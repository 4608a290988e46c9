"""Who is let in, who is sent away and how, and what one bad screen costs the others."""

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.protocol import State

from queue_server.access.guesses import Guesses
from queue_server.access.roles import Role
from queue_server.access.tokens import TokensUnavailable
from tests.push.node import Node, Screen, rename, running, same


async def refused(node: Node, address: str, token: str | None) -> dict[str, Any]:
    """Return the problem with which the handshake is refused."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(address, additional_headers=headers, proxy=None):
            pass
    response = refusal.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.body)
    assert problem["status"] == response.status_code
    return problem


async def closed(address: str, *messages: str) -> int | None:
    """Return the code with which a connection without a header is closed after *messages*."""
    async with connect(address, proxy=None) as connection:
        with suppress(ConnectionClosed):
            for message in messages:
                await connection.send(message)
        return await end_of(connection)


async def end_of(connection: ClientConnection) -> int | None:
    """Read to the end and return the code with which the server closed."""
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return connection.close_code


def auth(token: str) -> str:
    return json.dumps({"type": "auth", "token": token})


@pytest.mark.parametrize(
    ("role", "view", "is_allowed"),
    [
        (Role.DISPLAY, "board", True),
        (Role.DISPLAY, "staff", False),
        (Role.KIOSK, "board", True),
        (Role.KIOSK, "staff", False),
        (Role.STAFF, "board", True),
        (Role.STAFF, "staff", True),
        (Role.MANAGER, "staff", True),
        (Role.ADMIN, "board", True),
        (Role.ADMIN, "staff", True),
        (Role.METRICS, "board", False),
        (Role.TICKET, "board", False),
        (Role.TICKET, "ticket", False),
    ],
)
async def test_each_role_has_its_views(role: Role, view: str, is_allowed: bool) -> None:
    async with running() as node:
        token, address = await node.token(role), node.address(f"view={view}")
        if not is_allowed:
            assert (await refused(node, address, token))["code"] == "forbidden"
            return
        async with connect(address, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as connection:
            assert json.loads(await connection.recv())["type"] == "snapshot"


async def test_the_board_is_the_view_of_those_who_name_none() -> None:
    async with running() as node, node.connection("") as connection:
        snapshot = json.loads(await connection.recv())
        assert snapshot["state"].keys() == {"branch", "counters", "calls", "notices", "services"}


async def test_the_handshake_says_what_is_wrong() -> None:
    async with running() as node:
        admin, elsewhere = await node.token(), await node.token(Role.DISPLAY, ("other",))
        assert (await refused(node, node.address(), "wrong"))["code"] == "unauthenticated"
        assert (await refused(node, node.address(), elsewhere))["code"] == "forbidden"
        assert (await refused(node, node.address(branch="nowhere"), admin))["code"] == "unknown_branch"
        assert (await refused(node, node.address() + "&view=staff", admin))["code"] == "invalid_body"
        assert (await refused(node, node.address().replace("/feed", "/food"), admin))["code"] == "not_found"
        for query, named in [
            ("view=everything", "view"),
            ("after=yesterday", "after"),
            ("after=e:2026-01-01:-1", "after"),
            ("zone=" + "x" * 700, "zone"),
            ("colour=red", "query"),
            ("zone=%ff", "query"),
        ]:
            problem = await refused(node, node.address(query), admin)
            assert (problem["status"], problem["code"]) == (422, "invalid_body")
            assert named in problem["detail"]
        assert node.hub.connected == 0


@pytest.mark.parametrize("branch", ["%00", "%ff", "%62", "b%0a", "\x00", "\t", "[b", "%"])
async def test_a_branch_is_named_as_it_stands_or_not_at_all(branch: str) -> None:
    async with running() as node:
        admin = await node.token()
        reader, writer = await asyncio.open_connection("127.0.0.1", node.server.port)
        request = (
            f"GET /v1/branches/{branch}/feed HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {admin}\r\n\r\n"
        )
        writer.write(request.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 404 ")
        assert json.loads(body)["code"] == "unknown_branch"


async def test_a_token_in_the_address_is_refused_and_not_repeated() -> None:
    async with running() as node:
        token = await node.token()
        problem = await refused(node, node.address(f"token={token}"), None)
        assert problem["status"] == 422
        assert token not in str(problem)


async def test_a_browser_sends_its_token_first() -> None:
    async with running() as node, connect(node.address("view=staff"), proxy=None) as connection:
        await connection.send(auth(await node.token(Role.STAFF)))
        assert json.loads(await connection.recv())["type"] == "snapshot"


async def test_without_a_good_token_the_door_closes() -> None:
    async with running() as node:
        display, elsewhere = await node.token(Role.DISPLAY), await node.token(Role.DISPLAY, ("other",))
        assert await closed(node.address(), auth("wrong")) == 4401
        assert await closed(node.address(), '{"type":"auth"}') == 4401
        assert await closed(node.address(), "\x00{") == 4401
        assert await closed(node.address(), '{"x":' + "[" * 4000) == 4401
        assert await closed(node.address(), auth("\x00")) == 4401
        assert await closed(node.address(), '{"type":"auth","token":"\\ud800"}') == 4401
        assert await closed(node.address(), auth(elsewhere)) == 4403
        assert await closed(node.address("view=staff"), auth(display)) == 4403
        assert await closed(node.address(branch="nowhere"), auth(display)) == 4404
        assert node.hub.connected == 0


async def test_one_who_says_nothing_is_not_waited_for() -> None:
    async with running(auth_seconds=0.05) as node:
        assert await closed(node.address()) == 4401


async def test_one_who_guesses_tokens_is_told_to_wait_and_the_others_are_let_in() -> None:
    async with running() as node:
        while (problem := await refused(node, node.address(), "guess"))["status"] == 401:
            pass
        assert (problem["status"], problem["code"]) == (429, "too_many_requests")
        async with node.screen() as screen:
            assert (await screen.read())["type"] == "snapshot"


async def test_one_who_guesses_tokens_by_messages_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guesses, "failed", lambda _self, peer: 2.5 if peer == "127.0.0.1" else 0.0)
    async with running() as node:
        assert await closed(node.address(), auth("guess")) == 1013


async def test_tokens_that_cannot_be_checked_are_neither_good_nor_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_token: str) -> None:
        raise TokensUnavailable

    async with running() as node:
        token = await node.token()
        monkeypatch.setattr(node.tokens, "authenticate", away)
        assert (await refused(node, node.address(), token))["status"] == 503
        assert await closed(node.address(), auth(token)) == 1013


async def test_a_long_message_closes_the_connection() -> None:
    async with running() as node, node.connection() as connection:
        await connection.send("x" * 5000)
        await connection.wait_closed()
        assert connection.close_code == 1009


async def test_a_revoked_token_closes_what_it_opened() -> None:
    async with running(recheck_seconds=0.02) as node:
        token, other = await node.token(), await node.token()
        headers = [{"Authorization": f"Bearer {each}"} for each in (token, other)]
        async with (
            connect(node.address(), additional_headers=headers[0], proxy=None) as gone,
            connect(node.address(), additional_headers=headers[1], proxy=None) as kept,
        ):
            await gone.recv()
            await node.revoke(token)
            async with asyncio.timeout(5):
                assert await end_of(gone) == 4401
            assert json.loads(await kept.recv())["type"] == "snapshot"
            while node.hub.connected > 1:
                await kept.recv()


async def test_more_screens_than_allowed_are_sent_away() -> None:
    async with running(screens_limit=2) as node, node.screen() as first, node.screen() as second:
        await first.read()
        await second.read()
        problem = await refused(node, node.address(), await node.token())
        assert problem["status"] == 503
        assert node.hub.connected == 2


async def test_those_without_a_token_take_no_place_of_a_screen() -> None:
    async with running(screens_limit=1, strangers_limit=3, auth_seconds=60.0) as node, AsyncExitStack() as crowd:
        strangers = [await crowd.enter_async_context(connect(node.address(), proxy=None)) for _ in range(3)]
        assert (await refused(node, node.address(), None))["status"] == 503
        token = await node.token()
        async with node.screen() as screen:
            await screen.read()
            await strangers[0].send(auth(token))
            assert await end_of(strangers[0]) == 1013
        async with connect(node.address(), proxy=None) as next_one:
            assert next_one.state is State.OPEN


async def test_one_address_has_a_bounded_number_of_connections_without_a_token() -> None:
    async with running(strangers_of_peer=1, auth_seconds=0.05) as node:
        async with connect(node.address(), proxy=None) as stranger:
            assert (await refused(node, node.address(), None))["status"] == 503
            assert await end_of(stranger) == 4401
        async with connect(node.address(), proxy=None) as browser:
            await browser.send(auth(await node.token()))
            await browser.recv()
            async with connect(node.address(), proxy=None) as another:
                assert await end_of(another) == 4401


async def test_a_screen_that_goes_is_forgotten() -> None:
    async with running() as node, node.screen() as stays:
        await stays.read()
        async with node.screen() as goes:
            await goes.read()
            assert node.hub.connected == 2
        while node.hub.connected > 1:
            await stays.read()


async def test_shutdown_sends_all_away_at_once_even_one_that_is_stuck() -> None:
    async with running(buffer_bytes=20_000) as node, node.screen("view=staff") as screen, stuck(node):
        reading = asyncio.create_task(end_of(screen.connection))
        await overflow(node)
        began = time.monotonic()
        await node.server.close()
        assert time.monotonic() - began < 2.5
        assert await reading == 1012


async def test_shutdown_does_not_wait_for_one_who_has_not_said_what_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def never(_token: str) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with running() as node:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.server.port)
        writer.write(b"GET /v1/branches/b/feed HTTP/1.1\r\n")
        await writer.drain()
        monkeypatch.setattr(node.tokens, "authenticate", never)
        checked = asyncio.create_task(refusal_of(node))
        await asked.wait()
        began = time.monotonic()
        await node.server.close()
        assert time.monotonic() - began < 1.5
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert isinstance(await checked, InvalidMessage | ConnectionError)


async def refusal_of(node: Node) -> BaseException | None:
    """Return why a connection with some token does not come about."""
    try:
        async with connect(node.address(), additional_headers={"Authorization": "Bearer some"}, proxy=None):
            return None
    except (InvalidMessage, ConnectionError) as refusal:
        return refusal


class stuck:  # noqa: N801 - reads like a function, as the context managers beside it
    """A screen of the staff view on a small socket, which reads nothing until asked to."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __aenter__(self) -> ClientConnection:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._node.server.port))
        self._connecting = self._node.connection("view=staff", sock=sock, max_queue=1, max_size=None)
        self._connection = await self._connecting.__aenter__()
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._connection.transport.abort()
        await self._connecting.__aexit__(None, None, None)


async def overflow(node: Node) -> int:
    """Issue tickets until a screen is behind; returns how many that took."""
    for number in range(3000):
        if node.hub.behind:
            return number
        await node.hall.issue(f"o{number}")
        # One turn for the sockets.
        await asyncio.sleep(0)
    raise AssertionError("no screen fell behind")


@pytest.mark.parametrize(("recent_limit", "kind"), [(5000, "delta"), (1, "snapshot")])
async def test_a_slow_screen_catches_up_and_holds_up_nobody(recent_limit: int, kind: str) -> None:
    async with (
        running(buffer_bytes=20_000, hub_options={"buffer_bytes": 20_000, "recent_limit": recent_limit}) as node,
        node.screen("view=staff") as quick,
        stuck(node) as connection,
    ):
        await overflow(node)
        for number in range(3):
            await node.hall.issue(f"missed{number}")
        head = await node.head()
        async with asyncio.timeout(20):
            await quick.reach(*head)
            slow = Screen(connection)
            await slow.reach(*head)
        assert same(slow.state, quick.state)
        assert ("snapshot" in slow.kinds[1:]) == (kind == "snapshot")
        assert not node.hub.behind


async def test_a_slow_screen_that_was_reconfigured_catches_up_with_a_snapshot() -> None:
    async with (
        running(buffer_bytes=20_000, hub_options={"buffer_bytes": 20_000, "recent_limit": 5000}) as node,
        stuck(node) as connection,
    ):
        await overflow(node)
        await rename(node)
        await node.hall.issue("later")
        async with asyncio.timeout(20):
            slow = Screen(connection)
            await slow.reach(*await node.head())
        assert slow.kinds.count("snapshot") == 2
        assert same(slow.state, await node.fresh("view=staff"))


async def test_a_screen_that_reads_nothing_for_too_long_is_cut_off() -> None:
    async with (
        running(buffer_bytes=20_000, hub_options={"buffer_bytes": 20_000, "patience_seconds": 0.05}) as node,
        node.screen("view=staff") as quick,
        stuck(node),
    ):
        await overflow(node)
        async with asyncio.timeout(10):
            while node.hub.connected > 1:
                await quick.read()
        assert not node.hub.behind
