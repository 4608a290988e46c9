"""One branch under test, with the shadows it is compared with, and every law."""

from itertools import count
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.deadlines import next_deadline, roll_at
from queue_server.core.decide import decide
from queue_server.core.estimates import outlook
from queue_server.core.events import Event
from queue_server.core.lifecycle import TICKET_STEPS, TicketStep
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.waiting import Line, LineKey
from queue_server.eventlog.codec import to_event, to_row
from tests import invariants
from tests.laws import draws
from tests.laws.oracle import Account
from tests.scenario import HOUR, MORNING, fingerprint


class Hall(RuleBasedStateMachine):
    """
    Commands are decided on `state`. `shadow` takes in what comes of them, fact by fact, and is looked at after each; `punctual` lets
    deadlines pass at the moment at which they are due, where `state` does it late; `account` is a simpler book of the same day.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = BranchState("b")
        self.shadow = BranchState("b")
        self.punctual = BranchState("b")
        self.account = Account()
        self.events: list[Event] = []
        self.now = MORNING
        self.ids = count(1)
        self.issued: list[str] = []

    @initialize(changes=draws.configurations, hours=draws.timetables)
    def opens(self, changes: dict[str, Any], hours: int) -> None:
        self.changes, self.hours = changes, hours
        self.open_day("2026-01-01", 1, changes)
        self.do(c.OpenCounter, counter="1", staff="ann")
        self.do(c.OpenCounter, counter="3")
        for service, tier in (("cash", None), ("loans", "gold"), ("cash", "gold"), ("loans", None)):
            self.issue_one(service=service, tier=tier, then=("loans",) if service == "cash" else ())

    def open_day(self, day: str, version: int, changes: dict[str, Any]) -> None:
        self._decide(
            c.OpenDay,
            day=day,
            opens_at=self.now,
            rolls_at=max(MORNING + 20 * HOUR, self.now + HOUR),
            version=version,
            configuration=draws.configured(changes),
            timetable=draws.timetable(self.hours, self.now),
        )

    def issue_one(self, command: type[c.Command] = c.IssueTicket, **fields: Any) -> None:
        ticket = f"t{next(self.ids)}"
        self.do(command, ticket_id=ticket, **fields)
        if ticket in self.state.tickets:
            self.issued.append(ticket)

    def do(self, command: type[c.Command], **fields: Any) -> None:
        """Decide *command*, after the deadlines that are due."""
        self.let_deadlines_pass()
        self._decide(command, **fields)

    def let_deadlines_pass(self) -> None:
        """Late on `state`, on time on `punctual`: the same facts with the same instants."""
        seen, command_id = len(self.events), f"c{next(self.ids)}"
        self.take_in(self._decided(self.state, c.ApplyDeadlines(at=self.now, command_id=command_id, actor="time")))
        facts = []
        while (due := next_deadline(self.punctual)) is not None and due <= self.now and due != roll_at(self.punctual):
            facts += self._decided(self.punctual, c.ApplyDeadlines(at=due, command_id=command_id, actor="time"))
        facts += self._decided(self.punctual, c.ApplyDeadlines(at=self.now, command_id=command_id, actor="time"))
        assert facts == self.events[seen:], "punctual: late is not the same as on time"
        invariants.check_punctual(self.state, self.now)

    def _decide(self, command: type[c.Command], **fields: Any) -> None:
        before, seq = None, (self.state.day, self.state.seq)
        if len(self.issued) < 12:
            before = fingerprint(self.state)
        envelope: dict[str, Any] = {"at": self.now, "command_id": f"c{next(self.ids)}", "actor": f"staff:{fields.get('seat')}"}
        try:
            events = self._decided(self.state, command(**(envelope | fields)))
        except Rejected:
            assert (self.state.day, self.state.seq) == seq, "a refused command has changed the branch"
            assert before is None or fingerprint(self.state) == before, "a refused command has changed the branch"
            return
        self.take_in(events)
        for event in events:
            apply(self.punctual, event)

    def _decided(self, state: BranchState, command: c.Command) -> list[Event]:
        return [change.event for change in decide(state, command)]

    def take_in(self, events: list[Event]) -> None:
        for event in events:
            self.account.expect(self.shadow, event)
            apply(self.shadow, event)
            self.events.append(event)
            invariants.check_each(self.shadow, event)
            if isinstance(event.fact, e.StepUndone):
                self.account.check_undone(self.shadow, event.fact)

    def may(self, step: TicketStep) -> bool:
        """Whether *step* is legal for any ticket."""
        return any(ticket.state in TICKET_STEPS[step][0] for ticket in self.state.tickets.values())

    def ticket_for(self, index: int, step: TicketStep) -> str:
        """Mostly a ticket for which *step* is legal, so that days go somewhere; sometimes any, sometimes none."""
        return self.one_of([ticket for ticket in self.issued if self.state.tickets[ticket].state in TICKET_STEPS[step][0]], index)

    def one_of(self, able: list[str], index: int) -> str:
        chosen = able if able and index < 35 else self.issued
        return chosen[index % len(chosen)] if chosen and index < 40 else "unknown"

    @invariant()
    def laws_hold(self) -> None:
        if self.events:
            invariants.check(self.state, self.events, LAWS)
            assert fingerprint(self.shadow) == fingerprint(self.state), "replay"
            assert fingerprint(self.punctual) == fingerprint(self.state), "punctual"
            self.account.check_times(self.state, self.now)
            self._what_is_kept_is_true()

    def _what_is_kept_is_true(self) -> None:
        """What is found out once and kept must be what would be found out now."""
        kept = next_deadline(self.state), {key: outlook(self.state, key, line.head, self.now) for key, line in self._lines()}
        self.state.is_due_known = False
        self.state.forget_reach()
        assert kept == (
            next_deadline(self.state),
            {key: outlook(self.state, key, line.head, self.now) for key, line in self._lines()},
        )

    def _lines(self) -> list[tuple[LineKey, Line]]:
        return [(key, line) for key, line in self.state.lines.items() if line]

    def teardown(self) -> None:
        """What has been stored gives what is live, also once it has been written down and read."""
        if self.events:
            invariants.replay(self.shadow, [to_event(to_row("b", event, None)) for event in self.events])


LAWS = tuple(law for law in invariants.ALL if law is not invariants.replay)
