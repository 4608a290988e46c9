"""Every command about a counter, the hall and the day; and time, which passes or stands still."""

from copy import copy
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from queue_server.core import commands as c
from queue_server.core.apply import apply
from queue_server.core.deadlines import roll_at
from queue_server.core.lifecycle import TicketState
from queue_server.core.state import BranchState
from queue_server.core.stranding import is_lost
from queue_server.core.ticket import Ticket
from tests import invariants
from tests.laws import draws
from tests.laws.ticket_commands import TicketCommands
from tests.scenario import rules


class HallCommands(TicketCommands):
    """A hall with everything that happens in it; what is rare in a bank is rarer here."""

    @rule(ms=st.sampled_from([0, 1, 1_000, 15_000, 20_000, 31_000, 120_000, 700_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(counter=draws.counters, finish=st.booleans(), outcome=draws.outcomes, seat=draws.seats)
    def call_next(self, **fields: Any) -> None:
        self.do(c.CallNext, **fields)

    @rule(
        counter=draws.counters,
        staff=draws.people,
        take_over=st.booleans(),
        profile=st.sampled_from([None, None, "gold_only", "below", "levels", "none"]),
    )
    def open_counter(self, **fields: Any) -> None:
        self.do(c.OpenCounter, **fields)

    @precondition(lambda hall: len(hall.events) % 2 == 1)
    @rule(
        counter=draws.counters,
        step=st.sampled_from([c.PauseCounter, c.ResumeCounter, c.CloseCounter, c.CallForHelp, c.AcknowledgeHelp]),
        seat=draws.seats,
    )
    def counter_step(self, step: type[c.Command], **fields: Any) -> None:
        self.do(step, **fields)

    @precondition(lambda hall: len(hall.events) % 2 == 0)
    @rule(counter=draws.counters, profile=st.sampled_from([None, "gold_only", "cash_only", "below", "ends", "levels", "none"]))
    def profile(self, **fields: Any) -> None:
        self.do(c.ChangeProfile, **fields)

    @precondition(lambda hall: len(hall.events) % 3 == 1)
    @rule(template=st.sampled_from([None, "drill", "fire"]), zone=draws.zones)
    def announce(self, **fields: Any) -> None:
        self.do(c.Announce, announcement=f"n{next(self.ids)}", **fields)

    @precondition(lambda hall: len(hall.events) % 3 == 0)
    @rule(next_day=st.booleans(), behind=st.sampled_from([0, 0, 1]), fewer=st.booleans(), changes=draws.configurations)
    def configure(self, next_day: bool, behind: int, fewer: bool, changes: dict[str, Any]) -> None:
        configuration = draws.configured(changes)
        if fewer:
            configuration = rules(services=rules().services[:1], profiles=rules().profiles[:1])
        self.do(
            c.ConfigureBranch,
            expected=self.state.newest[0] - behind,
            next_day=next_day,
            configuration=configuration,
            timetable=draws.timetable(self.hours, self.now),
        )

    @precondition(lambda hall: len(hall.events) > 60)
    @rule()
    def close_day(self) -> None:
        # Not too soon: the rest of such a day is refusals.
        self.do(c.CloseDay, reason="fire_alarm")

    @precondition(lambda hall: len(hall.events) > 40)
    @rule()
    def day_rolls(self) -> None:
        self.now = max(self.now, roll_at(self.state))
        self.let_deadlines_pass()
        self.now = max(self.now, roll_at(self.state))
        events_before = len(self.events)
        waiting = [copy(ticket) for ticket in self.state.tickets.values() if ticket.state is TicketState.WAITING]
        carries = self.state.rules.carry_over
        self.open_day(f"{self.state.day[:8]}{int(self.state.day[8:]) + 1:02d}", self.state.newest[0], self.changes)
        self._check_closed(events_before)
        self._check_carried(waiting if carries else [])

    def _check_carried(self, waiting: list[Ticket]) -> None:
        """Whoever waits on, and nobody else, is there with number, place, wait and what was given already."""
        rules = self.state.rules
        expected = {ticket.ticket_id: ticket for ticket in waiting if not is_lost(rules, ticket)}
        assert expected.keys() == self.state.tickets.keys(), "carried: others than those who waited"
        for ticket in self.state.tickets.values():
            before = expected[ticket.ticket_id]
            for name in ("number", "place_at", "arrived_at", "tier", "service", "then", "stages", "waiting_since", "waited_ms"):
                assert getattr(ticket, name) == getattr(before, name), f"carried: {name} of {ticket.number}"
        order = [ticket.ticket_id for ticket in sorted(waiting, key=lambda ticket: ticket.standing)]
        carried = sorted(self.state.tickets.values(), key=lambda ticket: ticket.standing)
        assert [ticket.ticket_id for ticket in carried] == [one for one in order if one in expected], "carried: the order"
        assert not self.state.serials, "carried: a number of the day before counts in the series"
        self.issued[:] = list(expected)

    def _check_closed(self, events_before: int) -> None:
        old_day = self.events[events_before - 1].day
        old = BranchState("b")
        stream = [event for event in self.events if event.day == old_day]
        for event in stream:
            apply(old, event)
        invariants.check(old, stream)
        assert not old.is_open
