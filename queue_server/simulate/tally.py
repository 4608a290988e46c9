"""What is counted in one replication, and the figures made of it."""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil

from msgspec import Struct, field

from queue_server.core.ids import Instant, Millis, TierId
from queue_server.simulate.scenario import Scenario


class Count(Struct):
    """The customers of a tier who count: the waits of those served, how often each was overtaken, and how many left."""

    waits: list[Millis] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)
    left: int = 0
    within: int = 0


class Sample(Struct, frozen=True):
    """A tier's figures from one replication, waits in seconds; None where nobody was served or no target is set."""

    tickets: int
    mean_wait: float | None
    p50_wait: float | None
    p90_wait: float | None
    p95_wait: float | None
    waited_share: float | None
    left_share: float | None
    within_target_share: float | None
    overtaken_share: float | None
    overtaken_mean: float | None
    overtaken_most: int | None


class Outcome(Struct, frozen=True):
    """One replication: its figures by tier and over all, how busy the open counters were, and how many customers it played."""

    tiers: dict[TierId, Sample]
    overall: Sample
    utilisation: float | None
    played: int


class Tally:
    """
    Counts the customers of one replication that count.

    Busy and open counters are summed up over time while `is_counting`: between the arrivals of the first and of the last customer
    that counts, so that neither the empty hall of the beginning nor that of the end has a part in the utilisation.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Nothing is counted yet."""
        self._targets = {tier.id: tier.target_ms for tier in scenario.tiers}
        self._counts = {tier.id: Count() for tier in scenario.tiers}
        self._busy_ms = self._open_ms = 0
        self._at: Instant = 0
        self.is_counting = False

    def served(self, tier: TierId, waited_ms: Millis, overtaken: int) -> None:
        """Count a customer who is called now."""
        count = self._counts[tier]
        count.waits.append(waited_ms)
        count.overtaken.append(overtaken)
        target_ms = self._targets[tier]
        if target_ms is not None and waited_ms <= target_ms:
            count.within += 1

    def left(self, tier: TierId) -> None:
        """Count a customer who gave up."""
        self._counts[tier].left += 1

    def pass_time(self, at: Instant, busy: int, opened: int) -> None:
        """Note that until *at* so many counters were busy, and so many open."""
        if self.is_counting:
            self._busy_ms += (at - self._at) * busy
            self._open_ms += (at - self._at) * opened
        self._at = at

    def outcome(self, played: int) -> Outcome:
        """Return the figures."""
        counts = self._counts
        every = Count(
            waits=[wait for count in counts.values() for wait in count.waits],
            overtaken=[times for count in counts.values() for times in count.overtaken],
            left=sum(count.left for count in counts.values()),
            within=sum(count.within for count in counts.values()),
        )
        has_targets = all(target is not None for target in self._targets.values())
        return Outcome(
            tiers={tier: sample_of(count, has_target=self._targets[tier] is not None) for tier, count in counts.items()},
            overall=sample_of(every, has_target=has_targets),
            utilisation=self._busy_ms / self._open_ms if self._open_ms else None,
            played=played,
        )


def sample_of(count: Count, *, has_target: bool) -> Sample:
    """Return the figures of *count*."""
    waits = sorted(count.waits)
    served = len(waits)
    tickets = served + count.left
    return Sample(
        tickets=tickets,
        mean_wait=sum(waits) / served / 1000 if served else None,
        p50_wait=_quantile(waits, 0.5),
        p90_wait=_quantile(waits, 0.9),
        p95_wait=_quantile(waits, 0.95),
        waited_share=(served - bisect_right(waits, 0)) / served if served else None,
        left_share=count.left / tickets if tickets else None,
        within_target_share=count.within / served if served and has_target else None,
        overtaken_share=(served - count.overtaken.count(0)) / served if served else None,
        overtaken_mean=sum(count.overtaken) / served if served else None,
        overtaken_most=max(count.overtaken, default=None),
    )


def _quantile(ordered: Sequence[Millis], share: float) -> float | None:
    """The nearest rank, in seconds: the smallest wait that at least *share* of all do not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] / 1000 if ordered else None
