"""
The named laws of the domain, as checks of a branch and its facts; the state machine, the faults and the replays share them.

Those of `ALL` hold after every command; those of `PUNCTUAL` once the deadlines that are due have been applied; those of `EACH` look at
the latest fact alone, and want the branch as it is right after it.
"""

from collections import Counter as Tally
from collections.abc import Callable
from itertools import pairwise

from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.configuration import ElasticRule
from queue_server.core.counting import run_scope
from queue_server.core.deadlines import next_deadline, roll_at
from queue_server.core.events import Event
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import ENDS, OPEN_STATES, CounterState, TicketState
from queue_server.core.ratio import Counting
from queue_server.core.routing import may_call, next_ticket
from queue_server.core.state import BranchState
from queue_server.core.ticket import ParkKind
from tests.scenario import Check, fingerprint

_END_FACTS = (e.ServingFinished, e.TicketCancelled, e.TicketExpired, e.TicketCarried, e.NoShowRecorded)
_HELD = {TicketState.CALLED: CounterState.CALLING, TicketState.SERVING: CounterState.SERVING}


def one_place(state: BranchState, _events: list[Event]) -> None:
    """A ticket is at no more than one counter; a counter calls or serves at most one ticket."""
    held = [counter.ticket for counter in state.counters.values() if counter.ticket is not None]
    assert len(held) == len(set(held)), "one_place: a ticket is at two counters"
    assert set(held) == {ticket.ticket_id for ticket in state.tickets.values() if ticket.state in _HELD}, (
        "one_place: counters and tickets disagree about who is where"
    )
    for counter in state.counters.values():
        ticket = state.tickets[counter.ticket] if counter.ticket is not None else None
        if ticket is None:
            assert counter.state not in _HELD.values(), f"one_place: counter {counter.id} is {counter.state} with nobody"
        else:
            assert (ticket.counter, _HELD[ticket.state]) == (counter.id, counter.state), f"one_place: counter {counter.id}"


def unique_number(state: BranchState, events: list[Event]) -> None:
    """A number is given once per branch and day."""
    numbers = [event.fact.number for event in events if isinstance(event.fact, e.TicketIssued) and event.day == state.day]
    assert len(numbers) == len(set(numbers)), "unique_number"


def one_end(state: BranchState, events: list[Event]) -> None:
    """Every issued ticket has exactly one end once the day has closed; before, an end only where its state is one."""
    ends: Tally[str] = Tally()
    was_missed: dict[str, bool] = {}
    for event in events:
        fact = event.fact
        if event.day != state.day or not isinstance(fact, e.TicketFact):
            continue
        if isinstance(fact, _END_FACTS):
            ends[fact.ticket] += 1
        elif isinstance(fact, e.TicketReinstated | e.ServingStarted) and was_missed[fact.ticket]:
            # Only a no-show is reopened: whoever had another end would have two.
            ends[fact.ticket] -= 1
        elif isinstance(fact, e.StepUndone):
            was_an_end = fact.step in {kind.__name__ for kind in _END_FACTS}
            ends[fact.ticket] += (fact.restored.state in ENDS) - was_an_end
        was_missed[fact.ticket] = isinstance(fact, e.NoShowRecorded) or (
            isinstance(fact, e.StepUndone) and fact.restored.state is TicketState.NO_SHOW
        )
    for ticket in state.tickets.values():
        assert ends[ticket.ticket_id] == (1 if ticket.state in ENDS else 0), f"one_end: {ticket.number}"
        assert state.is_open or ticket.state in ENDS, f"one_end: {ticket.number} is {ticket.state} after the close"


def counts_balance(state: BranchState, _events: list[Event]) -> None:
    """Issued = waiting + called + serving + parked + ended, and what is counted is what stands in line or lies aside."""
    waiting = [ticket for ticket in state.tickets.values() if ticket.state is TicketState.WAITING]
    assert len(waiting) == sum(state.waiting.values()) == sum(len(line) for line in state.lines.values()), "counts_balance"
    assert sum(state.queues.values()) == len(waiting), "counts_balance: by service"
    lined_up = {standing[2] for line in state.lines.values() for standing in line.standings[line.start :]}
    assert lined_up == {ticket.ticket_id for ticket in waiting}, "counts_balance: the lines hold others than the waiting"
    assert all(ticket.state in OPEN_STATES | ENDS for ticket in state.tickets.values()), "counts_balance: unknown state"
    for key, line in state.lines.items():
        for standing in line.standings[line.start :]:
            ticket = state.tickets[standing[2]]
            assert (ticket.line_key(), ticket.standing) == (key, standing), "counts_balance: wrong line"
    _parked_balance(state)
    returning = {ticket.ticket_id for ticket in state.tickets.values() if ticket.returns_until is not None}
    assert sorted(state.lapsing) == sorted(returning), "counts_balance: others may return than those who were missed"


def _parked_balance(state: BranchState) -> None:
    kept = sorted((counter.id, ticket_id) for counter in state.counters.values() for ticket_id in counter.parked)
    parked = [ticket for ticket in state.tickets.values() if ticket.state is TicketState.PARKED]
    by_counter = sorted((ticket.counter or "", ticket.ticket_id) for ticket in parked if ticket.park_kind is ParkKind.COUNTER)
    assert kept == by_counter, "counts_balance: counters keep others than those parked with them"
    for ticket in state.tickets.values():
        is_parked = ticket.state is TicketState.PARKED
        assert is_parked == (ticket.park_kind is not None) == (ticket.parked_since is not None), "counts_balance: parked or not"
    for counter in state.counters.values():
        assert counter.state is not CounterState.CLOSED or not counter.parked, "counts_balance: a closed counter keeps tickets"


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


def profile_kept(state: BranchState, event: Event) -> None:
    """A counter gets only what its profile allows at the time, unless a direct call says override with a reason."""
    fact = event.fact
    if isinstance(fact, e.TicketCalled):
        assert fact.routing.rule != "override" or fact.routing.note, "profile_kept: an override without a reason"
        may = may_call(state, state.counters[fact.counter], state.tickets[fact.ticket].line_key())
        assert may or fact.routing.rule == "override", "profile_kept"


def park_limit(state: BranchState, event: Event) -> None:
    """A counter keeps no more parked tickets than the branch allows."""
    fact = event.fact
    is_put_aside = isinstance(fact, e.TicketParked) or (isinstance(fact, e.StepUndone) and fact.restored.park_kind is not None)
    ticket = state.tickets[fact.ticket] if is_put_aside and isinstance(fact, e.TicketFact) else None
    if ticket is not None and ticket.kept_by is not None:
        assert len(state.counters[ticket.kept_by].parked) <= state.rules.park_limit, "park_limit"


def recalled_enough(state: BranchState, event: Event) -> None:
    """Nobody is a no-show before having been announced as often as the branch wants."""
    if isinstance(event.fact, e.NoShowRecorded):
        assert state.tickets[event.fact.ticket].recalls >= state.rules.recalls_before_no_show, "recalled_enough"


def cap_kept(state: BranchState, event: Event) -> None:
    """Nobody is called above the lowest tier waiting once the cap is reached; and only who came out of the chain counts for anything."""
    if not isinstance(event.fact, e.TicketCalled):
        return
    routing, cap = event.fact.routing, state.rules.cap
    if routing.above and cap is not None and cap.tier is None:
        assert state.runs[run_scope(state, event.fact.counter, routing.pool)] <= cap.calls, "cap_kept"
    if routing.rule in {"direct", "override", "emergency"}:
        assert (routing.turn, routing.above) == (None, None), "cap_kept: a call out of turn has counted"
    elif isinstance(state.policy, Counting):
        assert routing.turn is not None or cap is not None, "cap_kept: a call has taken nobody's turn"


def within_limits(state: BranchState, event: Event) -> None:
    """No more tickets of a service than its day has, and none outside its hours, but for those served directly."""
    fact = event.fact
    if not isinstance(fact, e.TicketIssued) or fact.channel == "direct" or fact.carried is not None:
        return
    for service in (fact.service, *fact.then):
        limit = state.services[service].daily_limit
        assert limit is None or state.issued_for[service] <= limit, "within_limits: more than the day has"
        moments = (event.at, fact.arrived_at)
        assert any(state.timetable.gives_tickets(service, at) for at in moments), "within_limits: outside the hours"


def nobody_idle(state: BranchState, at: Instant) -> None:
    """No counter that calls automatically and has been idle for its minimum is idle while it has candidates."""
    after = state.rules.automatic_after_ms
    if after is None or not state.is_open or state.seq >= state.rules.day_limit:
        return
    for counter in state.counters.values():
        if counter.state is CounterState.OPEN and counter.since is not None and counter.since + after <= at:
            assert next_ticket(state, counter.id, at) is None, f"nobody_idle: counter {counter.id}"


def elastic(state: BranchState, at: Instant) -> None:
    """A counter calls by the first elastic rule that holds for it, and a rule holds when and as long as it should."""
    rules = state.rules.elastic
    for counter in state.counters.values():
        holding = [rule for rule in rules if rule.id in state.elastic and counter.id in rule.counters]
        wanted = (holding[0].profile, holding[0].id) if holding and counter.state is not CounterState.CLOSED else None
        assert (counter.profile, counter.switched_by) == (wanted or (counter.own_profile, None)), f"elastic: counter {counter.id}"
    for rule in rules if state.is_open else ():
        measure = _measure(state, rule, at)
        held = state.elastic.get(rule.id)
        if held is None:
            threshold = rule.waiting if rule.waiting is not None else rule.oldest_wait_ms
            assert measure is None or threshold is None or measure < threshold, f"elastic: {rule.id} should hold"
        elif measure is None or measure < (rule.back_waiting if rule.waiting is not None else rule.back_oldest_wait_ms):
            assert held.calm_since is not None, f"elastic: nobody noticed that {rule.id} is calm"
            assert held.calm_since + rule.back_after_ms > at, f"elastic: {rule.id} should hold no more"


def _measure(state: BranchState, rule: ElasticRule, at: Instant) -> int | None:
    """What *rule* looks at, found out the slow way."""
    waiting = [
        ticket
        for ticket in state.tickets.values()
        if ticket.state is TicketState.WAITING and rule.service in {None, ticket.service} and rule.tier in {None, ticket.tier}
    ]
    if rule.waiting is not None:
        return len(waiting)
    return max((at - ticket.place_at for ticket in waiting), default=None)


def nothing_is_due(state: BranchState, at: Instant) -> None:
    """What is due next lies ahead, or is the roll of the day, which is a command of its own."""
    due = next_deadline(state)
    assert due is None or due > at or due == roll_at(state), "nothing_is_due"


Punctual = Callable[[BranchState, Instant], None]
Each = Callable[[BranchState, Event], None]
CHEAP: tuple[Check, ...] = (one_place, counts_balance, one_seat)
ALL: tuple[Check, ...] = (*CHEAP, unique_number, one_end, explained, no_gap, replay)
PUNCTUAL: tuple[Punctual, ...] = (nobody_idle, elastic, nothing_is_due)
EACH: tuple[Each, ...] = (profile_kept, park_limit, recalled_enough, cap_kept, within_limits)


def check(state: BranchState, events: list[Event], laws: tuple[Check, ...] = ALL) -> None:
    """Check *laws*; the AssertionError begins with the name of the one that is broken."""
    for law in laws:
        law(state, events)


def check_punctual(state: BranchState, at: Instant) -> None:
    """Check what holds once the deadlines that were due at *at* have been applied."""
    for law in PUNCTUAL:
        law(state, at)


def check_each(state: BranchState, event: Event) -> None:
    """Check what *event*, which *state* has just taken in, must have kept."""
    for law in EACH:
        law(state, event)
