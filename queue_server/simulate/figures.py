"""The figures of a scenario, made of its replications, and the differences between scenarios."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from queue_server.core.ids import TierId
from queue_server.simulate.confidence import Estimate, estimate
from queue_server.simulate.scenario import Scenario
from queue_server.simulate.tally import Outcome, Sample


class TierFigures(Struct, frozen=True):
    """
    Of a tier, or of all. Waits are of those served, zero included; `tickets` counts those who left too.

    Each figure is the mean over the replications; `half_width_95` is half the confidence interval of the mean wait, None where there
    is one replication. None elsewhere: nobody was served, or no target is set.
    """

    tickets: int
    mean_wait_seconds: float | None
    half_width_95: float | None
    p50_wait_seconds: float | None
    p90_wait_seconds: float | None
    p95_wait_seconds: float | None
    waited_share: float | None
    left_share: float | None
    within_target_share: float | None


class OvertakenFigures(Struct, frozen=True):
    """How often those served were overtaken by later customers for the same service: by anybody, on average, and at most."""

    share: float | None
    mean: float | None
    most: int | None


class Figures(Struct, frozen=True):
    """What one scenario gives."""

    tickets_per_second: float
    tiers: dict[TierId, TierFigures]
    overall: TierFigures
    utilisation: float | None
    overtaken: dict[TierId, OvertakenFigures]


class Difference(Struct, frozen=True):
    """A tier's figures in `scenario` less those in `base`, replication by replication on the same customers."""

    scenario: str
    base: str
    tier: str
    mean_wait_seconds: float | None
    half_width_95: float | None
    p90_wait_seconds: float | None
    left_share: float | None
    within_target_share: float | None


def figures_of(scenario: Scenario, outcomes: Sequence[Outcome], seconds: float) -> Figures:
    """Return the figures of *outcomes*, which took *seconds* to play."""
    by_tier = {tier.id: [outcome.tiers[tier.id] for outcome in outcomes] for tier in scenario.tiers}
    return Figures(
        tickets_per_second=round(sum(outcome.played for outcome in outcomes) / seconds, 1),
        tiers={tier: tier_figures(samples) for tier, samples in by_tier.items()},
        overall=tier_figures([outcome.overall for outcome in outcomes]),
        utilisation=_mean([outcome.utilisation for outcome in outcomes]),
        overtaken={tier: _overtaken(samples) for tier, samples in by_tier.items()},
    )


OVERALL = "overall"


def differences(base: tuple[str, Sequence[Outcome]], other: tuple[str, Sequence[Outcome]]) -> list[Difference]:
    """Return how *other* differs from *base*, for each tier that both have and over all; the replications are pairs."""
    (base_name, ours), (name, theirs) = base, other
    tiers = [tier for tier in ours[0].tiers if tier in theirs[0].tiers]
    pairs = {tier: [(mine.tiers[tier], its.tiers[tier]) for mine, its in zip(ours, theirs, strict=False)] for tier in tiers}
    pairs[OVERALL] = [(mine.overall, its.overall) for mine, its in zip(ours, theirs, strict=False)]
    return [_difference(name, base_name, tier, samples) for tier, samples in pairs.items()]


def _difference(name: str, base: str, tier: str, pairs: Sequence[tuple[Sample, Sample]]) -> Difference:
    def change(figure: Callable[[Sample], float | None]) -> Estimate | None:
        both = [(figure(mine), figure(its)) for mine, its in pairs]
        return estimate([its - mine for mine, its in both if mine is not None and its is not None])

    wait = change(lambda sample: sample.mean_wait)
    return Difference(
        scenario=name,
        base=base,
        tier=tier,
        mean_wait_seconds=_rounded(wait.mean) if wait else None,
        half_width_95=_rounded(wait.half_width) if wait else None,
        p90_wait_seconds=_of(change(lambda sample: sample.p90_wait)),
        left_share=_of(change(lambda sample: sample.left_share)),
        within_target_share=_of(change(lambda sample: sample.within_target_share)),
    )


def tier_figures(samples: Sequence[Sample]) -> TierFigures:
    """Return the figures of a tier from one sample a replication."""
    wait = estimate([sample.mean_wait for sample in samples if sample.mean_wait is not None])
    return TierFigures(
        tickets=sum(sample.tickets for sample in samples),
        mean_wait_seconds=_rounded(wait.mean) if wait else None,
        half_width_95=_rounded(wait.half_width) if wait else None,
        p50_wait_seconds=_mean([sample.p50_wait for sample in samples]),
        p90_wait_seconds=_mean([sample.p90_wait for sample in samples]),
        p95_wait_seconds=_mean([sample.p95_wait for sample in samples]),
        waited_share=_mean([sample.waited_share for sample in samples]),
        left_share=_mean([sample.left_share for sample in samples]),
        within_target_share=_mean([sample.within_target_share for sample in samples]),
    )


def _overtaken(samples: Sequence[Sample]) -> OvertakenFigures:
    most = [sample.overtaken_most for sample in samples if sample.overtaken_most is not None]
    return OvertakenFigures(
        share=_mean([sample.overtaken_share for sample in samples]),
        mean=_mean([sample.overtaken_mean for sample in samples]),
        most=max(most, default=None),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    return _of(estimate([value for value in values if value is not None]))


def _of(found: Estimate | None) -> float | None:
    return _rounded(found.mean) if found is not None else None


def _rounded(value: float | None) -> float | None:
    return round(value, 6) if value is not None else None
