"""Hours, promises, arrival rules, elastic counters and lists of words in a configuration: both ways, and what does not fit."""

import json
import tomllib
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.core.configuration import (
    ArrivalRule,
    Code,
    Configuration,
    ElasticRule,
    Hours,
    PromiseDays,
    Span,
    Template,
)
from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.reading import Invalid

FULL = """
id = "main"
name = { en = "Main", zh-Hant = "正街分行" }
time_zone = "Asia/Hong_Kong"
tiers = [
    { id = "gold", name = { en = "Gold" }, target_seconds = 300.0 },
    { id = "standard", name = { en = "Standard" }, target_seconds = 900.0 },
]
services = [
    { id = "cash", name = { en = "Cash" }, prefix = "A", daily_limit = 200 },
    { id = "loans", name = { en = "Loans" }, prefix = "L", hours = { week = { monday = [{ opens = "10:00", closes = "12:00" }] }, dates = {}, last_ticket_seconds = 0.0 } },
]
profiles = [{ id = "cash", services = ["cash"] }, { id = "all" }]
counters = [
    { id = "1", number = "1", zone = "hall", profile = "cash" },
    { id = "2", number = "2", zone = "loans", profile = "all" },
]
automatic_calling = { after_idle_seconds = 20.0 }
no_show_after_seconds = 60.0
recalls_before_no_show = 2
stage_credit = 0.25
park_limit = 5
undo_seconds = 10.0
announcement_seconds = 120.0

[hours]
last_ticket_seconds = 900.0
[hours.week]
monday = [{ opens = "09:00", closes = "12:30" }, { opens = "13:30", closes = "17:00" }]
friday = [{ opens = "20:00", closes = "02:00" }]
sunday = []
[hours.dates]
2026-12-24 = [{ opens = "09:00", closes = "12:00" }]
2026-12-25 = []

[[promises]]
dates = ["2026-11-30", "2026-12-31"]
target_seconds = { standard = 1800.0 }
services = { cash = { gold = 600.0 } }

[[classification]]
id = "cards"
when = { services = ["cash"], languages = ["en"], channels = ["kiosk"], card_classes = ["gold"], identified = true, between = { from = "22:00", to = "06:00" } }
set = { tier = "gold", care = "elderly", zone = "hall" }

[[classification]]
id = "rest"
set = { zone = "loans" }
when = {}

[[elastic]]
id = "rush"
counters = ["2"]
profile = "cash"
service = "cash"
tier = "standard"
when = { waiting = 10 }
back = { waiting = 10, after_seconds = 120.0 }

[[elastic]]
id = "late"
counters = ["1", "2"]
profile = "all"
service = "loans"
when = { oldest_wait_seconds = 600.0 }
back = { oldest_wait_seconds = 0.0, after_seconds = 0.0 }

[[pause_reasons]]
id = "break"
name = { en = "Break", zh-Hant = "小休" }

[[outcomes]]
id = "done"
name = { en = "Done", zh-Hant = "完成" }

[[announcements]]
id = "closing"
text = { en = "We close in ten minutes.", zh-Hant = "我們將於十分鐘後關門。" }
"""


def full() -> dict[str, Any]:
    return tomllib.loads(FULL)


def shown(rules: Configuration) -> Any:
    return json.loads(msgspec.json.encode(configuration_form(rules)))


def faults(value: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read_configuration(value)
    return {fault.path: fault.detail for fault in refused.value.faults}


def changed(path: str, content: Any) -> dict[str, Any]:
    """The full configuration with other content at *path*."""
    value = full()
    place: Any = value
    *way, last = path.replace("[", ".").replace("]", "").split(".")
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = content
    return value


def test_all_of_it_comes_back_the_same_from_toml_and_from_json() -> None:
    rules = read_configuration(full())
    stored = shown(rules)
    for name, sent in full().items():
        if name not in {"tiers", "services", "profiles", "elastic"}:
            assert stored[name] == sent
    assert stored["services"][1]["hours"] == full()["services"][1]["hours"]
    assert stored["services"][0]["daily_limit"] == 200
    rush, late = full()["elastic"]
    assert stored["elastic"] == [rush, late | {"tier": None}]
    assert read_configuration(stored) == rules
    assert read_configuration(json.loads(json.dumps(full()))) == rules
    assert shown(read_configuration(stored)) == stored


def test_it_becomes_what_the_core_keeps() -> None:
    rules = read_configuration(full())
    morning, afternoon = Span("09:00", "12:30"), Span("13:30", "17:00")
    week = {"monday": (morning, afternoon), "friday": (Span("20:00", "02:00"),), "sunday": ()}
    assert rules.hours == Hours(week, {"2026-12-24": (Span("09:00", "12:00"),), "2026-12-25": ()}, 900_000)
    assert rules.services[1].hours == Hours({"monday": (Span("10:00", "12:00"),)})
    assert rules.promises == (PromiseDays(("2026-11-30", "2026-12-31"), {"standard": 1_800_000}, {"cash": {"gold": 600_000}}),)
    assert rules.classification == (
        ArrivalRule(
            "cards",
            services=("cash",),
            languages=("en",),
            channels=("kiosk",),
            card_classes=("gold",),
            identified=True,
            between=Span("22:00", "06:00"),
            tier="gold",
            care="elderly",
            zone="hall",
        ),
        ArrivalRule("rest", zone="loans"),
    )
    assert rules.elastic == (
        ElasticRule("rush", ("2",), "cash", "cash", "standard", waiting=10, back_waiting=10, back_after_ms=120_000),
        ElasticRule("late", ("1", "2"), "all", "loans", oldest_wait_ms=600_000),
    )
    assert (rules.automatic_after_ms, rules.recalls_before_no_show, rules.stage_credit_permille) == (20_000, 2, 250)
    assert (rules.park_limit, rules.undo_ms, rules.announcement_ms) == (5, 10_000, 120_000)
    assert rules.pause_reasons == (Code("break", {"en": "Break", "zh-Hant": "小休"}),)
    assert rules.outcomes == (Code("done", {"en": "Done", "zh-Hant": "完成"}),)
    assert [template.id for template in rules.announcements] == ["closing"]
    assert isinstance(rules.announcements[0], Template)


def spans(*texts: str) -> list[dict[str, str]]:
    return [dict(zip(("opens", "closes"), text.split("-"), strict=True)) for text in texts]


@pytest.mark.parametrize(
    ("path", "content", "place", "said"),
    [
        ("hours.week.monday", spans("9:00-17:00"), "hours.week.monday[0].opens", "a time of day from 00:00 to 23:59"),
        ("hours.week.monday", spans("09:00-09:00"), "hours.week.monday[0]", "opens and closes at 09:00"),
        (
            "hours.week.monday",
            spans("13:00-17:00", "09:00-13:01"),
            "hours.week.monday[0]",
            "opens at 13:00 and overlaps hours.week.monday[1], open until 13:01",
        ),
        (
            "hours.week.monday",
            spans("23:00-03:00", "01:00-02:00"),
            "hours.week.monday[1]",
            "opens at 01:00 and overlaps hours.week.monday[0], open until 03:00",
        ),
        ("hours.week.monday", spans("22:00-04:01"), "hours.week.monday[0]", "22:00 to 04:01 goes past 04:00"),
        ("hours.week.monday", spans("03:00-09:00"), "hours.week.monday[0]", "another day_starts_at"),
        ("hours.week.monday", spans("09:00-09:15"), "hours.last_ticket_seconds", "hours.week.monday[0] is open for 900 seconds"),
        ("hours.week.monday", spans(*["09:00-10:00"] * 11), "hours.week.monday", "length"),
        ("hours.week.Monday", [], "hours.week.Monday", "monday or tuesday"),
        ("hours.dates.2026-02-30", [], "hours.dates.2026-02-30", "no date 2026-02-30"),
        ("hours.dates.2026-13-01", [], "hours.dates.2026-13-01", "no date 2026-13-01"),
        ("hours.dates.24-12-2026", [], "hours.dates.24-12-2026", "a date such as"),
        ("services[1].hours.week.tuesday", spans("10:00-10:00"), "services[1].hours.week.tuesday[0]", "opens and closes"),
        ("services[0].daily_limit", 0, "services[0].daily_limit", "null for no limit"),
        ("promises[0].dates", ["2026-11-30", "2026-11-30"], "promises[0].dates[1]", "promises[0].dates[0] is the same date"),
        ("promises[0].dates", ["2026-11-31"], "promises[0].dates[0]", "no date 2026-11-31"),
        ("promises[0].dates", [], "promises[0].dates", "length"),
        ("promises[0].target_seconds", {"silver": 60}, "promises[0].target_seconds.silver", "There is no tier"),
        ("promises[0].services", {"cash": {"golden": 60}}, "promises[0].services.cash.golden", "did you mean gold?"),
        ("promises[0].services", {"cards": {"gold": 60}}, "promises[0].services.cards", "There is no service"),
        ("promises[0]", {"dates": ["2026-12-01"]}, "promises[0]", "promises nothing"),
        ("classification[1].id", "cards", "classification[1].id", "classification[0] has the same id"),
        ("classification[1].set", {}, "classification[1].set", "sets nothing"),
        ("classification[1].set", {"tier": "silver"}, "classification[1].set.tier", "There is no tier"),
        ("classification[1].set", {"care": "rich"}, "classification[1].set.care", "elderly or disabled"),
        ("classification[1].set", {"zone": "hal"}, "classification[1].set.zone", "did you mean hall?"),
        ("classification[0].when.services", ["cards"], "classification[0].when.services[0]", "There is no service"),
        ("classification[0].when.services", [], "classification[0].when.services", "length"),
        ("classification[0].when.between", {"from": "09:00", "to": "09:00"}, "classification[0].when.between", "ends at 09:00"),
        ("classification[0].when.between", {"from": "9"}, "classification[0].when.between.to", "is missing"),
        ("elastic[1].id", "rush", "elastic[1].id", "elastic[0] has the same id"),
        ("elastic[0].counters", ["2", "3"], "elastic[0].counters[1]", "There is no counter"),
        ("elastic[0].counters", ["2", "2"], "elastic[0].counters[1]", "name it once"),
        ("elastic[0].profile", "hall", "elastic[0].profile", "There is no profile"),
        ("elastic[0].service", "cards", "elastic[0].service", "There is no service"),
        ("elastic[0].tier", "silver", "elastic[0].tier", "There is no tier"),
        ("elastic[0].when", {}, "elastic[0].when", "measures nothing"),
        ("elastic[0].when", {"waiting": 3, "oldest_wait_seconds": 60}, "elastic[0].when", "names both"),
        ("elastic[0].when.waiting", 0, "elastic[0].when.waiting", "from 1 to 10000"),
        ("elastic[0].back", {"waiting": 0, "after_seconds": 1}, "elastic[0].back.waiting", "from 1 to 10000"),
        ("elastic[0].back", {"waiting": 11, "after_seconds": 1}, "elastic[0].back.waiting", "right would be at most 10"),
        ("elastic[1].back", {"oldest_wait_seconds": 601, "after_seconds": 1}, "elastic[1].back.oldest_wait_seconds", "at most 600"),
        (
            "elastic[0].back",
            {"oldest_wait_seconds": 5, "after_seconds": 1},
            "elastic[0].back.oldest_wait_seconds",
            "waiting here too",
        ),
        ("elastic[0].back", {"after_seconds": 1}, "elastic[0].back", "right would be waiting, at most 10"),
        ("elastic[0].back", {"waiting": 5}, "elastic[0].back.after_seconds", "is missing"),
        ("automatic_calling", True, "automatic_calling", "an object with after_idle_seconds"),
        ("automatic_calling", {"after_idle_seconds": -1}, "automatic_calling.after_idle_seconds", "from 0 to a week"),
        ("recalls_before_no_show", 21, "recalls_before_no_show", "from 0 to 20"),
        ("stage_credit", 1.01, "stage_credit", "a share from 0 to 1"),
        ("park_limit", -1, "park_limit", "from 0 to 100"),
        ("undo_seconds", "30", "undo_seconds", "a number of seconds"),
        ("pause_reasons[0].name", {"en": "Break"}, "pause_reasons[0].name", "lacks zh-Hant"),
        ("outcomes[0].name", {"zh-Hant": "完成"}, "outcomes[0].name", "lacks en"),
        ("announcements[0].text", {"en": "Soon."}, "announcements[0].text", "lacks zh-Hant"),
        ("announcements[0].text.en", "a" * 501, "announcements[0].text.en", "1 to 500 characters"),
        ("outcomes", [{"id": "done", "name": {"en": "a", "zh-Hant": "a"}}] * 2, "outcomes[1].id", "outcomes[0] has the same id"),
        ("announcement_seconds", 0, "announcement_seconds", "above zero"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would_be_right(path: str, content: Any, place: str, said: str) -> None:
    told = faults(changed(path, content))
    assert said in told.get(place, ""), told


def test_a_zone_in_which_nobody_could_serve_is_told() -> None:
    value = changed("classification[0].when.services", ["cash", "loans"])
    assert read_configuration(value).classification, "by an elastic rule the counter of the hall may come to serve loans"
    value["elastic"][1]["counters"] = ["2"]
    told = faults(value)
    assert "No counter of the zone hall may serve loans for the tier gold" in told["classification[0].set.zone"]
    value["profiles"][0]["tiers"] = ["standard"]
    value["classification"][0]["when"].pop("services")
    told = faults(value)
    assert "No counter of the zone hall may serve for the tier gold" in told["classification[0].set.zone"]


def test_faults_of_all_kinds_are_told_at_once() -> None:
    value = changed("hours.week.monday", spans("09:00-12:00", "11:00-13:00", "22:00-05:00"))
    value["elastic"][0]["profile"] = "gone"
    value["elastic"][1]["back"] = {"waiting": 2, "after_seconds": 0}
    value["classification"][0]["set"] = {}
    value["promises"].append({"dates": ["2026-12-31"], "target_seconds": {"silver": 1}})
    value["announcements"][0]["text"] = {"en": ""}
    assert set(faults(value)) == {
        "hours.week.monday[1]",
        "hours.week.monday[2]",
        "elastic[0].profile",
        "elastic[1].back",
        "elastic[1].back.waiting",
        "classification[0].set",
        "promises[1].dates[0]",
        "promises[1].target_seconds.silver",
        "announcements[0].text",
        "announcements[0].text.en",
    }


def test_what_only_looks_like_a_fault_is_none() -> None:
    value = changed("hours.week.monday", spans("04:00-16:00", "16:00-04:00"))
    value["hours"]["last_ticket_seconds"] = 0
    value["elastic"][0]["when"]["oldest_wait_seconds"] = None
    value["classification"][1]["set"] = {"zone": "hall"}
    assert read_configuration(value).hours is not None


def test_dates_without_quotation_marks_in_toml_are_told_what_is_missing() -> None:
    told = faults(tomllib.loads(FULL.replace('"2026-11-30"', "2026-11-30")))
    assert "in quotation marks" in told["promises[0].dates[0]"]


@pytest.mark.parametrize(
    ("name", "entry", "most"),
    [
        ("promises", {"dates": ["2026-12-01"], "target_seconds": {"gold": 1}}, 100),
        ("classification", {"id": "a", "set": {"tier": "gold"}}, 200),
        (
            "elastic",
            {"id": "a", "counters": ["1"], "profile": "all", "when": {"waiting": 2}, "back": {"waiting": 1, "after_seconds": 0}},
            100,
        ),
        ("pause_reasons", {"id": "a", "name": {"en": "A", "zh-Hant": "A"}}, 100),
        ("outcomes", {"id": "a", "name": {"en": "A", "zh-Hant": "A"}}, 100),
        ("announcements", {"id": "a", "text": {"en": "A", "zh-Hant": "A"}}, 100),
    ],
)
def test_every_list_is_bounded(name: str, entry: dict[str, Any], most: int) -> None:
    def listed(count: int) -> list[dict[str, Any]]:
        entries = [deepcopy(entry) for _ in range(count)]
        for index, one in enumerate(entries):
            if "id" in one:
                one["id"] = f"a{index}"
            else:
                one["dates"] = [f"2026-{1 + index // 28:02d}-{1 + index % 28:02d}"]
        return entries

    read_configuration(full() | {name: listed(most)})
    assert set(faults(full() | {name: listed(most + 1)})) == {name}


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 20)
    | st.floats()
    | st.sampled_from(["", "cash", "gold", "09:00", "1", "2026-02-30", "en"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "week", "dates", "monday", "opens", "closes", "when", "set", "back", "waiting", "zone", "counters", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def places(value: Any, path: str = "") -> list[str]:
    """Every place in *value* that holds something."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}".lstrip(".") for key, _ in inner]
    pairs = (
        zip(found, [content for _, content in (value.items() if isinstance(value, dict) else enumerate(value))], strict=True)
        if found
        else ()
    )
    return [*found, *(place for at, content in pairs for place in places(content, at))]


PLACES = places(full())


@given(st.sampled_from(PLACES), JUNK)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_anywhere_is_read_or_refused_with_faults(path: str, content: Any) -> None:
    try:
        rules = read_configuration(changed(path, content))
    except Invalid as refused:
        told = refused.faults
    else:
        told = []
        assert read_configuration(shown(rules)) == rules
    assert all(fault.detail for fault in told)
