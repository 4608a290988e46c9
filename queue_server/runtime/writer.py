"""
The one writer of a process: decides what has queued, appends it in one statement, and only then tells anybody.

Commands queue, not facts. While a batch is being committed new commands gather; when it lands, all of them are decided, branch by
branch, and go out in the next statement. At most one batch is ahead of the log, there is no timer and no minimum size: an idle
system commits each command at once, a busy one commits as many as arrived during the last commit.

Guarantees:
- nobody is answered and nothing is published before the commit; a refusal or an empty answer waits until the log has confirmed,
  in the same round trip, that the head still stands where it was decided;
- a branch whose claim was lost is read anew and its commands are looked up and decided again, without holding up the others;
- when the outcome of an append is unknown, the same claims are appended again at the same heads until the log answers: either
  that attempt or the old one wins, never both. Commands that have waited too long meanwhile get `Unsettled`, never a guess.

Known limit: a batch waits for the commit before it, so one command takes up to two commits under load.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import structlog

from queue_server.core.changes import Change
from queue_server.core.commands import ApplyDeadlines, Command
from queue_server.core.ids import BranchId
from queue_server.core.rejections import VersionConflict
from queue_server.eventlog.port import EventLog, Head
from queue_server.runtime.append import Appender
from queue_server.runtime.branch import Branch
from queue_server.runtime.branches import Branches
from queue_server.runtime.calendar import SYSTEM
from queue_server.runtime.clock import Clock
from queue_server.runtime.commits import Commit, Observer, Probe, tell
from queue_server.runtime.errors import KeyReused, Overloaded, Spoiled, Unsettled
from queue_server.runtime.flight import Flight, Pending
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.receipts import Receipts
from queue_server.runtime.reloads import Reloads

_log = structlog.get_logger(__name__)

_OTHERS_LATER_SECONDS = 3.0
"""So much later a node acts on what is due in a branch that another node wrote to last."""


class Writer:
    """Owns the queue of commands and the only path to the log."""

    def __init__(
        self,
        log: EventLog,
        branches: Branches,
        clock: Clock,
        observers: Sequence[Observer],
        probe: Probe,
        *,
        queue_limit: int,
        batch_limit: int,
        timeout_seconds: float,
    ) -> None:
        self._log = log
        self._branches = branches
        self._clock = clock
        self._observers = observers
        self._probe = probe
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._timeout = timeout_seconds
        self._appender = Appender(log, clock)
        self._in_the_air: list[Flight] = []
        self._waking: set[BranchId] = set()
        self._queue: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._reloads = Reloads(branches, self._again, self._tell_returned, self._arrived.set)
        self._receipts = Receipts(log)
        self._closing = False
        self._acts = True
        self._loop: asyncio.AbstractEventLoop

    @property
    def epoch(self) -> str:
        """The name of the log's history."""
        return self._appender.epoch

    async def open(self, *, acts: bool = True) -> None:
        """Learn the log's clock and the name of its history; once, before `run`. One that never *acts* is woken by no deadline."""
        self._acts = acts
        # Asking for the running loop costs a call to the system each time, as much as a quarter of deciding.
        self._loop = asyncio.get_running_loop()
        await self._appender.open()

    @property
    def queued(self) -> int:
        """How many commands wait to be decided."""
        return len(self._queue)

    def submit(
        self, branch_id: BranchId, command: Command, request: bytes | None, newcomer: Branch | None = None
    ) -> asyncio.Future[Outcome]:
        """Queue *command*; the future gives its outcome, a refusal or why it is not known."""
        if self._closing or not self._acts or len(self._queue) >= self._queue_limit:
            raise Overloaded
        pending = Pending(branch_id, command, request, self._loop.create_future(), newcomer)
        self._queue.append(pending)
        self._arrived.set()
        return pending.future

    def close(self) -> None:
        """Take no more; `run` returns when what has queued is done."""
        self._closing = True
        self._arrived.set()
        for branch in self._branches.loaded():
            if branch.alarm is not None:
                branch.alarm.cancel()

    async def run(self) -> None:
        """Decide and append until closed."""
        while True:
            if not self._queue:
                if self._closing and not self._reloads.are_under_way:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            flights = self._decide(self._take())
            if flights:
                await self._fly(flights)

    def watch(self, branch: Branch) -> None:
        """Wake *branch* when time alone will make something happen."""
        at = branch.head.wakes_at
        if at == branch.alarm_at or self._closing or not self._acts:
            return
        if branch.alarm is not None:
            branch.alarm.cancel()
        branch.alarm_at, branch.alarm = at, None
        if at is not None:
            # Where another node wrote last it is awake, too: asking at the same moment, one of the two would have to read anew.
            delay = max(0.0, (at - self._clock.now()) / 1000) + (_OTHERS_LATER_SECONDS if branch.is_written_elsewhere else 0.0)
            branch.alarm = self._loop.call_later(delay, self.wake, branch.id)

    def wake(self, branch_id: BranchId) -> None:
        """Ask for what is due in *branch_id*."""
        branch = self._branches.get(branch_id)
        if branch is not None:
            branch.alarm, branch.alarm_at = None, None
        if not self._closing and branch_id not in self._waking:
            self._waking.add(branch_id)
            command = ApplyDeadlines(at=0, command_id=f"wake:{branch_id}", actor=SYSTEM)
            # Past the limit of the queue too, once a branch: time is not a client that could be asked to come again.
            future: asyncio.Future[Outcome] = self._loop.create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._queue.append(Pending(branch_id, command, None, future))
            self._arrived.set()

    def _take(self) -> list[Pending]:
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_limit))]
        if self._waking:
            self._waking.difference_update(pending.branch_id for pending in taken)
        return taken

    def _decide(self, batch: list[Pending]) -> list[Flight]:
        now = self._clock.now()
        flights: dict[BranchId, Flight] = {}
        spoiled: set[BranchId] = set()
        for pending in batch:
            branch = pending.newcomer or self._branches.get(pending.branch_id)
            if branch is None or pending.branch_id in spoiled:
                self._reloads.park(pending)
                continue
            flight = flights.get(branch.id)
            try:
                if flight is None:
                    flight = flights[branch.id] = Flight(branch)
                    flight.pass_time(now)
                self._board(flight, pending, now)
            except Exception as fault:  # noqa: BLE001 - a fault of one branch must not stop the others
                _log.exception("deciding failed", branch=branch.id, command=type(pending.command).__name__)
                spoiled.add(branch.id)
                del flights[branch.id]
                self._spoil(flight, pending, fault)
        for flight in flights.values():
            flight.seal()
        return list(flights.values())

    def _board(self, flight: Flight, pending: Pending, now: int) -> None:
        command_id = pending.command.command_id
        known = flight.branch.keys.get(command_id)
        if known is not None:
            if known.request != pending.request:
                pending.fail(KeyReused())
            else:
                self._reloads.spawn(self._receipts.repeat(pending, known))
        elif command_id in flight.by_key:
            # The same key twice in one batch: the second is looked up when the first has landed.
            self._queue.append(pending)
        elif pending.newcomer is not None and pending.newcomer is not flight.branch:
            pending.fail(VersionConflict("The branch exists already"))
        elif pending.newcomer is None and flight.is_new:
            # It is only being created: whoever asks for it comes after that.
            self._queue.append(pending)
        else:
            flight.decide(pending, now)

    def _spoil(self, flight: Flight | None, culprit: Pending, fault: Exception) -> None:
        failure = Spoiled(type(culprit.command).__name__)
        failure.__cause__ = fault
        culprit.fail(failure)
        if flight is not None:
            self._reloads.reload(flight.branch, [pending for pending in flight.passengers if pending is not culprit])

    async def _fly(self, flights: list[Flight]) -> None:
        sent = time.monotonic()
        self._in_the_air = flights
        landed = await self._appender.append(flights)
        self._in_the_air = []
        self._probe.observe_commit(time.monotonic() - sent, sum(len(flight.rows) for flight in flights))
        for flight in flights:
            fault = landed.faults.get(flight.branch.id)
            if fault is not None:
                for pending in flight.passengers:
                    pending.fail(fault)
                self._reloads.reload(flight.branch, [])
            elif flight.branch.id in landed.claimed:
                self._land(flight)
            else:
                self._lose(flight)
        if landed.is_new_history:
            self._forget_all(flights)

    async def check_history(self) -> None:
        """Ask whether the log's history is still the one that was known; when not, read every branch anew."""
        if await self._appender.history_changed():
            self._forget_all([])

    def _forget_all(self, flights: list[Flight]) -> None:
        self._receipts.clear()
        flown = {flight.branch.id for flight in flights}
        for branch in self._branches.loaded():
            if branch.id not in flown:
                self._reloads.reload(branch, [], is_new_history=True)

    def give_up_on_old(self) -> None:
        """Answer `Unsettled` to every command that has waited too long, decided or not; asked for from time to time."""
        oldest = time.monotonic() - self._timeout
        waiting = [pending for flight in self._in_the_air for pending in flight.passengers]
        for pending in [*waiting, *self._queue]:
            if pending.since < oldest:
                pending.fail(Unsettled())
        # What was decided flies on; what was not and has been given up on, but for time itself, need not be decided any more.
        self._queue = deque(p for p in self._queue if not p.future.done() or isinstance(p.command, ApplyDeadlines))

    def _land(self, flight: Flight) -> None:
        branch = flight.branch
        branch.head = flight.head
        if flight.rows:
            branch.is_written_elsewhere = False
        if flight.is_new:
            self._branches.add(branch)
        for pending in flight.passengers:
            self._answer(flight, pending)
        if flight.changes:
            self._tell_committed(flight)
        self._reloads.went_well(branch.id)
        branch.land()
        self.watch(branch)

    def _answer(self, flight: Flight, pending: Pending) -> None:
        if pending.refusal is not None:
            pending.fail(pending.refusal)
            return
        changes = pending.changes
        if changes:
            flight.branch.remember(pending.command.command_id, changes, pending.request)
            last = changes[-1].event
            outcome = Outcome(changes, last.day, last.seq, last.at)
        else:
            outcome = Outcome(changes, *pending.stood_at, pending.command.at)
        if pending.request is not None and changes:
            self._receipts.keep(pending, outcome)
        if not pending.future.done():
            pending.future.set_result(outcome)

    def _lose(self, flight: Flight) -> None:
        if flight.is_new:
            for pending in flight.passengers:
                pending.fail(VersionConflict("The branch exists already"))
            return
        self._reloads.reload(flight.branch, flight.passengers)

    def _again(self, pending: Pending) -> None:
        self._queue.append(pending)
        self._arrived.set()

    def reload(self, branch: Branch) -> None:
        """Read *branch*, of which nothing is in flight, anew."""
        self._reloads.reload(branch, [])

    def tell_followed(self, branch: Branch, changes: Sequence[Change]) -> None:
        """Tell the observers what others have written, and where *branch* stands exactly now."""
        tell(self._observers, lambda observer: observer.committed(Commit(branch.id, changes, own=False), branch.state))
        self.watch(branch)

    def _tell_returned(self, branch: Branch, read_at: Head) -> None:
        missed, branch.missed = branch.missed, None
        if missed and branch.head == read_at:
            branch.is_written_elsewhere = True
            self.tell_followed(branch, missed)
            return
        # A new day or another history, or a commit of our own was quicker than this: what was known before does not count.
        tell(self._observers, lambda observer: observer.reloaded(branch.state))
        self.watch(branch)

    def _tell_committed(self, flight: Flight) -> None:
        commit = Commit(flight.branch.id, flight.changes, own=True)
        tell(self._observers, lambda observer: observer.committed(commit, flight.branch.state))
