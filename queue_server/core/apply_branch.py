"""How facts about counters, the day and the configuration change a branch."""

# ruff: noqa: D103 - each function is named after its fact, which says what it means

from queue_server.core import events as e
from queue_server.core.choosing import policy_of
from queue_server.core.configuration import Configuration
from queue_server.core.events import Event
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import CounterState
from queue_server.core.state import NOTICES_SHOWN, BranchState, Counter, Notice


def _enter(counter: Counter, counter_state: CounterState, at: Instant, reason: str | None = None) -> None:
    counter.state = counter_state
    counter.since = at
    counter.reason = reason


def counter_opened(state: BranchState, event: Event, fact: e.CounterOpened) -> None:
    counter = state.counters[fact.counter]
    _enter(counter, CounterState.OPEN, event.at)
    counter.profile = counter.own_profile = fact.profile
    counter.switched_by = None
    counter.staff = fact.staff
    state.forget_reach()


def counter_profile_changed(state: BranchState, _event: Event, fact: e.CounterProfileChanged) -> None:
    counter = state.counters[fact.counter]
    if fact.rule is None:
        counter.own_profile = fact.profile
    counter.profile = fact.profile
    counter.switched_by = fact.rule
    state.forget_reach()


def help_requested(state: BranchState, event: Event, fact: e.HelpRequested) -> None:
    counter = state.counters[fact.counter]
    counter.help_since = event.at
    counter.help_reason = fact.reason


def help_acknowledged(state: BranchState, _event: Event, fact: e.HelpAcknowledged) -> None:
    counter = state.counters[fact.counter]
    counter.help_since = counter.help_reason = None


def counter_paused(state: BranchState, event: Event, fact: e.CounterPaused) -> None:
    _enter(state.counters[fact.counter], CounterState.PAUSED, event.at, fact.reason)
    state.forget_reach()


def counter_resumed(state: BranchState, event: Event, fact: e.CounterResumed) -> None:
    _enter(state.counters[fact.counter], CounterState.OPEN, event.at)
    state.forget_reach()


def counter_closed(state: BranchState, event: Event, fact: e.CounterClosed) -> None:
    counter = state.counters[fact.counter]
    _enter(counter, CounterState.CLOSED, event.at, fact.reason)
    counter.profile = counter.own_profile = state.places[fact.counter].profile
    counter.switched_by = counter.staff = None
    counter.help_since = counter.help_reason = None
    state.forget_reach()


def announcement_made(state: BranchState, event: Event, fact: e.AnnouncementMade) -> None:
    notice = Notice(event.seq, event.at, fact.announcement, fact.until, fact.template, fact.zone)
    state.notices = [notice, *state.notices][:NOTICES_SHOWN]


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
    state.steps.clear()


def branch_configured(state: BranchState, _event: Event, fact: e.BranchConfigured) -> None:
    rules: Configuration = fact.configuration
    before = state.configuration
    if before is not None and (before.policy, before.tiers) != (rules.policy, rules.tiers):
        # Other rounds begin anew.
        state.turns.clear()
        state.runs.clear()
    # What was done under other rules is not taken back under these, and other elastic rules begin anew.
    state.steps.clear()
    state.elastic.clear()
    state.version = fact.version
    state.configuration = rules
    state.timetable = fact.timetable
    state.scheduled = None
    state.policy = policy_of(rules, state.turns)
    state.steps_kept_ms = rules.steps_kept_ms
    state.services = {service.id: service for service in rules.services}
    state.tiers = {tier.id: tier for tier in rules.tiers}
    state.profiles = {profile.id: profile for profile in rules.profiles}
    state.places = {place.id: place for place in rules.counters}
    counters = {}
    for place in rules.counters:
        counter = state.counters.get(place.id) or Counter(place.id, place.number)
        counter.number = place.number
        counter.zone = place.zone
        if counter.state is CounterState.CLOSED:
            counter.own_profile = place.profile
        counter.profile, counter.switched_by = counter.own_profile, None
        counters[place.id] = counter
    state.counters = counters
    state.forget_reach()


def configuration_scheduled(state: BranchState, _event: Event, fact: e.ConfigurationScheduled) -> None:
    state.scheduled = fact
