"""The proxy does to a connection what it says, and nothing while it is left alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.faults.chaos import Chaos

LINE = b"0123456789abcdef\n"
SECONDS = 5.0


class Wire:
    """A client whose lines come back through the proxy; `heard` is what the far side has read."""

    def __init__(
        self, chaos: Chaos, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Queue[bytes]
    ) -> None:
        self.chaos = chaos
        self.heard = heard
        self._reader = reader
        self._writer = writer

    async def say(self) -> None:
        self._writer.write(LINE)
        await self._writer.drain()

    async def hear(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self._reader.read(100)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while content := await reader.read(100):
                heard.put_nowait(content)
                writer.write(content)
                await writer.drain()
        except OSError:
            heard.put_nowait(b"reset")
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Chaos(server.sockets[0].getsockname()) as chaos:
        reader, writer = await asyncio.open_connection("127.0.0.1", chaos.port)
        wire = Wire(chaos, reader, writer, heard)
        await wire.say()
        assert await wire.hear() == await heard.get() == LINE
        yield wire
        writer.close()
    server.close()


async def test_what_is_held_arrives_when_it_is_released(wire: Wire) -> None:
    wire.chaos.hold()
    await wire.say()
    # A line of another's own has had its way there and back meanwhile.
    async with Chaos(("127.0.0.1", wire.chaos.port)) as other:
        assert other.connections == 0
    assert wire.heard.empty()
    wire.chaos.release()
    assert await wire.hear() == LINE


async def test_a_muted_connection_carries_requests_and_no_answers(wire: Wire) -> None:
    wire.chaos.mute()
    await wire.say()
    assert await wire.heard.get() == LINE
    assert wire.chaos.connections == 1
    wire.chaos.reset()
    with pytest.raises(ConnectionError):
        await wire.hear()


async def test_a_cut_forwards_half_and_ends(wire: Wire) -> None:
    wire.chaos.cut()
    await wire.say()
    assert await wire.heard.get() == LINE[: len(LINE) // 2]
    assert await wire.hear() == b""


async def test_a_reset_is_seen_at_both_ends(wire: Wire) -> None:
    wire.chaos.reset()
    with pytest.raises(ConnectionError):
        await wire.hear()
    assert await wire.heard.get() == b"reset"


async def test_a_delay_holds_for_connections_to_come(wire: Wire) -> None:
    wire.chaos.delay_seconds = 0.05
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wire.say()
    assert await wire.hear() == LINE
    # There and back.
    assert loop.time() - began >= 0.1
