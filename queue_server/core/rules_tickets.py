"""The rules of a ticket's way: put aside and taken up again, sent back, sent on, moved, cancelled."""

from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.ids import ServiceId, TierId
from queue_server.core.lifecycle import TicketStep, ticket_steps_from
from queue_server.core.places import place_for
from queue_server.core.rejections import InvalidCommand, NotInProfile, ParkLimit, WrongState
from queue_server.core.routing import may_call
from queue_server.core.rules_calls import require_idle
from queue_server.core.rules_hall import require_zone
from queue_server.core.rules_undo import called_unasked, send_back
from queue_server.core.ticket import ParkKind, Ticket
from queue_server.core.turn import Turn
from queue_server.core.waiting import LineKey

_STAGES_KEPT = 20
"""Whoever is sent on more often than that has the rest counted together."""


def park(turn: Turn, command: c.ParkTicket) -> None:
    """Put the customer aside; a counter keeps so many and no more."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.PARK, command.counter)
    counter, limit = turn.state.counters[counter_id], turn.state.rules.park_limit
    if command.kind is ParkKind.COUNTER and len(counter.parked) >= limit:
        raise ParkLimit(
            f"Counter {counter.number} keeps {len(counter.parked)} parked tickets already, and {limit} is the most; "
            "unpark, requeue or transfer one first",
            parked=list(counter.parked),
        )
    turn.emit(e.TicketParked(ticket=ticket.ticket_id, counter=counter_id, kind=command.kind, reason=command.reason))


def unpark(turn: Turn, command: c.UnparkTicket) -> None:
    """Serve the customer on: at the counter that keeps the ticket, or at any of its service."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    elif ticket.kept_by is not None:
        turn.counter(ticket.kept_by)
    turn.require(ticket, TicketStep.UNPARK)
    counter = turn.counter(command.counter or ticket.kept_by or turn.seated_at() or ticket.counter or "")
    if ticket.kept_by not in {None, counter.id}:
        keeper = turn.state.counters[ticket.kept_by or ""].number
        raise WrongState(
            f"{ticket.number} is kept by counter {keeper}; it is unparked there, or requeued",
            state=ticket.state.value,
            allowed=ticket_steps_from(ticket.state),
        )
    unasked = called_unasked(turn.state, counter)
    if unasked is None:
        require_idle(turn, counter, may_finish=False)
    anywhere = replace(ticket.line_key(), counter=None, zone=None, staff=None)
    if ticket.kept_by is None and not may_call(turn.state, counter, anywhere):
        raise NotInProfile(f"Counter {counter.number} may not take up {ticket.number}: its profile does not allow it")
    send_back(turn, unasked)
    turn.emit(e.TicketUnparked(ticket=ticket.ticket_id, counter=counter.id))


def requeue(turn: Turn, command: c.RequeueTicket) -> None:
    """Send the customer back to waiting; one who was parked for any counter of the service comes to the front of it."""
    ticket, counter_id = turn.ticket_kept(command.ticket, TicketStep.REQUEUE, command.counter)
    position = command.position or ("front" if ticket.park_kind is ParkKind.SERVICE else "due")
    at, order = place_for(turn.state, ticket, ticket.line_key(), position, turn.at)
    turn.emit(e.TicketRequeued(ticket=ticket.ticket_id, counter=counter_id, place_at=at, place_order=order, reason=command.reason))


def transfer(turn: Turn, command: c.TransferTicket) -> None:
    """Send the customer on; number and tier stay, the place by the branch's rule."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None and command.counter not in turn.state.counters:
        turn.counter(command.counter)
    if command.service is None and command.counter is None and command.zone is None and command.staff is None:
        raise InvalidCommand("A transfer names a service, a counter, a zone or a staff member")
    service = command.service if command.service is not None else ticket.service
    turn.service(service)
    require_zone(turn, command.zone)
    ticket, counter_id = turn.ticket_kept(command.ticket, TicketStep.TRANSFER, None)
    target_ms = turn.state.target_of(service, ticket.tier)
    key = LineKey(
        service, ticket.tier, ticket.care is not None, target_ms, ticket.emergency, command.counter, command.zone, command.staff
    )
    _require_reachable(turn, ticket, key)
    at, order = place_for(turn.state, ticket, key, command.position or turn.state.rules.transfer_position, turn.at)
    turn.emit(
        e.TicketTransferred(
            ticket=ticket.ticket_id,
            counter=counter_id,
            service=service,
            ends_stage=service != ticket.service and ticket.is_begun and len(ticket.stages) < _STAGES_KEPT,
            then=_then_without(ticket, service),
            target_ms=target_ms,
            place_at=at,
            place_order=order,
            to_counter=command.counter,
            zone=command.zone,
            staff=command.staff,
            reason=command.reason,
        )
    )


def move(turn: Turn, command: c.MoveTicket) -> None:
    """Let a waiting ticket wait otherwise."""
    ticket = turn.ticket(command.ticket)
    if (command.service, command.tier, command.zone, command.emergency) == (None,) * 4 and not command.anywhere:
        raise InvalidCommand("A move names a service, a tier, a zone or an emergency")
    service: ServiceId = command.service if command.service is not None else ticket.service
    tier: TierId = command.tier if command.tier is not None else ticket.tier
    turn.service(service)
    turn.tier(tier)
    require_zone(turn, command.zone)
    turn.require(ticket, TicketStep.MOVE)
    key = LineKey(
        service,
        tier,
        ticket.care is not None,
        turn.state.target_of(service, tier),
        ticket.emergency if command.emergency is None else command.emergency,
        None if command.anywhere else ticket.directed_to,
        command.zone if command.zone is not None or command.anywhere else ticket.zone,
        None if command.anywhere else ticket.staff,
    )
    _require_reachable(turn, ticket, key)
    turn.emit(
        e.TicketMoved(
            ticket=ticket.ticket_id,
            service=service,
            then=_then_without(ticket, service),
            tier=tier,
            target_ms=key.target_ms,
            zone=key.zone,
            emergency=key.emergency,
            anywhere=command.anywhere,
            reason=command.reason,
        )
    )


def cancel(turn: Turn, command: c.CancelTicket) -> None:
    """The customer leaves; a counter that was calling is free again."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    kept_by = ticket.kept_by
    if kept_by is not None:
        turn.counter(kept_by)
    turn.require(ticket, TicketStep.CANCEL)
    turn.emit(e.TicketCancelled(ticket=ticket.ticket_id, counter=kept_by, reason=command.reason))


def _then_without(ticket: Ticket, service: ServiceId) -> tuple[ServiceId, ...] | None:
    """What is still to come once *service*, for which the customer is sent now, is not given a second time; None: as before."""
    if service == ticket.service or service not in ticket.then:
        return None
    at = ticket.then.index(service)
    return ticket.then[:at] + ticket.then[at + 1 :]


def _require_reachable(turn: Turn, ticket: Ticket, key: LineKey) -> None:
    """Whoever is sent to a counter or a zone must be somebody that it may call, or nobody ever would."""
    if key.counter is None and key.zone is None:
        return
    # A named person may still come and sit there.
    anybody = replace(key, staff=None)
    if not any(may_call(turn.state, counter, anybody) for counter in turn.state.counters.values()):
        where = (
            f"counter {turn.state.counters[key.counter].number}" if key.counter is not None else f"any counter of zone {key.zone}"
        )
        raise NotInProfile(f"{ticket.number} could not be called by {where}: profile or zone do not allow it")
