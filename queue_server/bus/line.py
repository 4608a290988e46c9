"""
The bus over any carrier: a line that is kept open, and does not believe that it is.

A connection that listens can go deaf without an error: the server is frozen, a firewall has forgotten it, and nothing ever arrives
that would tell. So a line hears itself: every message comes back to its sender, and when nothing else is sent for a while an empty
one is. If what was sent does not come back in time, whatever the reason, the connection is thrown away and another is opened,
with growing delays.

One task sends. It takes what waits and sends it at once; what is published meanwhile goes with the next round. The worst case
for noticing a deaf line is one heartbeat and one patience.

A node that hears nobody else has nobody to tell: what it publishes waits for its next heartbeat. Whoever comes says so at once, is
greeted at once, and so both know of each other before either has anything to tell.

Hints that were handed to a connection which then broke are lost, unless the sending itself failed. The log is the truth; the slow
poll of its heads finds what no hint told.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from queue_server.bus.link import Link
from queue_server.bus.messages import Strange, decode, encode, portions
from queue_server.bus.outbox import Outbox
from queue_server.bus.port import BusState, Hint

_log = structlog.get_logger(__name__)

_HINTS_A_ROUND = 1024
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 1.0
_LAST_WORDS_SECONDS = 1.0


class LineLost(Exception):  # noqa: N818 - it says what happened
    """The connection broke, or what was sent over it does not come back."""


class Line:
    """
    A bus over the connections that *make_link* makes.

    It sends a heartbeat after *heartbeat_seconds* of its own silence, and gives a connection up that takes longer than
    *patience_seconds* to open, to send, or to bring back what was sent. At most *waiting_limit* hints wait.
    """

    def __init__(
        self,
        make_link: Callable[[], Link],
        *,
        heartbeat_seconds: float = 2.0,
        patience_seconds: float = 4.0,
        waiting_limit: int = 10_000,
    ) -> None:
        self._make_link = make_link
        self._heartbeat = heartbeat_seconds
        self._patience = patience_seconds
        self._outbox = Outbox(waiting_limit)
        self._name = secrets.token_hex(8)
        self._heard: Callable[[Hint], None] = lambda _hint: None
        self._resumed: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._closing = asyncio.Event()
        self._wake = asyncio.Event()
        self._lost: str | None = None
        self._company_seconds = 3 * heartbeat_seconds + patience_seconds
        """So long after its last message somebody else is still taken to be there."""
        self._company_until = 0.0
        self._greets = False
        self._number = 0
        self._last_sent_at = 0.0
        self._proof_due_at: float | None = None
        """When what is under way must have come back at the latest; None when nothing is."""
        self._connected_at: float | None = None
        self._heard_at: float | None = None
        self._round_trip: float | None = None
        self._delay = 0.0
        self._sent = self._heard_count = self._refused = self._losses = 0

    def publish(self, hints: Iterable[Hint]) -> None:
        """Let the other nodes know, soon; never blocks and never raises."""
        self._outbox.put(hints)
        if self._has_company():
            self._wake.set()

    def listen(self, heard: Callable[[Hint], None], resumed: Callable[[], None]) -> None:
        """Call *heard* with every hint of another node, and *resumed* whenever the line is there again, the first time too."""
        self._heard, self._resumed = heard, resumed

    def start(self) -> None:
        """Begin to connect, and keep connected until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._keep_open(), name="bus")

    async def close(self) -> None:
        """Send what waits if that is quickly done, and disconnect; idempotent."""
        self._closing.set()
        self._wake.set()
        if self._task is None:
            return
        if self._connected_at is not None:
            await asyncio.wait({self._task}, timeout=_LAST_WORDS_SECONDS)
        self._task.cancel()
        await asyncio.wait({self._task})

    def state(self) -> BusState:
        """Return how the bus fares."""
        return BusState(
            connected_seconds=_since(self._connected_at),
            round_trip_seconds=self._round_trip,
            heard_seconds_ago=_since(self._heard_at),
            sent=self._sent,
            heard=self._heard_count,
            dropped=self._outbox.dropped,
            refused=self._refused,
            losses=self._losses,
            waiting=len(self._outbox),
        )

    async def _keep_open(self) -> None:
        while not self._closing.is_set():
            link = self._link = self._make_link()
            try:
                await self._use(link)
            except Exception as fault:  # noqa: BLE001 - whatever it was, another connection is tried
                self._note_loss(fault)
            finally:
                self._link = self._connected_at = None
                await link.close()
            await self._pause()

    async def _use(self, link: Link) -> None:
        """Open *link* and send over it until the bus is closed; raises when the link is of no use any more."""
        self._lost, self._proof_due_at = None, None
        async with asyncio.timeout(self._patience):
            await link.open(partial(self._hear, link), partial(self._lose, link))
            # Only a message that came back proves the line: it is said to be there when this one is heard.
            await self._send(link, [])
        # What has waited goes out at once.
        self._wake.set()
        while not self._closing.is_set():
            await self._until_something_is_due()
            self._check()
            is_wanted = self._greets or (self._outbox and self._has_company())
            if is_wanted or _now() >= self._last_sent_at + self._heartbeat:
                await self._send_round(link)
        while self._outbox:
            await self._send_round(link)

    def _check(self) -> None:
        if self._lost is not None:
            raise LineLost(self._lost)
        if self._proof_due_at is not None and _now() >= self._proof_due_at:
            raise LineLost("what was sent does not come back")

    async def _until_something_is_due(self) -> None:
        due = self._last_sent_at + self._heartbeat
        if self._proof_due_at is not None:
            due = min(due, self._proof_due_at)
        try:
            async with asyncio.timeout(due - _now()):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _send_round(self, link: Link) -> None:
        """Send what waits, up to a bound, or else a heartbeat; what could not be sent waits again."""
        self._greets = False
        hints = self._outbox.take(_HINTS_A_ROUND)
        try:
            async with asyncio.timeout(self._patience):
                await self._send(link, hints)
        except BaseException:
            self._outbox.put(hints)
            raise
        self._sent += len(hints)
        if self._outbox:
            self._wake.set()

    async def _send(self, link: Link, hints: list[Hint]) -> None:
        messages = []
        for portion in portions(hints):
            self._number += 1
            messages.append(encode(self._name, self._number, portion))
        self._last_sent_at = _now()
        if self._proof_due_at is None:
            self._proof_due_at = self._last_sent_at + self._patience
        await link.send(messages)

    def _hear(self, link: Link, data: bytes) -> None:
        if link is not self._link:
            return
        try:
            message = decode(data)
        except Strange as fault:
            self._refuse(fault)
            return
        if message.sender == self._name:
            self._come_back(message.number)
        else:
            self._take(message.hints)

    def _come_back(self, number: int) -> None:
        """Take note that one of our own messages has returned: the line is good as far as that one."""
        now = _now()
        if number == self._number:
            self._round_trip = now - self._last_sent_at
            self._proof_due_at = None
        else:
            self._proof_due_at = now + self._patience
        if self._connected_at is None:
            self._connected_at, self._delay = now, 0.0
            _log.info("bus_connected", round_trip_seconds=self._round_trip)
            self._tell(self._resumed)

    def _has_company(self) -> bool:
        return _now() < self._company_until

    def _take(self, hints: list[Hint]) -> None:
        self._heard_at = now = _now()
        if now >= self._company_until:
            self._greets = True
            self._wake.set()
        self._company_until = now + self._company_seconds
        self._heard_count += len(hints)
        for hint in hints:
            self._tell(partial(self._heard, hint))

    def _tell(self, news: Callable[[], None]) -> None:
        try:
            news()
        except Exception:  # noqa: BLE001 - logged; one who listens must not stop the line
            _log.exception("a listener of the bus failed")

    def _refuse(self, fault: Strange) -> None:
        self._refused += 1
        # A stranger who keeps talking must not fill the log: it is said at the first, the second, the fourth time, and so on.
        if self._refused.bit_count() == 1:
            _log.warning("bus_message_refused", reason=str(fault)[:200], so_far=self._refused)

    def _lose(self, link: Link, reason: str) -> None:
        # One that was thrown away may only now notice its end.
        if link is self._link:
            self._lost = reason
            self._wake.set()

    def _note_loss(self, fault: Exception) -> None:
        self._losses += 1
        self._delay = min(_LONGEST_DELAY_SECONDS, max(_FIRST_DELAY_SECONDS, self._delay * 2))
        reason = "no answer in time" if isinstance(fault, TimeoutError) else str(fault) or type(fault).__name__
        _log.warning("bus_lost", reason=reason, was_connected=self._connected_at is not None, retry_seconds=self._delay)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._delay):
                await self._closing.wait()
        except TimeoutError:
            return


def _now() -> float:
    # Not the loop's own: the state is also read where no loop runs.
    return time.monotonic()


def _since(instant: float | None) -> float | None:
    return None if instant is None else _now() - instant
