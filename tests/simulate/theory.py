"""The halls for which theory knows the mean waits, and how far the simulation is from them."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from queue_server.simulate.confidence import Estimate, estimate
from queue_server.simulate.scenario import Distribution, Scenario
from queue_server.simulate.tally import Outcome
from tests.simulate import formulas as f
from tests.simulate.halls import exponential, hall, mean_wait, outcomes

ERRORS = 3.0
SHARE = 0.02
LEFT = "share who leave"
POLICIES = ("fifo", "strict", "ageing", "due", "promise", "ratio")

_SERVING = 300.0
_TWO = (10.0, 18.0)
_AGEING = {"rates": {"vip": 3000, "std": 1000}, "head_start_ms": {}}
_RATIO = {"calls": {"vip": 3, "std": 1}, "scope": "branch"}


class Case(Struct, frozen=True):
    """A hall, what theory says of each tier's mean wait in seconds (and of the share who leave), and whose theory it is."""

    name: str
    source: str
    scenario: Scenario
    waits: dict[str, float]
    left: float | None = None


class Verdict(Struct, frozen=True):
    """One figure beside its theory."""

    case: str
    figure: str
    theory: float
    found: Estimate

    @property
    def off(self) -> float:
        """How far off, as a share of what theory says."""
        return self.found.mean / self.theory - 1

    @property
    def errors(self) -> float:
        """How far off, in standard errors."""
        return (self.found.mean - self.theory) / (self.found.error or 1e-300)

    def holds(self, share: float = SHARE) -> bool:
        """Say whether it is within three standard errors and *share*."""
        return abs(self.errors) <= ERRORS and abs(self.off) <= share


def cases(tickets: int, replications: int) -> list[Case]:
    """Return all cases, in halls of so many tickets and replications; each has a seed of its own, so that they err independently."""
    size: dict[str, Any] = {"tickets": tickets, "replications": replications}
    rates = tuple(rate / 3600 for rate in _TWO)
    fifo = f.wait_mmc(sum(rates), _SERVING, 4)
    single = tuple(rate / 4 for rate in _TWO)
    slow = tuple(rate / 4 for rate in rates)
    general = f.wait_mg1(sum(slow), _SERVING, 0.8)
    constant = f.wait_mg1(sum(slow), _SERVING, 0.0)
    kept = (12 / 3600, 12 / 3600)
    patient, left = f.erlang_a(44 / 3600, _SERVING, 4, 600.0)
    lognormal = Distribution("lognormal", _SERVING * 1000, 0.8)
    unvaried = Distribution("constant", _SERVING * 1000)
    made = [
        Case("M/M/4, first come first served", "Erlang 1917", hall("fifo", per_hour=_TWO, **size), _by_tier((fifo, fifo))),
        Case(
            "M/M/4, strict priority",
            "Cobham 1954; Kella and Yechiali 1985",
            hall("strict", per_hour=_TWO, **size),
            _by_tier(f.waits_strict(rates, _SERVING, 4, fifo)),
        ),
        Case(
            "M/G/1 (lognormal, cv 0.8), strict priority",
            "Cobham 1954",
            hall("strict", per_hour=single, counters=1, serving=lognormal, **size),
            _by_tier(f.waits_strict(slow, _SERVING, 1, general)),
        ),
        Case(
            "M/M/4, accumulating priority 3 : 1",
            "Kleinrock 1964; Sharif et al. 2014",
            hall("ageing", parameters=_AGEING, per_hour=_TWO, **size),
            _by_tier(f.waits_ageing(rates, (3, 1), _SERVING, 4, fifo)),
        ),
        Case(
            "M/D/1, accumulating priority 3 : 1",
            "Kleinrock 1964; Stanford, Taylor and Ziedins 2014",
            hall("ageing", parameters=_AGEING, per_hour=single, counters=1, serving=unvaried, **size),
            _by_tier(f.waits_ageing(slow, (3, 1), _SERVING, 1, constant)),
        ),
        Case(
            "M/M/4 with patience (Erlang A)",
            "Palm 1943; Mandelbaum and Zeltyn 2005",
            hall("fifo", per_hour=(44.0,), patience=exponential(600), **size),
            {"std": patient},
            left,
        ),
        Case(
            "M/M/4, strict, one counter reserved",
            "Taylor and Templeton 1980; Schaack and Larson 1986",
            hall("strict", per_hour=(12.0, 12.0), reserve={"vip": 1}, **size),
            _by_tier(f.waits_reserved(kept, _SERVING, 4, 1)),
        ),
    ]
    return [
        replace(case, scenario=replace(case.scenario, run=replace(case.scenario.run, seed=100 + index)))
        for index, case in enumerate(made)
    ]


def _by_tier(waits: Sequence[float]) -> dict[str, float]:
    return dict(zip(("vip", "std"), waits, strict=True))


def judge(case: Case) -> list[Verdict]:
    """Play *case* and set its figures beside the theory."""
    played = outcomes(case.scenario)
    verdicts = [
        Verdict(case.name, tier, theory, mean_wait([outcome.tiers[tier] for outcome in played]))
        for tier, theory in case.waits.items()
    ]
    found = estimate([outcome.overall.left_share for outcome in played if outcome.overall.left_share is not None])
    if case.left is not None and found is not None:
        verdicts.append(Verdict(case.name, LEFT, case.left, found))
    return verdicts


def overall_waits(tickets: int, replications: int) -> dict[str, float]:
    """Return the overall mean wait under each policy, for the same customers."""
    waits = {}
    for policy in POLICIES:
        parameters = {"ageing": _AGEING, "ratio": _RATIO}.get(policy, {})
        played: list[Outcome] = outcomes(
            hall(policy, parameters=parameters, per_hour=(15.0, 24.0), tickets=tickets, replications=replications)
        )
        waits[policy] = mean_wait([outcome.overall for outcome in played]).mean
    return waits
