"""Nodes behind a real proxy: what the proxy spares, and what holds without its help."""

import asyncio

from aiohttp import ClientSession

from tests.deploy.cell import Cell, samples
from tests.deploy.crowd import Crowd, judge, stream
from tests.deploy.proxies import running_proxy
from tests.deploy.screens import screens

TICKETS_EACH = 15


async def test_commands_and_screens_of_a_branch_go_to_one_node(cell: Cell) -> None:
    branches = [f"hash-{number}" for number in range(12)]
    await cell.make_branches(branches)
    async with running_proxy("nginx", cell.addresses) as proxy:
        for _ in range(3):
            await _owners(cell, proxy.url, branches)
        async with screens(proxy.push_url, cell.token, [branches[0]] * 3):
            connected = [(await samples(node, "queue_screens_connected"))[""] for node in cell.nodes]
    issued = [await samples(node, "queue_tickets_issued_total") for node in cell.nodes]
    written = [{branch: count for branch, count in node.items() if branch in branches} for node in issued]
    assert sorted(connected) == [0, 6], "three staff screens and three boards of one branch"
    assert all(written), "one of the nodes has nothing to do"
    assert not written[0].keys() & written[1].keys()
    assert written[0] | written[1] == dict.fromkeys(branches, 3)


async def test_without_the_hash_numbers_are_unique_and_nobody_is_called_twice(cell: Cell) -> None:
    branches = [f"random-{number}" for number in range(4)]
    await cell.make_branches(branches)
    urls = [node.push_url for node in cell.nodes[:2]]
    async with (
        running_proxy("random", cell.addresses[:2]) as proxy,
        screens(urls[0], cell.token, branches) as here,
        screens(urls[1], cell.token, branches) as there,
    ):
        crowd = Crowd(proxy.url, cell.headers, branches, TICKETS_EACH)
        await crowd.use()
        await here.show_what_is(cell, branches)
        await there.show_what_is(cell, branches)
    for branch in branches:
        events = await stream(cell.nodes[1].url, cell.headers, branch)
        assert judge(events, [told for told in crowd.told if told.branch == branch]) == []
    written = [(await samples(node, "queue_tickets_issued_total")).keys() >= set(branches) for node in cell.nodes[:2]]
    assert written == [True, True], "the proxy sent a branch to one node only"


async def test_a_killed_node_costs_no_ticket(cell: Cell) -> None:
    for kind in ("nginx", "haproxy"):
        await _kill_a_node_behind(kind, cell)


async def _kill_a_node_behind(kind: str, cell: Cell) -> None:
    branches = [f"{kind}-{number}" for number in range(4)]
    await cell.make_branches(branches)
    victim, survivor = cell.nodes[:2]
    async with running_proxy(kind, cell.addresses[:2]) as proxy, screens(proxy.push_url, cell.token, branches) as shown:
        crowd = Crowd(proxy.url, cell.headers, branches, TICKETS_EACH)
        using = asyncio.create_task(crowd.use())
        await crowd.until(lambda: len(crowd.told) >= 60)
        victim.kill()
        await using
        await shown.show_what_is(cell, branches, survivor)
    for branch in branches:
        events = await stream(survivor.url, cell.headers, branch)
        assert judge(events, [told for told in crowd.told if told.branch == branch]) == [], kind
    victim.launch()
    await victim.ready()


async def test_a_third_node_joins_under_load(cell: Cell) -> None:
    branches = [f"join-{number}" for number in range(4)]
    await cell.make_branches(branches)
    third = cell.add()
    async with running_proxy("nginx", cell.addresses[:2]) as proxy, screens(proxy.push_url, cell.token, branches) as shown:
        await third.ready()
        crowd = Crowd(proxy.url, cell.headers, branches, TICKETS_EACH)
        using = asyncio.create_task(crowd.use())
        await crowd.until(lambda: len(crowd.told) >= 60)
        proxy.reload(cell.addresses)
        await using
        await shown.show_what_is(cell, branches, third)
    for branch in branches:
        events = await stream(third.url, cell.headers, branch)
        assert judge(events, [told for told in crowd.told if told.branch == branch]) == []


async def test_a_third_node_takes_branches_and_moves_no_other(cell: Cell) -> None:
    branches = [f"moved-{number}" for number in range(24)]
    await cell.make_branches(branches)
    owners = []
    for count in (2, 3):
        async with running_proxy("nginx", cell.addresses[:count]) as proxy:
            owners.append(await _owners(cell, proxy.url, branches))
    before, after = owners
    moved = {branch for branch in branches if before[branch] != after[branch]}
    assert moved
    assert {after[branch] for branch in moved} == {2}, "a branch has moved between the two old nodes"
    assert len(moved) < len(branches) * 2 / 3


async def _owners(cell: Cell, url: str, branches: list[str]) -> dict[str, int]:
    """Issue a ticket in each of *branches* and tell which node wrote it."""
    before = [await samples(node, "queue_tickets_issued_total") for node in cell.nodes]
    async with ClientSession(headers=cell.headers) as session:
        for branch in branches:
            async with session.post(f"{url}/v1/branches/{branch}/tickets", json={"service": "cash"}) as response:
                assert response.status == 201, await response.text()
    after = [await samples(node, "queue_tickets_issued_total") for node in cell.nodes]
    grown = [
        {branch for branch in branches if now.get(branch, 0) > then.get(branch, 0)} for then, now in zip(before, after, strict=True)
    ]
    return {branch: next(number for number, those in enumerate(grown) if branch in those) for branch in branches}
