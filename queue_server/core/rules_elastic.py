"""The rules of switching: which facts follow when an elastic rule begins or ceases to hold, or when a counter opens while it does."""

from queue_server.core import events as e
from queue_server.core.configuration import ElasticRule
from queue_server.core.elastic import count, oldest
from queue_server.core.ids import Instant, ProfileId
from queue_server.core.lifecycle import CounterState
from queue_server.core.policies import Chosen, said_duration
from queue_server.core.state import BranchState, Counter
from queue_server.core.turn import Turn


def switch(turn: Turn, index: int, at: Instant) -> None:
    """Let the rule with *index* begin or cease to hold at *at*, and switch the counters that it concerns."""
    state = turn.state
    rule = state.rules.elastic[index]
    is_on = rule.id not in state.elastic
    reason = _reason(state, rule, is_on, at)
    turn.emit(e.RuleSwitched(rule=rule.id, is_on=is_on, reason=reason), at)
    for counter_id in rule.counters:
        switch_counter(turn, state.counters[counter_id], reason, at)


def switch_counter(turn: Turn, counter: Counter, reason: str | None = None, at: Instant | None = None) -> None:
    """Give *counter*, if it is open, the profile that the rules want for it now."""
    if counter.state is CounterState.CLOSED:
        return
    profile, rule = _wanted(turn.state, counter)
    if (profile, rule) != (counter.profile, counter.switched_by):
        turn.emit(e.CounterProfileChanged(counter=counter.id, profile=profile, rule=rule, reason=reason), at)


def _wanted(state: BranchState, counter: Counter) -> tuple[ProfileId | None, str | None]:
    """The first rule of the configuration that holds wins; without one a counter calls by what it was given by hand."""
    for rule in state.rules.elastic:
        if rule.id in state.elastic and counter.id in rule.counters:
            return rule.profile, rule.id
    return counter.own_profile, None


def _reason(state: BranchState, rule: ElasticRule, is_on: bool, at: Instant) -> str:
    of = f" for {rule.service}" if rule.service is not None else ""
    of += f" of the tier {rule.tier}" if rule.tier is not None else ""
    lasting = f" for {said_duration(rule.back_after_ms)}" if rule.back_after_ms else ""
    if rule.waiting is not None:
        now = f"{count(state, rule)} are waiting{of}"
        return f"{now}, and the rule begins at {rule.waiting}" if is_on else f"{now}, fewer than {rule.back_waiting}{lasting}"
    first = oldest(state, rule)
    if is_on and first is not None:
        ticket = state.tickets[first[2]]
        waited = Chosen(ticket.number, ticket.line_key(), first, ticket.stage_waited_at(at)).said_wait(at)
        return f"the first of those waiting{of} has waited {waited}"
    return f"nobody waiting{of} has the place of one who has waited {said_duration(rule.back_oldest_wait_ms)}{lasting}"
