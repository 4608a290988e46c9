"""Whom another configuration would leave behind: tickets that nothing could serve any more, and counters that it does not have."""

from collections.abc import Iterator

from queue_server.core.configuration import Configuration, CounterPlace
from queue_server.core.ids import ProfileId
from queue_server.core.lifecycle import OPEN_STATES, CounterState, TicketState
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket


def stranded(state: BranchState, rules: Configuration) -> list[str]:
    """Return in words who would be left behind if *rules* took effect now."""
    return [*_tickets(state, rules), *_counters(state, rules)]


def _tickets(state: BranchState, rules: Configuration) -> Iterator[str]:
    for ticket in state.tickets.values():
        may_return = ticket.state is TicketState.NO_SHOW and ticket.returns_until is not None
        if ticket.state not in OPEN_STATES and not may_return:
            continue
        # Who could not be called before either is not helped by refusing a change, which may be meant to help.
        if is_lost(rules, ticket) or (
            _waits(ticket) and not could_be_called(state, rules, ticket) and could_be_called(state, state.rules, ticket)
        ):
            yield f"ticket {ticket.number}"


def _counters(state: BranchState, rules: Configuration) -> Iterator[str]:
    counters = {place.id for place in rules.counters}
    profiles = {profile.id for profile in rules.profiles}
    for counter in state.counters.values():
        if counter.state is CounterState.CLOSED:
            continue
        if counter.id not in counters or (counter.own_profile is not None and counter.own_profile not in profiles):
            yield f"counter {counter.number}"


def is_lost(rules: Configuration, ticket: Ticket) -> bool:
    """Tell whether *ticket* needs something that *rules* do not have: a service, its tier, its counter or zone."""
    services = {service.id for service in rules.services}
    lost_direction = ticket.directed_to is not None and all(ticket.directed_to != place.id for place in rules.counters)
    lost_zone = ticket.zone is not None and all(ticket.zone != place.zone for place in rules.counters)
    is_offered = ticket.service in services and services.issuperset(ticket.then)
    return not is_offered or all(ticket.tier != tier.id for tier in rules.tiers) or lost_direction or lost_zone


def _waits(ticket: Ticket) -> bool:
    return ticket.state is TicketState.WAITING


def could_be_called(state: BranchState, rules: Configuration, ticket: Ticket) -> bool:
    """
    Tell whether under *rules* some counter could call *ticket*: open, by its own profile; closed, by the one it opens with; or by a rule's.

    Nobody waits for a profile that might be given by hand, and whoever sits where is another matter.
    """
    places = [place for place in rules.counters if ticket.directed_to in {None, place.id} and ticket.zone in {None, place.zone}]
    return any(_allows(rules, profile, ticket) for place in places for profile in _profiles(state, rules, place))


def _profiles(state: BranchState, rules: Configuration, place: CounterPlace) -> Iterator[ProfileId | None]:
    counter = state.counters.get(place.id)
    yield counter.own_profile if counter is not None and counter.state is not CounterState.CLOSED else place.profile
    yield from (rule.profile for rule in rules.elastic if place.id in rule.counters)


def _allows(rules: Configuration, profile_id: ProfileId | None, ticket: Ticket) -> bool:
    profile = next((profile for profile in rules.profiles if profile.id == profile_id), None)
    if profile is None:
        return True
    is_served = profile.services is None or ticket.service in profile.services
    return is_served and (profile.tiers is None or ticket.tier in profile.tiers)
