"""
Whom a counter calls next, and why.

The candidates of a counter are the heads of the lines that it may call from. Rules are asked in a fixed order, and the one that
decided is named in the answer: eligibility (profile, zone, direction, reservation), emergency, the counter's preference, the cap,
the branch's policy. The cost is in lines, not in tickets.
"""

from functools import lru_cache
from heapq import merge
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from queue_server.core.configuration import Preference, Scope
from queue_server.core.events import Overtaken, Routing
from queue_server.core.ids import CounterId, Instant, TicketId, TierId
from queue_server.core.lifecycle import CounterState
from queue_server.core.policies import BRANCH, Asking, Candidate
from queue_server.core.ratio import Counting
from queue_server.core.state import BranchState, Counter
from queue_server.core.ticket import Ticket
from queue_server.core.waiting import LineKey, Standing

# Looked up once: to find a member of an enumeration takes as long as a call (until Python 3.12).
_PER_COUNTER = Scope.COUNTER

OVERTAKEN_NAMED = 10
_NOBODY = Overtaken(0)
_SENTENCES = {
    "reservation": "{number} is called before others whom the counters kept for higher tiers hold back",
    "emergency": "{number} is an emergency and goes before all others",
    "preference": "{number} is of a service that this counter calls before its others",
    "cap": "{number} is of the lowest tier waiting, after as many calls above it as the branch allows",
}
_LEVELS: dict[Preference, int] = {Preference.FIRST: 1, Preference.ALSO: 0, Preference.ONLY_WHEN_IDLE: -1}
_CALLING = frozenset({CounterState.OPEN, CounterState.CALLING, CounterState.SERVING})


class Choice(Struct, frozen=True, gc=False):
    """The ticket to call, and the explanation that goes with the call."""

    ticket: TicketId
    routing: Routing


def may_call(state: BranchState, counter: Counter, key: LineKey) -> bool:
    """Tell whether *counter* may call from the line *key*: its profile, the zone, a named counter and a named person."""
    if key.counter is not None and key.counter != counter.id:
        return False
    if key.zone is not None and key.zone != counter.zone:
        return False
    if key.staff is not None and key.staff != counter.staff:
        return False
    profile = state.profiles.get(counter.profile) if counter.profile is not None else None
    if profile is None:
        return True
    return (profile.services is None or key.service in profile.services) and (profile.tiers is None or key.tier in profile.tiers)


def next_ticket(state: BranchState, counter_id: CounterId, at: Instant, *, explains: bool = True) -> Choice | None:
    """
    Choose the ticket that *counter_id* should call at *at*; the counter is idle.

    Returns:
        The ticket with the rule that decided and, where it *explains*, the reason and the tickets it passes; None when nobody it may
        call is waiting.
    """
    everybody = _candidates(state, counter_id)
    if not everybody:
        return None
    counter, policy, rules = state.counters[counter_id], state.policy, state.rules
    candidates = _within_reservation(state, everybody) if rules.reserve else everybody
    if not candidates:
        return None
    rule, (key, line) = _chosen(state, counter, everybody, candidates, at)
    turn = _turn(state, counter, key, candidates, at) if rule == "policy" else None
    above = _above(state, counter, candidates, key) if rules.cap is not None and rule in {"policy", "cap"} else None
    head = line.standings[line.start]
    if not explains:
        return Choice(head[2], _unsaid(policy.name, rule, turn, above))
    waiting = sum(len(line) for _, line in everybody)
    number = state.tickets[head[2]].number
    sentence = _SENTENCES[rule].format(number=number) if rule != "policy" else policy.sentence(number, key, head, waiting, at)
    routing = Routing(
        policy=policy.name,
        rule=rule,
        reason=sentence,
        waiting=waiting,
        overtook=_overtaken(state, everybody, head),
        share=policy.share(key, head, at),
        turn=turn,
        above=above,
    )
    return Choice(head[2], routing)


@lru_cache(1024)
def _unsaid(policy: str, rule: str, turn: str | None, above: bool | None) -> Routing:
    return Routing(policy=policy, rule=rule, reason="", waiting=0, overtook=_NOBODY, turn=turn, above=above)


def scope_of(state: BranchState, counter_id: CounterId) -> str:
    """Return the scope in which a policy that counts calls does so for this counter."""
    return counter_id if state.rules.policy.parameters.get("scope") == _PER_COUNTER else BRANCH


def cap_scope_of(state: BranchState, counter_id: CounterId) -> str:
    """Return the scope in which the runs of the cap are counted for this counter."""
    cap = state.rules.cap
    return counter_id if cap is not None and cap.scope is Scope.COUNTER else BRANCH


def _chosen(
    state: BranchState, counter: Counter, everybody: list[Candidate], candidates: list[Candidate], at: Instant
) -> tuple[str, Candidate]:
    """The rule that decides and the line whose head is called, among *candidates*: those of *everybody* whom no reservation holds back."""
    if len(everybody) == 1:
        return "emergency" if everybody[0][0].emergency else "policy", everybody[0]
    policy, asking = state.policy, _asking(state, counter)
    urgent = [candidate for candidate in candidates if candidate[0].emergency]
    if urgent:
        return "emergency", policy.first(urgent, at, asking)
    rule, chosen = _by_the_chain(state, counter, candidates, at, asking)
    if len(candidates) < len(everybody) and policy.first(everybody, at, asking) not in candidates:
        return "reservation", chosen
    return rule, chosen


def _by_the_chain(
    state: BranchState, counter: Counter, candidates: list[Candidate], at: Instant, asking: Asking
) -> tuple[str, Candidate]:
    """Preference, cap, policy, in this order; the first that kept the policy from its own choice is named."""
    if len(candidates) == 1:
        return "policy", candidates[0]
    policy = state.policy
    preferred = _preferred(state, counter, candidates) if counter.profile is not None else candidates
    capped = _capped(state, counter, preferred) if state.rules.cap is not None else preferred
    chosen = policy.first(capped, at, asking)
    if len(preferred) < len(candidates) and policy.first(candidates, at, asking) not in preferred:
        return "preference", chosen
    if len(capped) < len(preferred) and policy.first(preferred, at, asking) not in capped:
        return "cap", chosen
    return "policy", chosen


def _asking(state: BranchState, counter: Counter) -> Asking:
    return Asking(scope_of(state, counter.id), counter.profile)


def _within_reservation(state: BranchState, candidates: list[Candidate]) -> list[Candidate]:
    calling = [counter for counter in state.counters.values() if counter.state in _CALLING]
    busy = sum(counter.state is not CounterState.OPEN for counter in calling)
    ranks = {tier_id: rank for rank, tier_id in enumerate(state.tiers)}
    kept_for = [ranks[tier] for tier, reserved in state.rules.reserve.items() if busy >= len(calling) - reserved]
    # Whoever ranks below a tier that counters are being kept for has to wait.
    return [
        candidate
        for candidate in candidates
        if candidate[0].emergency or all(ranks[candidate[0].tier] <= kept for kept in kept_for)
    ]


def _preferred(state: BranchState, counter: Counter, candidates: list[Candidate]) -> list[Candidate]:
    profile = state.profiles.get(counter.profile) if counter.profile is not None else None
    if profile is None or not profile.preference:
        return candidates
    levels = [_level(profile.preference.get(key.service, Preference.ALSO)) for key, _ in candidates]
    highest = max(levels)
    return [candidate for candidate, level in zip(candidates, levels, strict=True) if level == highest]


def _level(preference: Preference | int) -> int:
    return _LEVELS[preference] if isinstance(preference, Preference) else preference


def _capped(state: BranchState, counter: Counter, candidates: list[Candidate]) -> list[Candidate]:
    cap = state.rules.cap
    if cap is None or state.runs.get(cap_scope_of(state, counter.id), 0) < cap.calls:
        return candidates
    above = _above_the_cap(state, candidates)
    return [candidate for candidate in candidates if candidate[0].tier not in above] or candidates


def _above_the_cap(state: BranchState, candidates: list[Candidate]) -> set[TierId]:
    """The tiers of which a call counts: those above the tier of the cap, or above the lowest that waits among *candidates*."""
    ranks = {tier_id: rank for rank, tier_id in enumerate(state.tiers)}
    named = state.rules.cap.tier if state.rules.cap is not None else None
    lowest = ranks[named] if named is not None else max(ranks[key.tier] for key, _ in candidates)
    return {tier_id for tier_id, rank in ranks.items() if rank < lowest}


def _serves_all_tiers(state: BranchState, counter: Counter) -> bool:
    profile = state.profiles.get(counter.profile) if counter.profile is not None else None
    return profile is None or profile.tiers is None or set(profile.tiers) >= set(state.tiers)


def _turn(state: BranchState, counter: Counter, key: LineKey, candidates: list[Candidate], at: Instant) -> str | None:
    policy = state.policy
    if not isinstance(policy, Counting) or (policy.needs_all_tiers and not _serves_all_tiers(state, counter)):
        return None
    waiting = frozenset(tier for (_, tier), count in state.waiting.items() if count)
    return policy.turn_of(key, candidates, waiting, at, _asking(state, counter))


def _above(state: BranchState, counter: Counter, candidates: list[Candidate], key: LineKey) -> bool | None:
    if not _serves_all_tiers(state, counter):
        return None
    return key.tier in _above_the_cap(state, candidates)


def direct(state: BranchState, counter_id: CounterId, ticket: Ticket, note: str | None, at: Instant) -> Routing:
    """Explain the call of *ticket* out of its turn by *counter_id*, perhaps past its profile; the ticket is waiting."""
    counter = state.counters[counter_id]
    if may_call(state, counter, ticket.line_key()):
        rule, sentence = "direct", f"{ticket.number} was called directly at the counter"
    else:
        rule, sentence = "override", f"{ticket.number} was called past the profile of counter {counter.number}"
    candidates = _candidates(state, counter_id)
    policy = state.policy
    return Routing(
        policy=policy.name,
        rule=rule,
        reason=sentence,
        waiting=sum(len(line) for _, line in candidates),
        overtook=_overtaken(state, candidates, ticket.standing),
        share=policy.share(ticket.line_key(), ticket.standing, at),
        note=note,
    )


def served_directly(state: BranchState, counter_id: CounterId, ticket: Ticket, at: Instant) -> Routing:
    """Explain the call of *ticket*, issued this moment to somebody who stands at *counter_id*."""
    return replace(
        direct(state, counter_id, ticket, None, at), reason=f"{ticket.number} stood at the counter and was served directly"
    )


def reach(state: BranchState, key: LineKey) -> frozenset[CounterId]:
    """Return the counters that could call from *key*: those that serve now, or all when none of these may."""
    known = state.reach.get(key)
    if known is None:
        able = [counter for counter in state.counters.values() if may_call(state, counter, key)]
        serving = frozenset(counter.id for counter in able if counter.state in _CALLING)
        known = state.reach[key] = serving or frozenset(counter.id for counter in able)
    return known


def ahead_by_line(state: BranchState, key: LineKey, standing: Standing, at: Instant) -> list[tuple[LineKey, int]]:
    """Return how many of each line would be called before (*key*, *standing*) if all were called at *at*; empty lines left out."""
    lines = [candidate for candidate in _beside(state, key) if candidate[1]]
    if key.emergency:
        return state.policy.ahead(key, standing, [line for line in lines if line[0].emergency], at)
    urgent = [(other, len(line)) for other, line in lines if other.emergency]
    if urgent:
        lines = [line for line in lines if not line[0].emergency]
    return urgent + state.policy.ahead(key, standing, lines, at)


def _beside(state: BranchState, key: LineKey) -> list[Candidate]:
    """The lines that share a counter with *key*."""
    known = state.beside.get(key)
    if known is None:
        mine = reach(state, key)
        known = [(other, line) for other, line in state.lines.items() if not mine.isdisjoint(reach(state, other))]
        state.beside[key] = known
    return known


def _candidates(state: BranchState, counter_id: CounterId) -> list[Candidate]:
    """The lines in which somebody waits and that the counter may call from."""
    known = state.callable.get(counter_id)
    if known is None:
        counter = state.counters[counter_id]
        known = [(key, line) for key, line in state.lines.items() if may_call(state, counter, key)]
        state.callable[counter_id] = known
    # Not by the length of the line, which would be a call for each.
    return [candidate for candidate in known if candidate[1].start < len(candidate[1].standings)]


def _overtaken(state: BranchState, candidates: list[Candidate], chosen: Standing) -> Overtaken:
    place_at, issue_seq, _ = chosen
    passed = [(line, count) for _, line in candidates if (count := line.count_before(place_at, issue_seq))]
    if not passed:
        return _NOBODY
    firsts = merge(*(line.first(min(count, OVERTAKEN_NAMED)) for line, count in passed))
    numbers = tuple(state.tickets[standing[2]].number for standing in islice(firsts, OVERTAKEN_NAMED))
    return Overtaken(sum(count for _, count in passed), numbers)
