"""The customers of a played day: each takes a ticket at a kiosk, and some give up before they are called."""

import asyncio
from collections.abc import Sequence
from typing import Any

from queue_server.drive.client import Client, Refused, Unreachable
from queue_server.drive.invariants import Inspector
from queue_server.drive.tally import Tally
from queue_server.drive.trace import Visit

Json = dict[str, Any]


class Timetable:
    """Turns seconds of the recorded day into moments of the loop's clock; the recording begins to play at *since*."""

    def __init__(self, since: float, speed: float) -> None:
        self._speed = speed
        self._offset = asyncio.get_running_loop().time() - since / speed

    async def until(self, seconds: float) -> None:
        """Sleep until the recorded day has reached *seconds*; at once when that is past."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._offset + seconds / self._speed - loop.time()))


class Customers:
    """Everybody who comes on that day."""

    def __init__(self, branch_path: str, client: Client, timetable: Timetable, tally: Tally, inspector: Inspector) -> None:
        self._tickets = f"{branch_path}/tickets"
        self._client = client
        self._timetable = timetable
        self._tally = tally
        self._inspector = inspector

    async def come(self, visits: Sequence[Visit]) -> None:
        """Let all *visits* happen in their time; ends when the last has a ticket and the last leaver has left."""
        async with asyncio.TaskGroup() as group:
            for visit in visits:
                await self._timetable.until(visit.arrives)
                group.create_task(self._visit(visit))

    async def _visit(self, visit: Visit) -> None:
        try:
            receipt = await self._client.post(self._tickets, {"service": visit.service, "tier": visit.tier})
        except (Refused, Unreachable) as fault:
            self._tally.error(f"kiosk: {fault}")
            self._tally.issue_failed()
            return
        ticket = receipt["ticket"]
        self._inspector.see_number(ticket["ticket_id"], ticket["number"])
        self._tally.issue(ticket, visit)
        if visit.is_leaver:
            await self._timetable.until(visit.arrives + visit.waits)
            await self._leave(ticket["ticket_id"])

    async def _leave(self, ticket_id: str) -> None:
        try:
            await self._client.post(f"{self._tickets}/{ticket_id}/cancel", {})
            self._tally.end(ticket_id, "left")
        except Refused as refusal:
            # Called and started, or given up as a no-show, before the cancel arrived: the counter notes how that ends.
            if refusal.code != "wrong_state":
                self._tally.error(f"customer: {refusal}")
        except Unreachable as fault:
            self._tally.error(f"customer: {fault}")
