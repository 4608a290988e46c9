"""What is simulated: the hall, who comes and when, how long serving takes, and how often it is played."""

from typing import Any, TypeAlias

from msgspec import Struct

from queue_server.core.ids import CounterId, Instant, Millis, ServiceId, TierId

DAY_MS: Millis = 86_400_000
HOUR_MS: Millis = 3_600_000

Span: TypeAlias = tuple[Instant, Instant]
"""From and to (exclusive), ms after midnight of the first day; in a scenario without a record the same on every day."""


class Distribution(Struct, frozen=True):
    """A duration by chance. `name` is exponential, lognormal (`mean_ms`, `cv`), constant or empirical (`values_ms`, drawn with equal chance)."""

    name: str
    mean_ms: float = 0.0
    cv: float = 0.0
    values_ms: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """The mean in ms."""
        return sum(self.values_ms) / len(self.values_ms) if self.values_ms else self.mean_ms


class Rate(Struct, frozen=True):
    """How many come in an hour within a span of each day."""

    span: Span
    per_hour: float


class Arrivals(Struct, frozen=True):
    """A Poisson stream of customers of one tier for one service; each gives up when `patience` is over (None: never)."""

    tier: TierId
    service: ServiceId
    rates: tuple[Rate, ...]
    patience: Distribution | None = None


class TierPlan(Struct, frozen=True):
    """A tier with its wait target; None where the scenario names none."""

    id: TierId
    target_ms: Millis | None = None


class ServicePlan(Struct, frozen=True):
    """A service and how long it takes."""

    id: ServiceId
    distribution: Distribution


class CounterPlan(Struct, frozen=True):
    """A counter: what it may call (None: everything) and when it is open (no shifts: always)."""

    id: CounterId
    services: tuple[ServiceId, ...] | None = None
    tiers: tuple[TierId, ...] | None = None
    shifts: tuple[Span, ...] = ()


class Run(Struct, frozen=True):
    """How long and how often: tickets that count and those before them, in each of so many independent replications."""

    tickets: int = 20_000
    warmup: int = 2_000
    replications: int = 8
    seed: int = 1


class Visit(Struct, frozen=True, gc=False):
    """One customer: `patience_ms` None waits for ever, `serving_ms` None is drawn when serving starts."""

    at: Instant
    service: ServiceId
    tier: TierId
    patience_ms: Millis | None = None
    serving_ms: Millis | None = None


class Scenario(Struct, frozen=True, kw_only=True):
    """
    Everything that a replication needs.

    `visits` is set for a recorded hall: these customers come instead of `arrivals`, the shifts run through all its days, and all of its
    customers count, the warm-up being the empty hall of the first morning. `beside_recorded`: the record's counters come to those of
    the scenario.
    """

    name: str
    policy: str
    parameters: dict[str, Any] = {}
    reserve: dict[TierId, int] = {}
    tiers: tuple[TierPlan, ...]
    services: tuple[ServicePlan, ...]
    counters: tuple[CounterPlan, ...]
    beside_recorded: bool = False
    arrivals: tuple[Arrivals, ...] = ()
    visits: tuple[Visit, ...] | None = None
    run: Run = Run()

    @property
    def warmup(self) -> int:
        """How many customers come before the first that counts."""
        return 0 if self.visits is not None else self.run.warmup

    @property
    def counted(self) -> int:
        """How many customers count in a replication."""
        return len(self.visits) if self.visits is not None else self.run.tickets
