"""A rush is let in a few at a time, so that commands go on in between."""

import asyncio
import socket
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from queue_server.push import guests, server
from queue_server.push.server import PushServer
from queue_server.push.turnstile import Turnstile
from tests.push.node import running
from tests.push.turns import Turns

MANY = 40


async def test_a_few_go_through_in_each_turn_in_the_order_in_which_they_came() -> None:
    turnstile, turns = Turnstile(3), Turns()
    passed: list[tuple[int, int]] = []

    async def come(number: int) -> None:
        await turnstile.enter()
        passed.append((number, turns.number))

    await asyncio.gather(*map(come, range(10)))
    assert [number for number, _ in passed] == list(range(10))
    assert list(Counter(turn for _, turn in passed).values()) == [3, 3, 3, 1]


async def test_one_who_gives_up_holds_up_nobody() -> None:
    turnstile = Turnstile(1)
    first, second, third = (asyncio.create_task(turnstile.enter()) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, third)
    assert second.cancelled()


async def test_a_step_that_fails_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    turnstile, passed = Turnstile(2), list[int]()
    turnstile.line_up(partial(passed.remove, 0))
    for number in range(3):
        turnstile.line_up(partial(passed.append, number))
    await turnstile.enter()
    assert passed == [0, 1, 2]
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("at_once", [guests._LET_OUT_AT_ONCE, MANY])
async def test_screens_that_are_cut_off_in_one_moment_are_not_cleared_up_in_one(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "_LET_OUT_AT_ONCE", at_once)
    cleared: Counter[int] = Counter()
    lost = ServerConnection.connection_lost

    def counted(self: ServerConnection, exc: Exception | None) -> None:
        cleared[turns.number] += 1
        lost(self, exc)

    monkeypatch.setattr(ServerConnection, "connection_lost", counted)
    async with running() as node, AsyncExitStack() as screens:
        turns = Turns()
        opened = [await screens.enter_async_context(node.connection()) for _ in range(MANY)]
        while node.hub.connected < MANY:
            await asyncio.sleep(0)
        served = list(node.server._guests.present)
        for connection in opened:
            connection.transport.abort()
        # What is gone takes no screen's place any more, and nothing is written to it, cleared up or not.
        while node.server._guests.present:
            await asyncio.sleep(0)
        assert node.server._guests._admitted == 0
        assert {guest.protocol.state for guest in served} == {State.CLOSED}
        while cleared.total() < MANY or node.hub.connected:
            await asyncio.sleep(0)
    assert max(cleared.values()) == at_once


@pytest.mark.parametrize("at_once", [server._LET_IN_AT_ONCE, MANY])
async def test_requests_that_arrive_in_one_moment_are_not_served_in_one(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LET_IN_AT_ONCE", at_once)
    served: Counter[int] = Counter()
    knock = PushServer._knock

    async def counted(self: PushServer, *arguments: Any) -> None:
        served[turns.number] += 1
        await knock(self, *arguments)

    monkeypatch.setattr(PushServer, "_knock", counted)
    async with running() as node:
        turns = Turns()
        sockets = [socket.create_connection(("127.0.0.1", node.server.port)) for _ in range(MANY)]
        while len(node.server._guests.present) < MANY:
            await asyncio.sleep(0)
        for each in sockets:
            each.sendall(
                b"GET /v1/branches/b/feed HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
        while served.total() < MANY:
            await asyncio.sleep(0)
        for each in sockets:
            each.close()
    # Without the turnstile the whole rush is one turn, in which no command gets on.
    assert max(served.values()) == at_once
