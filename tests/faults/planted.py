"""
Bugs as they are really made, each put into the running program from outside: a checker is worth what it finds.

`python -m tests.faults.planted BUG run` starts a service that has one.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import decide as deciding
from queue_server.core.changes import Change, advance
from queue_server.core.events import Event
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.rejections import WrongState
from queue_server.core.routing import next_ticket
from queue_server.core.rules_calls import call
from queue_server.core.turn import Turn
from queue_server.eventlog.port import Appended, Claim, Head, Row
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_append import EVERYDAY
from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.push.recent import Recent
from queue_server.runtime.append import Appender, Landed
from queue_server.runtime.branch import Branch, Known
from queue_server.runtime.flight import Flight, Pending
from queue_server.runtime.receipts import Receipts
from queue_server.runtime.runtime import Runtime
from queue_server.runtime.writer import Writer
from tests.faults.standby import Standby

Planting = Callable[[], AbstractContextManager[Any]]
BUGS: dict[str, Planting] = {}


def _bug(plant: Planting) -> Planting:
    BUGS[plant.__name__] = plant
    return plant


@_bug
def acknowledged_before_commit() -> AbstractContextManager[Any]:
    """Whoever asked is answered before the log has."""
    fly = Writer._fly

    async def early(self: Writer, flights: list[Flight]) -> None:
        for flight in flights:
            for pending in flight.passengers:
                self._answer(flight, pending)
        await fly(self, flights)

    return patch.object(Writer, "_fly", early)


@_bug
@contextmanager
def published_before_commit() -> Iterator[None]:
    """The screens are told before the log has answered."""
    fly, tell = Writer._fly, Writer._tell_committed

    async def early(self: Writer, flights: list[Flight]) -> None:
        for flight in flights:
            if flight.changes:
                tell(self, flight)
        await fly(self, flights)

    with patch.object(Writer, "_fly", early), patch.object(Writer, "_tell_committed", lambda _self, _flight: None):
        yield


@_bug
def fence_removed() -> AbstractContextManager[Any]:
    """An append claims its branch wherever the head stands, and its facts go behind it."""
    changes = (
        (" and h.day = f.expected_day and h.seq = f.expected_seq", ""),
        ("seq = found.seq,", "seq = h.seq + found.seq - found.expected_seq,"),
        ("returning h.branch_id", "returning h.branch_id, h.seq - found.seq as shift"),
        ("select branch_id, day, seq, at, name", "select branch_id, day, seq + shift, at, name"),
        ("     where branch_id in (select branch_id from moved)", "      join moved using (branch_id)"),
    )
    statement = QUERIES[EVERYDAY]
    for old, new in changes:
        if old not in statement:
            raise LookupError(f"the append has no {old!r} any more")
        statement = statement.replace(old, new)
    return patch.dict(QUERIES, {EVERYDAY: statement})


@_bug
def refusal_not_confirmed() -> AbstractContextManager[Any]:
    """A refusal is given on what the node remembers, without asking whether the head still stands there."""
    append = PostgresLog.append

    async def confirm_all(
        self: PostgresLog,
        claims: Sequence[Claim],
        confirm: Sequence[tuple[BranchId, Day, int]] = (),
        epoch: str | None = None,
    ) -> Appended:
        return replace(await append(self, claims, confirm, epoch), standing=frozenset(branch_id for branch_id, _, _ in confirm))

    return patch.object(PostgresLog, "append", confirm_all)


@_bug
def unknown_taken_for_not_happened() -> AbstractContextManager[Any]:
    """When the log does not answer, the command is said to have had no effect."""

    async def deny(_self: Appender, flights: list[Flight], epoch: str) -> Landed:
        return Landed(epoch, faults={flight.branch.id: WrongState("It did not work") for flight in flights})

    return patch.object(Appender, "settle", deny)


@_bug
def key_forgotten() -> AbstractContextManager[Any]:
    """A repeated command is decided as if it were a new one."""
    board = Writer._board

    def forgetful(self: Writer, flight: Flight, pending: Pending, now: Instant) -> None:
        flight.branch.keys.clear()
        board(self, flight, pending, now)

    return patch.object(Writer, "_board", forgetful)


@_bug
def receipt_of_another() -> AbstractContextManager[Any]:
    """A repeated command gets the latest receipt there is."""
    repeat = Receipts.repeat

    async def mixed_up(self: Receipts, pending: Pending, known: Known) -> None:
        alike = [key for key, kept in self._kept.items() if type(kept.changes[-1].event.fact) is _kind_of(self, pending)]
        if alike:
            self._kept[pending.branch_id, pending.command.command_id] = self._kept[alike[-1]]
        await repeat(self, pending, known)

    return patch.object(Receipts, "repeat", mixed_up)


def _kind_of(receipts: Receipts, pending: Pending) -> object:
    kept = receipts._kept.get((pending.branch_id, pending.command.command_id))
    return None if kept is None else type(kept.changes[-1].event.fact)


@_bug
def deadline_applied_twice() -> AbstractContextManager[Any]:
    """What time has made happen happens once more, as if a second alarm had not looked whether it was done."""
    pass_time = Flight.pass_time

    def twice(self: Flight, now: Instant) -> None:
        pass_time(self, now)
        events = [change.event for change in self.changes]
        self._add([advance(self.branch.state, _next(self.branch, event)) for event in events], None)

    return patch.object(Flight, "pass_time", twice)


def _next(branch: Branch, event: Event) -> Event:
    return Event(event.day, branch.state.seq + 1, event.at, event.command_id, event.actor, event.fact)


@_bug
def idle_not_asked() -> AbstractContextManager[Any]:
    """A counter may call although it holds somebody."""

    def call_anyway(turn: Turn, command: c.CallNext) -> None:
        counter = turn.counter(command.counter)
        choice = next_ticket(turn.state, counter.id, turn.at)
        if choice is not None:
            call(turn, turn.ticket(choice.ticket), counter.id, choice.routing)

    return patch.dict(deciding._RULES, {c.CallNext: call_anyway})


@_bug
def resumed_off_by_one() -> AbstractContextManager[Any]:
    """A screen that comes back is not told the first of what it missed."""
    since = Recent.since

    def too_late(self: Recent, seq: int) -> list[Change]:
        return since(self, seq)[1:]

    return patch.object(Recent, "since", too_late)


@_bug
def old_state_as_new() -> AbstractContextManager[Any]:
    """A read is answered from memory, whatever it was to be at least."""
    read = Runtime.read

    async def at_once(self: Runtime, branch_id: BranchId, look: Any, at_least: tuple[Day, int] | None = None) -> Any:
        return await read(self, branch_id, look)

    return patch.object(Runtime, "read", at_once)


@_bug
def uncommitted_shown() -> AbstractContextManager[Any]:
    """A read does not wait for the commit in flight."""

    read = Runtime.read

    async def at_once(self: Runtime, branch_id: BranchId, look: Any, at_least: tuple[Day, int] | None = None) -> Any:
        branch = await self._load(branch_id)
        if at_least is not None and (branch.head.day, branch.head.seq) < at_least:
            return await read(self, branch_id, look, at_least)
        return look(branch.state, self.now())

    return patch.object(Runtime, "read", at_once)


@_bug
@contextmanager
def replica_read() -> Iterator[None]:
    """What is read, and whether a head still stands, is asked of a stand-by."""
    standby = Standby()
    append, head, read_after = PostgresLog.append, PostgresLog.head, PostgresLog.read_after

    async def shown(self: PostgresLog, branch_id: BranchId) -> Head | None:
        true = await head(self, branch_id)
        return None if true is None else standby.head(true)

    async def facts(self: PostgresLog, branch_id: BranchId, day: Day, seq: int, limit: int) -> list[Row]:
        true = await head(self, branch_id)
        return [] if true is None else standby.rows(true, await read_after(self, branch_id, day, seq, limit))

    async def confirmed(
        self: PostgresLog,
        claims: Sequence[Claim],
        confirm: Sequence[tuple[BranchId, Day, int]] = (),
        epoch: str | None = None,
    ) -> Appended:
        appended = await append(self, claims, (), epoch)
        heads = [await shown(self, branch_id) for branch_id, _, _ in confirm]
        standing = {(each.branch_id, each.day, each.seq) for each in heads if each is not None}
        return replace(appended, standing=frozenset(branch_id for branch_id, *place in confirm if (branch_id, *place) in standing))

    with patch.multiple(PostgresLog, append=confirmed, head=shown, read_after=facts):
        yield


def main() -> None:
    """Run `queue-server` with one bug."""
    from queue_server.cli import main as run

    name = sys.argv.pop(1)
    with ExitStack() as stack:
        stack.enter_context(BUGS[name]())
        sys.exit(run())


if __name__ == "__main__":
    main()
