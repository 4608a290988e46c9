"""What the interfaces ask of the running system: commands, reads of what is committed, and the stream itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from queue_server.core.changes import Change
from queue_server.core.commands import Command, ConfigureBranch
from queue_server.core.configuration import Configuration
from queue_server.core.events import Event
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.rejections import VersionConflict
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import EventLog, Head, LogUnavailable
from queue_server.runtime.branch import Branch, replay
from queue_server.runtime.branches import Branches
from queue_server.runtime.calendar import open_day_command
from queue_server.runtime.clock import Clock
from queue_server.runtime.commits import NoProbe, Observer, Probe
from queue_server.runtime.errors import NotYet, UnknownBranch, Unsettled
from queue_server.runtime.following import Following
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.writer import Writer

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_AT_LEAST_SECONDS = 2.0
_AT_LEAST_STEP_SECONDS = 0.05
_GIVE_UP_EVERY_SECONDS = 0.25
_LAST_ANSWERS_SECONDS = 1.0


class Runtime:
    """
    One node: branches in memory over a log, served by one writer; what other nodes write is followed.

    With *writes* False it only follows: it shows what others write, takes no commands and lets nothing happen by time.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        *,
        probe: Probe | None = None,
        queue_limit: int = 2000,
        batch_limit: int = 512,
        timeout_seconds: float = 5.0,
        sweep_seconds: float = 60.0,
        poll_seconds: float = 2.0,
        writes: bool = True,
    ) -> None:
        self.observers: list[Observer] = []
        self._log = log
        self._clock = clock
        self._branches = Branches(log)
        self._timeout = timeout_seconds
        self._queue_limit = queue_limit
        self._sweep_seconds = sweep_seconds
        self._poll_seconds = poll_seconds
        self._writer = Writer(
            log,
            self._branches,
            clock,
            self.observers,
            probe or NoProbe(),
            queue_limit=queue_limit,
            batch_limit=batch_limit,
            timeout_seconds=timeout_seconds,
        )
        self._writes = writes
        self._following = Following(log, self._branches, self._writer.tell_followed, self._writer.replace)
        self._writing: asyncio.Task[None] | None = None
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the clock and the history's name, then serve."""
        loop = asyncio.get_running_loop()
        await self._writer.open(acts=self._writes)
        self._writing = loop.create_task(self._writer.run(), name="writer")
        rounds: list[tuple[float, Callable[[], Awaitable[None]], str]] = [
            (self._poll_seconds, self.poll, "poll"),
            (_GIVE_UP_EVERY_SECONDS, self._give_up_on_old, "give up"),
        ]
        if self._writes:
            rounds.append((self._sweep_seconds, self._sweep, "sweep"))
        self._watching = [loop.create_task(self._every(seconds, step), name=name) for seconds, step, name in rounds]

    async def wind_down(self) -> None:
        """Take no more commands, and answer those that were taken, while there is still somebody to bring them their answer."""
        self._writer.close()
        await self._writer.answer_all(_LAST_ANSWERS_SECONDS)

    async def close(self) -> None:
        """Take no more commands, commit what has queued, and stop."""
        self._writer.close()
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self._following.close()
        if self._writing is not None:
            # One that has died said so through `failed`; here it is only over.
            await asyncio.wait([self._writing], timeout=self._timeout)
            self._writing.cancel()

    def now(self) -> Instant:
        """Return the present moment by the log's clock."""
        return self._clock.now()

    @property
    def epoch(self) -> str:
        """The name of the log's history; screens that knew another one get a snapshot."""
        return self._writer.epoch

    @property
    def queued(self) -> int:
        """How many commands wait to be decided."""
        return self._writer.queued

    def execute(self, branch_id: BranchId, command: Command, request: bytes | None = None) -> Awaitable[Outcome]:
        """
        Decide *command*; what is returned gives its outcome once it is durable. Its `at` is set here.

        Raises:
            Rejected: it was refused, on a state that the log has confirmed.
            UnknownBranch, Overloaded, Unsettled, KeyReused, Spoiled: as they say.
        """
        if self._branches.get(branch_id) is None:
            return self._load_and_execute(branch_id, command, request)
        return self._writer.submit(branch_id, command, request)

    async def _load_and_execute(self, branch_id: BranchId, command: Command, request: bytes | None) -> Outcome:
        since = time.monotonic()
        await self._load(branch_id)
        return await self._writer.submit(branch_id, command, request, since=since)

    async def read(
        self, branch_id: BranchId, look: Callable[[BranchState, Instant], T], at_least: tuple[Day, int] | None = None
    ) -> T:
        """
        Return what *look* sees in the branch as it is committed; *look* runs at once, must not wait and must not change anything.

        Raises:
            UnknownBranch: there is none.
            NotYet: it has not come as far as *at_least*.
            Unsettled: the branch could not be read, or a commit in flight did not land, in time; or too many wait for that already.
        """
        branch = await self._load(branch_id)
        if at_least is not None and (branch.head.day, branch.head.seq) < at_least:
            branch = await self._catch_up(branch_id, at_least)
        if not branch.in_flight:
            return look(branch.state, self._clock.now())
        if len(branch.lookers) >= self._queue_limit:
            raise Unsettled
        landed: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        branch.lookers[landed] = lambda state: look(state, self._clock.now())
        try:
            return await asyncio.wait_for(landed, self._timeout)
        except TimeoutError:
            branch.lookers.pop(landed, None)
            raise Unsettled from None

    async def events(self, branch_id: BranchId, day: Day | None, after: int, limit: int) -> tuple[Day, int, list[Event]]:
        """Return the branch's present (day, seq) and the committed facts of *day* (default: the present one) after *after*."""
        head = (await self._load(branch_id)).head
        try:
            rows = await self._log.read_after(branch_id, day or head.day, after, limit)
        except LogUnavailable:
            raise Unsettled from None
        return head.day, head.seq, [to_event(row) for row in rows]

    async def history(self, branch_id: BranchId, day: Day, after: int, limit: int) -> list[Change] | None:
        """Return what the committed facts of the present day after *after* changed; None when that is another day or too many."""
        head = (await self._load(branch_id)).head
        if head.day != day or after > head.seq or head.seq - after > limit:
            return None
        try:
            return await replay(self._log, branch_id, day, after + 1, head.seq)
        except LogUnavailable:
            raise Unsettled from None

    async def branches(self) -> list[BranchId]:
        """Return all branches, in order."""
        try:
            return [head.branch_id for head in await self._log.heads()]
        except LogUnavailable:
            raise Unsettled from None

    def hint(self, branch_id: BranchId, day: Day, seq: int) -> None:
        """Take a hint that the head of *branch_id* is at least at (*day*, *seq*); it may be late, doubled or about another's branch."""
        self._following.hint(branch_id, day, seq)

    async def poll(self) -> None:
        """Find the branches that another process has written to, whatever hints were lost."""
        for head in await self._log.heads():
            self._following.hint(head.branch_id, head.day, head.seq)

    def loaded(self) -> list[BranchState]:
        """Return the states of the branches in memory; they may be ahead of the log."""
        return [branch.state for branch in self._branches.loaded()]

    async def configuration(self, branch_id: BranchId) -> tuple[int, Configuration]:
        """Return version and body of the newest configuration, also one that takes effect with the next day."""
        return await self.read(branch_id, lambda state, _: state.newest)

    async def put_configuration(
        self,
        branch_id: BranchId,
        configuration: Configuration,
        *,
        expected: int | None,
        next_day: bool,
        actor: str,
        command_id: str,
    ) -> tuple[bool, int]:
        """
        Create the branch (*expected* None; its day opens at once) or replace version *expected*; return whether created, and the version.

        Raises:
            VersionConflict: it exists already, or has changed since.
            WouldStrand: it would leave open tickets behind.
        """
        if expected is None:
            return True, await self._create(branch_id, configuration, actor)
        command = ConfigureBranch(
            at=0, command_id=command_id, actor=actor, expected=expected, next_day=next_day, configuration=configuration
        )
        await self.execute(branch_id, command)
        return False, expected + 1

    async def exists(self, branch_id: BranchId) -> bool:
        """Tell whether there is such a branch."""
        try:
            await self._load(branch_id)
        except UnknownBranch:
            return False
        return True

    async def alive(self) -> bool:
        """Tell whether commands are decided here and the log answers."""
        if self._writing is None or self._writing.done():
            return False
        try:
            await asyncio.wait_for(self._log.clock(), self._timeout)
        except (LogUnavailable, TimeoutError):
            return False
        return True

    async def failed(self) -> None:
        """Wait until the writer has ended by a fault, and raise that: nothing can be served any more."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _create(self, branch_id: BranchId, configuration: Configuration, actor: str) -> int:
        if await self.exists(branch_id):
            raise VersionConflict("The branch exists already; read it and send its ETag in If-Match to replace it")
        newcomer = Branch(BranchState(branch_id), Head(branch_id, "", 0, is_open=False, wakes_at=None), {})
        command = open_day_command(configuration, 1, self._clock.now(), None)
        command.actor = actor
        await self._writer.submit(branch_id, command, None, newcomer)
        return 1

    async def _load(self, branch_id: BranchId) -> Branch:
        branch = self._branches.get(branch_id)
        if branch is not None:
            return branch
        try:
            async with asyncio.timeout(self._timeout):
                branch = await self._branches.load(branch_id)
        except (LogUnavailable, TimeoutError):
            raise Unsettled from None
        self._writer.alarms.watch(branch)
        return branch

    async def _catch_up(self, branch_id: BranchId, at_least: tuple[Day, int]) -> Branch:
        try:
            async with asyncio.timeout(_AT_LEAST_SECONDS):
                while True:
                    branch = await self._load(branch_id)
                    if (branch.head.day, branch.head.seq) >= at_least:
                        return branch
                    # Another node may have written.
                    await self._following.follow(branch_id)
                    await asyncio.sleep(_AT_LEAST_STEP_SECONDS)
        except TimeoutError:
            raise NotYet from None
        except LogUnavailable:
            raise Unsettled from None

    async def _sweep(self) -> None:
        """Wake the branches in which something is due and that nobody has loaded."""
        for branch_id in await self._log.due(self._clock.now()):
            try:
                await self._load(branch_id)
            except Unsettled:
                raise
            except Exception:  # noqa: BLE001 - logged: one damaged branch must not keep the others from rolling
                _log.exception("branch cannot be loaded", branch=branch_id)
            else:
                self._writer.wake(branch_id)

    async def _give_up_on_old(self) -> None:
        self._writer.give_up_on_old()

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                try:
                    await step()
                except (LogUnavailable, Unsettled):
                    _log.warning("the log does not answer", task=step.__name__)
                    await self._writer.check_history()
            except LogUnavailable:
                pass  # said already
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("background task failed", task=step.__name__)
            await asyncio.sleep(seconds)
