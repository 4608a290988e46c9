"""
Random days: every command, in any order, at any moment, and every law after each step.

`LAWS_EXAMPLES` and `LAWS_STEPS` set how long the campaign is; `make laws` runs the long one.
"""

import os
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from queue_server.core import commands as c
from queue_server.core.apply import apply
from queue_server.core.configuration import Cap, Configuration, Policy, Scope, StartMode
from queue_server.core.deadlines import next_deadline, roll_at
from queue_server.core.decide import decide
from queue_server.core.estimates import outlook
from queue_server.core.events import Event
from queue_server.core.lifecycle import TICKET_STEPS, TicketStep
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.waiting import Line, LineKey
from tests import invariants
from tests.scenario import HOUR, MORNING, fingerprint, rules

EXAMPLES = int(os.environ.get("LAWS_EXAMPLES", "60"))
STEPS = int(os.environ.get("LAWS_STEPS", "50"))

POLICIES = (
    Policy("promise"),
    Policy("fifo"),
    Policy("due"),
    Policy("strict"),
    Policy("ageing", {"rates": {"gold": 3000, "std": 1000}, "head_start_ms": {"gold": 90_000}}),
    Policy("ratio", {"calls": {"gold": 2, "std": 1}, "scope": "branch"}),
    Policy("ratio", {"calls": {"gold": 1, "std": 2}, "scope": "counter"}),
)
SIMPLE_STEPS: dict[TicketStep, type[c.Command]] = {
    TicketStep.RECALL: c.RecallTicket,
    TicketStep.START: c.StartServing,
    TicketStep.FINISH: c.FinishServing,
    TicketStep.NO_SHOW: c.RecordNoShow,
    TicketStep.CANCEL: c.CancelTicket,
}

counters = st.sampled_from(["1", "2", "3", "1", "2", "3", "nowhere"])
services = st.sampled_from(["cash", "loans", "cash", "loans", "cash", "loans", "nothing"])
tiers = st.sampled_from([None, None, "gold", "gold", "std", "none"])
zones = st.sampled_from([None, None, None, "hall", "vip", "moon"])
people = st.sampled_from([None, "ann", "bob"])
reasons = st.sampled_from([None, "asked"])
positions: st.SearchStrategy[Any] = st.sampled_from([None, "front", "due", "back", c.Behind(0), c.Behind(2), c.Behind(50)])
tickets = st.integers(0, 41)


class Hall(RuleBasedStateMachine):
    """One branch under any sequence of commands, clocks that stand still or jump, and rolls of the day."""

    def __init__(self) -> None:
        super().__init__()
        self.state = BranchState("b")
        self.events: list[Event] = []
        self.now = MORNING
        self.ids = count(1)
        self.issued: list[str] = []

    @initialize(
        policy=st.sampled_from(POLICIES),
        cap=st.sampled_from([None, None, Cap(1), Cap(2, Scope.COUNTER)]),
        reserve=st.sampled_from([{}, {}, {"gold": 1}]),
        start=st.sampled_from(list(StartMode)),
        no_show=st.sampled_from([None, 30_000]),
        care=st.sampled_from([0, 250, 900]),
    )
    def opens(  # noqa: PLR0917 - hypothesis fills them by name
        self, policy: Policy, cap: Cap | None, reserve: dict[str, int], start: StartMode, no_show: int | None, care: int
    ) -> None:
        self.configuration = rules(
            policy=policy,
            cap=cap,
            reserve=reserve,
            start=start,
            start_after_ms=20_000,
            no_show_after_ms=no_show,
            care_permille=care,
            reinstate_ms=60_000,
        )
        self._open_day("2026-01-01", 1, self.configuration)
        self._do(c.OpenCounter, counter="1", staff="ann")
        self._do(c.OpenCounter, counter="3")
        for service, tier in (("cash", None), ("loans", "gold"), ("cash", "gold"), ("loans", None)):
            self.issue(service, tier, None, None)

    def _open_day(self, day: str, version: int, configuration: Configuration) -> None:
        self._decide(
            c.OpenDay,
            day=day,
            opens_at=self.now,
            rolls_at=max(MORNING + 20 * HOUR, self.now + HOUR),
            version=version,
            configuration=configuration,
        )

    def _decide(self, command: type[c.Command], **fields: Any) -> None:
        before, seq = None, (self.state.day, self.state.seq)
        if len(self.issued) < 15:
            before = fingerprint(self.state)
        try:
            changes = decide(self.state, command(at=self.now, command_id=f"c{next(self.ids)}", actor="test", **fields))
        except Rejected:
            assert (self.state.day, self.state.seq) == seq, "a refused command has changed the branch"
            assert before is None or fingerprint(self.state) == before, "a refused command has changed the branch"
            return
        self.events += [change.event for change in changes]
        invariants.profile_kept(self.state, self.events)

    def _do(self, command: type[c.Command], **fields: Any) -> None:
        self._decide(c.ApplyDeadlines)
        self._decide(command, **fields)

    def _ticket(self, index: int, step: TicketStep) -> str:
        """Mostly a ticket for which *step* is legal, so that days go somewhere; sometimes any, sometimes none."""
        able = [ticket for ticket in self.issued if self.state.tickets[ticket].state in TICKET_STEPS[step][0]]
        chosen = able if able and index < 35 else self.issued
        return chosen[index % len(chosen)] if chosen and index < 40 else "unknown"

    @rule(ms=st.sampled_from([0, 1, 1_000, 20_000, 31_000, 120_000, 700_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(service=services, tier=tiers, care=st.sampled_from([None, None, "elderly"]), late=st.sampled_from([None, 0, 90_000]))
    def issue(self, service: str, tier: str | None, care: str | None, late: int | None) -> None:
        ticket = f"t{next(self.ids)}"
        arrived_at = None if late is None else self.now - late
        seq = self.state.seq
        self._do(c.IssueTicket, ticket_id=ticket, service=service, tier=tier, care=care, arrived_at=arrived_at)
        if self.state.seq > seq and ticket in self.state.tickets:
            self.issued.append(ticket)

    @rule(counter=counters, finish=st.booleans())
    def call_next(self, counter: str, finish: bool) -> None:
        self._do(c.CallNext, counter=counter, finish=finish)

    @rule(counter=counters, ticket=tickets, override=st.booleans(), reason=reasons)
    def call(self, counter: str, ticket: int, override: bool, reason: str | None) -> None:
        self._do(c.CallTicket, counter=counter, ticket=self._ticket(ticket, TicketStep.CALL), override=override, reason=reason)

    @rule(counter=counters, service=services, tier=tiers)
    def serve_directly(self, counter: str, service: str, tier: str | None) -> None:
        ticket = f"t{next(self.ids)}"
        self._do(c.ServeDirectly, counter=counter, ticket_id=ticket, service=service, tier=tier)
        if ticket in self.state.tickets:
            self.issued.append(ticket)

    @rule(
        step=st.sampled_from([TicketStep.RECALL, TicketStep.START, TicketStep.FINISH, TicketStep.NO_SHOW, TicketStep.CANCEL]),
        ticket=tickets,
        counter=st.sampled_from([None, None, None, "1", "2"]),
    )
    def step(self, step: TicketStep, ticket: int, counter: str | None) -> None:
        self._do(SIMPLE_STEPS[step], ticket=self._ticket(ticket, step), counter=counter)

    @rule(counter=st.sampled_from(["1", "2", "3"]), ends=st.sampled_from([c.FinishServing, c.RecordNoShow, None]))
    def serve(self, counter: str, ends: type[c.Command] | None) -> None:
        self._do(c.OpenCounter, counter=counter)
        self._do(c.CallNext, counter=counter, finish=True)
        held = self.state.counters[counter].ticket
        if held is not None:
            if ends is not c.RecordNoShow:
                self._do(c.StartServing, ticket=held, counter=counter)
            if ends is not None:
                self._do(ends, ticket=held)

    @rule(ticket=tickets, position=positions)
    def reinstate(self, ticket: int, position: Any) -> None:
        self._do(c.ReinstateTicket, ticket=self._ticket(ticket, TicketStep.REINSTATE), position=position)

    @rule(ticket=tickets, position=positions)
    def requeue(self, ticket: int, position: Any) -> None:
        self._do(c.RequeueTicket, ticket=self._ticket(ticket, TicketStep.REQUEUE), position=position or "due")

    @rule(
        ticket=tickets,
        service=st.none() | services,
        counter=st.none() | counters,
        zone=zones,
        staff=people,
        position=positions,
    )
    def transfer(  # noqa: PLR0917 - hypothesis fills them by name
        self, ticket: int, service: str | None, counter: str | None, zone: str | None, staff: str | None, position: Any
    ) -> None:
        self._do(
            c.TransferTicket,
            ticket=self._ticket(ticket, TicketStep.TRANSFER),
            service=service,
            counter=counter,
            zone=zone,
            staff=staff,
            position=position,
        )

    @rule(ticket=tickets, service=st.none() | services, tier=tiers, zone=zones, emergency=st.sampled_from([None, True, False]))
    def move(self, ticket: int, service: str | None, tier: str | None, zone: str | None, emergency: bool | None) -> None:
        self._do(
            c.MoveTicket,
            ticket=self._ticket(ticket, TicketStep.MOVE),
            service=service,
            tier=tier,
            zone=zone,
            emergency=emergency,
            reason="asked",
        )

    @rule(counter=counters, staff=people, take_over=st.booleans(), profile=st.sampled_from([None, None, "gold_only", "none"]))
    def open_counter(self, counter: str, staff: str | None, take_over: bool, profile: str | None) -> None:
        self._do(c.OpenCounter, counter=counter, staff=staff, take_over=take_over, profile=profile)

    @rule(counter=counters, step=st.sampled_from([c.PauseCounter, c.ResumeCounter, c.CloseCounter]))
    def counter_step(self, counter: str, step: type[c.Command]) -> None:
        self._do(step, counter=counter)

    @rule(counter=counters, profile=st.sampled_from([None, "gold_only", "cash_only", "none"]))
    def profile(self, counter: str, profile: str | None) -> None:
        self._do(c.ChangeProfile, counter=counter, profile=profile)

    @rule(next_day=st.booleans(), behind=st.integers(0, 1), fewer=st.booleans())
    def configure(self, next_day: bool, behind: int, fewer: bool) -> None:
        configuration = rules(policy=self.configuration.policy)
        if fewer:
            configuration = rules(services=configuration.services[:1], profiles=configuration.profiles[:1])
        expected = self.state.newest[0] - behind
        self._do(c.ConfigureBranch, expected=expected, next_day=next_day, configuration=configuration)

    @rule()
    def close_day(self) -> None:
        # Not too soon: the rest of such a day is refusals.
        if len(self.events) > 35:
            self._do(c.CloseDay, reason="fire_alarm")

    @rule()
    def day_rolls(self) -> None:
        if len(self.events) < 20:
            return
        self.now = max(self.now, roll_at(self.state))
        self._decide(c.ApplyDeadlines)
        self.now = max(self.now, roll_at(self.state))
        version, configuration = self.state.newest
        day = f"{self.state.day[:8]}{int(self.state.day[8:]) + 1:02d}"
        events_before = len(self.events)
        self._open_day(day, version, configuration)
        self._check_closed(events_before)
        self.issued.clear()

    def _check_closed(self, events_before: int) -> None:
        old_day = self.events[events_before - 1].day
        old = BranchState("b")
        stream = [event for event in self.events if event.day == old_day]
        for event in stream:
            apply(old, event)
        invariants.check(old, stream)
        assert not old.is_open

    @invariant()
    def laws_hold(self) -> None:
        if self.events:
            invariants.check(self.state, self.events)
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


Hall.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestHall = Hall.TestCase
