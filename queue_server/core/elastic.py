"""
Counters that help out: while too many wait, or somebody too long, some switch to another profile.

A rule holds from the moment at which what it looks at reaches its threshold, and ceases to when the same has stayed below a lower one
for a while (hysteresis), so counters do not flap. How long somebody waits is told by the place, as for every policy, earlier waits credited. What a rule looks at only falls by facts and rises by facts or time, so when it will
hold or cease to can be worked out after each fact, and the switch is itself a fact, at that moment, with its reason. Of several
rules that hold for a counter the first of the configuration wins. A new profile counts from the counter's next call on.
"""

from queue_server.core import events as e
from queue_server.core.configuration import ElasticRule
from queue_server.core.events import Event
from queue_server.core.ids import Instant
from queue_server.core.state import BranchState, Elastic
from queue_server.core.waiting import Standing


def next_switch(state: BranchState) -> tuple[Instant, int] | None:
    """Return when, if nothing else happens, the first of the rules begins or ceases to hold, and its index; None: by time alone none will."""
    switches = [(at, index) for index, rule in enumerate(state.rules.elastic) if (at := _switches_at(state, rule)) is not None]
    return min(switches) if switches else None


def rule_switched(state: BranchState, _event: Event, fact: e.RuleSwitched) -> None:
    """Note that a rule holds, or does no more."""
    if fact.is_on:
        state.elastic[fact.rule] = Elastic()
    else:
        del state.elastic[fact.rule]


def note_unrest(state: BranchState, at: Instant) -> None:
    """Before a fact at *at*: where time alone has brought back what a rule looks at, its calm is over."""
    for rule, held in _held(state):
        if not _is_low(state, rule, at):
            held.calm_since = None


def note_calm(state: BranchState, at: Instant) -> None:
    """After a fact at *at*: calm begins, lasts or is over."""
    for rule, held in _held(state):
        if not _is_low(state, rule, at):
            held.calm_since = None
        elif held.calm_since is None:
            held.calm_since = at


def _held(state: BranchState) -> list[tuple[ElasticRule, Elastic]]:
    return [(rule, state.elastic[rule.id]) for rule in state.rules.elastic if rule.id in state.elastic]


def _switches_at(state: BranchState, rule: ElasticRule) -> Instant | None:
    held = state.elastic.get(rule.id)
    if held is None:
        return _holds_from(state, rule)
    if held.calm_since is None:
        return None
    ends = held.calm_since + rule.back_after_ms
    # Calm may be over before it has lasted long enough.
    return ends if _is_low(state, rule, ends) else None


def _holds_from(state: BranchState, rule: ElasticRule) -> Instant | None:
    if rule.waiting is not None:
        return state.last_at if count(state, rule) >= rule.waiting else None
    first = oldest(state, rule)
    return None if first is None or rule.oldest_wait_ms is None else first[0] + rule.oldest_wait_ms


def _is_low(state: BranchState, rule: ElasticRule, at: Instant) -> bool:
    if rule.waiting is not None:
        return count(state, rule) < rule.back_waiting
    first = oldest(state, rule)
    return first is None or at - first[0] < rule.back_oldest_wait_ms


def count(state: BranchState, rule: ElasticRule) -> int:
    """Return how many wait of those that *rule* looks at."""
    return sum(
        number for (service, tier), number in state.waiting.items() if rule.service in {None, service} and rule.tier in {None, tier}
    )


def oldest(state: BranchState, rule: ElasticRule) -> Standing | None:
    """Return the earliest place among those that *rule* looks at; None when nobody waits."""
    places = [
        line.head
        for key, line in state.lines.items()
        if line and rule.service in {None, key.service} and rule.tier in {None, key.tier}
    ]
    return min(places) if places else None
