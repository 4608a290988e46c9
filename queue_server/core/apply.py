"""How a fact changes a branch: no refusals, no decisions, the same on the live path and on replay."""

from collections import deque
from collections.abc import Callable
from typing import Any

from queue_server.core import apply_branch as b
from queue_server.core import events as e
from queue_server.core.events import Event, Fact
from queue_server.core.ids import CounterId, Instant
from queue_server.core.lifecycle import FOLLOWS_TICKET, CounterState, TicketState
from queue_server.core.ratio import Ratio
from queue_server.core.routing import cap_scope_of, scope_of
from queue_server.core.state import CALLS_SHOWN, BranchState, Call, Pace, Ticket
from queue_server.core.waiting import Line


def apply(state: BranchState, event: Event) -> None:
    """Change *state* by *event*, which is the next of its stream."""
    kind = type(event.fact)
    _APPLY[kind](state, event, event.fact)
    if kind not in _TIMELESS:
        state.is_due_known = False
    state.seq = event.seq
    state.last_at = event.at


def _enter_waiting(state: BranchState, ticket: Ticket, at: Instant, place_at: Instant) -> None:
    ticket.state = TicketState.WAITING
    ticket.place_at = place_at
    ticket.waiting_since = at
    ticket.ended_at = None
    ticket.returns_until = None
    _join_line(state, ticket)


def _join_line(state: BranchState, ticket: Ticket) -> None:
    key = ticket.line_key()
    line = state.lines.get(key)
    if line is None:
        line = state.lines[key] = Line()
        state.forget_lines()
    line.add(ticket.standing)
    served = (ticket.service, ticket.tier)
    state.waiting[served] = state.waiting.get(served, 0) + 1
    state.queues[ticket.service] = state.queues.get(ticket.service, 0) + 1


def _leave_line(state: BranchState, ticket: Ticket) -> None:
    key = ticket.line_key()
    line = state.lines[key]
    line.remove(ticket.standing)
    # An ordinary line stays when it is empty, the next of its kind comes soon; those of one counter or person would pile up.
    if not line and key.is_directed:
        del state.lines[key]
        state.forget_lines()
    state.waiting[ticket.service, ticket.tier] -= 1
    state.queues[ticket.service] -= 1


def _leave_waiting(state: BranchState, ticket: Ticket, at: Instant) -> None:
    _leave_line(state, ticket)
    ticket.waited_ms = ticket.waited_at(at)
    ticket.waiting_since = None
    ticket.left_at = at


def _hold(state: BranchState, ticket: Ticket, counter_id: CounterId, at: Instant) -> None:
    counter = state.counters[counter_id]
    state.staffing.clear()
    counter.ticket = ticket.ticket_id
    counter.state = FOLLOWS_TICKET[ticket.state]
    counter.since = at
    ticket.counter = counter_id


def _release(state: BranchState, counter_id: CounterId | None, at: Instant) -> None:
    if counter_id is not None:
        counter = state.counters[counter_id]
        state.staffing.clear()
        counter.ticket = None
        counter.state = CounterState.OPEN
        counter.since = at


def _end(state: BranchState, ticket: Ticket, event: Event, end: TicketState, counter_id: CounterId | None) -> None:
    if ticket.state is TicketState.WAITING:
        _leave_waiting(state, ticket, event.at)
    _release(state, counter_id, event.at)
    ticket.state = end
    ticket.ended_at = event.at


def _announce(state: BranchState, ticket: Ticket, event: Event) -> None:
    call = Call(event.seq, event.at, ticket.number, ticket.ticket_id, ticket.counter or "", ticket.recalls)
    # Who was never announced is not on the board.
    others = state.calls if ticket.announced_at is None else [c for c in state.calls if c.ticket_id != ticket.ticket_id]
    state.calls = [call, *others[: CALLS_SHOWN - 1]]
    ticket.announced_at = event.at


def _ticket_issued(state: BranchState, event: Event, fact: e.TicketIssued) -> None:
    ticket = Ticket(
        ticket_id=fact.ticket,
        number=fact.number,
        issue_seq=event.seq,
        service=fact.service,
        tier=fact.tier,
        care=fact.care,
        language=fact.language,
        channel=fact.channel,
        state=TicketState.WAITING,
        arrived_at=fact.arrived_at,
        issued_at=event.at,
        place_at=fact.arrived_at,
        target_ms=fact.target_ms,
        ahead=fact.ahead,
        p50_ms=fact.p50_ms,
        p90_ms=fact.p90_ms,
        # One who took a number while the server was out of reach has been waiting since then.
        waiting_since=fact.arrived_at,
    )
    state.tickets[fact.ticket] = ticket
    state.by_number[fact.number] = fact.ticket
    state.serials[fact.prefix] = fact.serial
    _join_line(state, ticket)


def _ticket_called(state: BranchState, event: Event, fact: e.TicketCalled) -> None:
    ticket = state.tickets[fact.ticket]
    _leave_waiting(state, ticket, event.at)
    ticket.state = TicketState.CALLED
    ticket.called_at = event.at
    ticket.serving_at = None
    ticket.recalls = 0
    _hold(state, ticket, fact.counter, event.at)
    _announce(state, ticket, event)
    _count_call(state, fact)


def _count_call(state: BranchState, fact: e.TicketCalled) -> None:
    """Note whose turn it was, and whether the run above the lowest tier goes on."""
    if fact.routing.turn is not None and isinstance(state.policy, Ratio):
        state.policy.take(fact.routing.turn, scope_of(state, fact.counter))
    if fact.routing.above is not None:
        scope = cap_scope_of(state, fact.counter)
        state.runs[scope] = state.runs.get(scope, 0) + 1 if fact.routing.above else 0


def _ticket_recalled(state: BranchState, event: Event, fact: e.TicketRecalled) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.recalls += 1
    _announce(state, ticket, event)


def _serving_started(state: BranchState, event: Event, fact: e.ServingStarted) -> None:
    ticket = state.tickets[fact.ticket]
    _forget_return(state, ticket)
    ticket.ended_at = None
    ticket.state = TicketState.SERVING
    ticket.serving_at = event.at
    _hold(state, ticket, fact.counter, event.at)


def _serving_finished(state: BranchState, event: Event, fact: e.ServingFinished) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.outcome = fact.outcome
    _end(state, ticket, event, TicketState.FINISHED, fact.counter)
    pace = state.pace.get(ticket.service)
    if pace is None:
        pace = state.pace[ticket.service] = Pace()
    pace.finished += 1
    # From the call on: that is how long the counter was taken.
    pace.total_ms += event.at - (ticket.called_at or event.at)


def _no_show_recorded(state: BranchState, event: Event, fact: e.NoShowRecorded) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.returns_until = fact.returns_until
    ticket.missed_by_time = fact.by_time
    ticket.reason = fact.reason
    _end(state, ticket, event, TicketState.NO_SHOW, fact.counter)
    state.lapsing.append(ticket.ticket_id)
    # Nearly always in order already; a branch may have shortened the time meanwhile.
    if len(state.lapsing) > 1 and fact.returns_until < (state.tickets[state.lapsing[-2]].returns_until or 0):
        state.lapsing = deque(sorted(state.lapsing, key=lambda ticket_id: state.tickets[ticket_id].returns_until or 0))


def _forget_return(state: BranchState, ticket: Ticket) -> None:
    if ticket.returns_until is not None:
        state.lapsing.remove(ticket.ticket_id)
        ticket.returns_until = None


def _no_show_lapsed(state: BranchState, _event: Event, fact: e.NoShowLapsed) -> None:
    _forget_return(state, state.tickets[fact.ticket])


def _ticket_reinstated(state: BranchState, event: Event, fact: e.TicketReinstated) -> None:
    ticket = state.tickets[fact.ticket]
    _forget_return(state, ticket)
    ticket.reason = fact.reason
    _enter_waiting(state, ticket, event.at, fact.place_at)


def _ticket_requeued(state: BranchState, event: Event, fact: e.TicketRequeued) -> None:
    ticket = state.tickets[fact.ticket]
    _release(state, fact.counter, event.at)
    ticket.reason = fact.reason
    _enter_waiting(state, ticket, event.at, fact.place_at)


def _ticket_transferred(state: BranchState, event: Event, fact: e.TicketTransferred) -> None:
    ticket = state.tickets[fact.ticket]
    _release(state, fact.counter, event.at)
    ticket.service = fact.service
    ticket.target_ms = fact.target_ms
    ticket.directed_to = fact.to_counter
    ticket.zone = fact.zone
    ticket.staff = fact.staff
    ticket.reason = fact.reason
    _enter_waiting(state, ticket, event.at, fact.place_at)


def _ticket_moved(state: BranchState, _event: Event, fact: e.TicketMoved) -> None:
    ticket = state.tickets[fact.ticket]
    _leave_line(state, ticket)
    ticket.service = fact.service
    ticket.tier = fact.tier
    ticket.target_ms = fact.target_ms
    ticket.zone = fact.zone
    ticket.emergency = fact.emergency
    ticket.reason = fact.reason
    _join_line(state, ticket)


def _ticket_cancelled(state: BranchState, event: Event, fact: e.TicketCancelled) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.reason = fact.reason
    _end(state, ticket, event, TicketState.CANCELLED, fact.counter)


def _ticket_expired(state: BranchState, event: Event, fact: e.TicketExpired) -> None:
    _end(state, state.tickets[fact.ticket], event, TicketState.EXPIRED, fact.counter)


# After these nothing is due earlier or later than before.
_TIMELESS = frozenset({e.TicketIssued, e.TicketMoved})

_Apply = Callable[[BranchState, Event, Any], None]
_APPLY: dict[type[Fact], _Apply] = {
    e.TicketIssued: _ticket_issued,
    e.TicketCalled: _ticket_called,
    e.TicketRecalled: _ticket_recalled,
    e.ServingStarted: _serving_started,
    e.ServingFinished: _serving_finished,
    e.NoShowRecorded: _no_show_recorded,
    e.NoShowLapsed: _no_show_lapsed,
    e.TicketReinstated: _ticket_reinstated,
    e.TicketRequeued: _ticket_requeued,
    e.TicketTransferred: _ticket_transferred,
    e.TicketMoved: _ticket_moved,
    e.TicketCancelled: _ticket_cancelled,
    e.TicketExpired: _ticket_expired,
    e.CounterOpened: b.counter_opened,
    e.CounterProfileChanged: b.counter_profile_changed,
    e.CounterPaused: b.counter_paused,
    e.CounterResumed: b.counter_resumed,
    e.CounterClosed: b.counter_closed,
    e.DayOpened: b.day_opened,
    e.DayClosed: b.day_closed,
    e.BranchConfigured: b.branch_configured,
    e.ConfigurationScheduled: b.configuration_scheduled,
}
