"""Random halls in which calls are counted: who could be called by each call, by the plain definition, beside what was called."""

from contextlib import suppress
from copy import copy
from typing import Any, NamedTuple

import hypothesis.strategies as st

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Configuration, CounterPlace, Preference, Profile, Service, Tier
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.rejections import Rejected
from queue_server.core.ticket import Ticket
from tests.scenario import Scenario, given, rules

TIERS = ("plat", "gold", "std")
SERVICES = ("cash", "loans", "cards")
COUNTERS = ("1", "2", "3", "4")
_FIRST, _LATE = Preference.FIRST, Preference.ONLY_WHEN_IDLE
PROFILES = (
    Profile("hall", tiers=("gold", "std")),
    Profile("room", tiers=("plat", "gold")),
    Profile("vip", tiers=("plat",)),
    Profile("ends", tiers=("plat", "std"), services=("cash", "loans")),
    Profile("cash", services=("cash",)),
    Profile("desk", services=("loans", "cards")),
    Profile("loans_first", preference={"loans": _FIRST}),
    Profile("levels", services=("cash", "loans"), preference={"loans": 7, "cash": _LATE}),
    Profile("cash_first", tiers=("gold", "std"), preference={"cash": _FIRST, "cards": -3}),
)
_LEVELS: dict[Any, int] = {_FIRST: 1, Preference.ALSO: 0, _LATE: -1}


class Called(NamedTuple):
    """A call: the pool by the plain definition, who waited, who was left to choose from, who it was, and what the fact says."""

    pool: tuple[Any, ...]
    waiting: set[tuple[str, str | None]]
    left: tuple[Ticket, ...]
    ticket: Ticket
    routing: e.Routing

    @property
    def tiers(self) -> set[str]:
        """The tiers among those left."""
        return {ticket.tier for ticket in self.left}


class Drawn(NamedTuple):
    """A hall and a day in it that begins with a crowd."""

    profiles: tuple[str | None, ...]
    crowd: list[tuple[str, str]]
    day: list[tuple[str, str, str]]
    reserve: dict[str, int]

    def calls(self, scope: str, **more: Any) -> list[Called]:
        """Return the counted calls of the day under the rules named."""
        return play(hall_rules(self.profiles, reserve=self.reserve, **more), self.crowd, self.day, scope)


_profiles = st.sampled_from([None, *(profile.id for profile in PROFILES)])
places = st.tuples(_profiles, _profiles, _profiles, _profiles)
_step = st.one_of(
    st.tuples(st.just("come"), st.sampled_from(SERVICES), st.sampled_from(TIERS)),
    st.tuples(st.just("next"), st.sampled_from(COUNTERS), st.just("")),
    st.tuples(st.just("next"), st.sampled_from(COUNTERS), st.just("")),
    st.tuples(st.just("send"), st.sampled_from(COUNTERS), st.sampled_from(COUNTERS)),
    st.tuples(st.just("finish"), st.sampled_from(COUNTERS), st.just("")),
)
crowds = st.lists(st.tuples(st.sampled_from(SERVICES), st.sampled_from(TIERS)), max_size=25)
days = st.lists(_step, max_size=60)
reserves = st.sampled_from([{}, {}, {"plat": 1}, {"gold": 1, "plat": 2}])
halls = st.builds(Drawn, places, crowds, days, reserves)


def hall_rules(profiles: tuple[str | None, ...], **more: Any) -> Configuration:
    """A branch with these profiles at its four counters."""
    return rules(
        tiers=tuple(Tier(tier, {}, target) for tier, target in zip(TIERS, (300_000, 600_000, 1_200_000), strict=True)),
        services=tuple(Service(service, {}, service[0].upper() * (index + 1)) for index, service in enumerate(SERVICES)),
        profiles=PROFILES,
        counters=tuple(CounterPlace(number, number, profile=p) for number, p in zip(COUNTERS, profiles, strict=True)),
        **more,
    )


def play(configuration: Configuration, crowd: list[tuple[str, str]], day: list[tuple[str, str, str]], scope: str) -> list[Called]:
    """Return the counted calls of a day that begins with a *crowd*."""
    hall, calls = given(configuration).open(*COUNTERS), []
    for service, tier in crowd:
        hall.after(1_000).issue(f"t{len(hall.state.tickets)}", service, tier=tier)
    for name, one, other in day:
        hall.after(700)
        if name == "come":
            hall.issue(f"t{len(hall.state.tickets)}", one, tier=other)
        elif name == "next":
            calls += _call(hall, one, scope)
        elif (held := hall.state.counters[one].ticket) is not None:
            _end(hall, held, other if name == "send" else None)
    return calls


def _end(hall: Scenario, ticket: str, counter: str | None) -> None:
    """Finish, or send on to another counter that may call for this."""
    if counter is not None:
        with suppress(Rejected):
            hall.when(c.TransferTicket, ticket=ticket, counter=counter)
            return
    hall.when(c.FinishServing, ticket=ticket)


def _call(hall: Scenario, counter: str, scope: str) -> list[Called]:
    if hall.state.counters[counter].ticket is not None:
        hall.when(c.FinishServing, ticket=hall.state.counters[counter].ticket)
    pool, left = _left(hall, counter, scope)
    waiting = {(ticket.ticket_id, ticket.directed_to) for ticket in hall.state.tickets.values() if ticket.waiting_since is not None}
    hall.when(c.CallNext, counter=counter)
    if not left:
        assert all(not isinstance(change.event.fact, e.TicketCalled) for change in hall.changes)
        return []
    fact = hall.last(e.TicketCalled)
    hall.when(c.StartServing, ticket=fact.ticket)
    return [Called(pool, waiting, left, hall.ticket(fact.ticket), fact.routing)]


def _left(hall: Scenario, counter: str, scope: str) -> tuple[tuple[Any, ...], tuple[Ticket, ...]]:
    """The definition: profile and direction, then the reservation, then the preference; and what tells these calls from others."""
    configuration, place = hall.state.rules, hall.state.places[counter]
    profile = next((profile for profile in PROFILES if profile.id == place.profile), Profile("all"))
    waiting = [
        copy(ticket)
        for ticket in hall.state.tickets.values()
        if ticket.state is TicketState.WAITING
        and ticket.directed_to in {None, counter}
        and ticket.service in (profile.services or SERVICES)
        and ticket.tier in (profile.tiers or TIERS)
    ]
    busy = sum(other.state is CounterState.SERVING for other in hall.state.counters.values())
    lowest = min((TIERS.index(t) for t, r in configuration.reserve.items() if busy >= len(COUNTERS) - r), default=len(TIERS))
    free = [ticket for ticket in waiting if TIERS.index(ticket.tier) <= lowest]
    levels = {service: _LEVELS.get(wanted, wanted) for service, wanted in profile.preference.items()}
    level = max((levels.get(ticket.service, 0) for ticket in free), default=0)
    left = tuple(ticket for ticket in free if levels.get(ticket.service, 0) == level)
    is_own = scope == "counter" or any(ticket.directed_to for ticket in left)
    return (counter if is_own else (place.profile,), level, lowest if len(free) < len(waiting) else None), left
