"""What random days are made of: configurations, and the parameters of commands."""

from typing import Any

import hypothesis.strategies as st

from queue_server.core.configuration import (
    ArrivalRule,
    Behind,
    Cap,
    Code,
    Configuration,
    CounterPlace,
    ElasticRule,
    Policy,
    Preference,
    Profile,
    Scope,
    Service,
    Span,
    StartMode,
    Template,
    Tier,
)
from queue_server.core.timetable import Timetable, Window
from tests.scenario import rules

_PLAN: dict[str, Any] = {
    "queues": [{"id": "gold", "tiers": ["gold"]}, {"id": "loans", "services": ["loans"]}],
    "rules": [{"call": "gold", "fewer_than": 2}, {"call": "loans", "waited_ms": 60_000}],
    "otherwise": ["loans"],
}
POLICIES = (
    Policy("promise"),
    Policy("fifo"),
    Policy("due"),
    Policy("strict"),
    Policy("ageing", {"rates": {"gold": 3000, "std": 1000}, "head_start_ms": {"gold": 90_000}}),
    Policy("strict", {"service_weights": {"loans": 2, "cash": -1}}),
    Policy("ageing", {"rates": {}, "service_rates": {"loans": {"std": 9000}}, "service_head_start_ms": {"cash": {"plat": 60_000}}}),
    Policy("ratio", {"calls": {"plat": 1, "gold": 2, "std": 1}, "scope": "branch"}),
    Policy("ratio", {"calls": {"plat": 2, "gold": 1, "std": 2}, "scope": "counter"}),
    Policy("conditions", _PLAN | {"scope": "branch"}),
    Policy("conditions", _PLAN | {"scope": "counter"}),
)
CROWD = ElasticRule("crowd", ("1", "3"), "cash_only", service="cash", waiting=3, back_waiting=2, back_after_ms=30_000)
LATE = ElasticRule(
    "late", ("1", "2"), "gold_only", tier="gold", oldest_wait_ms=100_000, back_oldest_wait_ms=60_000, back_after_ms=20_000
)
NERVOUS = ElasticRule("nervous", ("3",), "cash_only", waiting=1, back_waiting=1)
TIERS = (Tier("plat", {"en": "Platinum"}, 300_000), *rules().tiers)
PROFILES = (
    *rules().profiles,
    Profile("below", tiers=("gold", "std"), preference={"loans": Preference.FIRST}),
    Profile("ends", tiers=("plat", "std"), services=("loans", "cash"), preference={"cash": Preference.ONLY_WHEN_IDLE}),
    Profile("levels", preference={"cash": 5, "loans": -2}),
)
profiles = st.sampled_from([None, None, None, "gold_only", "cash_only", "below", "ends", "levels"])
counter_places = st.tuples(profiles, profiles).map(
    lambda drawn: (
        CounterPlace("1", "1", profile=drawn[0]),
        CounterPlace("2", "2", zone="hall", profile=drawn[1]),
        rules().counters[2],
    )
)
ARRIVALS = (
    ArrivalRule("black", card_classes=("black",), tier="plat"),
    ArrivalRule("app", channels=("app",), tier="gold", zone="vip"),
    ArrivalRule("shown", identified=True, services=("loans",), care="elderly"),
    ArrivalRule("morning", between=Span("08:00", "08:05"), zone="hall"),
)

configurations = st.fixed_dictionaries(
    {
        "policy": st.sampled_from(POLICIES),
        "cap": st.sampled_from([None, None, Cap(1), Cap(2, Scope.COUNTER), Cap(2, tier="gold"), Cap(1, Scope.COUNTER, "std")]),
        "reserve": st.sampled_from([{}, {}, {"gold": 1}, {"plat": 1, "gold": 2}]),
        "counters": counter_places,
        "start": st.sampled_from([StartMode.PRESSED, StartMode.PRESSED, StartMode.ON_CALL, StartMode.AFTER]),
        "start_after_ms": st.just(20_000),
        "no_show_after_ms": st.sampled_from([None, 30_000]),
        "recalls_before_no_show": st.sampled_from([0, 0, 1, 2]),
        "care_permille": st.sampled_from([0, 250, 900]),
        "reinstate_ms": st.just(60_000),
        "automatic_after_ms": st.sampled_from([None, None, 0, 15_000]),
        "elastic": st.sampled_from([(), (), (CROWD,), (LATE, CROWD), (NERVOUS, LATE), (CROWD, NERVOUS)]),
        "classification": st.sampled_from([(), ARRIVALS]),
        "park_limit": st.sampled_from([1, 2, 3]),
        "stage_credit_permille": st.sampled_from([0, 500, 1000]),
        "transfer_position": st.sampled_from(["due", "front", "back", Behind(2)]),
        "reinstate_position": st.sampled_from(["due", "front", "back", Behind(1)]),
        "carry_over": st.booleans(),
        "undo_ms": st.sampled_from([30_000, 30_000, 1_000, 0]),
        "outcomes": st.sampled_from([(), (Code("done", {"en": "Done"}),)]),
        "reasons": st.sampled_from([(), (), (Code("asked", {"en": "Asked"}), Code("fire_alarm", {"en": "Fire alarm"}))]),
        "announcements": st.just((Template("drill", {"en": "A drill"}),)),
        "daily_limit": st.sampled_from([None, None, 6]),
    }
)


def configured(changes: dict[str, Any]) -> Configuration:
    """The configuration that *changes*, drawn from `configurations`, describe."""
    others = {name: value for name, value in changes.items() if name != "daily_limit"}
    services = (rules().services[0], Service("loans", {"en": "Loans"}, "L", daily_limit=changes["daily_limit"]))
    return rules(services=services, tiers=TIERS, profiles=PROFILES, **others)


def timetable(kind: int, now: int) -> Timetable:
    """No hours; or open until soon; or open from soon on, and other promises for some; seen from *now*."""
    arrivals: dict[str, tuple[tuple[int, int], ...]] = {"morning": ((now, now + 300_000),)}
    if kind == 0:
        return Timetable(arrivals=arrivals)
    if kind == 1:
        return Timetable(windows=(Window(now, now + 400_000, now + 500_000),), target_ms={"std": 300_000}, arrivals=arrivals)
    soon = (Window(now + 100_000, now + 900_000, now + 900_000), Window(now + 1_000_000, now + 9_000_000, now + 9_000_000))
    return Timetable(services={"loans": soon}, service_target_ms={"cash": {"gold": 400_000}}, arrivals=arrivals)


counters = st.sampled_from(["1", "2", "3", "1", "2", "3", "nowhere"])
maybe_counters = st.sampled_from([None, None, None, "1", "2"])
services = st.sampled_from(["cash", "loans"] * 6 + ["nothing"])
then = st.sampled_from([(), ("loans",), ("cash",), ("loans", "cash")] * 4 + [("nothing",), ("cash",) * 5])
tiers = st.sampled_from([None, None, "gold", "gold", "std", "plat"] * 3 + ["none"])
card_classes = st.sampled_from([None, None, "black", "blue"])
zones = st.sampled_from([None, None, None, "hall", "vip", "moon"])
people = st.sampled_from([None, "ann", "bob"])
seats = st.sampled_from([None, None, None, "ann", "bob"])
reasons = st.sampled_from([None, "asked", "asked", "because"])
outcomes = st.sampled_from([None, "done", None, "done", "lost"])
positions: st.SearchStrategy[Any] = st.sampled_from([None, "front", "due", "back", Behind(0), Behind(2), Behind(50)])
tickets = st.integers(0, 41)
timetables = st.sampled_from([0, 0, 0, 0, 0, 1, 2])
