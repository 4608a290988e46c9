"""
Conditions: an ordered list of rules "call from this queue if", and an order for when none of them holds.

A waiting ticket belongs to the first queue that fits its service and tier. A rule holds while somebody waits in the queue that it
calls, fewer than so many have been called from a queue in this round, and the first of a queue has waited longer than so long,
whichever of these it names. When no rule holds, the round is over: the call goes by `otherwise`, and all counts begin anew, in
the whole branch. Within a queue the order is by place. So with queues x and y, `fewer_than` 2 of x, then `fewer_than` 1 of y,
otherwise z, while all wait, two are called from x, one from y and one from z, round and round.

Counts are by the branch or by counter (the scope). Whether a rule that is not bounded by `fewer_than` lets the others starve is
told in `docs/rules.md`.

Within a round a rule that has ceased to hold stays so: queues only get shorter, heads younger, counts higher. So a round is
reckoned rule by rule and not call by call. While no rule that called looks at waits, `otherwise` names the queue and none runs out,
each round is like the one before it, and they are reckoned at once; else how many are ahead costs with the rounds until then.
"""

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct

from queue_server.core.ids import Instant, Millis, ProfileId, ServiceId, TierId
from queue_server.core.policies import BRANCH, Asking, Candidate, said_duration
from queue_server.core.ratio import Counting, Turns
from queue_server.core.waiting import LineKey, Standing

ROUND_OVER = "*"
"""What a call counts for that no rule has made; it is no identifier of a queue."""

QueueId = str | None


class Queue(Struct, frozen=True, omit_defaults=True):
    """Some of the waiting: those of these services and tiers (None: of all)."""

    id: str
    services: list[ServiceId] | None = None
    tiers: list[TierId] | None = None

    def fits(self, key: LineKey) -> bool:
        """Tell whether tickets of the line *key* may belong to it."""
        return (self.services is None or key.service in self.services) and (self.tiers is None or key.tier in self.tiers)


class Rule(Struct, frozen=True, omit_defaults=True):
    """
    Call from the queue `call` if what is named of the queue `of` (None: the same) holds.

    `fewer_than`: so many have not yet been called from it in this round; `waited_ms`: its first has waited longer. `profiles` are
    those for whose counters the rule is (None: all).
    """

    call: str
    of: str | None = None
    fewer_than: int | None = None
    waited_ms: Millis | None = None
    profiles: list[ProfileId] | None = None

    @property
    def looks_at(self) -> str:
        """The queue whose calls and waits the rule looks at."""
        return self.call if self.of is None else self.of


class Plan(Struct, frozen=True, omit_defaults=True):
    """The queues, the rules in order, and the queues to call from when no rule holds, in order; after these by place."""

    queues: list[Queue] = []
    rules: list[Rule] = []
    otherwise: list[str] = []


class Conditions(Counting):
    """Follows *plan*; *turns* are kept by the branch, by scope."""

    name = "conditions"

    def __init__(self, plan: Plan, turns: dict[str, Turns]) -> None:
        self._plan = plan
        self._turns = turns
        self._for_all = [rule for rule in plan.rules if rule.profiles is None]

    def first(self, candidates: list[Candidate], at: Instant, asking: Asking) -> Candidate:
        """The first by place of the queue that the first rule to hold calls from."""
        heads = self._heads(candidates)
        rule = self._rule(heads, at, asking)
        return heads[rule.call if rule is not None else self._otherwise({queue: line.head for queue, (_, line) in heads.items()})]

    def turn_of(self, key: LineKey, candidates: list[Candidate], at: Instant, asking: Asking) -> str:
        """The queue, or that the round is over."""
        del key
        rule = self._rule(self._heads(candidates), at, asking)
        return ROUND_OVER if rule is None else rule.call

    def take(self, turn: str, scope: str) -> None:
        """Count a call from the queue *turn*, or begin anew in all scopes."""
        if turn == ROUND_OVER:
            self._turns.clear()
            return
        counts = self._counts(scope)
        self._turns[scope] = Turns(counts={**counts, turn: counts.get(turn, 0) + 1})

    def ahead(
        self, key: LineKey, standing: Standing, lines: list[Candidate], at: Instant, asking: Asking
    ) -> list[tuple[LineKey, int]]:
        """Reckon round by round, by the rules that are for all profiles and the counts of the branch."""
        del asking
        own, bound = self._queue_of(key), standing[:2]
        queues: dict[QueueId, list[Standing]] = {own: []}
        for other, line in lines:
            queues.setdefault(self._queue_of(other), []).extend(line.standings[line.start :])
        for queue in queues.values():
            queue.sort()
        index = bisect_left(queues[own], bound)
        if queues[own][index : index + 1] != [standing]:
            queues[own].insert(index, standing)
        called = _Foreseen(queues, own, index, self._counts(BRANCH))
        while not called.is_over:
            called.go_by(self._for_all, at)
            if not called.is_over:
                following = self._otherwise(called.heads())
                called.go_on(following, is_by_place=following not in self._plan.otherwise)
        bounds = {queue: called.bound(queue) for queue in queues}
        ahead = []
        for other, line in lines:
            last = bounds[self._queue_of(other)]
            if count := len(line) if last is None else line.count_before(last[0], last[1]):
                ahead.append((other, count))
        return ahead

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The promise is not looked at."""
        del key, standing, at
        return None

    def goes_by_place(self, key: LineKey, other: LineKey) -> bool:
        """Within a queue."""
        return self._queue_of(key) == self._queue_of(other)

    def sentence(self, number: str, key: LineKey, standing: Standing, waiting: int, at: Instant) -> str:
        """Whose queue it was."""
        if waiting == 1:
            return f"{number} was the only one waiting"
        queue, waited = self._queue_of(key), said_duration(at - standing[0])
        where = "outside all queues" if queue is None else f"of the queue {queue}"
        return f"{number} had waited {waited}, the longest {where}, which the rules put first, of {waiting} waiting"

    def _queue_of(self, key: LineKey) -> QueueId:
        return next((queue.id for queue in self._plan.queues if queue.fits(key)), None)

    def _counts(self, scope: str) -> dict[str, int]:
        turns = self._turns.get(scope)
        return {} if turns is None else turns.counts

    def _heads(self, candidates: list[Candidate]) -> dict[QueueId, Candidate]:
        """The line of each queue whose head is the first by place."""
        heads: dict[QueueId, Candidate] = {}
        for candidate in candidates:
            queue = self._queue_of(candidate[0])
            if queue not in heads or candidate[1].head < heads[queue][1].head:
                heads[queue] = candidate
        return heads

    def _rule(self, heads: dict[QueueId, Candidate], at: Instant, asking: Asking) -> Rule | None:
        """The first rule that holds for the counter *asking*."""
        counts = self._counts(asking.scope)
        for rule in self._plan.rules:
            if rule.call in heads and (rule.profiles is None or asking.profile in rule.profiles):
                first = heads.get(rule.looks_at)
                has_calls = rule.fewer_than is None or counts.get(rule.looks_at, 0) < rule.fewer_than
                has_waited = rule.waited_ms is None or (first is not None and at - first[1].head[0] > rule.waited_ms)
                if has_calls and has_waited:
                    return rule
        return None

    def _otherwise(self, heads: dict[QueueId, Standing]) -> QueueId:
        """The queue to call from when no rule holds."""
        listed = next((queue for queue in self._plan.otherwise if queue in heads), None)
        return listed if listed is not None else min(heads, key=heads.__getitem__)


class _Foreseen:
    """The calls to come until that of the ticket number *index* in the queue *own*, as if all were made at one moment."""

    def __init__(self, queues: dict[QueueId, list[Standing]], own: QueueId, index: int, counts: dict[str, int]) -> None:
        self._queues = queues
        self._own = own
        self._index = index
        self._called: dict[QueueId, int] = dict.fromkeys(queues, 0)
        self._before = self._called
        self._counts = dict(counts)
        self._is_steady = False
        self.is_over = False

    def go_by(self, rules: Iterable[Rule], at: Instant) -> None:
        """One round: each rule in its turn for as long as it holds."""
        self._before = dict(self._called)
        self._is_steady = not self._counts
        for rule in rules:
            if count := self._while_holding(rule, at):
                self._is_steady &= rule.waited_ms is None
                self._counts[rule.call] = self._counts.get(rule.call, 0) + count
                self._call(rule.call, count)
            if self.is_over:
                return

    def go_on(self, queue: QueueId, *, is_by_place: bool) -> None:
        """No rule holds: one call from *queue*, and all begins anew."""
        self._call(queue, 1)
        self._counts.clear()
        if self._is_steady and not is_by_place and not self.is_over:
            self._repeat()

    def _repeat(self) -> None:
        """Reckon the rounds like the last one, as long as nobody's queue runs out and it is not the ticket's turn."""
        calls = {queue: called - self._before[queue] for queue, called in self._called.items() if called > self._before[queue]}
        rounds = min((self._left(queue) - 1) // count for queue, count in calls.items())
        if self._own in calls:
            rounds = min(rounds, (self._index - self._called[self._own]) // calls[self._own])
        for queue, count in calls.items():
            self._called[queue] += max(0, rounds) * count

    def heads(self) -> dict[QueueId, Standing]:
        """Return who is first in each queue."""
        return {queue: standings[self._called[queue]] for queue, standings in self._queues.items() if self._left(queue)}

    def bound(self, queue: QueueId) -> Standing | None:
        """Return before whom all of *queue* have been called; None: the whole queue has."""
        return self._queues[queue][self._called[queue]] if self._left(queue) else None

    def _left(self, queue: QueueId) -> int:
        return len(self._queues.get(queue, ())) - self._called.get(queue, 0)

    def _while_holding(self, rule: Rule, at: Instant) -> int:
        """How many *rule* calls before it ceases to hold."""
        of, count = rule.looks_at, self._left(rule.call)
        limits = []
        if rule.fewer_than is not None:
            limits.append(rule.fewer_than - self._counts.get(of, 0))
        if rule.waited_ms is not None:
            old = bisect_left(self._queues.get(of, []), (at - rule.waited_ms,))
            limits.append(old - self._called.get(of, 0))
        if of == rule.call:
            return max(0, min([count, *limits]))
        # What it looks at does not change while it calls from elsewhere.
        return count if all(limit > 0 for limit in limits) else 0

    def _call(self, queue: QueueId, count: int) -> None:
        if queue == self._own and self._called[queue] + count > self._index:
            self._called[queue] = self._index
            self.is_over = True
        else:
            self._called[queue] += count
