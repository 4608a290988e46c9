"""
How a batch gets into the log, whatever happens to the connection.

When the outcome of an append is unknown, the same claims are appended again at the same heads: either that attempt or the old one
wins, never both. A claim that lost to our own earlier attempt is recognised by its last fact and counts as claimed.
"""

import asyncio
import time

import structlog
from msgspec import Struct, field

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Appended, EventLog, LogUnavailable
from queue_server.runtime.clock import Clock
from queue_server.runtime.errors import Spoiled
from queue_server.runtime.flight import Flight

_log = structlog.get_logger(__name__)

_RETRY_FIRST_SECONDS = 0.02
_RETRY_MOST_SECONDS = 0.5


class Landed(Struct):
    """Whose claim was taken or whose head still stands, whose rows the log refused, and whether the history is another one."""

    claimed: frozenset[BranchId] = frozenset()
    faults: dict[BranchId, Exception] = field(default_factory=dict)
    is_new_history: bool = False


class Appender:
    """The path to the log; one append at a time."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.epoch = ""
        self._log = log
        self._clock = clock

    async def open(self) -> None:
        """Learn the log's clock and the name of its history."""
        sent = time.monotonic()
        log_clock = await self._log.clock()
        self._clock.observe(sent, time.monotonic(), log_clock)
        self.epoch = await self._log.epoch()

    async def append(self, flights: list[Flight]) -> Landed:
        """Append until the log has answered for each of *flights*."""
        try:
            return Landed(await self._attempt(flights))
        except LogUnavailable as fault:
            _log.warning("log unavailable", reason=str(fault))
            return await self._settle(flights)
        except Exception:  # noqa: BLE001 - logged, and the others go on
            _log.exception("append failed; trying branch by branch")
            return await self._one_by_one(flights)

    async def _attempt(self, flights: list[Flight]) -> frozenset[BranchId]:
        sent = time.monotonic()
        appended: Appended = await self._log.append(
            [flight.claim for flight in flights if flight.rows],
            [(flight.branch.id, *flight.expected) for flight in flights if not flight.rows],
        )
        self._clock.observe(sent, time.monotonic(), appended.clock)
        return appended.claimed | appended.standing

    async def history_changed(self) -> bool:
        """Ask the log for the name of its history and tell whether it is another one (a restore, a failover)."""
        epoch = await self._log.epoch()
        if epoch == self.epoch:
            return False
        _log.warning("the log's history has changed", before=self.epoch, now=epoch)
        self.epoch = epoch
        return True

    async def _settle(self, flights: list[Flight]) -> Landed:
        """Append again until the log answers; what an earlier attempt of ours had stored counts as claimed."""
        delay = _RETRY_FIRST_SECONDS
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, _RETRY_MOST_SECONDS)
            try:
                if await self.history_changed():
                    return Landed(is_new_history=True)
                claimed = await self._attempt(flights)
                lost = [flight for flight in flights if flight.rows and flight.branch.id not in claimed]
                return Landed(claimed | {flight.branch.id for flight in lost if await self._was_ours(flight)})
            except LogUnavailable:
                continue
            except Exception:  # noqa: BLE001 - logged, and the others go on
                _log.exception("append failed; trying branch by branch")
                return await self._one_by_one(flights)

    async def _was_ours(self, flight: Flight) -> bool:
        head = await self._log.head(flight.branch.id)
        if head is None or (head.day, head.seq) != (flight.head.day, flight.head.seq):
            return False
        last = flight.rows[-1]
        found = await self._log.read_after(flight.branch.id, last.day, last.seq - 1, 1)
        return bool(found) and found[0] == last

    async def _one_by_one(self, flights: list[Flight]) -> Landed:
        """Find the branch whose rows the log refuses; the others must not suffer for it."""
        landed = Landed()
        for flight in flights:
            try:
                alone = Landed(await self._attempt([flight]))
            except LogUnavailable:
                alone = await self._settle([flight])
            except Exception as fault:  # noqa: BLE001 - a fault of one branch must not stop the others
                _log.exception("append failed", branch=flight.branch.id)
                alone = Landed(faults={flight.branch.id: Spoiled(repr(fault))})
            landed = Landed(
                landed.claimed | alone.claimed, landed.faults | alone.faults, landed.is_new_history or alone.is_new_history
            )
        return landed
