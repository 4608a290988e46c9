"""The named laws of the domain, as checks of a branch and its facts; the state machine, the faults and the replays share them."""

from collections import Counter as Tally
from itertools import pairwise

from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.events import Event
from queue_server.core.lifecycle import ENDS, OPEN_STATES, CounterState, TicketState
from queue_server.core.routing import may_call
from queue_server.core.state import BranchState
from tests.scenario import Check, fingerprint

_END_FACTS = (e.ServingFinished, e.TicketCancelled, e.TicketExpired, e.NoShowRecorded)


def one_place(state: BranchState, _events: list[Event]) -> None:
    """A ticket is at no more than one counter; a counter calls or serves at most one ticket."""
    held = [counter.ticket for counter in state.counters.values() if counter.ticket is not None]
    assert len(held) == len(set(held)), "one_place: a ticket is at two counters"
    at_counters = {
        ticket.ticket_id for ticket in state.tickets.values() if ticket.state in {TicketState.CALLED, TicketState.SERVING}
    }
    assert set(held) == at_counters, "one_place: counters and tickets disagree about who is where"
    for counter in state.counters.values():
        busy = counter.state in {CounterState.CALLING, CounterState.SERVING}
        assert busy == (counter.ticket is not None), f"one_place: counter {counter.id} is {counter.state} with {counter.ticket}"


def unique_number(state: BranchState, events: list[Event]) -> None:
    """A number is given once per branch and day."""
    numbers = [event.fact.number for event in events if isinstance(event.fact, e.TicketIssued) and event.day == state.day]
    assert len(numbers) == len(set(numbers)), "unique_number"


def one_end(state: BranchState, events: list[Event]) -> None:
    """Every issued ticket has exactly one end once the day has closed; before, an end only where its state is one."""
    ends: Tally[str] = Tally()
    was_missed: dict[str, bool] = {}
    for event in events:
        if event.day == state.day and isinstance(event.fact, _END_FACTS):
            ends[event.fact.ticket] += 1
        elif (
            event.day == state.day
            and isinstance(event.fact, e.TicketReinstated | e.ServingStarted)
            and was_missed[event.fact.ticket]
        ):
            # Only a no-show is reopened: whoever had another end would have two.
            ends[event.fact.ticket] -= 1
        if event.day == state.day and isinstance(event.fact, e.TicketFact):
            was_missed[event.fact.ticket] = isinstance(event.fact, e.NoShowRecorded)
    for ticket in state.tickets.values():
        assert ends[ticket.ticket_id] == (1 if ticket.state in ENDS else 0), f"one_end: {ticket.number}"
        assert state.is_open or ticket.state in ENDS, f"one_end: {ticket.number} is {ticket.state} after the close"


def counts_balance(state: BranchState, _events: list[Event]) -> None:
    """Issued = waiting + called + serving + parked + ended, and what is counted is what stands in line."""
    waiting = [ticket for ticket in state.tickets.values() if ticket.state is TicketState.WAITING]
    assert len(waiting) == sum(state.waiting.values()) == sum(len(line) for line in state.lines.values()), "counts_balance"
    assert sum(state.queues.values()) == len(waiting), "counts_balance: by service"
    standing = {standing[2] for line in state.lines.values() for standing in line.standings[line.start :]}
    assert standing == {ticket.ticket_id for ticket in waiting}, "counts_balance: the lines hold others than the waiting"
    assert all(ticket.state in OPEN_STATES | ENDS for ticket in state.tickets.values()), "counts_balance: unknown state"
    for key, line in state.lines.items():
        for place_at, issue_seq, ticket_id in line.standings[line.start :]:
            ticket = state.tickets[ticket_id]
            assert (ticket.line_key(), ticket.place_at, ticket.issue_seq) == (key, place_at, issue_seq), (
                "counts_balance: wrong line"
            )


def one_seat(state: BranchState, _events: list[Event]) -> None:
    """One person sits at one counter."""
    seated = [counter.staff for counter in state.counters.values() if counter.staff is not None]
    assert len(seated) == len(set(seated)), "one_seat"
    assert all(counter.staff is None for counter in state.counters.values() if counter.state is CounterState.CLOSED), "one_seat"


def explained(_state: BranchState, events: list[Event]) -> None:
    """Every call carries the rule that decided, its reason, and whom it passed."""
    for event in events:
        if isinstance(event.fact, e.TicketCalled):
            routing = event.fact.routing
            assert routing.policy, "explained"
            assert routing.rule, "explained"
            assert routing.reason, "explained"
            assert len(routing.overtook.first) == min(routing.overtook.count, 10), "explained: whom it passed"
            assert routing.overtook.count < max(routing.waiting, 1) or routing.rule in {"direct", "override"}, (
                "explained: passed more than waited"
            )


def profile_kept(state: BranchState, events: list[Event]) -> None:
    """A counter gets only what its profile allows, unless a direct call says override with a reason."""
    if not events or not isinstance(events[-1].fact, e.TicketCalled):
        return
    fact = events[-1].fact
    if fact.routing.rule == "override":
        assert fact.routing.note, "profile_kept: an override without a reason"
        return
    ticket, counter = state.tickets[fact.ticket], state.counters[fact.counter]
    assert may_call(state, counter, ticket.line_key()), "profile_kept"


def no_gap(_state: BranchState, events: list[Event]) -> None:
    """`seq` starts at 1 each day and has no gaps; time never runs backwards."""
    for before, after in pairwise(events):
        assert after.at >= before.at, "no_gap: time ran backwards"
        assert after.seq == (before.seq + 1 if after.day == before.day else 1), "no_gap"


def replay(state: BranchState, events: list[Event]) -> None:
    """Replaying the stream gives the live state."""
    rebuilt = BranchState(state.branch_id)
    for event in events:
        if event.day == state.day:
            apply(rebuilt, event)
    assert fingerprint(rebuilt) == fingerprint(state), "replay"


CHEAP: tuple[Check, ...] = (one_place, counts_balance, one_seat, profile_kept)
ALL: tuple[Check, ...] = (*CHEAP, unique_number, one_end, explained, no_gap, replay)


def check(state: BranchState, events: list[Event], laws: tuple[Check, ...] = ALL) -> None:
    """Check *laws*; the AssertionError begins with the name of the one that is broken."""
    for law in laws:
        law(state, events)
