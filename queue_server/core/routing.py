"""
Whom a counter calls next, and why.

The candidates of a counter are the heads of the lines that it may call from. Rules are asked in a fixed order, and the one that
decided is named in the answer: eligibility (profile, zone, direction), then emergency, then the branch's policy. The cost is in
lines, not in tickets.
"""

from heapq import merge
from itertools import islice

from msgspec import Struct

from queue_server.core.events import Overtaken, Routing
from queue_server.core.ids import CounterId, Instant, TicketId
from queue_server.core.lifecycle import CounterState
from queue_server.core.policies import Policy
from queue_server.core.state import BranchState, Counter, Ticket
from queue_server.core.waiting import Line, LineKey, Standing

OVERTAKEN_NAMED = 10
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


def next_ticket(state: BranchState, counter_id: CounterId, at: Instant) -> Choice | None:
    """
    Choose the ticket that *counter_id* should call at *at*.

    Returns:
        The ticket with the rule that decided and the tickets it passes; None when nobody it may call is waiting.
    """
    candidates = _candidates(state, counter_id)
    if not candidates:
        return None
    policy = state.policy
    urgent = [candidate for candidate in candidates if candidate[0].emergency]
    key, line = first = _first(policy, urgent or candidates, at)
    chosen = (key, line.head)
    waiting = sum(len(line) for _, line in candidates)
    number = state.tickets[line.head[2]].number
    if first[0].emergency:
        rule, sentence = "emergency", f"{number} is an emergency and goes before all others"
    else:
        rule, sentence = "policy", policy.sentence(number, chosen, waiting, at)
    routing = Routing(
        policy=policy.name,
        rule=rule,
        reason=sentence,
        waiting=waiting,
        overtook=_overtaken(state, candidates, line.head),
        share=policy.share(chosen, at),
    )
    return Choice(line.head[2], routing)


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
        share=policy.share((ticket.line_key(), ticket.standing), at),
        note=note,
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
    bound = state.policy.bounds((key, standing), at)
    ahead = []
    for other, line in _beside(state, key):
        if not line or other.emergency < key.emergency:
            continue
        # Whoever comes last in line comes before all but a few newcomers: no need to search.
        place_at, issue_seq = bound(other)
        if other.emergency > key.emergency or line.standings[-1] < (place_at, issue_seq):
            ahead.append((other, len(line)))
        elif count := line.count_before(place_at, issue_seq):
            ahead.append((other, count))
    return ahead


def _beside(state: BranchState, key: LineKey) -> list[tuple[LineKey, Line]]:
    """The lines that share a counter with *key*."""
    known = state.beside.get(key)
    if known is None:
        mine = reach(state, key)
        known = [(other, line) for other, line in state.lines.items() if not mine.isdisjoint(reach(state, other))]
        state.beside[key] = known
    return known


def _candidates(state: BranchState, counter_id: CounterId) -> list[tuple[LineKey, Line]]:
    counter = state.counters[counter_id]
    return [(key, line) for key, line in state.lines.items() if line and may_call(state, counter, key)]


def _first(policy: Policy, candidates: list[tuple[LineKey, Line]], at: Instant) -> tuple[LineKey, Line]:
    best = candidates[0]
    for candidate in candidates[1:]:
        if policy.precedes((candidate[0], candidate[1].head), (best[0], best[1].head), at):
            best = candidate
    return best


def _overtaken(state: BranchState, candidates: list[tuple[LineKey, Line]], chosen: Standing) -> Overtaken:
    place_at, issue_seq, _ = chosen
    count = sum(line.count_before(place_at, issue_seq) for _, line in candidates)
    if not count:
        return Overtaken(0)
    firsts = (line.first_before(place_at, issue_seq, OVERTAKEN_NAMED) for _, line in candidates)
    return Overtaken(count, tuple(state.tickets[standing[2]].number for standing in islice(merge(*firsts), OVERTAKEN_NAMED)))
