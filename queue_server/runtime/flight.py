"""One branch's part of a batch: the commands decided for it, the facts they caused, and the head they were decided on."""

import asyncio
import time

from queue_server.core.changes import Change
from queue_server.core.commands import ApplyDeadlines, Command, ConfigureBranch
from queue_server.core.deadlines import next_deadline, roll_at
from queue_server.core.decide import decide
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.rejections import Rejected
from queue_server.eventlog.codec import to_row
from queue_server.eventlog.port import Claim, Head, Row
from queue_server.runtime.branch import Branch
from queue_server.runtime.calendar import SYSTEM, open_day_command, timetable
from queue_server.runtime.outcomes import Outcome


class Pending:
    """A command on its way: who waits for it, and what it came to so far."""

    __slots__ = ("attempts", "branch_id", "changes", "command", "future", "newcomer", "refusal", "request", "since", "stood_at")

    def __init__(
        self,
        branch_id: BranchId,
        command: Command,
        request: bytes | None,
        future: asyncio.Future[Outcome],
        newcomer: Branch | None = None,
    ) -> None:
        self.branch_id = branch_id
        self.command = command
        self.request = request
        self.future = future
        self.newcomer = newcomer
        self.since = time.monotonic()
        self.attempts = 0
        self.changes: list[Change] = []
        self.refusal: Rejected | None = None
        self.stood_at: tuple[Day, int] = ("", 0)

    def fail(self, fault: BaseException) -> None:
        """Answer with *fault*, unless whoever asked has gone or was answered."""
        if not self.future.done():
            self.future.set_exception(fault)


class Flight:
    """The claim of one branch in one batch, as it is being put together."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch
        self.is_new = not branch.head.day
        self.expected: tuple[Day, int] = (branch.head.day, branch.head.seq)
        self.passengers: list[Pending] = []
        self.by_key: set[str] = set()
        self.changes: list[Change] = []
        self.rows: list[Row] = []
        self.head = branch.head

    def pass_time(self, now: Instant) -> None:
        """Let happen what is due before any command is decided: deadlines up to the roll, then the roll."""
        state = self.branch.state
        due = next_deadline(state)
        if due is None or due > now:
            return
        rolls_at = roll_at(state)
        self._add(decide(state, ApplyDeadlines(at=min(now, rolls_at), command_id=f"deadlines:{due}", actor=SYSTEM)), None)
        # A deadline may have changed who is being served, and with it the roll.
        if roll_at(state) <= now:
            version, rules = state.newest
            self._add(decide(state, open_day_command(rules, version, now, state.day)), None)
            self.branch.forget_old_keys()

    def decide(self, pending: Pending, now: Instant) -> None:
        """Decide *pending* on what the commands before it did; a refusal is kept until the log has confirmed the head."""
        pending.command.at = now
        pending.changes, pending.refusal = [], None
        state = self.branch.state
        pending.stood_at = day, seq = state.day, state.seq
        self.passengers.append(pending)
        if isinstance(pending.command, ConfigureBranch):
            # Only here is it certain which day it will be: one that has waited may find another.
            pending.command.timetable = timetable(pending.command.configuration, day)
        try:
            pending.changes = decide(state, pending.command)
        except Rejected as refusal:
            if (state.day, state.seq) != (day, seq):
                raise RuntimeError("a refused command has changed the branch") from refusal
            pending.refusal = refusal
            return
        if pending.request is not None:
            self.by_key.add(pending.command.command_id)
        self._add(pending.changes, pending.request)

    def _add(self, changes: list[Change], request: bytes | None) -> None:
        self.changes += changes
        for change in changes:
            self.rows.append(to_row(self.branch.id, change.event, request))
            request = None

    def seal(self) -> None:
        """Everything is decided: fix where the branch will stand."""
        state = self.branch.state
        self.head = Head(self.branch.id, state.day, state.seq, state.is_open, next_deadline(state))
        self.branch.in_flight = True

    @property
    def claim(self) -> Claim:
        """What the log is asked to append."""
        return Claim(expected=None if self.is_new else self.expected, head=self.head, rows=self.rows)
