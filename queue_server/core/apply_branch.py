"""How facts about counters, the day and the configuration change a branch."""

# ruff: noqa: D103 - each function is named after its fact, which says what it means

from queue_server.core import events as e
from queue_server.core.choosing import policy_of
from queue_server.core.configuration import Configuration
from queue_server.core.events import Event
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import CounterState
from queue_server.core.state import BranchState, Counter


def _enter(counter: Counter, counter_state: CounterState, at: Instant, reason: str | None = None) -> None:
    counter.state = counter_state
    counter.since = at
    counter.reason = reason


def counter_opened(state: BranchState, event: Event, fact: e.CounterOpened) -> None:
    counter = state.counters[fact.counter]
    _enter(counter, CounterState.OPEN, event.at)
    counter.profile = fact.profile
    counter.staff = fact.staff
    state.forget_reach()


def counter_profile_changed(state: BranchState, _event: Event, fact: e.CounterProfileChanged) -> None:
    state.counters[fact.counter].profile = fact.profile
    state.forget_reach()


def counter_paused(state: BranchState, event: Event, fact: e.CounterPaused) -> None:
    _enter(state.counters[fact.counter], CounterState.PAUSED, event.at, fact.reason)
    state.forget_reach()


def counter_resumed(state: BranchState, event: Event, fact: e.CounterResumed) -> None:
    _enter(state.counters[fact.counter], CounterState.OPEN, event.at)
    state.forget_reach()


def counter_closed(state: BranchState, event: Event, fact: e.CounterClosed) -> None:
    counter = state.counters[fact.counter]
    _enter(counter, CounterState.CLOSED, event.at, fact.reason)
    counter.profile = state.places[fact.counter].profile
    counter.staff = None
    state.forget_reach()


def day_opened(state: BranchState, event: Event, fact: e.DayOpened) -> None:
    fresh = BranchState(
        branch_id=state.branch_id,
        day=fact.day,
        is_open=True,
        opens_at=fact.opens_at,
        rolls_at=fact.rolls_at,
        previous_day=fact.previous,
        last_at=event.at,
    )
    # In place: whoever holds this branch's state goes on holding it.
    for name in BranchState.__struct_fields__:
        setattr(state, name, getattr(fresh, name))


def day_closed(state: BranchState, _event: Event, _fact: e.DayClosed) -> None:
    state.is_open = False


def branch_configured(state: BranchState, _event: Event, fact: e.BranchConfigured) -> None:
    rules: Configuration = fact.configuration
    before = state.configuration
    if before is not None and (before.policy, before.tiers) != (rules.policy, rules.tiers):
        # Other rounds begin anew.
        state.turns.clear()
        state.runs.clear()
    state.version = fact.version
    state.configuration = rules
    state.scheduled = None
    state.policy = policy_of(rules, state.turns)
    state.services = {service.id: service for service in rules.services}
    state.tiers = {tier.id: tier for tier in rules.tiers}
    state.profiles = {profile.id: profile for profile in rules.profiles}
    state.places = {place.id: place for place in rules.counters}
    counters = {}
    for place in rules.counters:
        counter = state.counters.get(place.id) or Counter(place.id, place.number, profile=place.profile)
        counter.number = place.number
        counter.zone = place.zone
        if counter.state is CounterState.CLOSED:
            counter.profile = place.profile
        counters[place.id] = counter
    state.counters = counters
    state.forget_reach()


def configuration_scheduled(state: BranchState, _event: Event, fact: e.ConfigurationScheduled) -> None:
    state.scheduled = fact
