"""
Kiosks and counters that never lose count: every command is repeated under its key until it is answered, and every answer is kept.

So after any number of faults the truth is known from outside: as many tickets exist as were acknowledged, each exactly once.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from msgspec import Struct

from benchmarks.branches import SERVICES, TIERS, configuration

Json = dict[str, Any]

BRANCHES = ("north", "south", "east", "west")
KIOSKS_EACH = 2
ATTEMPT_SECONDS = 10.0
REPEAT_AFTER_SECONDS = 0.05
BETWEEN_SECONDS = 0.02
"""What a kiosk waits between two customers; it keeps a long campaign within the facts that a day may hold."""
QUIET_SECONDS = 0.2
"""The same while something is started again that is not waited for."""
BUSY = frozenset({429, 502, 503, 504})


class Acknowledged(Struct, frozen=True):
    """A command that was answered: what was asked, what came back, and when (the loop's clock) its last attempt was sent and answered."""

    branch: str
    key: str
    path: str
    body: bytes
    status: int
    receipt: Json
    sent: float
    answered: float

    @property
    def is_issue(self) -> bool:
        """Say whether this was the issue of a ticket."""
        return self.path.endswith("/tickets")

    @property
    def had_effect(self) -> bool:
        """Say whether the command changed anything; what did not leaves its key free."""
        return self.status < 300 and (not self.path.endswith("/call-next") or self.receipt["ticket"] is not None)


class Crowd:
    """Everybody who uses the service during a campaign; `acknowledged` grows, `faults` should not."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._serial = itertools.count()
        self._closing = asyncio.Event()
        self._progress = asyncio.Condition()
        self.between_seconds = BETWEEN_SECONDS
        self.acknowledged: list[Acknowledged] = []
        self.faults: list[str] = []

    async def enter(self) -> None:
        """Connect, and make the branches."""
        timeout = ClientTimeout(total=ATTEMPT_SECONDS)
        self._session = ClientSession(connector=TCPConnector(limit=0), headers=self._headers, timeout=timeout)
        for branch in BRANCHES:
            body = msgspec.json.encode(configuration(branch))
            async with self._session.put(f"{self._url}/v1/branches/{branch}", data=body) as response:
                if response.status != 201:
                    raise RuntimeError(f"the branch {branch} could not be made: {await response.text()}")

    async def leave(self) -> None:
        """Hang up."""
        await self._session.close()

    async def use(self) -> None:
        """Take tickets and call them until `close`; whatever was begun is brought to its answer."""
        async with asyncio.TaskGroup() as group:
            for branch in BRANCHES:
                group.create_task(self._counter(branch))
                for kiosk in range(KIOSKS_EACH):
                    group.create_task(self._kiosk(branch, kiosk))

    def close(self) -> None:
        """Let everybody go after the present command."""
        self._closing.set()

    def heads(self) -> dict[str, tuple[str, int]]:
        """Return how far each branch has come at least, by what was acknowledged."""
        heads: dict[str, tuple[str, int]] = {}
        for done in self.acknowledged:
            if done.status < 300:
                stands = done.receipt["day"], done.receipt["seq"]
                heads[done.branch] = max(stands, heads.get(done.branch, stands))
        return heads

    async def until(self, is_true: Callable[[], bool], seconds: float) -> None:
        """Wait until *is_true* after some answer; raises TimeoutError after *seconds*."""
        async with asyncio.timeout(seconds), self._progress:
            await self._progress.wait_for(is_true)

    async def _kiosk(self, branch: str, turn: int) -> None:
        while not self._closing.is_set():
            turn += 1
            await self._command(branch, "/tickets", {"service": SERVICES[turn % 4], "tier": TIERS[turn % 3]})
            await self._pause()

    async def _counter(self, branch: str) -> None:
        await self._command(branch, "/counters/1/open", {})
        while not self._closing.is_set():
            called = await self._command(branch, "/counters/1/call-next", {"finish": {}})
            if called.status < 300 and (ticket := called.receipt["ticket"]) is not None:
                await self._command(branch, f"/tickets/{ticket['ticket_id']}/start", {"counter": "1"})
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self.between_seconds)

    async def _command(self, branch: str, path: str, body: Json) -> Acknowledged:
        path, data, key = f"/v1/branches/{branch}{path}", msgspec.json.encode(body), f"campaign-{next(self._serial)}"
        loop = asyncio.get_running_loop()
        while True:
            sent = loop.time()
            answer = await self.post(path, data, key)
            if answer is not None and answer[0] not in BUSY:
                done = Acknowledged(branch, key, path, data, answer[0], answer[1], sent, loop.time())
                await self._keep(done)
                return done
            await asyncio.sleep(REPEAT_AFTER_SECONDS)

    async def _keep(self, done: Acknowledged) -> None:
        self.acknowledged.append(done)
        if done.status >= 300:
            self.faults.append(f"{done.path} was refused: {done.status} {done.receipt}")
        async with self._progress:
            self._progress.notify_all()

    async def post(self, path: str, data: bytes, key: str) -> tuple[int, Json, bool] | None:
        """Send a command once: status, body and whether it is said to be a replay; None without an answer."""
        try:
            async with self._session.post(self._url + path, data=data, headers={"Idempotency-Key": key}) as response:
                replayed = response.headers.get("Idempotent-Replayed") == "true"
                return response.status, msgspec.json.decode(await response.read()), replayed
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError):
            return None

    async def get(self, path: str) -> Json:
        """Read *path*; raises when it is refused."""
        async with self._session.get(self._url + path) as response:
            body: Json = msgspec.json.decode(await response.read())
            if response.status != 200:
                raise RuntimeError(f"GET {path}: {response.status} {body}")
            return body
