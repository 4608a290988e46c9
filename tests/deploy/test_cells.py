"""Two cells behind one proxy: a branch lives in the database of its own cell, and whatever happens to the other one."""

import asyncio
import contextlib
import os
import signal
from itertools import count

import asyncpg
import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from tests.deploy.cell import Cell, running_cell
from tests.deploy.crowd import Crowd, judge, stream
from tests.deploy.proxies import OtherCell, Running, running_proxy
from tests.deploy.screens import screens

TICKETS_EACH = 6


async def branches_in(cell: Cell) -> set[str]:
    session = await asyncpg.connect(cell.database.dsn)
    try:
        return {record["branch_id"] for record in await session.fetch("select branch_id from branch_head")}
    finally:
        await session.close()


async def be_served(proxy: Running, cell: Cell, branches: list[str]) -> None:
    """Let customers come and go in *branches*, all through the proxy, and compare its screens and the stream with what was told."""
    async with screens(proxy.push_url, cell.token, branches) as shown:
        crowd = Crowd(proxy.url, cell.headers, branches, TICKETS_EACH)
        await crowd.use()
        await shown.show_what_is(cell, branches)
    for branch in branches:
        events = await stream(proxy.url, cell.headers, branch)
        assert judge(events, [told for told in crowd.told if told.branch == branch]) == []


async def issue(proxy: Running, cell: Cell, branch: str, key: str) -> int:
    address, headers = f"{proxy.url}/v1/branches/{branch}/tickets", {**cell.headers, "Idempotency-Key": key}
    async with ClientSession(headers=headers) as session, session.post(address, json={"service": "cash"}) as answer:
        return answer.status


async def first_refusal(proxy: Running, cell: Cell, branch: str) -> int:
    """Repeat until it is refused: until the last process of the database has ended, it may still take something."""
    for n in count():
        # HAProxy hangs up on whoever waits for a node that it has just found unready.
        with contextlib.suppress(ServerDisconnectedError):
            if (status := await issue(proxy, cell, branch, f"without-{n}")) != 201:
                return status
    raise AssertionError


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_two_cells_serve_their_own_branches_and_one_goes_on_without_the_other(cell: Cell, kind: str) -> None:
    here, there = [f"{kind}-here-{n}" for n in range(2)], [f"{kind}-there-{n}" for n in range(2)]
    async with running_cell(2) as two:
        other = OtherCell(two.addresses, there)
        async with running_proxy(kind, cell.addresses[:2], other) as proxy:
            await cell.make_branches(here, proxy.url)
            await two.make_branches(there, proxy.url)
            await asyncio.gather(be_served(proxy, cell, here), be_served(proxy, two, there))
            assert await branches_in(cell) & {*here, *there} == {*here}
            assert await branches_in(two) & {*here, *there} == {*there}

            assert two.database.pid is not None
            os.kill(two.database.pid, signal.SIGQUIT)
            assert await first_refusal(proxy, two, there[0]) == 503
            async with screens(proxy.push_url, cell.token, here) as shown:
                assert [await issue(proxy, cell, branch, "beside") for branch in here] == [201, 201]
                await shown.show_what_is(cell, here)
