"""
The rule sets of other products as small plain models, in their words, written from descriptions of these products.

A model says whom a desk would call next. Where its product leaves the order open (equal times), it returns all whom it may be; ours
goes by the order of issue then. Nothing here knows our policies.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

Weights: TypeAlias = dict[str, int]


class Person(NamedTuple):
    """Somebody who waits."""

    ticket: str
    service: str
    tier: str
    arrived: int


class Model(Protocol):
    """A product's way to choose."""

    desks: ClassVar[tuple[str, ...]]

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        """Return whom *desk* calls: one, or those between whom the product does not decide; nobody when none may be called."""
        ...

    def called(self, person: Person, desk: str) -> None:
        """*person* was called to *desk*, as chosen just before."""
        ...


def least(people: Iterable[Person], key: Callable[[Person], Any]) -> list[Person]:
    """Return all whose key is the smallest."""
    people = list(people)
    best = min(map(key, people), default=None)
    return [person for person in people if key(person) == best]


class NovoSga2:
    """Order by attendant-service weight, priority weight, unit-service weight, all descending, then arrival."""

    desks: ClassVar[tuple[str, ...]] = ("1", "2", "3", "4")
    priority: ClassVar[Weights] = {"over80": 2, "priority": 1, "normal": 0}
    unit: ClassVar[Weights] = {"benefits": 3, "registry": 2, "documents": 1, "information": 1}
    attendant: ClassVar[dict[str, Weights]] = {
        "1": dict.fromkeys(unit, 1),
        "2": {"benefits": 9, "documents": 5, "registry": 2, "information": 1},
        "3": {"documents": 2, "registry": 1},
        "4": dict.fromkeys(unit, 1),
    }
    queue_type: ClassVar[dict[str, str]] = {"1": "all", "2": "all", "3": "priority", "4": "normal"}

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        weights, wanted = self.attendant[desk], self.queue_type[desk]
        offered = [
            person
            for person in waiting
            if person.service in weights and (wanted == "all" or (self.priority[person.tier] > 0) == (wanted == "priority"))
        ]
        return least(offered, lambda p: (-weights[p.service], -self.priority[p.tier], -self.unit[p.service], p.arrived))

    def called(self, person: Person, desk: str) -> None:
        """It remembers nothing."""


class NovoSga15:
    """Order by (priority weight + 1) x waited; after the limit of priority calls in a row by an attendant a normal one, if any."""

    desks: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    weight: ClassVar[Weights] = {"over80": 4, "priority": 1, "normal": 0}
    services: ClassVar[dict[str, set[str]]] = {"1": {"registry", "documents"}, "2": {"registry", "documents"}, "3": {"documents"}}
    limit = 3

    def __init__(self) -> None:
        self.in_a_row: Counter[str] = Counter()

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        offered = [person for person in waiting if person.service in self.services[desk]]
        if self.in_a_row[desk] >= self.limit:
            offered = [person for person in offered if self.weight[person.tier] == 0] or offered
        # It would settle equal points by weight and number.
        return least(offered, lambda p: -(self.weight[p.tier] + 1) * (now - p.arrived))

    def called(self, person: Person, desk: str) -> None:
        self.in_a_row[desk] = self.in_a_row[desk] + 1 if self.weight[person.tier] > 0 else 0


class QSystem:
    """A line for each service, by class and standing time; the operator's highest coefficient first, equal ones by their heads."""

    desks: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    classes: ClassVar[Weights] = {"vip": 3, "high": 2, "normal": 1, "low": 0}
    coefficients: ClassVar[dict[str, Weights]] = {
        "1": {"passports": 1, "licences": 1, "payments": 1},
        "2": {"passports": 2, "licences": 1, "payments": 0},
        "3": {"payments": 1, "licences": 0},
    }

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        coefficients = self.coefficients[desk]
        heads = []
        for service in coefficients:
            heads += least((p for p in waiting if p.service == service), self._order)
        highest = max((coefficients[head.service] for head in heads), default=0)
        return least((head for head in heads if coefficients[head.service] == highest), self._order)

    def _order(self, person: Person) -> tuple[int, int]:
        return -self.classes[person.tier], person.arrived

    def called(self, person: Person, desk: str) -> None:
        """It remembers nothing."""


class Qmatic:
    """Condition -> rule pairs in order, then "finally call by"; counters since the reset, by branch or by counter."""

    desks: ClassVar[tuple[str, ...]] = ("1", "2", "3", "4")
    queues: ClassVar[dict[str, str]] = {"1": "psg", "2": "psg", "3": "bpsg", "4": "pg"}
    patience = 1_200_000

    def __init__(self, per: str = "branch") -> None:
        self.per = per
        self.since_reset: Counter[tuple[str, str]] = Counter()
        self.reached_finally = False

    def _queue(self, person: Person) -> str:
        return "b" if person.service == "business" else person.tier[0]

    def _count(self, desk: str, queue: str) -> tuple[str, str]:
        return ("" if self.per == "branch" else desk, queue)

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        first = {queue: least((p for p in waiting if self._queue(p) == queue), lambda p: p.arrived) for queue in self.queues[desk]}
        self.reached_finally = False
        if desk == "3" and first["b"]:
            return first["b"]
        if first.get("s") and now - first["s"][0].arrived > self.patience:
            return first["s"]
        for queue, calls in (("p", 2), ("g", 1)):
            if first[queue] and self.since_reset[self._count(desk, queue)] < calls:
                return first[queue]
        self.reached_finally = True
        if first.get("s"):
            return first["s"]
        return least((p for people in first.values() for p in people), lambda p: p.arrived)

    def called(self, person: Person, desk: str) -> None:
        if self.reached_finally:
            self.since_reset.clear()
        else:
            self.since_reset[self._count(desk, self._queue(person))] += 1


class Fqm:
    """An office pulls the oldest of its own tickets of its tasks, or, strict pulling off, of all; the global pull is the oldest."""

    desks: ClassVar[tuple[str, ...]] = ("1", "2", "3", "4", "5", "6")
    pulls: ClassVar[dict[str, tuple[str, set[str], bool] | None]] = {
        "1": ("a", {"papers", "fees"}, True),
        "2": ("b", {"papers"}, True),
        "3": ("a", {"papers"}, True),
        "4": ("a", {"papers", "fees"}, False),
        "5": ("b", {"papers"}, False),
        "6": None,
    }

    def choose(self, waiting: list[Person], desk: str, now: int) -> list[Person]:
        return least((person for person in waiting if self._may_pull(person, desk)), lambda p: p.arrived)

    def _may_pull(self, person: Person, desk: str) -> bool:
        task, office = person.service.split("_")
        pull = self.pulls[desk]
        return pull is None or (task in pull[1] and (office == pull[0] or not pull[2]))

    def called(self, person: Person, desk: str) -> None:
        """It remembers nothing."""
