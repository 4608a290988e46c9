"""Kiosks and counters that repeat each command under its key until it is answered, and what must then be in the stream."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from msgspec import DecodeError, Struct, json

from benchmarks.branches import SERVICES, TIERS

Json = dict[str, Any]

COUNTERS_EACH, KIOSKS_EACH = 2, 2
ATTEMPT_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
REPEAT_AFTER_SECONDS = 0.02
EMPTY_AFTER_SECONDS = 0.02
BUSY = frozenset({429, 502, 503, 504})
PAGE = 1000


class Told(Struct, frozen=True):
    """A command that was answered."""

    branch: str
    path: str
    status: int
    receipt: Json


class Crowd:
    """Four clients for each branch; everybody is served, then they go home."""

    def __init__(self, url: str, headers: dict[str, str], branches: Sequence[str], tickets_each: int) -> None:
        self._url, self._headers = url, headers
        self._branches, self._tickets_each = branches, tickets_each
        self._serial = itertools.count()
        self._progress = asyncio.Condition()
        self._at_kiosks = Counter(dict.fromkeys(branches, KIOSKS_EACH))
        self.told: list[Told] = []

    async def use(self) -> None:
        """Take all tickets, and serve all."""
        connector = TCPConnector(limit=0)
        timeout = ClientTimeout(total=ATTEMPT_SECONDS)
        async with (
            ClientSession(connector=connector, headers=self._headers, timeout=timeout) as self._session,
            asyncio.timeout(PATIENCE_SECONDS),
            asyncio.TaskGroup() as group,
        ):
            for branch in self._branches:
                for number in range(COUNTERS_EACH):
                    group.create_task(self._counter(branch, str(number + 1)))
                for number in range(KIOSKS_EACH):
                    group.create_task(self._kiosk(branch, number))

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until *is_true* after some answer."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._progress:
            await self._progress.wait_for(is_true)

    async def _kiosk(self, branch: str, number: int) -> None:
        for turn in range(number, number + self._tickets_each):
            await self._command(branch, "/tickets", {"service": SERVICES[turn % 4], "tier": TIERS[turn % 3]})
        self._at_kiosks[branch] -= 1

    async def _counter(self, branch: str, counter: str) -> None:
        await self._command(branch, f"/counters/{counter}/open", {})
        while True:
            # Asked before the call: what is empty after the last kiosk has gone stays empty.
            was_last = self._at_kiosks[branch] == 0
            called = await self._command(branch, f"/counters/{counter}/call-next", {"finish": {}})
            if ticket := called.receipt["ticket"]:
                await self._command(branch, f"/tickets/{ticket['ticket_id']}/start", {"counter": counter})
            elif was_last:
                return
            else:
                await asyncio.sleep(EMPTY_AFTER_SECONDS)

    async def _command(self, branch: str, path: str, body: Json) -> Told:
        address, key = f"{self._url}/v1/branches/{branch}{path}", f"crowd-{next(self._serial)}"
        while (told := await self._attempt(branch, address, path, key, body)) is None:
            await asyncio.sleep(REPEAT_AFTER_SECONDS)
        assert told.status < 300, f"{path} in {branch} was refused: {told.status} {told.receipt}"
        async with self._progress:
            self.told.append(told)
            self._progress.notify_all()
        return told

    async def _attempt(self, branch: str, address: str, path: str, key: str, body: Json) -> Told | None:
        try:
            async with self._session.post(address, data=json.encode(body), headers={"Idempotency-Key": key}) as response:
                if response.status not in BUSY:
                    return Told(branch, path, response.status, json.decode(await response.read()))
        except (ClientError, TimeoutError, OSError, DecodeError):
            pass
        return None


async def stream(url: str, headers: dict[str, str], branch: str) -> list[Json]:
    """Return all facts of *branch* today."""
    events: list[Json] = []
    async with ClientSession(headers=headers) as session:
        while True:
            address = f"{url}/v1/branches/{branch}/events?after={len(events)}&limit={PAGE}"
            async with session.get(address) as response:
                assert response.status == 200, await response.text()
                page = (await response.json())["events"]
            if not page:
                return events
            events += page


def judge(events: Sequence[Json], told: Iterable[Told]) -> list[str]:
    """Compare what *told* says was acknowledged with *events*, the whole stream of one branch; empty when all is well."""
    breaches = [] if [e["seq"] for e in events] == list(range(1, len(events) + 1)) else ["the facts are not numbered without a gap"]
    answers = [(each, ticket) for each in told if (ticket := each.receipt.get("ticket"))]
    for name, ending in (("TicketIssued", "/tickets"), ("TicketCalled", "/call-next"), ("ServingStarted", "/start")):
        stored = Counter(event["body"]["ticket"] for event in events if event["name"] == name)
        promised = Counter(ticket["ticket_id"] for each, ticket in answers if each.path.endswith(ending))
        breaches += [f"{name} of {ticket} is lost" for ticket in (promised - stored)]
        breaches += [f"{name} of {ticket} happened without anybody being told" for ticket in (stored - promised)]
        breaches += [f"{name} of {ticket} happened {times} times" for ticket, times in stored.items() if times > 1]
    numbers = Counter(event["body"]["number"] for event in events if event["name"] == "TicketIssued")
    return breaches + [f"the number {number} was given {times} times" for number, times in numbers.items() if times > 1]
