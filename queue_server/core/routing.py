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

from queue_server.core.counting import UNCOUNTED, Counted, capped, count, level_of, pool_of, turn_scope
from queue_server.core.events import Overtaken, Routing
from queue_server.core.ids import CounterId, Instant, TicketId, TierId
from queue_server.core.lifecycle import CounterState
from queue_server.core.policies import Asking, Candidate, Chosen
from queue_server.core.ratio import Counting
from queue_server.core.state import BranchState, Counter
from queue_server.core.ticket import Ticket
from queue_server.core.waiting import Line, LineKey, Standing

OVERTAKEN_NAMED = 10
_NOBODY = Overtaken(0)
_SENTENCES = {
    "reservation": "{number} is called before others whom the counters kept for higher tiers hold back",
    "emergency": "{number} is an emergency and goes before all others",
    "preference": "{number} is of a service that this counter calls before its others",
    "cap": "{number} is of the lowest tier waiting here, after as many calls above it as the branch allows",
    "named cap": "{number} is of the tier {tier} or below, after as many calls above it as the branch allows",
}
_ANY = Asking()
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
    counter, policy = state.counters[counter_id], state.policy
    free = _within_reservation(state, everybody) if state.rules.reserve else (everybody, None)
    if not free[0]:
        return None
    rule, (key, line), counted = _chosen(state, counter, everybody, free, at)
    head = line.standings[line.start]
    if not explains:
        return Choice(head[2], _unsaid(policy.name, rule, counted))
    waiting = sum(len(line) for _, line in everybody)
    ticket = state.tickets[head[2]]
    about = Chosen(ticket.number, key, head, ticket.stage_waited_at(at))
    sentence = policy.sentence(about, waiting, at) if rule == "policy" else _said(state, rule, ticket.number)
    routing = Routing(
        policy=policy.name,
        rule=rule,
        reason=sentence,
        waiting=waiting,
        overtook=_overtaken(state, everybody, head),
        share=policy.share(key, head, at),
        turn=counted.turn,
        above=counted.above,
        pool=counted.pool,
    )
    return Choice(head[2], routing)


def _said(state: BranchState, rule: str, number: str) -> str:
    tier = state.rules.cap.tier if rule == "cap" and state.rules.cap is not None else None
    return _SENTENCES[rule if tier is None else "named cap"].format(number=number, tier=tier)


@lru_cache(1024)
def _unsaid(policy: str, rule: str, counted: Counted) -> Routing:
    turn, above, pool = counted
    return Routing(policy=policy, rule=rule, reason="", waiting=0, overtook=_NOBODY, turn=turn, above=above, pool=pool)


def _chosen(
    state: BranchState, counter: Counter, everybody: list[Candidate], free: tuple[list[Candidate], TierId | None], at: Instant
) -> tuple[str, Candidate, Counted]:
    """
    The rule that decides, the line whose head is called, and what the call counts for.

    *free* are those of *everybody* whom no reservation holds back, and the lowest tier that it lets through, if it holds back anybody.
    """
    candidates, held_to = free
    urgent = [candidate for candidate in candidates if candidate[0].emergency]
    if urgent:
        return "emergency", _first(state, urgent, at, Asking(turn_scope(state, counter.id), counter.profile)), UNCOUNTED
    left = _preferred(state, counter, candidates) if counter.profile is not None else candidates
    if state.rules.cap is None and not isinstance(state.policy, Counting):
        # Most branches count nothing.
        asking, chosen, is_capped, counted = _ANY, _first(state, left, at, _ANY), False, UNCOUNTED
    else:
        pool = pool_of(state, counter, left, held_to)
        asking = pool.asking
        wanted, among = _first(state, left, at, asking), capped(state, pool)
        is_capped = len(among) < len(left) and wanted not in among
        chosen = _first(state, among, at, asking) if is_capped else wanted
        counted = count(state, pool, chosen[0], at, is_capped=is_capped)
    # The first rule that kept the policy from its own choice is named.
    if len(candidates) < len(everybody) and _first(state, everybody, at, asking) not in candidates:
        return "reservation", chosen, counted
    if len(left) < len(candidates) and _first(state, candidates, at, asking) not in left:
        return "preference", chosen, counted
    return "cap" if is_capped else "policy", chosen, counted


def _first(state: BranchState, candidates: list[Candidate], at: Instant, asking: Asking) -> Candidate:
    return candidates[0] if len(candidates) == 1 else state.policy.first(candidates, at, asking)


def _within_reservation(state: BranchState, candidates: list[Candidate]) -> tuple[list[Candidate], TierId | None]:
    """Those who are not held back, and the lowest tier that is let through; None: nobody is held back."""
    calling = [counter for counter in state.counters.values() if counter.state in _CALLING]
    busy = sum(counter.state is not CounterState.OPEN for counter in calling)
    ranks = {tier_id: rank for rank, tier_id in enumerate(state.tiers)}
    kept_for = [tier for tier, reserved in state.rules.reserve.items() if busy >= len(calling) - reserved]
    if not kept_for:
        return candidates, None
    # Whoever ranks below a tier that counters are being kept for has to wait.
    held_to = min(kept_for, key=ranks.__getitem__)
    left = [candidate for candidate in candidates if candidate[0].emergency or ranks[candidate[0].tier] <= ranks[held_to]]
    return left, held_to if len(left) < len(candidates) else None


def _preferred(state: BranchState, counter: Counter, candidates: list[Candidate]) -> list[Candidate]:
    profile = state.profiles.get(counter.profile) if counter.profile is not None else None
    if profile is None or not profile.preference:
        return candidates
    levels = [level_of(state, counter, key.service) for key, _ in candidates]
    highest = max(levels)
    return [candidate for candidate, level in zip(candidates, levels, strict=True) if level == highest]


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
    lines = _occupied(_beside(state, key))
    asking = _foreseen(state, key) if isinstance(state.policy, Counting) else _ANY
    if key.emergency:
        return state.policy.ahead(key, standing, [line for line in lines if line[0].emergency], at, asking)
    urgent = [(other, len(line)) for other, line in lines if other.emergency]
    if urgent:
        lines = [line for line in lines if not line[0].emergency]
    return urgent + state.policy.ahead(key, standing, lines, at, asking)


def _foreseen(state: BranchState, key: LineKey) -> Asking:
    """One of the counters that could call from *key*; where turns are taken in several pools, they stand for all."""
    counters = reach(state, key)
    if not counters or not isinstance(state.policy, Counting) or not state.policy.is_by_pool:
        return _ANY
    return pool_of(state, state.counters[min(counters)], [(key, Line())], None).asking


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
    return _occupied(known)


def _occupied(lines: list[Candidate]) -> list[Candidate]:
    # Not by the length of the line, which would be a call for each.
    return [candidate for candidate in lines if candidate[1].start < len(candidate[1].standings)]


def _overtaken(state: BranchState, candidates: list[Candidate], chosen: Standing) -> Overtaken:
    place_at, issue_seq, _ = chosen
    passed = [(line, count) for _, line in candidates if (count := line.count_before(place_at, issue_seq))]
    if not passed:
        return _NOBODY
    firsts = merge(*(line.first(min(count, OVERTAKEN_NAMED)) for line, count in passed))
    numbers = tuple(state.tickets[standing[2]].number for standing in islice(firsts, OVERTAKEN_NAMED))
    return Overtaken(sum(count for _, count in passed), numbers)
