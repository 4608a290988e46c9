"""How facts about tickets change a branch."""

# ruff: noqa: D103 - each function is named after its fact, which says what it means

from msgspec.structs import replace

from queue_server.core import events as e
from queue_server.core import movement as m
from queue_server.core.counting import run_scope, turn_scope
from queue_server.core.events import Event
from queue_server.core.lifecycle import TicketState
from queue_server.core.ratio import Counting
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket

# Looked up once: to find a member of an enumeration takes as long as a call (until Python 3.12).
_WAITING, _CALLED, _SERVING, _FINISHED = TicketState.WAITING, TicketState.CALLED, TicketState.SERVING, TicketState.FINISHED


def ticket_issued(state: BranchState, event: Event, fact: e.TicketIssued) -> None:
    if fact.carried is None:
        ticket = _new(event, fact)
        state.serials[fact.prefix] = fact.serial
    else:
        ticket = _carried(event, fact, fact.carried)
    state.tickets[fact.ticket] = ticket
    state.by_number[fact.number] = fact.ticket
    # A visit that comes to a service twice has one ticket of its day.
    for service in dict.fromkeys((fact.service, *fact.then)) if fact.then else (fact.service,):
        state.issued_for[service] = state.issued_for.get(service, 0) + 1
    m.join_line(state, ticket)


def _new(event: Event, fact: e.TicketIssued) -> Ticket:
    # By position where that is possible: by name it takes several times as long.
    return Ticket(
        fact.ticket,
        fact.number,
        event.seq,
        fact.service,
        fact.tier,
        fact.care,
        fact.language,
        fact.channel,
        _WAITING,
        fact.arrived_at,
        event.at,
        fact.arrived_at,
        fact.target_ms,
        fact.ahead,
        fact.p50_ms,
        fact.p90_ms,
        # One who took a number while the server was out of reach has been waiting since then.
        fact.arrived_at,
        zone=fact.zone,
        then=fact.then,
        classified_by=fact.classified_by,
    )


def _carried(event: Event, fact: e.TicketIssued, before: Ticket) -> Ticket:
    # Equal places are in the order of the issues again, which is theirs of the day before.
    return replace(
        before,
        issue_seq=event.seq,
        issued_at=event.at,
        place_order=None,
        counter=None,
        ahead=fact.ahead,
        p50_ms=fact.p50_ms,
        p90_ms=fact.p90_ms,
    )


def ticket_called(state: BranchState, event: Event, fact: e.TicketCalled) -> None:
    ticket, at = state.tickets[fact.ticket], event.at
    m.leave_waiting(state, ticket, at)
    ticket.state = _CALLED
    ticket.called_at = at
    ticket.serving_at = None
    ticket.served_before_ms, ticket.served_ms = ticket.served_before_ms + ticket.served_ms, 0
    ticket.recalls = 0
    m.hold(state, ticket, fact.counter, at)
    m.announce(state, ticket, event)
    state.called_seq[fact.counter] = event.seq
    _count_call(state, fact)


def _count_call(state: BranchState, fact: e.TicketCalled) -> None:
    """Note whose turn it was, and whether the run above the lowest tier goes on."""
    if fact.routing.turn is not None and isinstance(state.policy, Counting):
        state.policy.take(fact.routing.turn, turn_scope(state, fact.counter, fact.routing.pool))
    if fact.routing.above is not None:
        scope = run_scope(state, fact.counter, fact.routing.pool)
        state.runs[scope] = state.runs.get(scope, 0) + 1 if fact.routing.above else 0


def ticket_recalled(state: BranchState, event: Event, fact: e.TicketRecalled) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.recalls += 1
    m.announce(state, ticket, event)


def serving_started(state: BranchState, event: Event, fact: e.ServingStarted) -> None:
    ticket = state.tickets[fact.ticket]
    m.forget_return(state, ticket)
    ticket.ended_at = None
    ticket.state = _SERVING
    ticket.serving_at = ticket.serving_since = event.at
    m.hold(state, ticket, fact.counter, event.at)


def serving_finished(state: BranchState, event: Event, fact: e.ServingFinished) -> None:
    ticket = state.tickets[fact.ticket]
    m.pace(state, ticket, event.at)
    ticket.outcome = fact.outcome
    ticket.stages = (*ticket.stages, ticket.stage_at(event.at, fact.outcome))
    m.end(state, ticket, event.at, _FINISHED)


def stage_finished(state: BranchState, event: Event, fact: e.StageFinished) -> None:
    ticket = state.tickets[fact.ticket]
    m.pace(state, ticket, event.at)
    ticket.stages = (*ticket.stages, ticket.stage_at(event.at, fact.outcome))
    m.let_go(state, ticket, event.at)
    ticket.served_before_ms = ticket.served_ms = ticket.parked_ms = 0
    ticket.service, ticket.then = ticket.then[0], ticket.then[1:]
    ticket.target_ms = fact.target_ms
    # Whoever was sent to this counter or person was sent there for the service that is over.
    ticket.directed_to = ticket.zone = ticket.staff = None
    m.enter_waiting(state, ticket, event.at, fact.place_at)


def ticket_parked(state: BranchState, event: Event, fact: e.TicketParked) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.reason = fact.reason
    m.let_go(state, ticket, event.at)
    ticket.parked_since = event.at
    m.park(state, ticket, fact.counter, fact.kind)


def park_kind_changed(state: BranchState, _event: Event, fact: e.ParkKindChanged) -> None:
    ticket = state.tickets[fact.ticket]
    m.unkeep(state, ticket, fact.counter)
    m.park(state, ticket, fact.counter, fact.kind)


def ticket_unparked(state: BranchState, event: Event, fact: e.TicketUnparked) -> None:
    ticket = state.tickets[fact.ticket]
    m.let_go(state, ticket, event.at)
    ticket.state = _SERVING
    ticket.serving_since = event.at
    m.hold(state, ticket, fact.counter, event.at)


def no_show_recorded(state: BranchState, event: Event, fact: e.NoShowRecorded) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.missed_by_time = fact.by_time
    ticket.reason = fact.reason
    m.end(state, ticket, event.at, TicketState.NO_SHOW)
    m.may_return(state, ticket, fact.returns_until)


def no_show_lapsed(state: BranchState, _event: Event, fact: e.NoShowLapsed) -> None:
    m.forget_return(state, state.tickets[fact.ticket])


def ticket_reinstated(state: BranchState, event: Event, fact: e.TicketReinstated) -> None:
    ticket = state.tickets[fact.ticket]
    m.forget_return(state, ticket)
    ticket.reason = fact.reason
    m.enter_waiting(state, ticket, event.at, fact.place_at, fact.place_order)


def ticket_requeued(state: BranchState, event: Event, fact: e.TicketRequeued) -> None:
    ticket = state.tickets[fact.ticket]
    m.let_go(state, ticket, event.at)
    ticket.reason = fact.reason
    m.enter_waiting(state, ticket, event.at, fact.place_at, fact.place_order)


def ticket_transferred(state: BranchState, event: Event, fact: e.TicketTransferred) -> None:
    ticket = state.tickets[fact.ticket]
    if fact.ends_stage:
        ticket.stages = (*ticket.stages, ticket.stage_at(event.at, None))
    m.let_go(state, ticket, event.at)
    if fact.ends_stage:
        ticket.served_before_ms = ticket.served_ms = ticket.parked_ms = 0
    ticket.service = fact.service
    ticket.then = ticket.then if fact.then is None else fact.then
    ticket.target_ms = fact.target_ms
    ticket.directed_to = fact.to_counter
    ticket.zone = fact.zone
    ticket.staff = fact.staff
    ticket.reason = fact.reason
    m.enter_waiting(state, ticket, event.at, fact.place_at, fact.place_order)


def ticket_moved(state: BranchState, _event: Event, fact: e.TicketMoved) -> None:
    ticket = state.tickets[fact.ticket]
    m.leave_line(state, ticket)
    ticket.service = fact.service
    ticket.then = ticket.then if fact.then is None else fact.then
    ticket.tier = fact.tier
    ticket.target_ms = fact.target_ms
    ticket.zone = fact.zone
    if fact.anywhere:
        ticket.directed_to = ticket.staff = None
    ticket.emergency = fact.emergency
    ticket.reason = fact.reason
    m.join_line(state, ticket)


def ticket_cancelled(state: BranchState, event: Event, fact: e.TicketCancelled) -> None:
    ticket = state.tickets[fact.ticket]
    ticket.reason = fact.reason
    m.end(state, ticket, event.at, TicketState.CANCELLED)


def ticket_carried(state: BranchState, event: Event, fact: e.TicketCarried) -> None:
    m.end(state, state.tickets[fact.ticket], event.at, TicketState.EXPIRED)


def ticket_expired(state: BranchState, event: Event, fact: e.TicketExpired) -> None:
    m.end(state, state.tickets[fact.ticket], event.at, TicketState.EXPIRED)
