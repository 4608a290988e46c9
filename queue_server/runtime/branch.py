"""One branch in memory: its state, the commands it has seen, and where the log's head stood when that was true."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from queue_server.core.apply import apply
from queue_server.core.changes import Change, advance
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import EventLog, Head, Row
from queue_server.runtime.errors import DamagedStream

_PAGE = 1000
_LOAD_TRIES = 5
_SLICE = 100
"""Facts applied in one go: about 2 ms, so that loading a branch never holds the loop for long."""


class Known(Struct, frozen=True, gc=False):
    """A command that had an effect, and the facts it caused."""

    day: Day
    first_seq: int
    last_seq: int
    request: bytes | None


class Branch:
    """
    A branch as this node knows it.

    `state` may be ahead of the log while a commit is in flight; `head` never is. Readers wait for the flight to land.
    `is_written_elsewhere`: the latest facts are another node's. `missed`: what changed between the head at which this node had lost
    the branch and the one it was read anew at, None when that cannot be told change by change.
    """

    def __init__(self, state: BranchState, head: Head, keys: dict[str, Known]) -> None:
        self.id = state.branch_id
        self.state = state
        self.head = head
        self.keys = keys
        self.in_flight = False
        self.is_written_elsewhere = False
        self.missed: list[Change] | None = None
        self.lookers: dict[asyncio.Future[Any], Callable[[BranchState], Any]] = {}
        self.alarm: asyncio.TimerHandle | None = None
        self.alarm_at: Instant | None = None
        self.alarm_is_late = False

    def remember(self, command_id: str, changes: list[Change], request: bytes | None) -> None:
        """Note that *command_id* had an effect; a new day forgets what is older than the day before."""
        first, last = changes[0].event, changes[-1].event
        if first.day != last.day:
            first = next(change.event for change in changes if change.event.day == last.day)
        self.keys[command_id] = Known(last.day, first.seq, last.seq, request)

    def forget_old_keys(self) -> None:
        """Keep the keys of today and the day before."""
        kept = {self.state.day, self.state.previous_day}
        self.keys = {command_id: known for command_id, known in self.keys.items() if known.day in kept}

    def land(self) -> None:
        """The flight is over: let those look who waited for it."""
        self.in_flight = False
        lookers, self.lookers = self.lookers, {}
        for future, look in lookers.items():
            if not future.done():
                try:
                    future.set_result(look(self.state))
                except Exception as fault:  # noqa: BLE001 - it is the looker's own, and goes back to it
                    future.set_exception(fault)


async def load(log: EventLog, branch_id: BranchId, since: Head | None = None) -> Branch | None:
    """Read the branch's present day from the log, with what it `missed` after *since*; None when there is no such branch."""
    for _ in range(_LOAD_TRIES):
        head = await log.head(branch_id)
        if head is None:
            return None
        state, keys = BranchState(branch_id), dict[str, Known]()
        missed: list[Change] | None = [] if since is not None and since.day == head.day else None
        for row in await _read_day(log, branch_id, head.day, head.seq):
            known = keys.get(row.command_id)
            keys[row.command_id] = Known(
                row.day, known.first_seq if known else row.seq, row.seq, known.request if known else row.request
            )
            if missed is not None and since is not None and row.seq > since.seq:
                missed.append(advance(state, to_event(row)))
            else:
                apply(state, to_event(row))
            if row.seq % _SLICE == 0:
                await asyncio.sleep(0)
        if state.seq == head.seq and state.day == head.day:
            branch = Branch(state, head, await _with_keys_of_the_day_before(log, state, keys))
            branch.missed = missed
            return branch
    # A day that rolls while it is read is read again; one that never fits its head has lost facts.
    raise DamagedStream(f"the facts of {branch_id} do not lead to its head")


async def _with_keys_of_the_day_before(log: EventLog, state: BranchState, keys: dict[str, Known]) -> dict[str, Known]:
    if state.previous_day is not None:
        for key in await log.keys(state.branch_id, state.previous_day):
            if key.request is not None:
                keys.setdefault(key.command_id, Known(state.previous_day, key.first_seq, key.last_seq, key.request))
    return keys


async def replay(log: EventLog, branch_id: BranchId, day: Day, first: int, last: int) -> list[Change]:
    """Rebuild the day up to *last* and return what the facts from *first* on changed."""
    state, changes = BranchState(branch_id), []
    for row in await _read_day(log, branch_id, day, last):
        if row.seq >= first:
            changes.append(advance(state, to_event(row)))
        else:
            apply(state, to_event(row))
        if row.seq % _SLICE == 0:
            await asyncio.sleep(0)
    return changes


async def _read_day(log: EventLog, branch_id: BranchId, day: Day, last: int) -> list[Row]:
    rows: list[Row] = []
    while len(rows) < last:
        page = await log.read_after(branch_id, day, len(rows), min(_PAGE, last - len(rows)))
        if not page:
            break
        rows += page
    return rows
