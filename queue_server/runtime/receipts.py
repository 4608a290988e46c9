"""The first outcome of a command, again: kept for a while, and rebuilt from its facts after that."""

import asyncio
from collections import OrderedDict

from msgspec.structs import replace

from queue_server.core.ids import BranchId
from queue_server.eventlog.port import EventLog, LogUnavailable
from queue_server.runtime.branch import Known, replay
from queue_server.runtime.errors import Unsettled
from queue_server.runtime.flight import Pending
from queue_server.runtime.outcomes import Outcome

_KEPT = 4096
_REBUILT_AT_ONCE = 4


class Receipts:
    """Most repeats come within seconds and find the outcome here; later ones cost a replay of the day."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[BranchId, str], Outcome] = OrderedDict()
        self._rebuilding = asyncio.Semaphore(_REBUILT_AT_ONCE)

    def keep(self, pending: Pending, outcome: Outcome) -> None:
        """Remember *outcome*, and forget the oldest past the bound."""
        self._kept[pending.branch_id, pending.command.command_id] = outcome
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all: the history they belong to is gone."""
        self._kept.clear()

    async def repeat(self, pending: Pending, known: Known) -> None:
        """Answer *pending* with the outcome that its command had when it took effect."""
        try:
            outcome = self._kept.get((pending.branch_id, pending.command.command_id)) or await self._rebuild(pending, known)
        except LogUnavailable:
            pending.fail(Unsettled())
        except Exception as fault:  # noqa: BLE001 - it is the answer to whoever asked
            pending.fail(fault)
        else:
            if not pending.future.done():
                pending.future.set_result(replace(outcome, replayed=True))

    async def _rebuild(self, pending: Pending, known: Known) -> Outcome:
        async with self._rebuilding:
            changes = await replay(self._log, pending.branch_id, known.day, known.first_seq, known.last_seq)
            # Nobody may have been told yet, because it was not known to be durable.
            await self._log.secure()
        last = changes[-1].event
        outcome = Outcome(changes, last.day, last.seq, last.at)
        self.keep(pending, outcome)
        return outcome
