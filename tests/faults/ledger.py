"""A service without a fault, in memory: it makes true histories by hand, for the checker to find what is then done to them."""

import itertools

import msgspec

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.decide import decide
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_row
from queue_server.eventlog.port import Row
from queue_server.runtime.calendar import SYSTEM
from tests.faults.checker import Violation, check_history
from tests.faults.history import Attempt, History, Json, Read, Request, Screen
from tests.faults.replaying import command_of, receipt_of
from tests.faults.showing import shown, told
from tests.scenario import MORNING, ROLLS_AT, rules

BRANCH, SUBJECT = "b", "somebody"


class Ledger:
    """Carries out one request after another; each begins and ends at a moment of its own."""

    def __init__(self, **changes: object) -> None:
        self.history = History(SUBJECT)
        self.rows: list[Row] = []
        self._state = BranchState(BRANCH)
        self._clock = itertools.count(1)
        self._at = MORNING
        opening = c.OpenDay(
            at=MORNING,
            command_id="open",
            actor=SYSTEM,
            day="2026-01-01",
            opens_at=MORNING,
            rolls_at=ROLLS_AT,
            version=1,
            configuration=rules(id=BRANCH, **changes),
        )
        self._keep(decide(self._state, opening))

    def send(self, path: str, body: Json | None = None, key: str | None = None) -> Request:
        """Carry out a command, as a client sees it."""
        key = key or f"k{len(self.history.requests)}"
        request = Request(BRANCH, key, f"/v1/branches/{BRANCH}{path}", msgspec.json.encode(body or {}))
        self.history.requests.append(request)
        self._at += 1000
        began, ticket_id = self.tick(), f"t{len(self.history.requests)}"
        try:
            changes = decide(self._state, command_of(request, SUBJECT, self._at, ticket_id))
        except Rejected as refusal:
            status, answer = 409, {"code": refusal.code}
        else:
            self._keep(changes)
            status, answer = 200, receipt_of(request, changes) if changes else self._empty()
        request.attempts.append(Attempt(began, self.tick(), status, answer))
        return request

    def let_pass(self, ms: int) -> None:
        """Let what is due happen."""
        self._at += ms
        self._keep(decide(self._state, c.ApplyDeadlines(at=self._at, command_id=f"deadlines:{self._at}", actor=SYSTEM)))

    def read(self, at_least: tuple[str, int] | None = None) -> Read:
        """Read the state."""
        read = Read(BRANCH, self.tick(), self.tick(), self._state.day, self._state.seq, shown(self._state, "staff"), at_least)
        self.history.reads.append(read)
        return read

    def screen(self, view: str) -> Screen:
        """Connect a screen, which gets a snapshot; what follows is told to it."""
        screen = Screen(BRANCH, view, [msgspec.json.encode(self.snapshot(view))])
        self.history.screens.append(screen)
        return screen

    def snapshot(self, view: str) -> Json:
        """Return what a screen that connects now is sent."""
        return {"type": "snapshot", "epoch": "e", "day": self._state.day, "seq": self._state.seq, "state": shown(self._state, view)}

    def violations(self) -> list[Violation]:
        """Return what the checker finds."""
        return check_history(self.history, {BRANCH: self.rows})

    def checks(self) -> set[str]:
        """Return which checks have found something."""
        return {violation.check for violation in self.violations()}

    def tick(self) -> float:
        """Return the next moment."""
        return float(next(self._clock))

    def _empty(self) -> Json:
        return {"day": self._state.day, "seq": self._state.seq, "ticket": None, "routing": None}

    def _keep(self, changes: list[Change]) -> None:
        self.rows += [to_row(BRANCH, change.event, None) for change in changes]
        for screen in self.history.screens if changes else ():
            events = [event for change in changes if (event := told(change, self._state.rules, screen.view)) is not None]
            if events:
                seq = changes[-1].event.seq
                before = msgspec.json.decode(screen.messages[-1])["seq"]
                delta = {"type": "delta", "day": self._state.day, "prev": before, "seq": seq, "events": events}
                screen.messages.append(msgspec.json.encode(delta))
