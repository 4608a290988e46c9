"""
Random days in a branch with the rules of another product: each call is the one that its model would make.

`PRESETS_EXAMPLES` sets how many days each rule set is given.
"""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeAlias

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Configuration, Policy
from queue_server.core.lifecycle import CounterState
from queue_server.wire import configuration as module
from queue_server.wire.configuration import read_configuration
from tests import invariants
from tests.presets.models import Fqm, Model, NovoSga2, NovoSga15, Person, Qmatic, QSystem
from tests.scenario import HOUR, MORNING, Scenario

EXAMPLES = int(os.environ.get("PRESETS_EXAMPLES", "40"))
SAMPLES = Path(module.__file__).parents[1] / "samples" / "presets"
PRESETS: dict[str, Callable[[], Model]] = {
    "novosga-2": NovoSga2,
    "novosga-1.5": NovoSga15,
    "qsystem": QSystem,
    "qmatic": Qmatic,
    "fqm": Fqm,
}

Step: TypeAlias = tuple[str, int, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 11), st.integers(0, 11)),
        st.tuples(st.just("come"), st.integers(0, 11), st.integers(0, 11)),
        st.tuples(st.just("next"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("next"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("finish"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 1_000, 45_000, 300_000, 1_000_000]), st.just(0)),
    ),
    max_size=80,
)


def preset(name: str) -> Configuration:
    return read_configuration(tomllib.loads((SAMPLES / f"{name}.toml").read_text("utf-8")))


class Day:
    """A day of ours beside the model; `next` fails where they differ."""

    def __init__(self, rules: Configuration, model: Model) -> None:
        self.rules, self.model = rules, model
        self.hall = Scenario(rules).open(*model.desks)
        self.waiting: list[Person] = []
        self.calls = 0

    def play(self, steps: list[Step]) -> None:
        for name, number, other in steps:
            getattr(self, name)(number, other)

    def come(self, number: int, other: int) -> None:
        service = self.rules.services[number % len(self.rules.services)].id
        tier = self.rules.tiers[other % len(self.rules.tiers)].id
        person = Person(f"t{len(self.hall.state.tickets)}", service, tier, self.hall.now)
        self.hall.issue(person.ticket, service, tier=tier)
        self.waiting.append(person)

    def next(self, number: int, _: int) -> None:
        desk = self.model.desks[number % len(self.model.desks)]
        # Between whom the product does not decide, the order of issue does.
        due = sorted(self.model.choose(self.waiting, desk, self.hall.now), key=self.waiting.index)
        self.hall.when(c.CallNext, counter=desk, finish=True)
        fact = next((change.event.fact for change in self.hall.changes if isinstance(change.event.fact, e.TicketCalled)), None)
        assert (fact.ticket if fact is not None else None) == (due[0].ticket if due else None)
        if fact is not None:
            self.model.called(due[0], desk)
            self.waiting.remove(due[0])
            self.hall.when(c.StartServing, ticket=fact.ticket)
            self.calls += 1

    def finish(self, number: int, _: int) -> None:
        counter = self.hall.state.counters[self.model.desks[number % len(self.model.desks)]]
        if counter.state is CounterState.SERVING:
            self.hall.when(c.FinishServing, ticket=counter.ticket)

    def leave(self, number: int, _: int) -> None:
        if self.waiting:
            self.hall.when(c.CancelTicket, ticket=self.waiting.pop(number % len(self.waiting)).ticket)

    def wait(self, ms: int, _: int) -> None:
        if self.hall.now < MORNING + 12 * HOUR:
            self.hall.after(ms)


@pytest.mark.parametrize("name", PRESETS)
@given(day=steps)
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_call_is_the_one_of_the_model(name: str, day: list[Step]) -> None:
    played = Day(preset(name), PRESETS[name]())
    played.play(day)
    invariants.check(played.hall.state, played.hall.events)


@given(day=steps)
@settings(max_examples=EXAMPLES, deadline=None)
def test_qmatic_may_count_by_counter(day: list[Step]) -> None:
    rules = preset("qmatic")
    policy = Policy("conditions", {**rules.policy.parameters, "scope": "counter"})
    Day(replace(rules, policy=policy), Qmatic("counter")).play(day)


def _long_day(seed: int) -> list[Step]:
    chance = Random(seed)
    names = ["come", "come", "come", "next", "next", "finish", "leave", "wait"]
    return [
        (name, chance.randrange(12) if name != "wait" else chance.choice([1_000, 45_000, 300_000]), chance.randrange(12))
        for name in chance.choices(names, k=600)
    ]


@pytest.mark.parametrize("name", PRESETS)
@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=max(1, EXAMPLES // 4), deadline=None)
def test_a_full_hall_is_called_like_the_model(name: str, seed: int) -> None:
    day = Day(preset(name), PRESETS[name]())
    day.play(_long_day(seed))
    assert day.calls > 60


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("novosga-2", {"policy": Policy("strict")}),
        ("novosga-2", {"profiles": "preference"}),
        ("novosga-1.5", {"cap": None}),
        ("novosga-1.5", {"policy": Policy("strict")}),
        ("qsystem", {"policy": Policy("fifo")}),
        ("qsystem", {"profiles": "preference"}),
        ("qmatic", {"policy": Policy("fifo")}),
        ("qmatic", {"policy": "rules"}),
        ("fqm", {"policy": Policy("strict"), "profiles": "services"}),
    ],
)
def test_a_rule_left_out_shows(name: str, missing: dict[str, object]) -> None:
    rules = preset(name)
    if isinstance(missing.get("profiles"), str):
        without: dict[str, object] = {str(missing["profiles"]): {} if missing["profiles"] == "preference" else None}
        missing = missing | {"profiles": tuple(replace(profile, **without) for profile in rules.profiles)}
    if missing.get("policy") == "rules":
        parameters = rules.policy.parameters
        missing = {"policy": Policy("conditions", {**parameters, "rules": parameters["rules"][:-1]})}
    with pytest.raises(AssertionError):
        Day(replace(rules, **missing), PRESETS[name]()).play(_long_day(7))


def test_every_preset_has_its_model() -> None:
    assert {path.stem for path in SAMPLES.glob("*.toml")} == set(PRESETS)
