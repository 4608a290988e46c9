"""The table of figures judges what is there, and says what is not."""

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.goals import GOALS, amount, found, less, more

CAMPAIGNS = {"kill9", "faults_histories"}


def test_every_figure_comes_from_a_benchmark_or_a_campaign() -> None:
    assert {goal.result for goal in GOALS} <= {result for result, *_ in BENCHMARKS.values()} | CAMPAIGNS


@pytest.mark.parametrize(("value", "verdict"), [(0.5, "MISSED"), (0.55, "floor"), (0.69, "floor"), (0.7, "goal"), (2, "goal")])
def test_more_is_judged_from_below(value: float, verdict: str) -> None:
    assert more("ratio", ("issue", ("ratio",)), 0.55, 0.7).verdict(value) == verdict


@pytest.mark.parametrize(("value", "verdict"), [(0, "goal"), (1.3, "goal"), (1.4, "floor"), (1.7, "MISSED")])
def test_less_is_judged_from_above(value: float, verdict: str) -> None:
    assert less("ratio", ("fence", ("ratio",)), 1.6, 1.3).verdict(value) == verdict


def test_one_breach_in_one_kind_is_counted() -> None:
    kinds = {"service": {"kills": 40, "breaches": []}, "nats": {"kills": 40, "breaches": ["hall-1: A042 is lost"]}}
    assert found({"kinds": kinds}, ("kinds", "*", "kills")) == 80
    assert found({"kinds": kinds}, ("kinds", "*", "breaches")) == 1


def test_a_spread_counts_by_its_median_and_findings_by_their_number() -> None:
    assert amount({"median": 0.6, "low": 0.5, "high": 0.9}) == 0.6
    assert amount({"lost": 2, "stale": 1}) == 3
    assert amount({}) == 0
    with pytest.raises(KeyError):
        found({"ratio": 1}, ("ratio_to_commits",))
