"""
Conditions: an ordered list of rules "call from this queue if", and an order for when none of them holds.

A waiting ticket belongs to the first queue that fits its service and tier. A rule holds while somebody waits in the queue that it
calls, fewer than so many have been called from a queue in this round, and the first of a queue has waited longer than so long,
whichever of these it names. When no rule holds, the round is over: the call goes by `otherwise`, and all counts begin anew, in
the whole branch. Within a queue the order is by place. So with queues x and y, `fewer_than` 2 of x, then `fewer_than` 1 of y,
otherwise z, while all wait, two are called from x, one from y and one from z, round and round.

Counts are by the branch or by counter (the scope). Whether a rule that is not bounded by `fewer_than` lets the others starve is
told in `docs/rules.md`.

How many are ahead is reckoned by `foreseen`.
"""

from functools import lru_cache

from queue_server.core.foreseen import Foreseen, Queued
from queue_server.core.ids import Instant
from queue_server.core.plan import Plan, QueueId, Rule
from queue_server.core.policies import BRANCH, Asking, Candidate, Chosen
from queue_server.core.ratio import Counting, Turns
from queue_server.core.waiting import Line, LineKey, Standing

_KEYS_KEPT = 4096
ROUND_OVER = "*"
"""What a call counts for that no rule has made; it is no identifier of a queue."""


class Conditions(Counting):
    """Follows *plan*; *turns* are kept by the branch, by scope."""

    name = "conditions"

    def __init__(self, plan: Plan, turns: dict[str, Turns]) -> None:
        self._plan = plan
        self._turns = turns
        self._for_all = [rule for rule in plan.rules if rule.profiles is None]
        # The same few classes of people come again and again.
        self._queue_of = lru_cache(_KEYS_KEPT)(self._found_queue)

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
        own = self._queue_of(key)
        members: dict[QueueId, list[Candidate]] = {own: []}
        for candidate in lines:
            members.setdefault(self._queue_of(candidate[0]), []).append(candidate)
        queues = {queue: Queued([line for _, line in those]) for queue, those in members.items()}
        before = [line.count_before(standing[0], standing[1]) for _, line in members[own]]
        if all(line.nth(count) != standing for (_, line), count in zip(members[own], before, strict=True)):
            queues[own] = Queued([*(line for _, line in members[own]), Line([standing])])
        Foreseen(queues, (own, sum(before)), self._counts(BRANCH), at).go_on(self._for_all, self._plan.otherwise)
        ahead = []
        for queue, those in members.items():
            called = before if queue == own else queues[queue].called_by_line()
            ahead += [(other, count) for (other, _), count in zip(those, called, strict=True) if count]
        return ahead

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The promise is not looked at."""
        del key, standing, at
        return None

    def goes_by_place(self, key: LineKey, other: LineKey) -> bool:
        """Within a queue."""
        return self._queue_of(key) == self._queue_of(other)

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """Whose queue it was."""
        number = chosen.number
        if waiting == 1:
            return f"{number} was the only one waiting"
        queue, waited = self._queue_of(chosen.key), chosen.said_wait(at)
        where = "outside all queues" if queue is None else f"of the queue {queue}"
        return f"{number} had waited {waited}, the first {where}, which the rules put first, of {waiting} waiting"

    def _found_queue(self, key: LineKey) -> QueueId:
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
