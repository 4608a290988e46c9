import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.core.choosing import POLICIES, policy_of
from queue_server.core.configuration import Configuration, Preference, StartMode
from queue_server.wire import configuration as module
from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.policy_form import PolicyConfiguration
from queue_server.wire.reading import FAULTS_TOLD, Invalid

SAMPLE = Path(module.__file__).parents[1] / "samples" / "main.toml"


def small() -> dict[str, Any]:
    return {
        "id": "main",
        "name": {"en": "Main", "de": "Haupt"},
        "tiers": [
            {"id": "gold", "name": {"en": "Gold"}, "target_seconds": 60},
            {"id": "standard", "name": {"en": "Standard"}, "target_seconds": 0.5},
        ],
        "services": [
            {"id": "cash", "name": {"en": "Cash"}, "prefix": "A", "prefixes": {"gold": "V"}},
            {"id": "loans", "name": {"en": "Loans"}, "prefix": "B", "target_seconds": {"gold": 30.25}},
        ],
        "counters": [{"id": "1", "number": "1"}],
    }


def shown(rules: Configuration) -> Any:
    return msgspec.json.decode(msgspec.json.encode(configuration_form(rules)))


def faults(value: Any, branch_id: str | None = None) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read_configuration(value, branch_id)
    return {fault.path: fault.detail for fault in refused.value.faults}


def test_defaults_are_filled_in() -> None:
    rules = read_configuration(small(), "main")
    assert rules.default_tier == "standard"
    assert [tier.target_ms for tier in rules.tiers] == [60_000, 500]
    assert rules.services[1].target_ms == {"gold": 30_250}
    assert rules.languages == ("en", "de")
    assert shown(rules) == {
        "id": "main",
        "name": {"en": "Main", "de": "Haupt"},
        "tiers": [
            {"id": "gold", "name": {"en": "Gold"}, "target_seconds": 60.0},
            {"id": "standard", "name": {"en": "Standard"}, "target_seconds": 0.5},
        ],
        "services": [
            {
                "id": "cash",
                "name": {"en": "Cash"},
                "prefix": "A",
                "prefixes": {"gold": "V"},
                "target_seconds": {},
                "typical_seconds": 180.0,
                "hours": None,
                "daily_limit": None,
            },
            {
                "id": "loans",
                "name": {"en": "Loans"},
                "prefix": "B",
                "prefixes": {},
                "target_seconds": {"gold": 30.25},
                "typical_seconds": 180.0,
                "hours": None,
                "daily_limit": None,
            },
        ],
        "counters": [{"id": "1", "number": "1", "zone": None, "profile": None}],
        "languages": ["en", "de"],
        "time_zone": "UTC",
        "day_starts_at": "04:00",
        "hours": None,
        "default_tier": "standard",
        "profiles": [],
        "policy": {"name": "promise"},
        "reserve": {},
        "cap": None,
        "care_share": 0.25,
        "no_show_after_seconds": None,
        "reinstate_seconds": 900.0,
        "start": "pressed",
        "transfer_position": "due",
        "reinstate_position": "due",
        "roll_grace_seconds": 7200.0,
        "carry_over": False,
        "promises": [],
        "classification": [],
        "elastic": [],
        "automatic_calling": None,
        "recalls_before_no_show": 0,
        "stage_credit": 0.5,
        "park_limit": 3,
        "undo_seconds": 30.0,
        "pause_reasons": [],
        "reasons": [],
        "outcomes": [],
        "announcements": [],
        "announcement_seconds": 300.0,
    }


def test_the_sample_branch_is_accepted_and_has_what_it_promises() -> None:
    rules = read_configuration(tomllib.loads(SAMPLE.read_text("utf-8")))
    assert rules.id == "main"
    assert rules.name["en"] == "Main Street branch"
    assert [tier.id for tier in rules.tiers] == ["private", "platinum", "gold", "standard"]
    assert [service.id for service in rules.services] == ["cash", "accounts", "loans", "cards"]
    assert len(rules.counters) == 6
    named_things: list[Any] = [rules, *rules.tiers, *rules.services, *rules.profiles, *rules.pause_reasons, *rules.outcomes]
    for name in [*(named.name for named in named_things), *(template.text for template in rules.announcements)]:
        assert set(name) == {"en", "zh-Hans", "zh-Hant"}
    assert rules.hours is None, "it works at any time of day"
    assert rules.automatic_after_ms is None
    assert min(map(len, (rules.pause_reasons, rules.outcomes, rules.announcements))) > 0
    assert read_configuration(shown(rules)) == rules


IDS = st.text("abcXYZ019_-", min_size=1, max_size=8)
NAMES = st.dictionaries(st.sampled_from(["en", "zh-Hans", "de"]), st.text("abc é客", min_size=1, max_size=5), min_size=1)
SECONDS = st.integers(1, 100_000_000).map(lambda ms: ms / 1000)
POSITIONS: st.SearchStrategy[Any] = st.sampled_from(["front", "due", "back"]) | st.builds(dict, behind=st.integers(1, 10_000))


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    tiers = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    services = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    value: dict[str, Any] = {
        "id": draw(IDS),
        "name": draw(NAMES),
        "tiers": [{"id": tier, "name": draw(NAMES), "target_seconds": draw(SECONDS)} for tier in tiers],
        "services": [
            {
                "id": service,
                "name": draw(NAMES),
                "prefix": next(letters),
                "prefixes": {tier: next(letters) for tier in draw(st.sets(st.sampled_from(tiers), max_size=2))},
                "target_seconds": draw(st.dictionaries(st.sampled_from(tiers), SECONDS)),
            }
            for service in services
        ],
        "profiles": [
            {"id": "p", "services": draw(st.none() | st.lists(st.sampled_from(services), min_size=1, max_size=3))},
            {"id": "all"},
        ],
        "counters": [{"id": counter, "number": counter, "profile": "p"} for counter in draw(st.sets(IDS, max_size=4))],
    }
    optional = {
        "policy": st.sampled_from([{"name": "fifo"}, {"name": "promise"}, {}]),
        "care_share": st.integers(0, 999).map(lambda permille: permille / 1000),
        "start": st.sampled_from(["pressed", "on_call"]) | st.builds(dict, after_seconds=st.just(0.001)),
        "no_show_after_seconds": st.none() | SECONDS,
        "reinstate_seconds": SECONDS,
        "roll_grace_seconds": SECONDS,
        "transfer_position": POSITIONS,
        "reinstate_position": POSITIONS,
        "default_tier": st.sampled_from(tiers),
        "time_zone": st.sampled_from(["UTC", "Asia/Hong_Kong"]),
    }
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        value[name] = draw(optional[name])
    return value


@given(configurations())
@settings(max_examples=60, deadline=None)
def test_what_is_put_comes_back_and_can_be_put_again(value: dict[str, Any]) -> None:
    rules = read_configuration(value, value["id"])
    stored = shown(rules)
    assert read_configuration(stored, value["id"]) == rules
    assert shown(read_configuration(stored)) == stored
    for name, sent in value.items():
        if name in {"tiers", "services", "counters", "profiles", "policy"}:
            continue
        assert stored[name] == sent


def test_every_fault_is_told_at_once_with_its_place() -> None:
    value = small()
    value["tiers"][1]["target_seconds"] = 0
    value["tiers"].append({"id": "gold", "name": {"en": "Again"}, "target_second": 5})
    value["services"][0]["prefix"] = "A1"
    value["services"][1]["prefixes"] = {"silver": "v"}
    value["counters"][0]["profile"] = "nobody"
    value |= {"default_tier": "gould", "time_zone": "Mars/Base", "hours": {"mon": []}, "policy": {"name": "random", "x": 1}}
    value |= {"colour": "red", "care_share": 1, "start": {"after_seconds": -1}, "day_starts_at": "25:00", "languages": []}
    del value["name"]
    told = faults(value, "other")
    assert set(told) == {
        "id",
        "name",
        "colour",
        "tiers[1].target_seconds",
        "tiers[2].target_second",
        "tiers[2].target_seconds",
        "tiers[2].id",
        "services[0].prefix",
        "services[1].prefixes.silver",
        "counters[0].profile",
        "default_tier",
        "time_zone",
        "hours.mon",
        "policy.name",
        "policy.x",
        "care_share",
        "start.after_seconds",
        "day_starts_at",
        "languages",
    }
    assert "did you mean gold?" in told["default_tier"]
    assert "did you mean target_seconds?" in told["tiers[2].target_second"]
    assert "letters" in told["services[0].prefix"]
    assert all("right would be" in told[path] or "did you mean" in told[path] for path in ("id", "time_zone", "care_share"))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("id", ""),
        ("id", "a" * 65),
        ("id", "a b"),
        ("id", "main\n"),
        ("id", 7),
        ("name", "Main"),
        ("name", {}),
        ("name.en", "a\x00b"),
        ("name.en", ""),
        ("name.en", "a\x85b"),
        ("name.en", "a\u2028b"),
        ("name.en", "a\u2029b"),
        ("name.en", "a\u202ab"),
        ("name.en", "a\u202eb"),
        ("name.en", "a\u2066b"),
        ("name.en", "a\u2069b"),
        ("counters[0].number", "1\u202e"),
        ("tiers", []),
        ("tiers", "gold"),
        ("tiers", None),
        ("tiers[0]", 3),
        ("tiers[0].target_seconds", "60"),
        ("tiers[0].target_seconds", True),
        ("tiers[0].target_seconds", -1),
        ("tiers[0].target_seconds", 1e12),
        ("tiers[0].target_seconds", float("nan")),
        ("tiers[0].target_seconds", float("inf")),
        ("tiers[0].target_seconds", 0.0001),
        ("services[0].prefix", "É"),
        ("services[0].prefix", ""),
        ("services[1].prefix", "a"),
        ("services[1].prefixes", {"gold": "A"}),
        ("services[0].daily_limit", 0),
        ("services[1].target_seconds.gold", 0),
        ("counters[0].number", ""),
        ("counters[0].number", None),
        ("profiles[0].services", []),
        ("profiles[0].tiers[0]", "silver"),
        ("start", "later"),
        ("policy", "promise"),
        ("transfer_position", "middle"),
        ("no_show_after_seconds", 0),
        ("care_share", -0.1),
        ("time_zone", "../UTC"),
        ("time_zone", ""),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(path: str, wrong: Any) -> None:
    value = small() | {"profiles": [{"id": "p", "tiers": ["gold"]}]}
    place: Any = value
    *way, last = path.replace("]", "").replace("[", ".").split(".")
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = wrong
    assert any(told.startswith(path) for told in faults(value))


@pytest.mark.parametrize("value", [None, [], "main", 3])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert faults(value) == {"": faults(value)[""]}


def test_the_number_of_faults_told_is_bounded() -> None:
    with pytest.raises(Invalid) as refused:
        read_configuration({f"f{n}": 1 for n in range(1000)})
    assert len(refused.value.faults) == FAULTS_TOLD


def test_sizes_are_bounded() -> None:
    value = small()
    value["counters"] = [{"id": str(n), "number": str(n)} for n in range(501)]
    assert set(faults(value)) == {"counters"}


def test_serving_may_begin_by_itself() -> None:
    rules = read_configuration(small() | {"start": {"after_seconds": 2.5}})
    assert (rules.start, rules.start_after_ms) == (StartMode.AFTER, 2500)


def test_a_counter_number_may_be_written_as_a_number() -> None:
    value = small()
    value["counters"][0]["number"] = 7
    assert shown(read_configuration(value))["counters"][0]["number"] == "7"


def test_every_policy_can_be_chosen() -> None:
    names = msgspec.inspect.type_info(PolicyConfiguration).fields[0].type.values  # type: ignore[attr-defined]
    assert sorted(names) == sorted(POLICIES)


@pytest.mark.parametrize(
    "more",
    [
        {"policy": {"name": "ageing", "rates": {"gold": 2.5}, "head_start_seconds": {"standard": 90.0}}},
        {
            "policy": {
                "name": "ageing",
                "rates": {"gold": 3.0},
                "head_start_seconds": {},
                "service_rates": {"loans": {"gold": 1.5, "standard": 0.5}},
                "service_head_start_seconds": {"cash": {"gold": 90.0}},
            },
        },
        {"policy": {"name": "ratio", "calls": {"gold": 3, "standard": 1}, "scope": "counter"}},
        {"policy": {"name": "strict"}, "cap": {"calls": 3, "scope": "branch", "tier": None}, "reserve": {"gold": 1}},
        {
            "policy": {"name": "strict", "service_weights": {"loans": 3, "cash": -1}},
            "cap": {"calls": 1, "scope": "counter", "tier": "standard"},
        },
        {
            "policy": {
                "name": "conditions",
                "scope": "counter",
                "queues": [{"id": "top", "services": None, "tiers": ["gold"]}, {"id": "rest", "services": ["cash"], "tiers": None}],
                "rules": [
                    {"call": "rest", "of": "top", "fewer_than": None, "waited_seconds": 2.5, "profiles": ["p"]},
                    {"call": "top", "of": None, "fewer_than": 2, "waited_seconds": None, "profiles": None},
                ],
                "otherwise": ["rest"],
            },
        },
        {"policy": {"name": "due"}},
    ],
)
def test_the_rules_of_calling_come_back_the_same(more: dict[str, Any]) -> None:
    counters = [{"id": "1", "number": "1"}, {"id": "2", "number": "2"}]
    rules = read_configuration(small() | {"profiles": [{"id": "p"}], "counters": counters} | more)
    assert {name: shown(rules)[name] for name in more} == more
    assert read_configuration(shown(rules)) == rules
    # A change of policy begins new rounds: what is stored must compare the same when it has been read back.
    assert msgspec.json.decode(msgspec.json.encode(rules), type=Configuration) == rules
    assert policy_of(rules, {}).name == rules.policy.name


def test_a_parameter_of_another_policy_and_a_tier_left_out_are_told() -> None:
    told = faults(small() | {"policy": {"name": "ratio", "calls": {"gold": 3}, "rates": {"gold": 1.0}}, "reserve": {"silver": 1}})
    assert set(told) == {"policy.calls", "policy.rates", "reserve.silver"}
    assert "standard" in told["policy.calls"]


def test_what_would_be_right_is_told_of_a_choice_and_of_either() -> None:
    counters = [{"id": "1", "number": -1}, {"id": "2", "number": None}, {"id": "3"}]
    told = faults(small() | {"policy": {"name": "luck"}, "start": "later", "transfer_position": 3, "counters": counters})
    right = {path: detail.partition("; right would be ")[2] for path, detail in told.items()}
    number = "1 to 32 characters without control characters or a whole number from 0 to 9999"
    assert right == {
        "policy.name": "promise or due or ageing or strict or ratio or conditions or fifo",
        "start": "pressed or on_call or an object with after_seconds",
        "transfer_position": "front or due or back or an object with behind",
        **{f"counters[{n}].number": number for n in range(3)},
    }


def test_a_preference_may_be_a_number_where_three_words_are_too_few() -> None:
    profiles = [{"id": "p", "preference": {"cash": 7, "loans": "first"}}]
    rules = read_configuration(small() | {"profiles": profiles})
    assert rules.profiles[0].preference == {"cash": 7, "loans": Preference.FIRST}
    assert shown(rules)["profiles"][0]["preference"] == profiles[0]["preference"]
    told = faults(small() | {"profiles": [{"id": "p", "preference": {"cash": 101, "loans": "last", "cards": 1}}]})
    assert set(told) == {f"profiles[0].preference.{service}" for service in ("cash", "loans", "cards")}
    assert "first or also or only_when_idle or a whole number from -100 to 100" in told["profiles[0].preference.loans"]


def test_every_fault_in_the_conditions_is_told_at_once_with_what_would_be_right() -> None:
    policy = {
        "name": "conditions",
        "calls": {"gold": 1},
        "scope": "hall",
        "queues": [{"id": "top", "tiers": ["gould"]}, {"id": "top", "services": ["cash", "cards"]}, {"id": "a b", "tiers": []}, 7],
        "rules": [
            {"call": "tap", "of": "nobody", "profiles": ["q"]},
            {"fewer_than": 0, "waited_seconds": -1, "call_from": "top"},
        ],
        "otherwise": ["top", "rest"],
    }
    told = faults(small() | {"policy": policy, "cap": {"calls": 2, "tier": "silver"}})
    assert set(told) == {
        "policy.calls",
        "policy.scope",
        "policy.queues[0].tiers[0]",
        "policy.queues[1].id",
        "policy.queues[1].services[1]",
        "policy.queues[2].id",
        "policy.queues[2].tiers",
        "policy.queues[3]",
        "policy.rules[0].call",
        "policy.rules[0].of",
        "policy.rules[0].profiles[0]",
        "policy.rules[1].call",
        "policy.rules[1].call_from",
        "policy.rules[1].fewer_than",
        "policy.rules[1].waited_seconds",
        "policy.otherwise[1]",
        "cap.tier",
    }
    assert "did you mean top?" in told["policy.rules[0].call"]
    assert "did you mean gold?" in told["policy.queues[0].tiers[0]"]
    assert "right would be one of its own" in told["policy.queues[1].id"]


def test_conditions_need_queues_and_rules_and_a_question_to_ask_of_another_queue() -> None:
    assert set(faults(small() | {"policy": {"name": "conditions"}})) == {"policy.queues", "policy.rules"}
    policy = {"name": "conditions", "queues": [{"id": "a"}, {"id": "b"}], "rules": [{"call": "a", "of": "b"}]}
    told = faults(small() | {"policy": policy})
    assert told == {"policy.rules[0].of": told["policy.rules[0].of"]}
    assert "right would be a fewer_than or a waited_seconds" in told["policy.rules[0].of"]


@pytest.mark.parametrize("weight", [101, 1.5, "1", True])
def test_the_weight_of_a_service_is_a_whole_number(weight: Any) -> None:
    told = faults(small() | {"policy": {"name": "strict", "service_weights": {"cash": weight, "card": 1}}})
    assert set(told) == {"policy.service_weights.cash", "policy.service_weights.card"}
    assert "right would be a whole number from -100 to 100" in told["policy.service_weights.cash"]
    assert "right would be" in told["policy.service_weights.card"] or "did you mean" in told["policy.service_weights.card"]


@pytest.mark.parametrize("table", ["service_rates", "service_head_start_seconds"])
def test_rates_and_head_starts_of_services_name_what_there_is(table: str) -> None:
    told = faults(small() | {"policy": {"name": "ageing", table: {"cash": {"golden": 2}, "card": {"gold": 1}}}})
    assert set(told) == {f"policy.{table}.card", f"policy.{table}.cash.golden"}
    assert "did you mean gold?" in told[f"policy.{table}.cash.golden"]
    assert set(faults(small() | {"policy": {"name": "fifo", table: {"cash": {"gold": 1}}}})) == {f"policy.{table}"}
    assert set(faults(small() | {"policy": {"name": "ageing", table: {"cash": 3}}})) == {f"policy.{table}.cash"}
