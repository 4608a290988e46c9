"""How many are ahead under the policy of conditions, in full halls: against a plain definition that calls one by one."""

from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as example
from hypothesis import settings
from msgspec import convert

from queue_server.core.conditions import Conditions
from queue_server.core.foreseen import ROUNDS_BY_PLACE, Foreseen, Queued
from queue_server.core.plan import Plan
from queue_server.core.policies import Asking
from queue_server.core.ratio import Turns
from queue_server.core.waiting import Line, LineKey, Standing

QUEUES = [{"id": "top", "tiers": ["gold"]}, {"id": "cash", "services": ["cash"]}, {"id": "loans", "services": ["loans"]}]
NAMES = ("top", "cash", "loans")
names = st.sampled_from(NAMES)
plans = st.fixed_dictionaries(
    {
        "queues": st.integers(1, 3).map(lambda count: QUEUES[:count]),
        "rules": st.lists(
            st.fixed_dictionaries(
                {"call": names},
                optional={"of": names, "fewer_than": st.integers(1, 3), "waited_ms": st.sampled_from([0, 9_000, 100_000, 300_000])},
            ),
            max_size=4,
        ),
        "otherwise": st.lists(names, max_size=3, unique=True),
    }
)
counts = st.dictionaries(names, st.integers(1, 2))
NOW = 1_000_000


def _key(service: str, tier: str, *, care: bool) -> LineKey:
    return LineKey(service, tier, care, 600_000, False, None, None, None)


def _crowd(seed: int, size: int) -> dict[LineKey, Line]:
    chance = Random(seed)
    lines: dict[LineKey, Line] = {}
    kinds = [_key(service, tier, care=care) for service in ("cash", "loans") for tier in ("gold", "std") for care in (False, True)]
    weights = [chance.choice([0, 1, 1, 5]) for _ in kinds]
    for index in range(size if any(weights) else 0):
        (key,) = chance.choices(kinds, weights)
        lines.setdefault(key, Line()).add((NOW - (size - index) * 1_000 + chance.choice([0, 0, 7_000]), index, f"t{index}"))
    return lines


class Plain:
    """Calls one by one; `by_place` counts the rounds that ended so."""

    def __init__(self, plan: dict[str, Any], known: dict[str, int], lines: dict[LineKey, Line]) -> None:
        self.plan, self.counts, self.by_place = plan, dict(known), 0
        self.queues: dict[str | None, list[Standing]] = {}
        self.named = {queue["id"] for queue in plan["queues"]}
        for key, line in lines.items():
            self.queues.setdefault(self._queue(key), []).extend(line.standings)
        for queue in self.queues.values():
            queue.sort()

    def _queue(self, key: LineKey) -> str | None:
        name = "top" if key.tier == "gold" else key.service
        return name if name in self.named else None

    def calls(self) -> list[Standing]:
        called = []
        while any(self.queues.values()):
            called.append(self.queues[self._next()].pop(0))
        return called

    def _next(self) -> str | None:
        first = {queue: people[0] for queue, people in self.queues.items() if people}
        for rule in self.plan["rules"]:
            of = rule.get("of", rule["call"])
            if rule["call"] not in first or self.counts.get(of, 0) >= rule.get("fewer_than", 10_000):
                continue
            if "waited_ms" in rule and (of not in first or NOW - first[of][0] <= rule["waited_ms"]):
                continue
            self.counts[rule["call"]] = self.counts.get(rule["call"], 0) + 1
            called: str = rule["call"]
            return called
        self.counts = {}
        listed = next((queue for queue in self.plan["otherwise"] if queue in first), None)
        self.by_place += listed is None
        return listed if listed is not None else min(first, key=first.__getitem__)


def _policy(plan: dict[str, Any], known: dict[str, int]) -> Conditions:
    return Conditions(convert(plan, Plan), {"": Turns(counts=known)} if known else {})


@example(plans, counts, st.integers(0, 1 << 32), st.integers(1, 400))
@settings(max_examples=150, deadline=None)
def test_ahead_is_what_would_be_called_before(plan: dict[str, Any], known: dict[str, int], seed: int, size: int) -> None:
    lines = _crowd(seed, size)
    plain, policy = Plain(plan, known, lines), _policy(plan, known)
    where = {standing: key for key, line in lines.items() for standing in line.standings}
    order = plain.calls()
    is_exact = plain.by_place <= ROUNDS_BY_PLACE
    for index in sorted({0, len(order) // 3, len(order) - 1} & set(range(len(order)))):
        standing = order[index]
        told = policy.ahead(where[standing], standing, list(lines.items()), NOW, Asking())
        before: dict[LineKey, int] = {}
        for other in order[:index]:
            before[where[other]] = before.get(where[other], 0) + 1
        assert all(count <= len(lines[key]) for key, count in told)
        assert dict(told) == before or not is_exact


@pytest.mark.parametrize("most", [1, 2, 3])
def test_beyond_the_bound_ahead_is_a_good_guess(most: int) -> None:
    plan = {"queues": QUEUES[:1], "rules": [{"call": "top", "fewer_than": most}], "otherwise": []}
    off = 0.0
    for seed in range(30):
        lines = _crowd(seed, 240)
        where = {standing: key for key, line in lines.items() for standing in line.standings}
        order = Plain(plan, {}, lines).calls()
        told = _policy(plan, {}).ahead(where[order[180]], order[180], list(lines.items()), NOW, Asking()) if order else []
        off += abs(sum(count for _, count in told) - 180) / 180 if order else 0
    assert off / 30 < 0.03


@pytest.mark.parametrize("otherwise", [["loans"], ["top", "cash", "loans"], []])
def test_the_rounds_gone_through_do_not_grow_with_those_who_wait(otherwise: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[int] = []
    plain_round = Foreseen._go_round

    def counted(foreseen: Foreseen, *rules: Any) -> Any:
        gone.append(1)
        return plain_round(foreseen, *rules)

    monkeypatch.setattr(Foreseen, "_go_round", counted)
    turns = [
        {"call": "loans", "waited_ms": 200_000, "fewer_than": 3},
        {"call": "top", "fewer_than": 2},
        {"call": "cash", "fewer_than": 1},
    ]
    policy = _policy({"queues": QUEUES, "rules": turns, "otherwise": otherwise}, {"top": 1})
    for seed in range(20):
        lines = _crowd(seed, 4_000)
        for key, line in lines.items():
            gone.clear()
            policy.ahead(key, line.standings[-1], list(lines.items()), NOW, Asking())
            assert len(gone) <= 8 * (ROUNDS_BY_PLACE + 2)


@example(st.lists(st.lists(st.integers(0, 90), max_size=40), min_size=1, max_size=4), st.lists(st.integers(0, 30), max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_queue_of_several_lines_is_called_from_in_the_order_of_place(places: list[list[int]], steps: list[int]) -> None:
    lines = []
    for number, some in enumerate(places):
        lines.append(Line())
        for index, place in enumerate(some):
            lines[-1].add((place, 1_000 * number + index, "t"))
    queued, plain = Queued(lines), sorted(standing for line in lines for standing in line.standings)
    assert queued.before((45,)) == sum(standing < (45, 0, "") for standing in plain)
    for step in steps:
        queued.called = min(queued.called + step, len(plain))
        called = set(plain[: queued.called])
        assert queued.called_by_line() == [sum(standing in called for standing in line.standings) for line in lines]
        assert not queued.left or queued.head() == plain[queued.called]
