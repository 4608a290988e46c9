"""The bus over NATS, when the server freezes, dies, comes back or was never there, and when bytes vanish."""

import asyncio
import time

import pytest
from nats.errors import NoServersError
from structlog.testing import capture_logs

from queue_server.bus.nats import NatsLink, nats_line
from queue_server.bus.port import Hint
from tests.bus.carriers import OnNats
from tests.bus.ears import Ears
from tests.bus.nats_server import NatsServer
from tests.bus.proxy import SilentProxy, Streams

HINT = Hint("main", "2026-11-23", 1)
HEARTBEAT_SECONDS = 0.2
PATIENCE_SECONDS = 0.8


async def test_a_frozen_server_is_noticed_and_found_again(on_nats: OnNats, nats_server: NatsServer) -> None:
    ears = on_nats.ears(on_nats.line(heartbeat_seconds=HEARTBEAT_SECONDS, patience_seconds=PATIENCE_SECONDS))
    talker = on_nats.ears(on_nats.line(heartbeat_seconds=HEARTBEAT_SECONDS, patience_seconds=PATIENCE_SECONDS))
    await ears.connected()
    await talker.connected()
    nats_server.freeze()
    talker.line.publish([HINT])
    await lost(ears)
    await lost(talker)
    nats_server.thaw()
    await ears.connected(2)
    await talker.connected(2)
    talker.line.publish([Hint("main", HINT.day, 2)])
    await ears.hears(Hint("main", HINT.day, 2))


async def lost(ears: Ears) -> None:
    """Wait until the line knows that it is broken; nothing tells that from outside but its state."""
    async with asyncio.timeout(10):
        while ears.line.state().losses == 0:
            await asyncio.sleep(0)


async def test_a_connection_whose_bytes_vanish_is_replaced(on_nats: OnNats, nats_server: NatsServer) -> None:
    async def reach() -> Streams:
        return await asyncio.open_connection("127.0.0.1", nats_server.port)

    talker = on_nats.ears()
    await talker.connected()
    async with SilentProxy(reach) as proxy:
        ears = Ears(
            nats_line([f"nats://127.0.0.1:{proxy.port}"], heartbeat_seconds=HEARTBEAT_SECONDS, patience_seconds=PATIENCE_SECONDS)
        )
        await ears.connected()
        proxy.swallow()
        talker.line.publish([HINT])
        proxy.heal()
        began = time.monotonic()
        await ears.connected(2)
        assert time.monotonic() - began < HEARTBEAT_SECONDS + PATIENCE_SECONDS + 2
        assert ears.heard == []
        talker.line.publish([Hint("main", HINT.day, 2)])
        await ears.hears(Hint("main", HINT.day, 2))
        await ears.line.close()


async def test_a_server_that_was_never_there_is_waited_for() -> None:
    server = NatsServer()
    ears = Ears(nats_line([server.url]))
    await lost(ears)
    ears.line.publish([HINT])
    server.start()
    await ears.connected()
    await ears.line.close()
    server.kill()
    # Published while nobody carried it: kept, and sent on the return.
    assert (ears.line.state().sent, ears.line.state().waiting, ears.line.state().dropped) == (1, 0, 0)


async def test_another_server_of_the_list_takes_over() -> None:
    servers = [NatsServer(), NatsServer()]
    servers[1].start()
    ears = Ears(nats_line([server.url for server in servers]))
    await ears.connected()
    servers[0].start()
    servers[1].kill()
    await ears.connected(2)
    await ears.line.close()
    servers[0].kill()


async def test_closing_before_a_frozen_server_is_quick(nats_server: NatsServer) -> None:
    ears = Ears(nats_line([nats_server.url]))
    await ears.connected()
    nats_server.freeze()
    ears.line.publish([HINT])
    began = time.monotonic()
    await ears.line.close()
    assert time.monotonic() - began < 3


async def test_closing_a_link_that_never_opened_raises_nothing(nats_server: NatsServer) -> None:
    untouched = NatsLink([nats_server.url], "queue.hints")
    await untouched.close()
    refused = NatsLink([NatsServer().url], "queue.hints")
    with pytest.raises(NoServersError):
        await refused.open(lambda _message: None, lambda _reason: None)
    await refused.close()
    nats_server.freeze()
    silent = NatsLink([nats_server.url], "queue.hints")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await silent.open(lambda _message: None, lambda _reason: None)
    await silent.close()


async def test_installations_on_one_server_do_not_hear_each_other(nats_server: NatsServer) -> None:
    nodes = [Ears(nats_line([nats_server.url], subject)) for subject in ("east.hints", "west.hints", "west.hints")]
    for node in nodes:
        await node.connected()
    with capture_logs() as logs:
        nodes[1].line.publish([HINT])
        await nodes[2].hears(HINT)
        nodes[0].line.publish([HINT])
        for node in nodes:
            await node.line.close()
    assert (nodes[0].heard, nodes[1].heard, nodes[2].heard) == ([], [], [HINT])
    assert logs == []
