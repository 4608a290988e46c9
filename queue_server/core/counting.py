"""
Which calls count for the rules that count calls (the turns of a policy, the run of the cap), and with which others.

"So many of them, then you" can only be promised over calls that choose among the same people. If a counter for cash and one for
loans shared a count, each could take the turns of the one tier, and at both somebody of the other would wait for ever; and where
counters share some of their tiers only, each of two pairs may want another tier next. So calls are counted in *pools*: those of
one counter (the scope `counter`) or of all counters with one profile (`branch`), and in these apart

- for each level of preference, and for each tier below which a reservation holds somebody back: these leave some people out;
- at a counter where somebody waits who was sent to it, its zone or its staff: no other counter can call them.

Whoever waits is then a candidate of every call of a pool, or of none of them. What the pool is called is part of the fact. Every
call counts that the chain ends in, for the turns unless the cap made it; an emergency and a direct call count for nothing.
"""

from typing import NamedTuple

from queue_server.core.configuration import Preference, Scope
from queue_server.core.ids import CounterId, Instant, ServiceId, TierId
from queue_server.core.policies import BRANCH, Asking, Candidate
from queue_server.core.ratio import Counting
from queue_server.core.state import BranchState, Counter
from queue_server.core.waiting import LineKey

_LEVELS: dict[Preference, int] = {Preference.FIRST: 1, Preference.ALSO: 0, Preference.ONLY_WHEN_IDLE: -1}
# Each is a character that no identifier has.
_OWN, _PROFILE, _LEVEL, _KEPT = "!", "@", "/", ">"


class Counted(NamedTuple):
    """What a call counts for (`Routing`), and in which pool."""

    turn: str | None = None
    above: bool | None = None
    pool: str = ""


UNCOUNTED = Counted()


class Pool(NamedTuple):
    """A counter, those whom reservation and preference have *left* it to choose from, and the pool in which it does so."""

    counter: Counter
    left: list[Candidate]
    name: str
    asking: Asking


def pool_of(state: BranchState, counter: Counter, left: list[Candidate], held_to: TierId | None) -> Pool:
    """Return the pool in which *counter* chooses among those *left*; *held_to* is the lowest tier where lower ones are held back."""
    own = _OWN if any(key.is_directed for key, _ in left) else ""
    level = level_of(state, counter, left[0][0].service)
    name = f"{own}{f'{_LEVEL}{level}' if level else ''}{f'{_KEPT}{held_to}' if held_to is not None else ''}"
    return Pool(counter, left, name, Asking(turn_scope(state, counter.id, name), counter.profile))


def level_of(state: BranchState, counter: Counter, service_id: ServiceId) -> int:
    """Return the level at which *counter* prefers the service."""
    profile = state.profiles.get(counter.profile) if counter.profile is not None else None
    preference = profile.preference.get(service_id, Preference.ALSO) if profile is not None else Preference.ALSO
    return _LEVELS[preference] if isinstance(preference, Preference) else preference


def turn_scope(state: BranchState, counter_id: CounterId, pool: str = "") -> str:
    """Return under which name the policy keeps the turns that a call by this counter in *pool* counts for."""
    scope = state.rules.policy.parameters.get("scope", Scope.BRANCH)
    if isinstance(state.policy, Counting) and state.policy.is_by_pool:
        return _scope(state, counter_id, scope, pool)
    return counter_id if scope == Scope.COUNTER else BRANCH


def run_scope(state: BranchState, counter_id: CounterId, pool: str = "") -> str:
    """Return under which name the run of the cap is kept for a call by this counter in *pool*."""
    return _scope(state, counter_id, state.rules.cap.scope if state.rules.cap is not None else Scope.BRANCH, pool)


def _scope(state: BranchState, counter_id: CounterId, scope: str, pool: str) -> str:
    if scope == Scope.COUNTER or pool.startswith(_OWN):
        return counter_id + pool.removeprefix(_OWN)
    profile = state.counters[counter_id].profile
    return (BRANCH if profile is None else _PROFILE + profile) + pool


def counter_of(scope: str) -> CounterId | None:
    """Return the counter whose calls alone are counted under the name *scope*; None: those of several."""
    base = scope.partition(_KEPT)[0].partition(_LEVEL)[0]
    return None if base == BRANCH or base.startswith(_PROFILE) else base


def capped(state: BranchState, pool: Pool) -> list[Candidate]:
    """Return those between whom the policy may choose: after as many calls above as the cap allows, none of these."""
    cap = state.rules.cap
    if cap is None or state.runs.get(run_scope(state, pool.counter.id, pool.name), 0) < cap.calls:
        return pool.left
    above = _above_the_cap(state, pool.left)
    return [candidate for candidate in pool.left if candidate[0].tier not in above] or pool.left


def count(state: BranchState, pool: Pool, key: LineKey, at: Instant, *, is_capped: bool) -> Counted:
    """Return what a call from *key* counts for; one that the cap made takes nobody's turn."""
    policy = state.policy
    turn = policy.turn_of(key, pool.left, at, pool.asking) if isinstance(policy, Counting) and not is_capped else None
    above = _is_above(state, pool, key) if state.rules.cap is not None else None
    return UNCOUNTED if turn is None and above is None else Counted(turn, above, pool.name)


def _is_above(state: BranchState, pool: Pool, key: LineKey) -> bool | None:
    """Whether a call from *key* goes on with the run of the cap, or ends it; None: this counter may not call both sides."""
    above = _above_the_cap(state, pool.left)
    profile = state.profiles.get(pool.counter.profile) if pool.counter.profile is not None else None
    reached = profile.tiers if profile is not None and profile.tiers is not None else state.tiers
    return None if above.issuperset(reached) else key.tier in above


def _above_the_cap(state: BranchState, left: list[Candidate]) -> set[TierId]:
    """The tiers of which a call counts: those above the tier of the cap, or above the lowest that waits among those *left*."""
    ranks = {tier_id: rank for rank, tier_id in enumerate(state.tiers)}
    named = state.rules.cap.tier if state.rules.cap is not None else None
    lowest = ranks[named] if named is not None else max(ranks[key.tier] for key, _ in left)
    return {tier_id for tier_id, rank in ranks.items() if rank < lowest}
