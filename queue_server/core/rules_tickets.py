"""The rules of a ticket's steps: what each command needs, and which facts it causes."""

from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.estimates import UNTOLD, outlook
from queue_server.core.ids import CounterId, ServiceId, TierId
from queue_server.core.lifecycle import CounterState, TicketState, TicketStep
from queue_server.core.places import place_for
from queue_server.core.rejections import CounterClosed, CounterPaused, InvalidCommand, NotInProfile, WrongState
from queue_server.core.routing import direct, may_call, next_ticket, served_directly
from queue_server.core.state import Counter, Ticket
from queue_server.core.turn import Turn
from queue_server.core.waiting import LineKey

DIRECT = "direct"
"""The channel of a ticket that was never waited with."""


def issue(turn: Turn, command: c.IssueTicket) -> None:
    """Give the next number of the series, and say what can be promised."""
    state = turn.state
    tier = command.tier if command.tier is not None else state.rules.default_tier
    turn.service(command.service)
    turn.tier(tier)
    prefix = state.services[command.service].prefix_for(tier)
    serial = state.serials.get(prefix, 0) + 1
    arrived_at = turn.at if command.arrived_at is None else min(command.arrived_at, turn.at)
    target_ms = state.target_of(command.service, tier)
    told = UNTOLD
    if turn.tells:
        key = LineKey(command.service, tier, command.care is not None, target_ms, False, None, None, None)
        told = outlook(state, key, (arrived_at, state.seq + 1, command.ticket_id), turn.at)
    turn.emit(
        e.TicketIssued(
            ticket=command.ticket_id,
            number=f"{prefix}{serial:03d}",
            prefix=prefix,
            serial=serial,
            service=command.service,
            tier=tier,
            care=command.care,
            language=command.language,
            channel=command.channel,
            arrived_at=arrived_at,
            target_ms=target_ms,
            ahead=told.ahead,
            p50_ms=told.p50_ms,
            p90_ms=told.p90_ms,
        )
    )


def call_next(turn: Turn, command: c.CallNext) -> None:
    """End the present ticket where asked, then call whoever the branch's rules put first."""
    counter = turn.counter(command.counter)
    _require_idle(turn, counter, may_finish=command.finish)
    if counter.ticket is not None:
        turn.emit(e.ServingFinished(ticket=counter.ticket, counter=counter.id, outcome=command.outcome))
    choice = next_ticket(turn.state, counter.id, turn.at, explains=turn.tells)
    if choice is not None:
        _call(turn, turn.ticket(choice.ticket), counter.id, choice.routing)


def call_ticket(turn: Turn, command: c.CallTicket) -> None:
    """Call one ticket out of its turn; a missed customer who stands here is reinstated by the same command."""
    counter = turn.counter(command.counter)
    ticket = turn.ticket(command.ticket)
    if command.override and not command.reason:
        raise InvalidCommand("An override needs a reason")
    turn.require(ticket, TicketStep.CALL)
    _require_idle(turn, counter, may_finish=False)
    if ticket.state is TicketState.NO_SHOW:
        _require_return(ticket)
    if not command.override and not may_call(turn.state, counter, ticket.line_key()):
        raise NotInProfile(f"Counter {counter.number} may not call {ticket.number}; use override and give a reason")
    if ticket.state is TicketState.NO_SHOW:
        place_at = place_for(turn.state, ticket, ticket.line_key(), "due", turn.at)
        turn.emit(e.TicketReinstated(ticket=ticket.ticket_id, place_at=place_at, reason=command.reason))
    _call(turn, ticket, counter.id, direct(turn.state, counter.id, ticket, command.reason, turn.at))


def serve_directly(turn: Turn, command: c.ServeDirectly) -> None:
    """Issue, call and start for somebody who stands at the counter; the profile and the life cycle hold as for anybody."""
    counter = turn.counter(command.counter)
    tier = command.tier if command.tier is not None else turn.state.rules.default_tier
    turn.service(command.service)
    turn.tier(tier)
    _require_idle(turn, counter, may_finish=False)
    key = LineKey(command.service, tier, False, turn.state.target_of(command.service, tier), False, None, None, None)
    if not may_call(turn.state, counter, key):
        raise NotInProfile(f"Counter {counter.number} may not serve this: its profile does not allow it")
    issue(
        turn,
        c.IssueTicket(
            at=command.at,
            command_id=command.command_id,
            actor=command.actor,
            ticket_id=command.ticket_id,
            service=command.service,
            tier=tier,
            channel=DIRECT,
        ),
    )
    ticket = turn.ticket(command.ticket_id)
    _call(turn, ticket, counter.id, served_directly(turn.state, counter.id, ticket, turn.at))
    if ticket.state is TicketState.CALLED:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter.id))


def recall(turn: Turn, command: c.RecallTicket) -> None:
    """Announce again."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.RECALL, command.counter)
    turn.emit(e.TicketRecalled(ticket=ticket.ticket_id, counter=counter_id))


def start(turn: Turn, command: c.StartServing) -> None:
    """Begin serving; a no-show that the clock recorded a moment ago at this same counter is still the clerk's to start."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.START, command.counter)
    if ticket.state is TicketState.NO_SHOW:
        if not ticket.missed_by_time or ticket.returns_until is None:
            raise WrongState(
                f"{ticket.number} is a no-show; reinstate or call it first", state="no_show", allowed=["call", "reinstate"]
            )
        _require_idle(turn, turn.counter(counter_id), may_finish=False)
    turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter_id))


def finish(turn: Turn, command: c.FinishServing) -> None:
    """End serving."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.FINISH, command.counter)
    turn.emit(e.ServingFinished(ticket=ticket.ticket_id, counter=counter_id, outcome=command.outcome))


def no_show(turn: Turn, command: c.RecordNoShow) -> None:
    """Record that the customer did not come."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.NO_SHOW, command.counter)
    until = turn.at + turn.state.rules.reinstate_ms
    turn.emit(e.NoShowRecorded(ticket=ticket.ticket_id, counter=counter_id, returns_until=until, reason=command.reason))


def reinstate(turn: Turn, command: c.ReinstateTicket) -> None:
    """Let a missed customer wait again, at the position that the branch has set."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    turn.require(ticket, TicketStep.REINSTATE)
    _require_return(ticket)
    position = command.position or _configured(turn.state.rules.reinstate_position)
    place_at = place_for(turn.state, ticket, ticket.line_key(), position, turn.at)
    turn.emit(e.TicketReinstated(ticket=ticket.ticket_id, place_at=place_at, reason=command.reason))


def requeue(turn: Turn, command: c.RequeueTicket) -> None:
    """Send the customer back to waiting."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.REQUEUE, command.counter)
    place_at = place_for(turn.state, ticket, ticket.line_key(), command.position, turn.at)
    turn.emit(e.TicketRequeued(ticket=ticket.ticket_id, counter=counter_id, place_at=place_at, reason=command.reason))


def transfer(turn: Turn, command: c.TransferTicket) -> None:
    """Send the customer on; number and tier stay, the place by the branch's rule."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None and command.counter not in turn.state.counters:
        turn.counter(command.counter)
    if command.service is None and command.counter is None and command.zone is None and command.staff is None:
        raise InvalidCommand("A transfer names a service, a counter, a zone or a staff member")
    service = command.service if command.service is not None else ticket.service
    turn.service(service)
    _require_zone(turn, command.zone)
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.TRANSFER, None)
    target_ms = turn.state.target_of(service, ticket.tier)
    key = LineKey(
        service, ticket.tier, ticket.care is not None, target_ms, ticket.emergency, command.counter, command.zone, command.staff
    )
    _require_reachable(turn, ticket, key)
    position = command.position or _configured(turn.state.rules.transfer_position)
    turn.emit(
        e.TicketTransferred(
            ticket=ticket.ticket_id,
            counter=counter_id,
            service=service,
            target_ms=target_ms,
            place_at=place_for(turn.state, ticket, key, position, turn.at),
            to_counter=command.counter,
            zone=command.zone,
            staff=command.staff,
            reason=command.reason,
        )
    )


def move(turn: Turn, command: c.MoveTicket) -> None:
    """Let a waiting ticket wait otherwise."""
    ticket = turn.ticket(command.ticket)
    if command.service is None and command.tier is None and command.zone is None and command.emergency is None:
        raise InvalidCommand("A move names a service, a tier, a zone or an emergency")
    service: ServiceId = command.service if command.service is not None else ticket.service
    tier: TierId = command.tier if command.tier is not None else ticket.tier
    turn.service(service)
    turn.tier(tier)
    _require_zone(turn, command.zone)
    turn.require(ticket, TicketStep.MOVE)
    key = LineKey(
        service,
        tier,
        ticket.care is not None,
        turn.state.target_of(service, tier),
        ticket.emergency if command.emergency is None else command.emergency,
        ticket.directed_to,
        command.zone if command.zone is not None else ticket.zone,
        ticket.staff,
    )
    _require_reachable(turn, ticket, key)
    turn.emit(
        e.TicketMoved(
            ticket=ticket.ticket_id,
            service=service,
            tier=tier,
            target_ms=key.target_ms,
            zone=key.zone,
            emergency=key.emergency,
            reason=command.reason,
        )
    )


def cancel(turn: Turn, command: c.CancelTicket) -> None:
    """The customer leaves; a counter that was calling is free again."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    held_by = ticket.counter if ticket.state is TicketState.CALLED else None
    if held_by is not None:
        turn.counter(held_by)
    turn.require(ticket, TicketStep.CANCEL)
    turn.emit(e.TicketCancelled(ticket=ticket.ticket_id, counter=held_by, reason=command.reason))


def _call(turn: Turn, ticket: Ticket, counter_id: CounterId, routing: e.Routing) -> None:
    turn.emit(e.TicketCalled(ticket=ticket.ticket_id, counter=counter_id, routing=routing))
    if turn.state.rules.start is StartMode.ON_CALL:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter_id))


def _require_idle(turn: Turn, counter: Counter, *, may_finish: bool) -> None:
    if counter.state is CounterState.CLOSED:
        raise CounterClosed(f"Counter {counter.number} is closed; open it first")
    if counter.state is CounterState.PAUSED:
        raise CounterPaused(f"Counter {counter.number} is paused; resume it first")
    if counter.state is CounterState.CALLING or (counter.state is CounterState.SERVING and not may_finish):
        turn.refuse_busy(counter)


def _require_return(ticket: Ticket) -> None:
    if ticket.returns_until is None:
        raise WrongState(f"The time in which {ticket.number} could return is over", state="no_show", allowed=[])


def _require_zone(turn: Turn, zone: str | None) -> None:
    known = {place.zone for place in turn.state.places.values() if place.zone is not None}
    if zone is not None and zone not in known:
        raise InvalidCommand(f"No counter stands in zone {zone!r}; zones here: {', '.join(sorted(known)) or 'none'}", zone=zone)


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


def _configured(position: str) -> c.Position:
    return "front" if position == "front" else "back" if position == "back" else "due"
