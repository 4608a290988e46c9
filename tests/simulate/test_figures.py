"""Estimates, differences, and what is printed."""

import json
from pathlib import Path

import pytest

from queue_server.cli import main
from queue_server.simulate.confidence import estimate, student_t
from queue_server.simulate.draws import draw_from, stream
from queue_server.simulate.overtaking import Overtaking
from queue_server.simulate.scenario import Distribution

SCENARIO = """
[hall]
policy = "strict"
counters = 2
[[tier]]
id = "vip"
target_seconds = 300
[[tier]]
id = "std"
[[service]]
id = "cash"
distribution = { name = "exponential", mean_seconds = 300 }
[[arrivals]]
tier = "vip"
service = "cash"
per_hour = 6.0
[[arrivals]]
tier = "std"
service = "cash"
per_hour = 12.0
patience = { name = "exponential", mean_seconds = 1200 }
[run]
tickets = 300
warmup = 30
replications = 4
seed = 1
"""
FIELDS = {
    "tickets",
    "mean_wait_seconds",
    "half_width_95",
    "p50_wait_seconds",
    "p90_wait_seconds",
    "p95_wait_seconds",
    "waited_share",
    "left_share",
    "within_target_share",
}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.mark.parametrize(("freedom", "point"), [(1, 12.706205), (2, 4.302653), (7, 2.364624), (30, 2.042272), (1000, 1.962339)])
def test_student_t(freedom: int, point: float) -> None:
    assert student_t(freedom) == pytest.approx(point, abs=1e-6)


def test_an_estimate_has_a_width_from_two_values_on() -> None:
    assert estimate([]) is None
    one, two = estimate([3.0]), estimate([1.0, 3.0])
    assert one is not None
    assert (one.mean, one.half_width) == (3.0, None)
    assert two is not None
    assert two.mean == 2.0
    assert two.error == pytest.approx(1.0)
    assert two.half_width == pytest.approx(12.706205, abs=1e-6)


@pytest.mark.parametrize(
    ("distribution", "mean", "cv"),
    [
        (Distribution("exponential", 1000.0), 1000, 1.0),
        (Distribution("lognormal", 1000.0, 0.5), 1000, 0.5),
        (Distribution("constant", 1000.0), 1000, 0.0),
        (Distribution("empirical", values_ms=(500.0, 1500.0)), 1000, 0.5),
    ],
)
def test_durations_have_mean_and_spread(distribution: Distribution, mean: float, cv: float) -> None:
    draw = draw_from(distribution, stream(1, 0, "test"))
    drawn = [draw() for _ in range(20_000)]
    found = sum(drawn) / len(drawn)
    assert found == pytest.approx(mean, rel=0.03)
    assert (sum((value - found) ** 2 for value in drawn) / len(drawn)) ** 0.5 / found == pytest.approx(cv, abs=0.03)


def test_overtaking_forgets_whom_nobody_can_be_overtaken_by() -> None:
    passing = Overtaking()
    first, second, third, fourth = (passing.arrive() for _ in range(4))
    assert passing.call(third) == 0
    passing.leave(first)
    assert passing.call(fourth) == 0
    assert passing.call(second) == 2
    assert passing.call(passing.arrive()) == 0
    assert not passing._called


def test_json_has_the_fields_that_are_promised(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(scenario), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"tickets_per_second", "tiers", "overall", "utilisation", "overtaken"}
    assert set(told["tiers"]) == set(told["overtaken"]) == {"vip", "std"}
    assert set(told["overall"]) == set(told["tiers"]["vip"]) == FIELDS
    assert told["overall"]["tickets"] == 4 * 300
    assert told["tiers"]["vip"]["left_share"] == 0 < told["tiers"]["std"]["left_share"]
    assert told["tiers"]["std"]["within_target_share"] is None


def test_two_scenarios_are_compared(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = tmp_path / "three.toml"
    more.write_text(SCENARIO.replace("counters = 2", "counters = 3").replace("seed = 1", "seed = 9"), encoding="utf-8")
    assert main(["simulate", str(scenario), str(more), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["scenarios"]) == ["two", "three"]
    vip = next(entry for entry in told["differences"] if entry["tier"] == "vip")
    assert (vip["scenario"], vip["base"]) == ("three", "two")
    # The other seed is not used: the customers are the same, so the difference is surer than the figures.
    assert vip["mean_wait_seconds"] < -vip["half_width_95"] < 0
    assert main(["simulate", str(scenario), str(more)]) == 0
    table = capsys.readouterr().out
    assert "Less two" in table
    assert "counters busy" in table


def test_a_wrong_scenario_is_told_and_nothing_is_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(SCENARIO.replace("counters = 2", "counters = 2.5"), encoding="utf-8")
    assert main(["simulate", str(path)]) == 2
    assert "hall.counters is 2.5" in capsys.readouterr().err
