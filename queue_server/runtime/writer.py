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
  that attempt or the old one wins, never both. Commands that have waited too long meanwhile get `Unsettled`, never a guess;
- a branch whose head is held by somebody, perhaps by our own earlier attempt, waits for that by itself, and its commands with it.

Known limit: a batch waits for the commit before it, so one command takes up to two commits under load.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import structlog

from queue_server.core.changes import Change
from queue_server.core.commands import ApplyDeadlines, Command
from queue_server.core.ids import BranchId, Instant
from queue_server.core.rejections import VersionConflict
from queue_server.eventlog.port import EventLog, Head
from queue_server.runtime.alarms import Alarms
from queue_server.runtime.append import Appender, Landed
from queue_server.runtime.branch import Branch
from queue_server.runtime.branches import Branches
from queue_server.runtime.calendar import SYSTEM
from queue_server.runtime.clock import Clock
from queue_server.runtime.commits import Commit, Observer, Probe, tell
from queue_server.runtime.errors import KeyReused, Overloaded, Spoiled, Unsettled
from queue_server.runtime.flight import Flight, Pending
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.patience import Patience
from queue_server.runtime.receipts import Receipts
from queue_server.runtime.reloads import Reloads

_log = structlog.get_logger(__name__)

_DECIDES_SECONDS = 0.005
"""After so long a batch is closed: when a thousand branches roll their day at one hour, screens must not wait for all of them."""
_HELD_SECONDS = 0.1


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
        self._branches = branches
        self._clock = clock
        self._observers = observers
        self._probe = probe
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._patience = Patience(timeout_seconds)
        self._appender = Appender(log, clock)
        self._in_the_air: dict[BranchId, Flight] = {}
        self._behind: dict[BranchId, list[Pending]] = {}
        self._waking: set[BranchId] = set()
        self._queue: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._reloads = Reloads(branches, self._again, self._tell_returned, self._arrived.set)
        self._receipts = Receipts(log)
        self.alarms = Alarms(clock, self.wake)
        self._closing = False
        self._known_epoch = ""
        self._acts = True
        self._loop: asyncio.AbstractEventLoop

    @property
    def epoch(self) -> str:
        """The name of the log's history."""
        return self._appender.epoch

    async def open(self, *, acts: bool = True) -> None:
        """Learn the log's clock and the name of its history; once, before `run`. One that never *acts* is woken by no deadline."""
        self._acts = self.alarms.are_on = acts
        # Asking for the running loop costs a call to the system each time, as much as a quarter of deciding.
        self._loop = asyncio.get_running_loop()
        await self._appender.open()
        self._known_epoch = self.epoch

    @property
    def queued(self) -> int:
        """How many commands wait to be decided."""
        return len(self._queue)

    def submit(
        self,
        branch_id: BranchId,
        command: Command,
        request: bytes | None,
        newcomer: Branch | None = None,
        since: float | None = None,
    ) -> asyncio.Future[Outcome]:
        """Queue *command*, asked for at *since* (default: now); the future gives its outcome, a refusal or why it is not known."""
        if self._closing or not self._acts or len(self._queue) >= self._queue_limit:
            raise Overloaded
        pending = Pending(branch_id, command, request, self._loop.create_future(), newcomer)
        if since is not None:
            pending.since = since
        self._patience.add(pending)
        self._queue.append(pending)
        self._arrived.set()
        return pending.future

    def close(self) -> None:
        """Take no more; `run` returns when what has queued is done."""
        self._closing = True
        self._arrived.set()
        self.alarms.stop(self._branches.loaded())

    async def run(self) -> None:
        """Decide and append until closed."""
        while True:
            if not self._queue:
                if self._closing and not self._reloads.are_under_way:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            flights = self._decide()
            if flights:
                await self._fly(flights)

    def wake(self, branch_id: BranchId) -> None:
        """Ask for what is due in *branch_id*."""
        if not self._closing and branch_id not in self._waking:
            self._waking.add(branch_id)
            command = ApplyDeadlines(at=0, command_id=f"wake:{branch_id}", actor=SYSTEM)
            # Past the limit of the queue too, once a branch: time is not a client that could be asked to come again.
            future: asyncio.Future[Outcome] = self._loop.create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._queue.append(Pending(branch_id, command, None, future))
            self._arrived.set()

    def _take(self) -> Pending:
        taken = self._queue.popleft()
        if self._waking:
            self._waking.discard(taken.branch_id)
        return taken

    def _decide(self) -> list[Flight]:
        now, ends = self._clock.now(), time.monotonic() + _DECIDES_SECONDS
        flights: dict[BranchId, Flight] = {}
        spoiled: set[BranchId] = set()
        for _ in range(min(len(self._queue), self._batch_limit)):
            pending = self._take()
            branch = pending.newcomer or self._branches.get(pending.branch_id)
            if pending.branch_id in self._in_the_air:
                self._behind.setdefault(pending.branch_id, []).append(pending)
            elif branch is None or pending.branch_id in spoiled:
                self._reloads.park(pending)
            elif not self._decide_one(branch, pending, flights, now):
                spoiled.add(branch.id)
            if time.monotonic() >= ends:
                break
        sealed = [flight for flight in flights.values() if self._is_sealed(flight)]
        self._in_the_air |= {flight.branch.id: flight for flight in sealed}
        return sealed

    def _decide_one(self, branch: Branch, pending: Pending, flights: dict[BranchId, Flight], now: Instant) -> bool:
        """Let *pending* join the flight of *branch*; False when that has failed, and the flight with it."""
        flight = flights.get(branch.id)
        try:
            if flight is None:
                flight = flights[branch.id] = Flight(branch)
                flight.pass_time(now)
            self._board(flight, pending, now)
        except Exception as fault:  # noqa: BLE001 - a fault of one branch must not stop the others
            flights.pop(branch.id, None)
            self._spoil(branch, flight.passengers if flight is not None else [], pending, fault)
            return False
        return True

    def _is_sealed(self, flight: Flight) -> bool:
        try:
            flight.seal()
        except Exception as fault:  # noqa: BLE001 - a fault of one branch must not stop the others
            # Whoever it was, it was the last of them.
            self._spoil(flight.branch, flight.passengers, flight.passengers[-1] if flight.passengers else None, fault)
            return False
        return True

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

    def _spoil(self, branch: Branch, passengers: list[Pending], culprit: Pending | None, fault: Exception) -> None:
        """Answer *culprit* with *fault*, and decide the others again on a branch that has been read anew."""
        command = type(culprit.command).__name__ if culprit is not None else "time"
        _log.error("deciding failed", branch=branch.id, command=command, exc_info=fault)
        if culprit is not None:
            failure = Spoiled(command)
            failure.__cause__ = fault
            culprit.fail(failure)
        self._reloads.reload(branch, [pending for pending in passengers if pending is not culprit])

    async def _fly(self, flights: list[Flight]) -> None:
        sent = time.monotonic()
        landed = await self._appender.append(flights)
        self._probe.observe_commit(time.monotonic() - sent, sum(len(flight.rows) for flight in flights))
        self._come_down(flights, landed)

    def _come_down(self, flights: list[Flight], landed: Landed) -> None:
        for flight in flights:
            branch_id = flight.branch.id
            if branch_id in landed.held:
                self._reloads.spawn(self._wait_for_head(flight, landed.epoch))
                continue
            del self._in_the_air[branch_id]
            if (fault := landed.faults.get(branch_id)) is not None:
                for pending in flight.passengers:
                    pending.fail(fault)
                self._reloads.reload(flight.branch, [])
            elif branch_id in landed.claimed:
                self._land(flight)
            else:
                self._lose(flight, is_new_history=landed.is_new_history)
            for pending in self._behind.pop(branch_id, ()):
                self._again(pending)
        if landed.is_new_history:
            self._forget_all()

    async def _wait_for_head(self, flight: Flight, epoch: str) -> None:
        """Settle *flight* beside the others, which need not wait for whoever holds its head."""
        await asyncio.sleep(_HELD_SECONDS)
        self._come_down([flight], await self._appender.settle([flight], epoch))

    async def check_history(self) -> None:
        """Ask whether the log's history is still the one that was known; when not, read every branch anew."""
        if await self._appender.history_changed():
            self._forget_all()

    def _forget_all(self) -> None:
        """Read every branch anew; one with a flight in the air is when that comes down, for it finds another history there."""
        if self._known_epoch == self.epoch:
            return
        self._known_epoch = self.epoch
        self._receipts.clear()
        self._branches.forget_history()
        for branch in self._branches.loaded():
            if branch.id not in self._in_the_air:
                self._reloads.reload(branch, [], is_new_history=True)

    async def answer_all(self, seconds: float) -> None:
        """Answer whoever still waits: with what comes within *seconds*, and then with `Unsettled`."""
        await self._patience.end_all(seconds)

    def give_up_on_old(self) -> None:
        """Answer `Unsettled` to every command that has waited too long, decided or not; asked for from time to time."""
        self._patience.end()
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
        self.alarms.watch(branch)

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

    def _lose(self, flight: Flight, *, is_new_history: bool) -> None:
        if flight.is_new:
            for pending in flight.passengers:
                pending.fail(Unsettled() if is_new_history else VersionConflict("The branch exists already"))
            return
        self._reloads.reload(flight.branch, flight.passengers, is_new_history=is_new_history)

    def _again(self, pending: Pending) -> None:
        # One that has been given up on meanwhile need not happen any more.
        if not pending.future.done():
            self._queue.append(pending)
            self._arrived.set()

    def replace(self, branch: Branch) -> None:
        """Read *branch*, of which nothing is in flight and whose day is over, anew."""
        self._reloads.replace(branch)

    def tell_followed(self, branch: Branch, changes: Sequence[Change]) -> None:
        """Tell the observers what others have written, and where *branch* stands exactly now."""
        tell(self._observers, lambda observer: observer.committed(Commit(branch.id, changes, own=False), branch.state))
        self.alarms.watch(branch)

    def _tell_returned(self, branch: Branch, read_at: Head) -> None:
        missed, branch.missed = branch.missed, None
        if missed and branch.head == read_at:
            branch.is_written_elsewhere = True
            self.tell_followed(branch, missed)
            return
        # A new day or another history, or a commit of our own was quicker than this: what was known before does not count.
        tell(self._observers, lambda observer: observer.reloaded(branch.state))
        self.alarms.watch(branch)

    def _tell_committed(self, flight: Flight) -> None:
        commit = Commit(flight.branch.id, flight.changes, own=True)
        tell(self._observers, lambda observer: observer.committed(commit, flight.branch.state))
