"""How the hints between nodes fare."""

from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class Faring(Protocol):
    """What a bus says of itself; counts are since the start, and `connected_seconds` is None while nobody answers."""

    @property
    def connected_seconds(self) -> float | None: ...  # noqa: D102
    @property
    def round_trip_seconds(self) -> float | None: ...  # noqa: D102
    @property
    def sent(self) -> int: ...  # noqa: D102
    @property
    def heard(self) -> int: ...  # noqa: D102
    @property
    def dropped(self) -> int: ...  # noqa: D102
    @property
    def losses(self) -> int: ...  # noqa: D102
    @property
    def waiting(self) -> int: ...  # noqa: D102


class BusSeries(Collector):
    """Asks the bus when it is scraped."""

    def __init__(self, fares: Callable[[], Faring]) -> None:
        self._fares = fares

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """Return how the bus fares now."""
        faring = self._fares()
        yield GaugeMetricFamily(
            "queue_bus_connected", "Whether hints are proven to go out and come back.", float(faring.connected_seconds is not None)
        )
        yield GaugeMetricFamily("queue_bus_waiting", "Hints that wait to be sent.", faring.waiting)
        if faring.round_trip_seconds is not None:
            yield GaugeMetricFamily(
                "queue_bus_round_trip_seconds", "How long the last way there and back took.", faring.round_trip_seconds
            )
        yield CounterMetricFamily("queue_bus_hints_sent", "Hints sent to other nodes.", faring.sent)
        yield CounterMetricFamily("queue_bus_hints_heard", "Hints heard from other nodes.", faring.heard)
        yield CounterMetricFamily(
            "queue_bus_hints_dropped", "Hints that did not wait to be sent because too many did.", faring.dropped
        )
        yield CounterMetricFamily("queue_bus_losses", "How often the way to the other nodes was lost.", faring.losses)
