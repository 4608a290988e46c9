"""
A recorded hall as a scenario: its customers, and as many counters as served at once in each half hour.

The record does not tell how long those served would have waited, so they never give up here; nor how long those who left would have
been served: should the simulated hall reach one of them in time, the serving time is drawn from those recorded for the same service.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from queue_server.core.ids import Instant, Millis, ServiceId
from queue_server.simulate.counter_tables import free_names
from queue_server.simulate.scenario import DAY_MS, CounterPlan, Distribution, Scenario, ServicePlan, Span, Visit
from queue_server.simulate.tables import ScenarioError, one_of
from queue_server.simulate.trace import Row

HALF_HOUR_MS: Millis = 1_800_000


def recorded(scenario: Scenario, rows: Sequence[Row]) -> Scenario:
    """
    Return *scenario* with the customers of *rows* in place of its own, and their counters where it asks for them.

    Policy, tiers, reservation and the counters that it names itself stay. It is played once: the customers of a record are always
    the same, so that more replications would only count them more than once.

    Raises:
        ScenarioError: the record has tiers or customers whom the scenario has no place for, or nobody was served.
    """
    own = tuple(_on_its_days(plan, rows) for plan in scenario.counters)
    brought = tuple(_counters(rows, {plan.id for plan in own})) if scenario.beside_recorded else ()
    counters = brought + own
    faults = _unknown_tiers(scenario, rows) + _unknown_services(own, rows)
    if scenario.beside_recorded and not brought:
        faults.append("the record has nobody who was served, so it tells of no counters; the scenario should name its own")
    if scenario.reserve and max(scenario.reserve.values()) >= len(counters) > 0:
        faults.append(f"hall.reserve keeps {max(scenario.reserve.values())} of {len(counters)} counters; it should be fewer")
    if faults:
        raise ScenarioError(faults)
    if never := _never_called(counters, rows):
        raise ScenarioError(never)
    return replace(
        scenario,
        services=tuple(_services(rows)),
        counters=counters,
        arrivals=(),
        visits=tuple(_visit(row) for row in rows),
        run=replace(scenario.run, replications=1),
    )


def _unknown_tiers(scenario: Scenario, rows: Sequence[Row]) -> list[str]:
    known = {tier.id for tier in scenario.tiers}
    return [
        f"the record has customers of the tier {tier!r}; the scenario should have a [[tier]] with this id"
        for tier in sorted({row.tier for row in rows} - known)
    ]


def _unknown_services(counters: Sequence[CounterPlan], rows: Sequence[Row]) -> list[str]:
    known = {row.service for row in rows}
    return [
        f"counter {plan.id} may call the service {service!r}, which the record does not have; {one_of(sorted(known), service)}"
        for plan in counters
        for service in plan.services or ()
        if service not in known
    ]


def _never_called(counters: Sequence[CounterPlan], rows: Sequence[Row]) -> list[str]:
    return [
        f"the record brings {tier} for {service}, whom no counter may call; a counter's profile should allow it"
        for service, tier in sorted({(row.service, row.tier) for row in rows})
        if not any(
            (plan.services is None or service in plan.services) and (plan.tiers is None or tier in plan.tiers) for plan in counters
        )
    ]


def _on_its_days(plan: CounterPlan, rows: Sequence[Row]) -> CounterPlan:
    """Its times of day, on every day of the record and the day after, for whoever came too late."""
    days = sorted({row.at // DAY_MS + later for row in rows for later in (0, 1)})
    return replace(plan, shifts=tuple((day * DAY_MS + since, day * DAY_MS + until) for day in days for since, until in plan.shifts))


def _visit(row: Row) -> Visit:
    if row.has_left:
        return Visit(row.at, row.service, row.tier, patience_ms=row.waited_ms)
    return Visit(row.at, row.service, row.tier, serving_ms=row.served_ms)


def _services(rows: Sequence[Row]) -> Iterator[ServicePlan]:
    served: dict[ServiceId, list[float]] = {row.service: [] for row in rows}
    for row in rows:
        if not row.has_left:
            served[row.service].append(float(row.served_ms))
    everything = [time for times in served.values() for time in times]
    for service in sorted(served):
        yield ServicePlan(service, Distribution("empirical", values_ms=tuple(served[service] or everything)))


def _counters(rows: Sequence[Row], taken: Collection[str]) -> Iterator[CounterPlan]:
    """As many counters in each half hour as served at its busiest moment; the first are open the longest."""
    steps: dict[int, list[tuple[Instant, int]]] = defaultdict(list)
    for row in rows:
        if not row.has_left:
            for half in range(row.started_at // HALF_HOUR_MS, (row.started_at + row.served_ms) // HALF_HOUR_MS + 1):
                steps[half] += [(row.started_at, 1), (row.started_at + row.served_ms, -1)]
    most = {half: _most_at_once(steps[half], half) for half in steps}
    names = free_names(max(most.values(), default=0), 1, taken)
    for number, name in enumerate(names, start=1):
        yield CounterPlan(name, shifts=tuple(_spans({half for half, count in most.items() if count >= number})))


def _most_at_once(steps: list[tuple[Instant, int]], half: int) -> int:
    """How many serve at the busiest moment of the half hour; who ends at an instant makes room for who begins then."""
    since, until = half * HALF_HOUR_MS, (half + 1) * HALF_HOUR_MS
    present, most = 0, 1
    for _, change in sorted((at, change) for at, change in ((max(at, since), change) for at, change in steps) if at < until):
        present += change
        most = max(most, present)
    return most


def _spans(halves: set[int]) -> Iterator[Span]:
    """Join half hours that follow one another."""
    for _, run in groupby(enumerate(sorted(halves)), key=lambda entry: entry[1] - entry[0]):
        numbers = [half for _, half in run]
        yield numbers[0] * HALF_HOUR_MS, (numbers[-1] + 1) * HALF_HOUR_MS
