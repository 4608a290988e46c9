"""
The calls to come under the policy of conditions until that of one ticket, reckoned without making them one by one.

Within a round a rule that has ceased to hold stays so: queues only get shorter, heads younger, counts higher. So a round is reckoned
rule by rule and not call by call. A round is like the one before it as long as no queue runs out and none of those who have waited
longer than a rule asks for; such rounds are reckoned at once, exactly. What is left to go through is a few rounds for each queue and
rule, however many wait.

Where `otherwise` names no queue in which anybody waits, a round ends with the first by place. Heads only get younger: the call comes
from the same queue until its head has passed what is now the head of another, and so far these rounds are alike too. Where two
queues keep overtaking each other, `ROUNDS_BY_PLACE` rounds are gone through and as many more taken at once as keep the same mixture:
then the count is a guess, and it is exact for whoever is called within the first of them.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from queue_server.core.ids import Instant, Millis
from queue_server.core.plan import QueueId, Rule
from queue_server.core.waiting import Line, Standing

ROUNDS_BY_PLACE = 16


class Queued:
    """The tickets of one queue: *lines*, called from in the order of place. `called` of them are gone."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = [(line.standings, line.start) for line in lines]
        self._at = [start for _, start in self._lines]
        self._passed = 0
        self._length = sum(len(line) for line in lines)
        self.called = 0

    @property
    def left(self) -> int:
        """How many have not been called."""
        return self._length - self.called

    def before(self, bound: tuple[Instant] | Standing) -> int:
        """Return how many stand, or stood, before *bound*: a place, or a standing."""
        return sum(bisect_left(standings, bound, lo=start) - start for standings, start in self._lines)

    def head(self) -> Standing:
        """Return who is first by place; somebody is left."""
        self._pass()
        return min(standings[at] for (standings, _), at in zip(self._lines, self._at, strict=True) if at < len(standings))

    def called_by_line(self) -> list[int]:
        """Return how many of each line have been called."""
        self._pass()
        return [at - start for (_, start), at in zip(self._lines, self._at, strict=True)]

    def _pass(self) -> None:
        """
        Pass those called, in the order of place, in steps.

        Of the lines with anybody left, each may give its share of what is to pass; that one whose last of them stands first gives
        them, since fewer than the whole stand before that last.
        """
        lines, at, wanted = self._lines, self._at, self.called - self._passed
        live = [index for index, (standings, _) in enumerate(lines) if at[index] < len(standings)]
        while wanted:
            share = wanted if len(live) == 1 else max(1, wanted // len(live))
            _, first, last = min((lines[index][0][last], index, last) for index, last in self._lasts(live, share))
            wanted -= last + 1 - at[first]
            at[first] = last + 1
            if last + 1 == len(lines[first][0]):
                live.remove(first)
        self._passed = self.called

    def _lasts(self, live: list[int], share: int) -> list[tuple[int, int]]:
        """For each of the lines *live*, where the last of its *share* stands, or its last."""
        return [(index, min(self._at[index] + share, len(self._lines[index][0])) - 1) for index in live]


class Foreseen:
    """
    The calls until that of one ticket, as if all were made at the moment *at*.

    *own* is its queue, and how many stand before it there; *counts* are those of the round that goes on now.
    """

    def __init__(self, queues: Mapping[QueueId, Queued], own: tuple[QueueId, int], counts: Mapping[str, int], at: Instant) -> None:
        self._queues = queues
        self._own, self._index = own
        self._counts = dict(counts)
        self._at = at
        self._old: dict[tuple[str, Millis], int] = {}
        self._is_over = False

    def go_on(self, rules: Sequence[Rule], otherwise: Sequence[str]) -> None:
        """Go on until it is the ticket's turn: *rules* are asked in order, and at the end of each round *otherwise*."""
        mixed, count = self._called(), 0
        while True:
            is_like_others, before = not self._counts, self._called()
            by_place = self._go_round(rules, otherwise)
            if self._is_over:
                return
            if is_like_others:
                self._repeat(rules, before, by_place)
            count += 1
            if not by_place or not is_like_others:
                mixed, count = self._called(), 0
            elif count == ROUNDS_BY_PLACE:
                self._repeat(rules, mixed, [])
                mixed, count = self._called(), 0

    def _go_round(self, rules: Sequence[Rule], otherwise: Sequence[str]) -> list[QueueId]:
        """Each rule for as long as it holds, then one call by *otherwise*; return, if that goes by place, its queue and then the others."""
        for rule in rules:
            if count := self._while_holding(rule):
                self._counts[rule.call] = self._counts.get(rule.call, 0) + count
                self._call(rule.call, count)
            if self._is_over:
                return []
        self._counts.clear()
        listed = next((queue for queue in otherwise if self._left(queue)), None)
        by_place = [] if listed is not None else self._by_heads()
        self._call(by_place[0] if by_place else listed, 1)
        return by_place

    def _by_heads(self) -> list[QueueId]:
        heads = {queue: queued.head() for queue, queued in self._queues.items() if queued.left}
        return sorted(heads, key=heads.__getitem__)

    def _repeat(self, rules: Sequence[Rule], before: Mapping[QueueId, int], by_place: Sequence[QueueId]) -> None:
        """
        Go on as since *before*.

        So it goes as long as no queue runs out, nor those of it who are old, it is not the ticket's turn, and in rounds that end *by
        place* the same queue has the first.
        """
        calls = {queue: queued.called - before[queue] for queue, queued in self._queues.items() if queued.called > before[queue]}
        # So many may have been called of a queue in the end.
        most = [(queue, queued.called + queued.left - 1) for queue, queued in self._queues.items()]
        most += [
            (rule.looks_at, old - 1)
            for rule in rules
            if rule.waited_ms is not None and (old := self._old_of(rule.looks_at, rule.waited_ms)) > before.get(rule.looks_at, old)
        ]
        most.append((self._own, self._index))
        if len(by_place) > 1:
            most.append((by_place[0], self._queues[by_place[0]].before(self._queues[by_place[1]].head())))
        times = min((limit - self._queues[queue].called) // calls[queue] for queue, limit in most if queue in calls)
        for queue, count in calls.items():
            self._queues[queue].called += max(0, times) * count

    def _called(self) -> dict[QueueId, int]:
        return {queue: queued.called for queue, queued in self._queues.items()}

    def _left(self, queue: QueueId) -> int:
        return self._queues[queue].left if queue in self._queues else 0

    def _old_of(self, queue: str, waited_ms: Millis) -> int:
        """How many of *queue*, those called included, have waited longer."""
        known = self._old.get((queue, waited_ms))
        if known is None:
            queued = self._queues.get(queue)
            known = self._old[queue, waited_ms] = 0 if queued is None else queued.before((self._at - waited_ms,))
        return known

    def _while_holding(self, rule: Rule) -> int:
        """How many *rule* calls before it ceases to hold."""
        of, count = rule.looks_at, self._left(rule.call)
        limits = []
        if rule.fewer_than is not None:
            limits.append(rule.fewer_than - self._counts.get(of, 0))
        if rule.waited_ms is not None:
            limits.append(self._old_of(of, rule.waited_ms) - (self._queues[of].called if of in self._queues else 0))
        if of == rule.call:
            return max(0, min([count, *limits]))
        # What it looks at does not change while it calls from elsewhere.
        return count if all(limit > 0 for limit in limits) else 0

    def _call(self, queue: QueueId, count: int) -> None:
        queued = self._queues[queue]
        if queue == self._own and queued.called + count > self._index:
            queued.called = self._index
            self._is_over = True
        else:
            queued.called += count
