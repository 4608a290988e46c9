"""How a line fares on links that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from queue_server.bus.line import Line
from queue_server.bus.memory import Exchange, MemoryLink
from queue_server.bus.port import Hint
from tests.bus.carriers import InMemory
from tests.bus.ears import Ears

HINT = Hint("main", "2026-11-23", 1)


@pytest.fixture
async def carrier() -> AsyncIterator[InMemory]:
    async with AsyncExitStack() as stack:
        yield InMemory(stack)


async def test_a_deaf_link_is_replaced(carrier: InMemory) -> None:
    ears = carrier.ears(carrier.line(heartbeat_seconds=0.05, patience_seconds=0.1))
    await ears.connected()
    (deaf,) = carrier.exchange.links
    deaf.hear = lambda _message: None
    await ears.connected(2)
    assert carrier.exchange.links != [deaf]
    assert len(carrier.exchange.links) == 1


async def test_a_busy_line_whose_last_message_is_always_under_way_is_not_taken_for_a_deaf_one(carrier: InMemory) -> None:
    """Every message but the newest has come back: that is life, however long it goes on."""
    line = carrier.line(heartbeat_seconds=5.0, patience_seconds=0.1)
    ears = carrier.ears(line)
    await ears.connected()
    (link,) = carrier.exchange.links
    hear, held = link.hear, list[bytes]()

    def one_late(message: bytes) -> None:
        held.append(message)
        if len(held) > 1:
            hear(held.pop(0))
        line.publish([Hint("main", "2026-11-23", line._number)])

    link.hear = one_late
    line.publish([HINT])
    other = carrier.ears()
    began = line.state().connected_seconds or 0.0
    await other.until(lambda: (line.state().connected_seconds or 0.0) > began + 0.5 or line.state().losses > 0)
    assert line.state().losses == 0


async def test_what_could_not_be_sent_is_sent_on_the_next_link(carrier: InMemory) -> None:
    class Mute(MemoryLink):
        async def send(self, messages: Sequence[bytes]) -> None:
            if HINT.branch_id in str(messages):
                raise OSError("no route")
            await super().send(messages)

    made: list[MemoryLink] = []

    def make() -> MemoryLink:
        made.append((MemoryLink if made else Mute)(carrier.exchange))
        return made[-1]

    listener, talker = carrier.ears(), carrier.ears(Line(make))
    await listener.connected()
    await talker.connected()
    talker.line.publish([HINT])
    await listener.hears(HINT)
    assert (len(made), talker.line.state().losses, listener.heard) == (2, 1, [HINT])


async def test_an_old_link_that_ends_late_does_not_harm_the_new_one(carrier: InMemory) -> None:
    ears = carrier.ears()
    await ears.connected()
    (old,) = carrier.exchange.links
    old.lost("cut")
    await ears.connected(2)
    old.lost("cut again")
    old.hear(b"nonsense")
    other = carrier.ears()
    await other.connected()
    other.line.publish([HINT])
    await ears.hears(HINT)
    assert (ears.resumptions, ears.line.state().losses, ears.line.state().refused) == (2, 1, 0)


async def test_it_is_tried_again_more_and_more_slowly_until_it_holds(carrier: InMemory) -> None:
    opened = 0

    class Closed(MemoryLink):
        async def open(self, *arguments: object) -> None:
            raise ConnectionRefusedError("nobody there")

    def make() -> MemoryLink:
        nonlocal opened
        opened += 1
        return MemoryLink(carrier.exchange) if opened > 3 else Closed(carrier.exchange)

    with capture_logs() as logs:
        ears = carrier.ears(Line(make))
        await ears.connected()
        await carrier.cut()
        await ears.connected(2)
    assert [log["retry_seconds"] for log in logs if log["event"] == "bus_lost"] == [0.1, 0.2, 0.4, 0.1]


async def test_closing_does_not_wait_for_one_who_does_not_take_it() -> None:
    class Stuck(MemoryLink):
        async def send(self, messages: Sequence[bytes]) -> None:
            if HINT.branch_id in str(messages):
                await Ears(Line(lambda: MemoryLink(Exchange()))).until(lambda: False)
            await super().send(messages)

    exchange = Exchange()
    ears = Ears(Line(lambda: Stuck(exchange)))
    await ears.connected()
    ears.line.publish([HINT])
    await ears.line.close()
    assert ears.line.state().waiting == 1
    assert exchange.links == []


async def test_one_that_was_never_started_can_be_closed() -> None:
    line = Exchange().line()
    line.publish([HINT])
    await line.close()
    assert line.state().waiting == 1


async def test_alone_it_keeps_its_hints_until_somebody_comes(carrier: InMemory) -> None:
    said: list[bytes] = []

    class Heard(MemoryLink):
        async def send(self, messages: Sequence[bytes]) -> None:
            said.extend(messages)
            await super().send(messages)

    talker = carrier.ears(Line(lambda: Heard(carrier.exchange), heartbeat_seconds=60.0))
    await talker.connected()
    before = len(said)
    talker.line.publish([HINT])
    for _ in range(10):
        await asyncio.sleep(0)
    assert (said[before:], talker.line.state().waiting) == ([], 1), "there is nobody to tell"
    listener = carrier.ears(carrier.line(heartbeat_seconds=60.0))
    await listener.connected()
    await listener.hears(HINT)
    # Who came knows as soon that it is not alone.
    listener.line.publish([Hint("other", "2026-11-23", 1)])
    await talker.hears(Hint("other", "2026-11-23", 1))


async def test_when_the_others_have_gone_it_is_alone_again(carrier: InMemory) -> None:
    talker = carrier.ears(carrier.line(heartbeat_seconds=0.05, patience_seconds=0.1))
    listener = carrier.ears(carrier.line(heartbeat_seconds=0.05, patience_seconds=0.1))
    await talker.connected()
    await listener.connected()
    talker.line.publish([HINT])
    await listener.hears(HINT)
    await listener.line.close()
    async with asyncio.timeout(20):
        while talker.line._has_company():
            await asyncio.sleep(0)
        talker.line.publish([HINT])
        assert not talker.line._wake.is_set()
        # It still says that it is there, and what waits goes with that.
        while talker.line.state().waiting:
            await asyncio.sleep(0)
