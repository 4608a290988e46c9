"""Scenarios are read as written, and everything that is wrong in one is told at once."""

import tomllib
from pathlib import Path

import pytest

from queue_server.simulate.command import simulate
from queue_server.simulate.reading import read_scenario, scenario_from
from queue_server.simulate.scenario import Arrivals, Distribution, Rate, Run, Scenario
from queue_server.simulate.tables import ScenarioError

HOUR = 3_600_000

FULL = """
[hall]
policy = { name = "ageing", rates = { vip = 3.0, std = 1.0 }, head_start_seconds = { vip = 90 } }
counters = 4
reserve = { vip = 1 }
[[tier]]
id = "vip"
target_seconds = 300
[[tier]]
id = "std"
[[service]]
id = "cash"
distribution = { name = "lognormal", mean_seconds = 300, cv = 0.8 }
[[service]]
id = "cards"
distribution = { name = "empirical", values = [30, 60.5] }
[[arrivals]]
tier = "vip"
service = "cash"
per_hour = 6.0
patience = { name = "exponential", mean_seconds = 1200 }
[[arrivals]]
tier = "std"
service = "cards"
per_hour = [{ from = "09:00", to = "11:30", per_hour = 8.0 }, { from = "11:30", to = "24:00", per_hour = 2 }]
[run]
tickets = 200
warmup = 20
replications = 3
seed = 7
"""


def read(text: str) -> Scenario:
    return scenario_from(tomllib.loads(text), "hall")


def faults(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as wrong:
        read(text)
    return wrong.value.faults


def test_everything_is_read_in_the_units_of_the_core() -> None:
    scenario = read(FULL)
    assert scenario.parameters == {"rates": {"vip": 3000, "std": 1000}, "head_start_ms": {"vip": 90_000}}
    assert [counter.id for counter in scenario.counters] == ["1", "2", "3", "4"]
    assert scenario.reserve == {"vip": 1}
    assert [tier.target_ms for tier in scenario.tiers] == [300_000, None]
    assert scenario.services[0].distribution == Distribution("lognormal", 300_000.0, 0.8)
    assert scenario.services[1].distribution.mean == pytest.approx(45_250)
    assert scenario.arrivals[0] == Arrivals("vip", "cash", (Rate((0, 24 * HOUR), 6.0),), Distribution("exponential", 1_200_000.0))
    assert [rate.span for rate in scenario.arrivals[1].rates] == [(9 * HOUR, 23 * HOUR // 2), (23 * HOUR // 2, 24 * HOUR)]
    assert scenario.run == Run(200, 20, 3, 7)


def test_counters_may_be_tables_with_profile_and_shifts() -> None:
    tables = """
[[counter]]
id = "A"
profile = { services = ["cash"], tiers = ["vip"] }
[[counter.shift]]
from = "09:00"
to = "12:00"
[[counter]]
count = 2
"""
    first, *others = read(FULL.replace("counters = 4\n", "") + tables).counters
    assert (first.id, first.services, first.tiers) == ("A", ("cash",), ("vip",))
    assert first.shifts == ((9 * HOUR, 12 * HOUR),)
    assert [(other.id, other.services, other.shifts) for other in others] == [("2", None, ()), ("3", None, ())]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"ageing"', '"aging"', "hall.policy.name is 'aging'; it should be promise or due or ageing or strict or ratio or fifo"),
        ("rates = { vip = 3.0", "rates = { vip = -3", "hall.policy.rates.vip is -3; it should be a number above 0"),
        ("rates = { vip", "rates = { gold", "hall.policy.rates.gold is unknown; one of vip, std"),
        ("counters = 4", "counters = 0", "hall.counters is 0; it should be a whole number from 1 to 1000"),
        ("reserve = { vip = 1 }", "reserve = { vip = 4 }", "hall.reserve.vip is 4; it should be a whole number from 0 to 3"),
        ('id = "std"', 'id = "vip"', "tier[1].id is 'vip'; it should be a name that no other one has"),
        ("cv = 0.8", "cv = 0", "service[0].distribution.cv is 0; it should be a number above 0"),
        (
            "values = [30, 60.5]",
            "values = []",
            "service[1].distribution.values is []; it should be a list of seconds, none below 0",
        ),
        ('service = "cards"', 'service = "card"', "arrivals[1].service is 'card'; it should be cash or cards"),
        (
            'to = "11:30"',
            'to = "08:30"',
            'arrivals[1].per_hour[0].to is \'08:30\'; it should be later than "from", at most "24:00"',
        ),
        ("tickets = 200", "ticket = 200", "run.ticket is unknown; did you mean tickets?"),
        ("[run]", "[runs]", "runs is unknown; did you mean run?"),
    ],
)
def test_a_fault_names_the_key_the_value_and_what_would_be_right(right: str, wrong: str, said: str) -> None:
    assert right in FULL
    assert said in faults(FULL.replace(right, wrong, 1))


def with_counters(tables: str) -> str:
    return FULL.replace("counters = 4\n", "").replace("reserve = { vip = 1 }\n", "") + tables


def test_a_counter_without_a_name_gets_a_number_that_is_free() -> None:
    counters = read(with_counters('[[counter]]\nid = "2"\n[[counter]]\n[[counter]]\ncount = 2\n[[counter]]\nid = "4"\n')).counters
    assert [counter.id for counter in counters] == ["2", "3", "5", "6", "4"]


SHIFTS = """
[[counter]]
id = "x"
[[counter.shift]]
from = "09:00"
to = "12:00"
[[counter.shift]]
from = "{}"
to = "14:00"
"""


def test_shifts_of_a_counter_do_not_overlap() -> None:
    right = "it should be outside of its shift from 09:00 to 12:00, since a counter opens once at a time"
    assert faults(with_counters(SHIFTS.format("11:00"))) == [f"counter[0].shift[1].from is '11:00'; {right}"]
    assert read(with_counters(SHIFTS.format("12:00"))).counters[0].shifts == ((9 * HOUR, 12 * HOUR), (12 * HOUR, 14 * HOUR))


def test_the_counters_of_a_record_need_a_record() -> None:
    said = "counter[0].recorded is True; it should be left out, since there is no record; --trace names one"
    assert said in faults(with_counters("[[counter]]\nrecorded = true\n"))


def test_a_policy_that_there_is_not_has_one_fault() -> None:
    said = "hall.policy is 'lifo'; it should be promise or due or ageing or strict or ratio or fifo"
    assert faults('[hall]\npolicy = "lifo"\n' + FULL[FULL.index("counters = 4") :]) == [said]
    assert len(faults(FULL.replace('"ageing"', '"lifo"'))) == 1


@pytest.mark.parametrize("per_hour", ["1e-300", "0", '[{ from = "00:00", to = "24:00", per_hour = 5e-324 }]'])
def test_customers_who_come_once_in_a_thousand_years_are_a_fault(per_hour: str) -> None:
    (fault,) = faults(FULL.replace("per_hour = 6.0", f"per_hour = {per_hour}"))
    assert "a number from 0.001 on" in fault


def test_all_faults_are_told_at_once() -> None:
    assert (
        len(
            faults(FULL.replace("counters = 4", 'counters = "x"').replace("cv = 0.8", "cv = true").replace("seed = 7", "seed = -7"))
        )
        == 3
    )


def test_a_policy_that_looks_at_targets_needs_them() -> None:
    lines = [line for line in FULL.splitlines() if not line.startswith("policy")]
    text = "\n".join(lines).replace("[hall]", '[hall]\npolicy = "due"')
    assert faults(text) == ["tier std has no target_seconds; the policy due needs one"]


def test_turns_leave_no_tier_out() -> None:
    text = FULL.replace('{ name = "ageing", rates = { vip = 3.0, std = 1.0 }, head_start_seconds = { vip = 90 } }', "POLICY")
    assert read(text.replace("POLICY", '{ name = "ratio", calls = { vip = 3, std = 1 } }')).parameters == {
        "calls": {"vip": 3, "std": 1},
        "scope": "branch",
    }
    assert faults(text.replace("POLICY", '{ name = "ratio", calls = { vip = 3 } }')) == [
        "hall.policy.calls.std is missing; it should be a whole number from 1 to 1000"
    ]


def test_customers_whom_no_counter_may_call_are_a_fault() -> None:
    text = FULL.replace("counters = 4\n", "").replace("reserve = { vip = 1 }\n", "")
    text += '[[counter]]\nprofile = { services = ["cash"] }\n'
    assert faults(text) == ["arrivals[1] brings std for cards, whom no counter may call; a counter's profile should allow it"]


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path / "missing.toml")
    (tmp_path / "broken.toml").write_text("[hall", encoding="utf-8")
    with pytest.raises(ScenarioError, match="is not TOML"):
        read_scenario(tmp_path / "broken.toml")


def test_an_empty_file_has_its_faults_too() -> None:
    assert len(faults("")) >= 4


SAMPLES = Path(__file__).parents[2] / "queue_server" / "samples" / "scenarios"


def test_the_sample_scenarios_differ_in_a_counter() -> None:
    today, more = (read_scenario(SAMPLES / f"{name}.toml") for name in ("today", "one-more-counter"))
    assert (len(today.counters), len(more.counters)) == (3, 4)
    assert today.arrivals == more.arrivals


def test_the_faults_of_all_files_are_told_with_their_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(FULL.replace("counters = 4", "counters = 0"), encoding="utf-8")
    with pytest.raises(ScenarioError) as wrong:
        simulate([tmp_path / "one.toml", tmp_path / "two.toml"])
    assert [fault.split(": ")[0] for fault in wrong.value.faults] == [str(tmp_path / "one.toml"), str(tmp_path / "two.toml")]
