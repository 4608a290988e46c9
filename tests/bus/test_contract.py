"""What every bus keeps to, whatever carries it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from queue_server.bus.messages import encode
from queue_server.bus.port import Hint
from tests.bus.carriers import Carrier
from tests.bus.ears import Ears

DAY = "2026-11-23"
STRANGER = "0123456789abcdef"


async def test_a_hint_reaches_every_other_node_and_not_its_own(carrier: Carrier) -> None:
    nodes = [carrier.ears() for _ in range(3)]
    for node in nodes:
        await node.connected()
    nodes[0].line.publish([Hint("main", DAY, 7)])
    nodes[1].line.publish([Hint("other", DAY, 8)])
    await nodes[2].until(lambda: len(nodes[2].heard) == 2)
    await nodes[0].hears(Hint("other", DAY, 8))
    await nodes[1].hears(Hint("main", DAY, 7))
    assert [len(node.heard) for node in nodes] == [1, 1, 2]


async def test_hints_that_wait_give_way_to_newer_ones(carrier: Carrier) -> None:
    listener, line = carrier.ears(), carrier.line()
    await listener.connected()
    # Out of order, and across a day: the newest is the one that stands furthest on.
    line.publish([Hint("main", DAY, 3), Hint("main", "2026-11-24", 1), Hint("main", DAY, 4), Hint("other", DAY, 2)])
    assert line.state().waiting == 2
    carrier.ears(line)
    await listener.until(lambda: len(listener.heard) == 2)
    assert set(listener.heard) == {Hint("main", "2026-11-24", 1), Hint("other", DAY, 2)}


async def test_a_burst_stays_within_the_bound(carrier: Carrier) -> None:
    listener, talker = carrier.ears(), carrier.ears(carrier.line(waiting_limit=2000))
    await listener.connected()
    await talker.connected()
    for number in range(10_000):
        talker.line.publish([Hint(f"b{number % 5000}", DAY, number)])
        assert talker.line.state().waiting <= 2000
    await listener.until(lambda: len(listener.heard) == 2000)
    # Those that waited longest made room.
    assert {hint.seq for hint in listener.heard} == set(range(8000, 10_000))
    # The last round may have been heard before its sender was told that it is sent.
    await talker.line.close()
    state = talker.line.state()
    assert (state.sent, state.dropped, state.waiting, state.losses) == (2000, 8000, 0, 0)


async def test_after_a_break_it_says_so_and_goes_on(carrier: Carrier) -> None:
    listener, talker = carrier.ears(), carrier.ears()
    await listener.connected()
    await talker.connected()
    await carrier.cut()
    await listener.connected(2)
    await talker.connected(2)
    talker.line.publish([Hint("main", DAY, 9)])
    await listener.hears(Hint("main", DAY, 9))
    assert listener.line.state().losses >= 1


@pytest.mark.parametrize(
    "message",
    [
        b"good morning",
        b"{}",
        b"null",
        b'["0123456789abcdef",1]',
        b'["0123456789abcdef",0,[]]',
        b'["somebody",1,[]]',
        b'["0123456789abcdef",1,[["main","2026-02-30",1]]]',
        b'["0123456789abcdef",1,[["main","2026-11-23",-1]]]',
        b'["0123456789abcdef",1,[["main","2026-11-23",99999999999]]]',
        b'["0123456789abcdef",1,[["no such id!","2026-11-23",1]]]',
        b'["0123456789abcdef",1,[["main","2026-11-23",1,"more"]]]',
        b"[" * 3000,
        b'["0123456789abcdef",1,[' + b",".join([b'["main","2026-11-23",1]'] * 33) + b"]]",
        b" " * 5000,
    ],
)
async def test_what_a_stranger_says_is_refused_and_logged(carrier: Carrier, message: bytes) -> None:
    listener = carrier.ears()
    await listener.connected()
    with capture_logs() as logs:
        await carrier.say(message)
        # The same stranger then speaks as one of ours does.
        await carrier.say(encode(STRANGER, 2, [Hint("main", DAY, 5)]))
        await listener.hears(Hint("main", DAY, 5))
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["bus_message_refused"]
    state = listener.line.state()
    assert (state.refused, state.heard, state.losses) == (1, 1, 0)


async def test_a_talkative_stranger_does_not_fill_the_log(carrier: Carrier) -> None:
    listener = carrier.ears()
    await listener.connected()
    with capture_logs() as logs:
        for _ in range(40):
            await carrier.say(b"?")
        await carrier.say(encode(STRANGER, 1, [Hint("main", DAY, 5)]))
        await listener.hears(Hint("main", DAY, 5))
    assert [log["so_far"] for log in logs if log["event"] == "bus_message_refused"] == [1, 2, 4, 8, 16, 32]


async def test_a_listener_that_fails_does_not_stop_the_line(carrier: Carrier) -> None:
    failed = asyncio.Event()

    def heard(hint: Hint) -> None:
        failed.set()
        raise RuntimeError(hint.branch_id)

    line, talker = carrier.line(), carrier.ears()
    ears = carrier.ears(line)
    await ears.connected()
    await talker.connected()
    line.listen(heard, lambda: None)
    with capture_logs() as logs:
        talker.line.publish([Hint("main", DAY, 1)])
        await failed.wait()
        line.listen(ears._hear, ears._resume)
        talker.line.publish([Hint("main", DAY, 2)])
        await ears.hears(Hint("main", DAY, 2))
    assert [log["event"] for log in logs] == ["a listener of the bus failed"]


async def test_closing_sends_what_waits(carrier: Carrier) -> None:
    listener, talker = carrier.ears(), carrier.ears()
    await listener.connected()
    await talker.connected()
    hints = [Hint(f"b{number}", DAY, number) for number in range(3000)]
    talker.line.publish(hints)
    await talker.line.close()
    await talker.line.close()
    assert talker.line.state().waiting == 0
    await listener.until(lambda: len(listener.heard) == 3000)
    talker.line.publish(hints)


async def test_the_state_tells_how_it_fares(carrier: Carrier) -> None:
    line = carrier.line()
    before = line.state()
    assert (before.connected_seconds, before.round_trip_seconds, before.heard_seconds_ago) == (None, None, None)
    listener, talker = carrier.ears(line), carrier.ears()
    await listener.connected()
    await talker.connected()
    talker.line.publish([Hint("main", DAY, 1)])
    await listener.hears(Hint("main", DAY, 1))
    state = line.state()
    assert state.connected_seconds is not None
    assert state.heard_seconds_ago is not None
    assert 0 <= state.heard_seconds_ago <= state.connected_seconds
    assert state.round_trip_seconds is not None
    assert 0 < state.round_trip_seconds < 4
    await line.close()
    assert line.state().connected_seconds is None


async def test_a_quiet_line_stays_open(carrier: Carrier) -> None:
    quiet = carrier.ears(carrier.line(heartbeat_seconds=0.02))
    await quiet.connected()
    # Ten heartbeats of its own, each heard by a neighbour that would notice a break.
    beats = quiet.line._number + 10
    neighbour: Ears = carrier.ears()
    await neighbour.connected()
    number = 0
    while quiet.line._number < beats:
        number += 1
        neighbour.line.publish([Hint("main", DAY, number)])
        await quiet.hears(Hint("main", DAY, number))
    assert (quiet.resumptions, quiet.line.state().losses) == (1, 0)
    assert neighbour.heard == []
