"""
How a batch gets into the log, whatever happens to the connection.

When the outcome of an append is unknown, the same claims are appended again at the same heads: either that attempt or the old one
wins, never both. A claim that lost to our own earlier attempt is recognised by its last fact; it counts as claimed once a commit
that came after it is durable. A head that still stands where it was and was not given is held by somebody, perhaps by that earlier
attempt itself: such a claim is not settled yet.

A batch belongs to the history that it was decided on. A log that serves another one takes none of it.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog
from msgspec import Struct, field

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Appended, EventLog, LogUnavailable
from queue_server.runtime.clock import Clock
from queue_server.runtime.errors import Spoiled, Unsettled
from queue_server.runtime.flight import Flight

_log = structlog.get_logger(__name__)

_RETRY_FIRST_SECONDS = 0.02
_RETRY_MOST_SECONDS = 0.5


class Landed(Struct):
    """
    What has become of flights that were decided in the history *epoch*.

    Whose claim was taken or whose head still stands, whose rows the log refused, whose head is held, and whether the log serves
    another history by now.
    """

    epoch: str
    claimed: frozenset[BranchId] = frozenset()
    faults: dict[BranchId, Exception] = field(default_factory=dict)
    held: frozenset[BranchId] = frozenset()
    is_new_history: bool = False


class Appender:
    """The path to the log."""

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
        """Append *flights*, which were decided in this very moment, until the log has answered."""
        epoch = self.epoch
        try:
            return Landed(epoch, await self._attempt(flights, epoch))
        except LogUnavailable as fault:
            _log.warning("log unavailable", reason=str(fault))
            return await self.settle(flights, epoch)
        except Exception:  # noqa: BLE001 - logged, and the others go on
            _log.exception("append failed; trying branch by branch")
            return await self._one_by_one(flights, epoch)

    async def settle(self, flights: list[Flight], epoch: str) -> Landed:
        """Append *flights*, decided in the history *epoch*, again until the log answers."""
        delay = _RETRY_FIRST_SECONDS
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, _RETRY_MOST_SECONDS)
            try:
                await self.history_changed()
                if self.epoch != epoch:
                    return Landed(epoch, is_new_history=True)
                return await self._told_apart(flights, epoch, await self._attempt(flights, epoch))
            except LogUnavailable:
                continue
            except Exception:  # noqa: BLE001 - logged, and the others go on
                _log.exception("append failed; trying branch by branch")
                return await self._one_by_one(flights, epoch, is_known=False)

    async def history_changed(self) -> bool:
        """Ask the log for the name of its history and tell whether it is another one (a restore, a failover)."""
        epoch = await self._log.epoch()
        if epoch == self.epoch:
            return False
        _log.warning("the log's history has changed", before=self.epoch, now=epoch)
        self.epoch = epoch
        return True

    async def _attempt(self, flights: Sequence[Flight], epoch: str) -> frozenset[BranchId]:
        sent = time.monotonic()
        appended: Appended = await self._log.append(
            [flight.claim for flight in flights if flight.rows],
            [(flight.branch.id, *flight.expected) for flight in flights if not flight.rows],
            epoch,
        )
        self._clock.observe(sent, time.monotonic(), appended.clock)
        return appended.claimed | appended.standing

    async def _told_apart(self, flights: list[Flight], epoch: str, claimed: frozenset[BranchId]) -> Landed:
        """Find out why claims were not taken: an earlier attempt was, somebody holds the head, or others were quicker."""
        ours, held = set[BranchId](), set[BranchId]()
        for flight in flights:
            if flight.rows and flight.branch.id not in claimed:
                head = await self._log.head(flight.branch.id)
                stands_at = None if head is None else (head.day, head.seq)
                if stands_at == flight.claim.expected:
                    held.add(flight.branch.id)
                elif stands_at == (flight.head.day, flight.head.seq) and await self._was_ours(flight):
                    ours.add(flight.branch.id)
        if ours:
            # It can be read; whether a failover would keep it is another thing.
            await self._log.secure()
        return Landed(epoch, claimed | ours, held=frozenset(held))

    async def _was_ours(self, flight: Flight) -> bool:
        last = flight.rows[-1]
        found = await self._log.read_after(flight.branch.id, last.day, last.seq - 1, 1)
        return bool(found) and found[0] == last

    async def _one_by_one(self, flights: list[Flight], epoch: str, *, is_known: bool = True) -> Landed:
        """
        Find the branch whose rows the log refuses; the others must not suffer for it.

        Where it *is_known* that no earlier attempt was stored, its commands have not happened; else nobody can say.
        """
        whole = Landed(epoch)
        for flight in flights:
            try:
                claimed = await self._attempt([flight], epoch)
                alone = Landed(epoch, claimed) if is_known else await self._told_apart([flight], epoch, claimed)
            except LogUnavailable:
                alone = await self.settle([flight], epoch)
            except Exception as fault:  # noqa: BLE001 - a fault of one branch must not stop the others
                _log.exception("append failed", branch=flight.branch.id)
                alone = Landed(epoch, faults={flight.branch.id: Spoiled(repr(fault)) if is_known else Unsettled()})
            whole = Landed(
                epoch,
                whole.claimed | alone.claimed,
                whole.faults | alone.faults,
                whole.held | alone.held,
                whole.is_new_history or alone.is_new_history,
            )
        return whole
