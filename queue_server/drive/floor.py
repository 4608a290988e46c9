"""The staff of a played day: as many counters as the recording had, each calling, starting and finishing on its own."""

import asyncio
from collections import deque
from typing import Any

from queue_server.drive.client import CALL_NEXT_GIVE_UP_SECONDS, Client, Refused, Unreachable
from queue_server.drive.invariants import Inspector
from queue_server.drive.reducer import FeedState
from queue_server.drive.tally import Tally

Json = dict[str, Any]

AFTER_ERROR_SECONDS = 0.2


class Floor:
    """Who should be at a counter now, and who sleeps until somebody waits."""

    def __init__(self) -> None:
        self.wanted = 0
        self.is_over = False
        self._newest_waiting = 0
        self._idle: deque[asyncio.Future[None]] = deque()
        self._changed = asyncio.Condition()

    def watch(self, feed: FeedState, message: Json, _arrived: float) -> None:
        """Wake one sleeping counter for each customer that the staff view shows to be waiting anew."""
        if message["type"] == "snapshot":
            for ticket in feed.state["tickets"]:
                self._somebody_waits(ticket, message["seq"])
        for event in message.get("events", ()):
            self._somebody_waits(event.get("ticket"), event["seq"])

    def _somebody_waits(self, ticket: Json | None, seq: int) -> None:
        if ticket is not None and ticket["state"] == "waiting":
            self._newest_waiting = max(self._newest_waiting, seq)
            self.wake_one()

    def wake_one(self) -> None:
        """Wake the counter that has slept longest."""
        while self._idle:
            sleeper = self._idle.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    async def want(self, counters: int, *, is_over: bool = False) -> None:
        """Have that many counters open from now on; *is_over* sends everybody home."""
        async with self._changed:
            self.wanted, self.is_over = counters, is_over
            self._changed.notify_all()
        # Sleepers that are to close must see it; the others call once in vain and sleep again.
        for _ in range(len(self._idle)):
            self.wake_one()

    async def nap(self, index: int, seq: int) -> None:
        """Sleep until somebody waits who did not at *seq*, when nobody did; not when the counter of that *index* is to close."""
        if self._newest_waiting > seq or index >= self.wanted:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(sleeper)
        await sleeper

    async def until_wanted(self, index: int) -> bool:
        """Wait until the counter of that *index* is to open; False when the day is over instead."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_over or index < self.wanted)
        return not self.is_over


class Clerk:
    """One counter and the person at it."""

    def __init__(
        self,
        *,
        index: int,
        branch_path: str,
        client: Client,
        floor: Floor,
        tally: Tally,
        inspector: Inspector,
        speed: float,
        typical: dict[str, float],
    ) -> None:
        self.counter = str(index + 1)
        self._index = index
        self._branch = branch_path
        self._path = f"{branch_path}/counters/{self.counter}"
        self._client = client
        self._floor = floor
        self._tally = tally
        self._inspector = inspector
        self._speed = speed
        self._typical = typical

    async def work(self) -> None:
        """Open and close with the roster, and serve between, until the day is over."""
        while await self._floor.until_wanted(self._index):
            try:
                await self._client.post(f"{self._path}/open", {})
                await self._serve_until_unwanted()
                await self._client.post(f"{self._path}/close", {})
            except (Refused, Unreachable, TimeoutError) as fault:
                self._tally.error(f"counter {self.counter}: {fault}")
                await asyncio.sleep(AFTER_ERROR_SECONDS)
            # A wake-up that came while closing is somebody else's now.
            self._floor.wake_one()

    async def _serve_until_unwanted(self) -> None:
        serving: str | None = None
        while self._index < self._floor.wanted:
            receipt = await self._call_next(serving)
            serving = None
            if receipt["ticket"] is None:
                await self._floor.nap(self._index, receipt["seq"])
            elif await self._start(receipt["ticket"]):
                serving = receipt["ticket"]["ticket_id"]
                await self._serve(serving)
        if serving is not None:
            await self._client.post(f"{self._branch}/tickets/{serving}/finish", {"counter": self.counter})
            self._tally.end(serving, "served")

    async def _call_next(self, serving: str | None) -> Json:
        sent = asyncio.get_running_loop().time()
        receipt = await self._send_call(serving)
        if serving is not None:
            self._tally.end(serving, "served")
        if (ticket := receipt["ticket"]) is not None:
            self._tally.call(ticket, sent)
            self._inspector.check_routing(ticket["number"], receipt.get("routing"))
        return receipt

    async def _send_call(self, serving: str | None) -> Json:
        body: Json = {} if serving is None else {"finish": {}}
        try:
            return await self._client.post(f"{self._path}/call-next", body, give_up=CALL_NEXT_GIVE_UP_SECONDS)
        except Unreachable:
            return await self._settle_call(body)

    async def _settle_call(self, body: Json) -> Json:
        # Whether the first command called somebody is unknown. A new one is safe: it is refused, with the ticket named, when
        # that one did call, and finishes the same ticket as before when it did not.
        try:
            return await self._client.post(f"{self._path}/call-next", body)
        except Refused as refusal:
            if refusal.code != "counter_busy":
                raise
            return await self._client.get(f"{self._branch}/tickets/{refusal.problem['ticket']}")

    async def _start(self, ticket: Json) -> bool:
        ticket_id = ticket["ticket_id"]
        try:
            receipt = await self._client.post(f"{self._branch}/tickets/{ticket_id}/start", {"counter": self.counter})
        except Refused as refusal:
            if refusal.code != "wrong_state":
                raise
            self._missed(ticket_id, refusal.problem.get("state"))
            return False
        self._tally.serve(receipt["ticket"], self._speed)
        return True

    def _missed(self, ticket_id: str, state: object) -> None:
        if state == "no_show":
            self._tally.end(ticket_id, "no_show")
        elif state != "cancelled":  # that end is noted by the customer who left
            self._tally.error(f"counter {self.counter}: {ticket_id} could not be started, it is {state}")

    async def _serve(self, ticket_id: str) -> None:
        visit = await self._tally.visit(ticket_id)
        seconds = self._typical.get(visit.service, 0.0) if visit.is_leaver else visit.serves
        await asyncio.sleep(seconds / self._speed)
