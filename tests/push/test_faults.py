"""What fails beside the feed costs only those whom it concerns, and only while it fails."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from queue_server.access.roles import Principal
from queue_server.core.ids import BranchId
from queue_server.runtime.errors import Unsettled
from tests.push.node import Screen, running
from tests.push.test_server import auth, closed, end_of, refused


async def test_a_fault_in_checking_tokens_is_logged_and_they_are_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(recheck_seconds=0.02) as node:
        token = await node.token()
        check, failed = node.tokens.authenticate, asyncio.Event()

        async def fail_once(asked: str) -> Principal | None:
            if failed.is_set():
                return await check(asked)
            failed.set()
            raise RuntimeError("nobody foresaw this")

        async with connect(node.address(), additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as screen:
            await screen.recv()
            monkeypatch.setattr(node.tokens, "authenticate", fail_once)
            with capture_logs() as logs:
                await node.revoke(token)
                async with asyncio.timeout(5):
                    assert await end_of(screen) == 4401
    assert [(entry["event"], entry["step"]) for entry in logs] == [("push round failed", "tokens")]


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_branch_that_cannot_be_read_holds_up_the_outlook_of_no_other(
    monkeypatch: pytest.MonkeyPatch, is_silent: bool
) -> None:
    async with running() as node:
        await node.hall.create("c")
        read, asked = node.hall.runtime.read, asyncio.Event()

        async def unsettled_at_b(branch_id: BranchId, look: Any) -> Any:
            if branch_id != "b":
                return await read(branch_id, look)
            asked.set()
            if is_silent:
                await asyncio.Event().wait()
            raise Unsettled

        headers = {"Authorization": f"Bearer {await node.token()}"}
        async with (
            node.screen() as unlucky,
            connect(node.address(branch="c"), additional_headers=headers, proxy=None) as connection,
        ):
            await unlucky.read()
            other = Screen(connection)
            await other.read()
            monkeypatch.setattr(node.hall.runtime, "read", unsettled_at_b)
            async with asyncio.timeout(5):
                await asked.wait()
                for number in range(3):
                    await node.hall.issue(f"c{number}", "c")
                    told = await other.read_until("outlook")
                    while told["services"][0]["ahead"] != number + 1:
                        told = await other.read_until("outlook")


async def test_a_fault_at_the_door_is_logged_and_told_without_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_token: str) -> Principal | None:
        raise RuntimeError("nobody foresaw this")

    async with running() as node:
        monkeypatch.setattr(node.tokens, "authenticate", broken)
        with capture_logs() as logs:
            problem = await refused(node, node.address(), "some")
            assert await closed(node.address(), auth("some")) == 1011
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "foresaw" not in str(problem)
    assert [entry["event"] for entry in logs] == ["handshake failed", "feed failed"]
