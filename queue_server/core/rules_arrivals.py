"""The rules of arriving: which ticket a customer gets, how they are classified, and when none is given."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import ArrivalRule
from queue_server.core.estimates import UNTOLD, outlook
from queue_server.core.ids import Instant, ServiceId
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import InvalidCommand, LimitReached, NotInProfile, ServiceClosed
from queue_server.core.routing import may_call, served_directly
from queue_server.core.rules_calls import call, require_idle
from queue_server.core.state import BranchState
from queue_server.core.turn import Turn
from queue_server.core.waiting import LineKey, line_key

DIRECT = "direct"
"""The channel of a ticket that was never waited with."""

STAGES_MAX = 5


def issue(turn: Turn, command: c.IssueTicket) -> None:
    """Give the next number of the series, and say what can be promised."""
    turn.service(command.service)
    if command.tier is not None:
        turn.tier(command.tier)
    for service in command.then:
        turn.service(service)
    if len(command.then) >= STAGES_MAX:
        raise InvalidCommand(f"A visit has at most {STAGES_MAX} services; this one names {len(command.then) + 1}")
    arrived_at = _arrived_at(turn, command)
    # Whoever could not get a ticket for the next service by itself would wait for it in vain.
    for service in (command.service, *command.then):
        _require_given(turn, service, arrived_at)
    _issue(turn, command, arrived_at)


def serve_directly(turn: Turn, command: c.ServeDirectly) -> None:
    """
    Issue, call and start for somebody who stands at the counter.

    The profile and the life cycle hold as for anybody; opening hours and the day's limit are the clerk's to judge.
    """
    counter = turn.counter(command.counter)
    tier = command.tier if command.tier is not None else turn.state.rules.default_tier
    turn.service(command.service)
    turn.tier(tier)
    require_idle(turn, counter, may_finish=False)
    key = line_key(command.service, tier, False, turn.state.target_of(command.service, tier), False, None, None, None)
    if not may_call(turn.state, counter, key):
        raise NotInProfile(f"Counter {counter.number} may not serve this: its profile does not allow it")
    request = c.IssueTicket(
        at=command.at,
        command_id=command.command_id,
        actor=command.actor,
        ticket_id=command.ticket_id,
        service=command.service,
        tier=tier,
        channel=DIRECT,
    )
    _issue(turn, request, turn.at, is_classified=False)
    ticket = turn.ticket(command.ticket_id)
    call(turn, ticket, counter.id, served_directly(turn.state, counter.id, ticket, turn.at))
    if ticket.state is TicketState.CALLED:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter.id))


def closed_because(state: BranchState, service_id: ServiceId, at: Instant) -> tuple[str, Instant | None] | None:
    """Return why no ticket for *service_id* is given at *at*, and when the next one will be (None: none is in sight); None when one is."""
    if not state.is_open:
        return "day_closed", state.timetable.next_opening(service_id, state.rolls_at) or state.rolls_at
    if not state.timetable.gives_tickets(service_id, at):
        return "closed", state.timetable.next_opening(service_id, at)
    limit = state.services[service_id].daily_limit
    if limit is not None and state.issued_for.get(service_id, 0) >= limit:
        return "limit_reached", state.timetable.tomorrow(service_id) or state.rolls_at
    return None


def _require_given(turn: Turn, service_id: ServiceId, arrived_at: Instant) -> None:
    closed = closed_because(turn.state, service_id, turn.at)
    # One who took a number while the server was out of reach came in while the doors were open.
    if closed is None or closed_because(turn.state, service_id, arrived_at) is None:
        return
    why, reopens_at = closed
    if why == "limit_reached":
        limit = turn.state.services[service_id].daily_limit
        raise LimitReached(f"All {limit} tickets of today for {service_id} have been given", reopens_at=reopens_at)
    raise ServiceClosed(f"No tickets for {service_id} are given now", reopens_at=reopens_at)


def _issue(turn: Turn, command: c.IssueTicket, arrived_at: Instant, *, is_classified: bool = True) -> None:
    state, rules = turn.state, turn.state.rules
    rule = _classified(state, command, arrived_at) if is_classified and rules.classification else None
    tier = command.tier or (rule.tier if rule is not None else None) or rules.default_tier
    care = command.care or (rule.care if rule is not None else None)
    prefix = state.services[command.service].prefix_for(tier)
    serial, number = _free_number(state, prefix)
    target_ms, zone, told = state.target_of(command.service, tier), None, UNTOLD
    # Which line it will be is asked only by what is told, and by a rule that names a zone.
    if turn.tells or (rule is not None and rule.zone is not None):
        key = line_key(command.service, tier, care is not None, target_ms, False, None, None, None)
        if rule is not None and rule.zone is not None:
            key = _in_zone(state, key, rule.zone)
        zone = key.zone
        if turn.tells:
            told = outlook(state, key, (arrived_at, state.seq + 1, command.ticket_id), turn.at)
    turn.emit(
        e.TicketIssued(
            ticket=command.ticket_id,
            number=number,
            prefix=prefix,
            serial=serial,
            service=command.service,
            tier=tier,
            care=care,
            language=command.language,
            channel=command.channel,
            arrived_at=arrived_at,
            target_ms=target_ms,
            ahead=told.ahead,
            p50_ms=told.p50_ms,
            p90_ms=told.p90_ms,
            zone=zone,
            then=command.then,
            classified_by=rule.id if rule is not None else None,
        )
    )


def _free_number(state: BranchState, prefix: str) -> tuple[int, str]:
    """The next of the series that nobody has brought along from the day before."""
    serial = state.serials.get(prefix, 0) + 1
    while (number := prefix + str(serial).zfill(3)) in state.by_number:
        serial += 1
    return serial, number


def _arrived_at(turn: Turn, command: c.IssueTicket) -> Instant:
    return turn.at if command.arrived_at is None else min(command.arrived_at, turn.at)


def _classified(state: BranchState, command: c.IssueTicket, at: Instant) -> ArrivalRule | None:
    """The first rule that holds."""
    return next((rule for rule in state.rules.classification if _holds(state, rule, command, at)), None)


def _holds(state: BranchState, rule: ArrivalRule, command: c.IssueTicket, at: Instant) -> bool:
    asked = (
        (rule.services, command.service),
        (rule.channels, command.channel),
        (rule.card_classes, command.card_class),
    )
    if any(wanted is not None and given not in wanted for wanted, given in asked):
        return False
    if rule.languages is not None and not _speaks(command.language, rule.languages):
        return False
    if rule.identified not in {None, command.identified}:
        return False
    return rule.between is None or any(begins <= at < ends for begins, ends in state.timetable.arrivals.get(rule.id, ()))


def _speaks(given: str | None, wanted: tuple[str, ...]) -> bool:
    """A language is also each of its kinds: `en` is meant by `en-GB` too, but not the other way round (RFC 4647, basic filtering)."""
    tag = f"{given or ''}-".casefold()
    return given is not None and any(tag.startswith(f"{language}-".casefold()) for language in wanted)


def _in_zone(state: BranchState, key: LineKey, zone: str) -> LineKey:
    zoned = line_key(key.service, key.tier, key.has_care, key.target_ms, key.emergency, key.counter, zone, key.staff)
    # A zone of which no counter could ever call this customer would keep them waiting for ever.
    return zoned if any(may_call(state, counter, zoned) for counter in state.counters.values()) else key
