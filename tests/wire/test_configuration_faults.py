"""Every fault of a configuration names the key, what stands there and what would be right; what cannot work is one too."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.reading import Invalid
from tests.wire.test_configuration import faults, shown, small

WRONG: list[Any] = ["not right, at all!", -7, 1e12, float("nan"), True, [], [7], {}, {"?": 7}, None]
RIGHT = ("right would be", "did you mean", "there are none")


def large() -> dict[str, Any]:
    """A configuration in which every key has something in it."""
    value = small() | {
        "languages": ["en", "de"],
        "hours": {"week": {"monday": [{"opens": "09:00", "closes": "17:00"}]}, "dates": {"2026-12-24": []}},
        "profiles": [{"id": "p", "services": ["cash"], "tiers": ["gold"], "name": {"en": "P"}, "preference": {"cash": "first"}}],
        "policy": {"name": "ageing", "rates": {"gold": 2}, "head_start_seconds": {"gold": 30}},
        "cap": {"calls": 3, "scope": "branch", "tier": "standard"},
        "start": {"after_seconds": 5},
        "no_show_after_seconds": 60,
        "promises": [{"dates": ["2026-11-30"], "target_seconds": {"gold": 90}, "services": {"cash": {"gold": 70}}}],
        "classification": [
            {"id": "c", "when": {"services": ["cash"], "between": {"from": "09:00", "to": "10:00"}}, "set": {"tier": "gold"}}
        ],
        "elastic": [
            {
                "id": "e",
                "counters": ["1"],
                "profile": "p",
                "service": "cash",
                "when": {"waiting": 8},
                "back": {"waiting": 4, "after_seconds": 9},
            }
        ],
        "automatic_calling": {"after_idle_seconds": 20},
        "pause_reasons": [{"id": "break", "name": {"en": "Break", "de": "Pause"}}],
        "announcements": [{"id": "a", "text": {"en": "Hello", "de": "Hallo"}}],
    }
    value["counters"].append({"id": "2", "number": 2, "zone": "hall"})
    return value | {"reserve": {"gold": 1}}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def put(value: Any, place: tuple[Any, ...], content: Any) -> Any:
    copied = json.loads(json.dumps(value))
    inner = copied
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = content
    return copied


def test_every_fault_says_what_would_be_right() -> None:
    told = 0
    for place in places(large()):
        for wrong in WRONG:
            try:
                read_configuration(put(large(), place, wrong), "main")
            except Invalid as refused:
                for fault in refused.faults:
                    told += 1
                    assert fault.path, (place, wrong, fault)
                    assert any(said in fault.detail for said in RIGHT), (place, wrong, fault)
    assert told > 500


@pytest.mark.parametrize("wrong", ["not right, at all!", -7, 1e12])
def test_what_was_sent_is_shown(wrong: Any) -> None:
    for key in ("time_zone", "day_starts_at", "undo_seconds", "park_limit", "care_share", "start", "transfer_position", "policy"):
        assert any(path.startswith(key) and ascii(wrong) in said for path, said in faults(small() | {key: wrong}).items()), key


def test_what_was_sent_is_cut_where_it_is_long() -> None:
    assert len(faults(small() | {"time_zone": "x" * 10_000})["time_zone"]) < 300


def cashiers(**changes: Any) -> dict[str, Any]:
    return small() | {"profiles": [{"id": "cashier", "services": ["cash"]}], "counters": [{"id": "1", "number": "1"}]} | changes


TWO = [{"id": "1", "number": "1"}, {"id": "2", "number": "2"}]


@pytest.mark.parametrize(
    ("changes", "place", "said"),
    [
        (
            {"counters": TWO, "reserve": {"gold": 2}},
            "reserve.gold",
            "2 of 2 counters leave none for the tiers below; right would be at most 1",
        ),
        (
            {"reserve": {"gold": 1}},
            "reserve.gold",
            "1 of 1 counters leave none for the tiers below; right would be to leave it out",
        ),
        ({"counters": TWO, "reserve": {"standard": 1}}, "reserve.standard", "standard is the lowest tier"),
        ({"cap": {"calls": 2, "tier": "gold"}}, "cap.tier", "'gold' is the highest tier"),
        (
            {"counters": [{"id": "1", "number": "1", "profile": "cashier"}]},
            "services[1]",
            "No counter may call anybody for the service 'loans'; right would be a profile that allows it",
        ),
        (
            {
                "counters": [{"id": "1", "number": "1", "profile": "cashier"}],
                "profiles": [{"id": "cashier", "services": ["cash"]}, {"id": "adviser", "services": ["loans"], "tiers": ["gold"]}],
            },
            "services[1]",
            "No counter may call the tiers standard for the service 'loans'",
        ),
        (
            {"profiles": [{"id": "cashier", "services": ["cash"], "preference": {"loans": "first"}}]},
            "profiles[0].preference.loans",
            "The profile does not have the service 'loans'; right would be one of its services",
        ),
        (
            {"counters": [{"id": "1", "number": "1"}, {"id": "2", "number": 1}]},
            "counters[1].number",
            "counters[0] has the number 1 too; right would be one of its own",
        ),
        (
            {"counters": [{"id": "1", "number": "1", "zone": "hall"}, {"id": "2", "number": "1", "zone": "hall"}]},
            "counters[1].number",
            "counters[0] has the number '1' too, in the same zone",
        ),
        (
            {"start": {"after_seconds": 60}, "no_show_after_seconds": 30},
            "no_show_after_seconds",
            "30 is over before serving begins, 60 after the call, so every customer would be a no-show",
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], place: str, said: str) -> None:
    told = faults(cashiers(**changes))
    assert list(told) == [place]
    assert told[place].startswith(said)
    assert "right would be" in told[place]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"counters": []}, "a branch that is being set up has no counters yet"),
        (
            {
                "counters": [{"id": "1", "number": "1", "profile": "cashier"}],
                "profiles": [{"id": "cashier", "services": ["cash"]}, {"id": "adviser", "services": ["loans"]}],
            },
            "no counter opens with the profile, but it can be given to one by hand",
        ),
        (
            {"counters": [{"id": "1", "number": "1", "zone": "hall"}, {"id": "2", "number": "1", "zone": "vip"}]},
            "each zone counts for itself",
        ),
        ({"start": {"after_seconds": 30}, "no_show_after_seconds": 30}, "at the same moment serving begins"),
        (
            {"start": {"after_seconds": 60}, "no_show_after_seconds": 30, "recalls_before_no_show": 1},
            "a recall gives the customer the whole time again",
        ),
        (
            {"tiers": small()["tiers"][:1], "services": small()["services"][:1], "cap": {"calls": 1, "tier": "gold"}},
            "one tier is no reason",
        ),
    ],
)
def test_what_may_be_meant_is_let_pass(changes: dict[str, Any], why: str) -> None:
    assert read_configuration(cashiers(**changes)), why


def test_a_large_configuration_is_right() -> None:
    assert shown(read_configuration(large()))["reserve"] == {"gold": 1}
    assert configuration_form(read_configuration(large()))
