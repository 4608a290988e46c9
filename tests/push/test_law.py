"""The law of the feed over real sockets: the snapshot at n, with the deltas n..m applied, equals the snapshot at m."""

import asyncio
import copy
from collections.abc import Awaitable, Callable

import pytest

from queue_server.core import commands as c
from queue_server.core.state import BranchState
from queue_server.core.timetable import Timetable, Window
from queue_server.drive.invariants import Inspector
from queue_server.drive.reducer import FeedGap, FeedState
from queue_server.eventlog.port import Appended
from tests.push.node import Node, Screen, rename, running, same
from tests.push.walk import Walk, busy_rules

VIEWS = ["view=board", "view=staff", "view=board&zone=vip", "view=board&counter=2"]
HOUR = 3_600_000


async def settled(node: Node, screen: Screen) -> FeedState:
    async with asyncio.timeout(10):
        return await screen.reach(*await node.head())


@pytest.mark.parametrize("seed", range(4))
async def test_deltas_lead_to_the_fresh_snapshot(seed: int) -> None:
    async with running(rules=busy_rules()) as node:
        walk = Walk(node.hall, seed)
        await walk.open()
        screens = []
        for view in VIEWS:
            opened = node.screen(view)
            screens.append((view, opened, await opened.__aenter__()))
        for round_ in range(12):
            for _ in range(25):
                await walk.step()
            await walk.rest()
            for view, _, screen in screens:
                assert same(await settled(node, screen), await node.fresh(view)), f"seed {seed}, round {round_}, {view}"
        for _, opened, screen in screens:
            assert screen.kinds.count("snapshot") == 1
            await opened.__aexit__(None, None, None)


@pytest.mark.parametrize("seed", range(4))
async def test_a_busy_hall_breaks_none_of_the_laws_that_can_be_seen_from_outside(seed: int) -> None:
    inspector = Inspector({})
    async with running(rules=busy_rules()) as node, node.screen("view=staff") as screen:
        screen.watch = inspector.watch
        walk = Walk(node.hall, seed)
        await walk.open()
        for _ in range(150):
            await walk.step()
        await settled(node, screen)
    # The walk calls past the profiles on purpose, with an override.
    assert [violation for violation in inspector.violations if violation.invariant != "profile_kept"] == []


@pytest.mark.parametrize("view", VIEWS)
async def test_a_screen_may_come_back_at_every_point_of_the_day(view: str) -> None:
    async with running(rules=busy_rules()) as node:
        walk = Walk(node.hall, seed=7)
        held: list[FeedState] = []
        async with node.screen(view) as screen:
            await settled(node, screen)
            await walk.open()
            for _ in range(120):
                await walk.step()
                held.append(copy.deepcopy(await settled(node, screen)))
        await walk.rest()
        fresh = await node.fresh(view)
        for state in held:
            async with node.screen(view, state) as screen:
                assert same(await settled(node, screen), fresh)
                assert "snapshot" not in screen.kinds


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("view", VIEWS)
async def test_one_who_comes_back_over_a_reconfiguration_gets_a_snapshot(view: str, is_restarted: bool) -> None:
    before: list[FeedState] = []
    after: list[FeedState] = []
    async with running(rules=busy_rules()) as node:
        walk = Walk(node.hall, seed=5)
        async with node.screen(view) as screen:
            await walk.open()
            for held in (before, after):
                for _ in range(20):
                    await walk.step()
                    held.append(copy.deepcopy(await settled(node, screen)))
                await walk.rest()
                if held is before:
                    await rename(node)
        if not is_restarted:
            await come_back(node, view, before, after)
    if is_restarted:
        async with running({"log": node.hall.log}) as restarted:
            await come_back(restarted, view, before, after)


async def come_back(node: Node, view: str, before: list[FeedState], after: list[FeedState]) -> None:
    """Let a screen resume from each state; those of before the reconfiguration cannot be told of it by deltas."""
    fresh = await node.fresh(view)
    for state in [*before, *after, *before]:
        async with node.screen(view, state) as screen:
            assert same(await settled(node, screen), fresh)
            assert ("snapshot" in screen.kinds) == (state in before)


async def test_coming_back_after_the_node_has_restarted_reads_the_history() -> None:
    async with running(rules=busy_rules()) as node:
        walk = Walk(node.hall, seed=3)
        await walk.open()
        async with node.screen("view=staff") as screen:
            held = copy.deepcopy(await settled(node, screen))
        for _ in range(30):
            await walk.step()
        await walk.rest()
        log = node.hall.log
    async with running({"log": log}) as node, node.screen("view=staff", held) as screen:
        first = await screen.read()
        assert (first["type"], first["prev"]) == ("delta", held.seq)
        assert same(screen.state, await node.fresh("view=staff"))


async def test_one_who_was_away_for_too_long_gets_a_snapshot() -> None:
    async with running(hub_options={"recent_limit": 5}) as node:
        async with node.screen() as screen:
            held = copy.deepcopy(await settled(node, screen))
        for number in range(6):
            await node.hall.issue(f"t{number}")
        async with node.screen(held=held) as screen:
            assert (await screen.read())["type"] == "snapshot"


@pytest.mark.parametrize("after", ["other:2026-01-01:2", "{epoch}:2025-12-31:2", "{epoch}:{day}:99"])
async def test_a_position_that_is_not_of_this_history_gets_a_snapshot(after: str) -> None:
    async with running() as node:
        fresh = await node.fresh()
        known = after.format(epoch=fresh.epoch, day=fresh.day)
        async with node.connection(f"after={known}") as connection:
            assert (await Screen(connection).read())["type"] == "snapshot"


async def test_the_roll_of_the_day_sends_a_fresh_snapshot() -> None:
    async with running() as node, node.screen("view=staff") as screen:
        await node.hall.issue("t1")
        await settled(node, screen)
        node.hall.clock.at += 24 * HOUR
        await node.hall.issue("t2")
        await settled(node, screen)
        assert screen.kinds.count("snapshot") == 2
        assert screen.state.day == "2026-01-02"
        assert [ticket["ticket_id"] for ticket in screen.state.state["tickets"]] == ["t2"]
        assert same(screen.state, await node.fresh("view=staff"))
        await node.hall.issue("t3")
        assert (await screen.read_until("delta"))["events"][0]["name"] == "TicketIssued"


async def test_a_changed_configuration_sends_a_fresh_snapshot() -> None:
    async with running() as node, node.screen() as screen:
        await settled(node, screen)
        await rename(node)
        await settled(node, screen)
        assert screen.state.state["branch"]["name"] == {"en": "New"}
        assert screen.kinds.count("snapshot") == 2


async def test_a_branch_that_was_read_anew_is_shown_anew() -> None:
    async with running() as node, node.screen() as screen:
        await settled(node, screen)
        await node.hall.runtime.read("b", lambda state, _: node.hub.reloaded(state))
        await screen.read_until("snapshot")
        assert screen.kinds.count("snapshot") == 2
        await node.hall.issue("t1")
        assert same(await settled(node, screen), await node.fresh())


async def test_facts_that_nobody_told_of_are_made_good_when_the_next_screen_comes() -> None:
    async with running() as node, node.screen() as screen:
        await settled(node, screen)
        node.hall.runtime.observers.remove(node.hub)
        await node.hall.issue("t1")
        fresh = await node.fresh()
        await screen.read_until("snapshot")
        assert same(await settled(node, screen), fresh)


async def test_nobody_is_told_of_a_commit_in_flight_and_one_who_joins_misses_nothing() -> None:
    async with running() as node, node.screen("view=staff") as screen:
        before = (await settled(node, screen)).seq
        landing, sent = asyncio.Event(), asyncio.Event()

        async def held_up(append: Callable[[], Awaitable[Appended]]) -> Appended:
            sent.set()
            await landing.wait()
            return await append()

        node.hall.log.script.append(held_up)
        issuing = node.hall.issue("t1")
        await sent.wait()
        joining = asyncio.create_task(node.fresh("view=staff"))
        for _ in range(5):
            assert (await screen.read_until("heartbeat"))["seq"] == before
        assert not joining.done()
        landing.set()
        await issuing
        assert (await joining).seq == before + 1
        assert same(await settled(node, screen), await joining)


async def test_a_lost_delta_is_noticed() -> None:
    async with running() as node, node.screen() as screen:
        await settled(node, screen)
        await node.hall.issue("t1")
        while b"delta" not in await screen.connection.recv(decode=False):
            pass
        await node.hall.issue("t2")
        with pytest.raises(FeedGap):
            await screen.read_until("delta")


async def test_signs_of_life_name_the_head_and_what_this_view_was_told_last() -> None:
    async with running() as node, node.screen("view=board&zone=vip") as screen:
        await settled(node, screen)
        await node.hall.do(c.OpenCounter, counter="2")
        await settled(node, screen)
        beat = next(message for message in reversed(screen.messages) if message["type"] == "heartbeat")
        assert beat["seq"] == beat["prev"] + 1
        assert beat["at"] == "2026-01-01T08:00:00.000Z"


async def test_an_outlook_comes_when_something_changed_and_not_again() -> None:
    async with running() as node, node.screen("view=staff") as screen:
        await node.hall.issue("t1")
        outlook = await screen.read_until("outlook")
        while "t1" not in outlook["tickets"]:
            outlook = await screen.read_until("outlook")
        for _ in range(5):
            await screen.read_until("heartbeat")
        assert screen.messages[screen.messages.index(outlook) + 1 :].count(outlook) == 0
        assert "outlook" not in screen.kinds[-5:]
        node.hall.clock.at += 5000
        assert (await screen.read_until("outlook"))["tickets"]["t1"]["waited_seconds"] == 5


async def test_a_service_that_opens_is_told_though_nobody_waits() -> None:
    async with running() as node, node.screen() as screen, asyncio.timeout(10):
        day = (await settled(node, screen)).day
        opens_at = node.hall.clock.at + HOUR

        def set_hours(state: BranchState, _at: int) -> None:
            state.timetable = Timetable(windows=(Window(opens_at, opens_at + HOUR, opens_at + HOUR),))

        await node.hall.runtime.read("b", set_hours)
        outlook = await screen.read_until("outlook")
        while outlook["services"][0]["open"]:
            outlook = await screen.read_until("outlook")
        assert (outlook["services"][0]["reason"], outlook["services"][0]["until"]) == ("closed", f"{day}T09:00:00.000Z")
        node.hall.clock.at = opens_at
        while not outlook["services"][0]["open"]:
            outlook = await screen.read_until("outlook")
        assert outlook["services"][0]["until"] is None
