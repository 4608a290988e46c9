"""
Clients that use every command, get in each other's way, lose a third of their answers and write down all they see.

They share what they know of the tickets, which is always a little old: so commands meet that cannot both succeed, at different
nodes at once.
"""

import asyncio
import itertools
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Self

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from msgspec import Struct

from benchmarks.branches import SERVICES, TIERS, configuration
from tests.faults.history import TURNED_AWAY, Attempt, History, Json, Read, Request

SUBJECT = "campaign"
COUNTERS = ("1", "2", "3", "4")
REMEMBERED = 40
"""So many tickets a branch the clients think of."""
_PAUSE_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5)


class Manners(Struct, frozen=True):
    """
    How clients behave: *dropped* is the share of answers that never reach them, *reads* how often they look instead of asking.

    A command is given up after *patience_seconds*: its effect stays unknown. Whom nobody starts to serve is a no-show after
    *no_show_seconds*.
    """

    dropped: float = 1 / 3
    reads: float = 0.05
    attempt_seconds: float = 10.0
    patience_seconds: float = 60.0
    no_show_seconds: float = 1.0


class _Known(Struct):
    """What the clients know of a branch."""

    tickets: deque[str]
    called: deque[tuple[str, str]]
    position: tuple[str, int] | None = None


class Clients:
    """Everybody who uses the nodes at *urls*; `history` is what they have seen."""

    def __init__(self, urls: Sequence[str], token: str, branches: Sequence[str], seed: int, manners: Manners | None = None) -> None:
        self.history = History(SUBJECT)
        self.manners = manners or Manners()
        self.urls = list(urls)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._branches = list(branches)
        self._seed = seed
        self._serial = itertools.count()
        self._visitors = itertools.count()
        self._known: dict[str, _Known] = defaultdict(lambda: _Known(deque(maxlen=REMEMBERED), deque(maxlen=REMEMBERED)))
        self.progress: Callable[[], object] = lambda: None

    async def __aenter__(self) -> Self:
        timeout = ClientTimeout(total=self.manners.attempt_seconds)
        self._session = ClientSession(connector=TCPConnector(limit=0), headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def make_branches(self) -> None:
        """Make the branches, with a grace after which a called customer is a no-show, and open all their counters."""
        for branch in self._branches:
            body = configuration(branch, len(COUNTERS)) | {"no_show_after_seconds": self.manners.no_show_seconds}
            address = f"{self.urls[0]}/v1/branches/{branch}"
            async with self._session.put(address, data=msgspec.json.encode(body)) as response:
                if response.status != 201:
                    raise RuntimeError(f"the branch {branch} could not be made: {await response.text()}")
        opening = [(branch, counter) for branch in self._branches for counter in COUNTERS]
        await asyncio.gather(*(self.command(self.urls[0], branch, f"/counters/{counter}/open", {}) for branch, counter in opening))

    async def use(self, commands: int, clients: int) -> None:
        """Give *commands* commands altogether, as *clients* clients at once; all are brought to an answer or given up."""
        left = itertools.repeat(None, commands)
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client(random.Random(f"{self._seed}:{next(self._visitors)}"), left))

    async def command(self, url: str, branch: str, path: str, body: Json) -> Attempt:
        """Give one command at *url* alone, until it is answered."""
        return await self._give(random.Random(0), [url], branch, path, body, dropped=0.0)

    def request(self, branch: str, path: str, body: Json) -> Request:
        """Note down a request that is about to be sent."""
        key = f"{self._seed}-{next(self._serial)}"
        request = Request(branch, key, f"/v1/branches/{branch}{path}", msgspec.json.encode(body))
        self.history.requests.append(request)
        return request

    async def settle(self, url: str, request: Request) -> Attempt:
        """Send *request* at *url* until it is answered."""
        while True:
            attempt = await self._attempt(url, request)
            if not attempt.is_unsettled:
                return attempt
            await asyncio.sleep(_PAUSE_SECONDS[0])

    async def repeat(self, url: str, request: Request) -> Attempt:
        """Send *request* once more, at *url*, as if its answer had never come."""
        return await self._attempt(url, request)

    async def read(self, url: str, branch: str, *, fresh: bool = True) -> Read | None:
        """Read the branch's state at *url*, at least as new as anything that was acknowledged if *fresh*; None without an answer."""
        at_least = self._known[branch].position if fresh else None
        query = f"?at_least={at_least[0]}:{at_least[1]}" if at_least else ""
        began = time.monotonic()
        try:
            async with self._session.get(f"{url}/v1/branches/{branch}/state{query}") as response:
                if response.status == 200:
                    state = msgspec.json.decode(await response.read())
                    day, seq = state.pop("day"), state.pop("seq")
                    read = Read(branch, began, time.monotonic(), day, seq, state, at_least)
                    self.history.reads.append(read)
                    return read
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError):
            pass  # a read that was not answered tells nothing
        return None

    async def _client(self, chance: random.Random, left: "itertools.repeat[None]") -> None:
        for _ in left:
            branch = chance.choice(self._branches)
            if chance.random() < self.manners.reads:
                await self.read(chance.choice(self.urls), branch, fresh=chance.random() < 0.8)
            path, body = self._wish(chance, self._known[branch])
            await self._give(chance, self.urls, branch, path, body, self.manners.dropped)
            self.progress()

    async def _give(  # noqa: PLR0917 - a wish, and how it is pursued
        self, chance: random.Random, urls: Sequence[str], branch: str, path: str, body: Json, dropped: float
    ) -> Attempt:
        request = self.request(branch, path, body)
        give_up = time.monotonic() + self.manners.patience_seconds
        while True:
            attempt = await self._attempt(chance.choice(urls), request)
            if time.monotonic() > give_up:
                return attempt
            if attempt.is_unsettled:
                await asyncio.sleep(chance.choice(_PAUSE_SECONDS))
            # Dropped: it was sent, and the client has never seen it.
            elif chance.random() >= dropped:
                self._learn(branch, request, attempt)
                return attempt

    async def _attempt(self, url: str, request: Request) -> Attempt:
        attempt = Attempt(time.monotonic(), float("inf"))
        try:
            headers = {"Idempotency-Key": request.key}
            async with self._session.post(url + request.path, data=request.body, headers=headers) as response:
                replayed = response.headers.get("Idempotent-Replayed") == "true"
                answer: Json = msgspec.json.decode(await response.read())
                is_told_when = response.status not in TURNED_AWAY or "Retry-After" in response.headers
                attempt = Attempt(attempt.began, time.monotonic(), response.status, answer, replayed, is_told_when)
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError):
            pass  # nothing came back, which is what is written down
        finally:
            # Also of one that is broken off: it has been sent.
            request.attempts.append(attempt)
        return attempt

    def _learn(self, branch: str, request: Request, attempt: Attempt) -> None:
        if attempt.is_refused:
            return
        known, ticket = self._known[branch], attempt.answer.get("ticket")
        known.position = max(known.position or ("", 0), (attempt.answer["day"], attempt.answer["seq"]))
        if ticket is not None:
            known.tickets.append(ticket["ticket_id"])
            if ticket["state"] == "called":
                known.called.append((ticket["ticket_id"], ticket["counter"]))

    def _wish(self, chance: random.Random, known: _Known) -> tuple[str, Json]:
        """What a client wants next: mostly tickets, calls and starts, and now and then everything else."""
        turn = chance.random()
        if turn < 0.38 or not known.tickets:
            return "/tickets", {"service": chance.choice(SERVICES), "tier": chance.choice(TIERS)}
        if turn < 0.64:
            return f"/counters/{chance.choice(COUNTERS)}/call-next", chance.choice(({}, {"finish": {}}, {"finish": {}}))
        if turn < 0.80 and known.called:
            ticket, counter = known.called.pop()
            return f"/tickets/{ticket}/start", {"counter": counter}
        if turn < 0.86:
            return _at_a_counter(chance)
        return _about_a_ticket(chance, chance.choice(known.tickets))


def _at_a_counter(chance: random.Random) -> tuple[str, Json]:
    counter = chance.choice(COUNTERS)
    step = chance.choice(("open", "open", "close", "pause", "resume", "serve"))
    return f"/counters/{counter}/{step}", {"service": chance.choice(SERVICES)} if step == "serve" else {}


def _about_a_ticket(chance: random.Random, ticket: str) -> tuple[str, Json]:
    wishes: tuple[tuple[str, Json], ...] = (
        ("recall", {}),
        ("finish", {"outcome": "done"}),
        ("finish", {}),
        ("no-show", {}),
        ("reinstate", {}),
        ("requeue", {"position": chance.choice(("front", "due", "back"))}),
        ("transfer", {"service": chance.choice(SERVICES)}),
        ("cancel", {"reason": "left"}),
        ("park", {"kind": chance.choice(("counter", "service"))}),
        ("unpark", {"counter": chance.choice(COUNTERS)}),
        ("move", {"service": chance.choice(SERVICES), "reason": "wish"}),
    )
    step, body = chance.choice(wishes)
    if chance.random() < 0.1:
        return f"/counters/{chance.choice(COUNTERS)}/call", {"ticket": ticket}
    return f"/tickets/{ticket}/{step}", body
