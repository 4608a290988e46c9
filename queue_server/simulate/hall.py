"""
The production core as a hall in virtual time: every step is a command, decided by the same rules that serve a real branch.

A hall is one long day. Tickets that have ended are dropped from the state right away: the core keeps the tickets of a day for
receipts and for no-shows that may return, and here there are neither, but there may be millions of tickets. Nothing that the rules
look at is taken away: lines, counters, turns and pace stay.
"""

from typing import Any

from queue_server.core import commands as c
from queue_server.core.configuration import Configuration, CounterPlace, Policy, Profile, Service, StartMode, Tier
from queue_server.core.decide import decide
from queue_server.core.ids import CounterId, Instant, Millis, ServiceId, TicketId, TierId
from queue_server.core.lifecycle import TicketState
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from queue_server.simulate.scenario import CounterPlan, Scenario

_ACTOR = "system:simulation"
_KEY = "simulation"
_FOR_EVER = 1 << 60
UNSET_TARGET_MS: Millis = 900_000
"""The target of a tier that the scenario gives none: for policies that do not look at it."""


def configuration_of(scenario: Scenario) -> Configuration:
    """Return the branch that *scenario* describes; calling and starting are one step, since a simulated customer stands ready."""
    options: dict[str, Any] = {"reserve": scenario.reserve} if scenario.reserve else {}
    return Configuration(
        id="hall",
        name={"en": scenario.name},
        tiers=tuple(Tier(tier.id, {"en": tier.id}, tier.target_ms or UNSET_TARGET_MS) for tier in scenario.tiers),
        services=tuple(
            Service(plan.id, {"en": plan.id}, _letters(index), typical_ms=max(1, round(plan.distribution.mean)))
            for index, plan in enumerate(scenario.services)
        ),
        counters=tuple(CounterPlace(plan.id, plan.id, profile=_profile_id(plan)) for plan in scenario.counters),
        default_tier=scenario.tiers[-1].id,
        profiles=tuple(Profile(plan.id, plan.services, plan.tiers) for plan in scenario.counters if _profile_id(plan)),
        policy=Policy(scenario.policy, scenario.parameters),
        start=StartMode.ON_CALL,
        day_limit=_FOR_EVER,
        # Nobody takes a step back.
        undo_ms=0,
        **options,
    )


def _profile_id(plan: CounterPlan) -> str | None:
    return plan.id if plan.services is not None or plan.tiers is not None else None


def _letters(index: int) -> str:
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


class Hall:
    """A branch on its one long day. All commands have one key: the core leaves it to its callers to find repetitions."""

    def __init__(self, rules: Configuration) -> None:
        """Open the day; all counters are closed."""
        self._state = BranchState(rules.id)
        opening = c.OpenDay(
            at=0,
            command_id=_KEY,
            actor=_ACTOR,
            day="2000-01-01",
            opens_at=0,
            rolls_at=_FOR_EVER,
            version=1,
            configuration=rules,
        )
        decide(self._state, opening)

    def open(self, counter: CounterId, at: Instant) -> None:
        """Open *counter*."""
        decide(self._state, c.OpenCounter(at=at, command_id=_KEY, actor=_ACTOR, counter=counter))

    def close(self, counter: CounterId, at: Instant) -> None:
        """Close *counter*, which serves nobody."""
        decide(self._state, c.CloseCounter(at=at, command_id=_KEY, actor=_ACTOR, counter=counter))

    def issue(self, ticket: TicketId, service: ServiceId, tier: TierId, at: Instant) -> None:
        """Give a customer a ticket."""
        decide(
            self._state,
            c.IssueTicket(at=at, command_id=_KEY, actor=_ACTOR, ticket_id=ticket, service=service, tier=tier),
            tells=False,
        )

    def call_next(self, counter: CounterId, at: Instant) -> Ticket | None:
        """Let *counter* end its present ticket, if it has one, and return whom it serves next; None when nobody waits whom it may call."""
        state = self._state
        place = state.counters[counter]
        held = place.ticket
        decide(state, c.CallNext(at=at, command_id=_KEY, actor=_ACTOR, counter=counter, finish=held is not None), tells=False)
        if held is not None:
            self._drop(held)
        return None if place.ticket is None else state.tickets[place.ticket]

    def finish(self, counter: CounterId, at: Instant) -> None:
        """End the serving at *counter* without calling anybody."""
        held = self._state.counters[counter].ticket
        if held is not None:
            decide(self._state, c.FinishServing(at=at, command_id=_KEY, actor=_ACTOR, ticket=held), tells=False)
            self._drop(held)

    def give_up(self, ticket: TicketId, at: Instant) -> bool:
        """Let a customer leave who has waited long enough; False when it is no longer waiting."""
        known = self._state.tickets.get(ticket)
        if known is None or known.state is not TicketState.WAITING:
            return False
        decide(self._state, c.CancelTicket(at=at, command_id=_KEY, actor=_ACTOR, ticket=ticket), tells=False)
        self._drop(ticket)
        return True

    def _drop(self, ticket: TicketId) -> None:
        del self._state.by_number[self._state.tickets.pop(ticket).number]
