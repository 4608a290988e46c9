"""The simulated hall waits as theory says; `make theory` does the same with all cases and many more tickets."""

import pytest

from tests.simulate import formulas as f
from tests.simulate.halls import hall
from tests.simulate.theory import cases, judge, overall_waits

TICKETS = 3_000
REPLICATIONS = 8


@pytest.mark.parametrize("index", [2, 4, 5])
def test_mean_waits_are_those_of_theory(index: int) -> None:
    case = cases(TICKETS, REPLICATIONS)[index]
    for verdict in judge(case):
        # So few tickets cannot show two per cent; the campaign does.
        assert verdict.holds(share=0.12), verdict


def test_a_wrong_policy_is_noticed() -> None:
    right = cases(TICKETS, 3)[1]
    wrong = type(right)(right.name, right.source, hall("fifo", per_hour=(10.0, 18.0), tickets=TICKETS, replications=3), right.waits)
    assert not all(verdict.holds(share=0.12) for verdict in judge(wrong))


def test_the_overall_mean_is_kept_by_every_policy() -> None:
    waits = overall_waits(tickets=2_500, replications=2)
    assert set(waits.values()) != {waits["fifo"]}, "the policies must have made some difference"
    for policy, wait in waits.items():
        assert wait == pytest.approx(waits["fifo"], rel=0.005), policy


def test_formulas_agree_where_they_meet() -> None:
    rates = (0.2, 0.5)
    alone = f.wait_mmc(0.7, 1.0, 1)
    assert alone == pytest.approx(f.wait_mg1(0.7, 1.0, 1.0))
    assert f.waits_ageing(rates, (1, 1), 1.0, 1, alone) == pytest.approx([alone, alone])
    # Points that differ without bound are a strict priority.
    assert f.waits_ageing(rates, (1e9, 1), 1.0, 1, alone) == pytest.approx(f.waits_strict(rates, 1.0, 1, alone), rel=1e-6)
    # Nothing reserved: the threshold is the whole hall.
    wait, left = f.erlang_a(2.5, 1.0, 4, 1e9)
    assert wait == pytest.approx(f.wait_mmc(2.5, 1.0, 4), rel=1e-6)
    assert left == pytest.approx(0, abs=1e-6)
    assert f.waits_reserved((1.0, 1.5), 1.0, 4, 0) == pytest.approx(f.waits_strict((1.0, 1.5), 1.0, 4, f.wait_mmc(2.5, 1.0, 4)))


def test_the_erlang_c_formula() -> None:
    # 8 Erlangs on 10 counters: 0.4092 in every table.
    assert f.erlang_c(8.0, 10) == pytest.approx(0.4092, abs=5e-5)
