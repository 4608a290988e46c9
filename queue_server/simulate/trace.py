"""
A recorded hall as a scenario: its customers, as many counters as served at once in each half hour, and what was recorded of the waits.

The record tells when each customer came, for what, and of which tier; how long those served were served; how long
those who left had waited. It does not tell how long the others would have waited, so they never give up here; nor how long those
who left would have been served: should the simulated hall reach one of them in time, the serving time is drawn from those recorded
for the same service.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from queue_server.core.ids import Instant, Millis, ServiceId, TierId
from queue_server.simulate.scenario import DAY_MS, CounterPlan, Distribution, Scenario, ServicePlan, Span, Visit
from queue_server.simulate.tables import ScenarioError, shown
from queue_server.simulate.tally import Count, Sample, sample_of

HALF_HOUR_MS: Millis = 1_800_000
COLUMNS = ("day", "arrival", "service", "tier", "wait_seconds", "outcome", "service_start", "service_seconds")
_OUTCOMES = ("served", "left")
_FAULTS_TOLD = 20


class Row(Struct, frozen=True, gc=False):
    """A recorded customer; `at` counts from the midnight of the first day, `has_left` means that it gave up after `waited_ms`."""

    at: Instant
    service: ServiceId
    tier: TierId
    waited_ms: Millis
    started_at: Instant
    served_ms: Millis
    has_left: bool


def read_trace(path: Path) -> list[Row]:
    """
    Return the recorded customers in the order of arrival.

    Raises:
        ScenarioError: the file cannot be read, or rows are wrong: each with its line, what it is, and what would be right.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return _rows(path, csv.DictReader(file))
    except OSError as fault:
        raise ScenarioError([f"{path} cannot be read: {fault.strerror}"]) from fault
    except (UnicodeDecodeError, csv.Error) as fault:
        raise ScenarioError([f"{path} is not a CSV file in UTF-8: {fault}"]) from fault


def _rows(path: Path, reader: "csv.DictReader[str]") -> list[Row]:
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ScenarioError([f"{path} lacks the columns {', '.join(missing)}"])
    faults: list[str] = []
    read = [row for line in reader if (row := _row(line, f"{path}, line {reader.line_num}", faults)) is not None]
    if not read and not faults:
        faults.append(f"{path} holds no customers")
    if faults:
        more = [f"and {len(faults) - _FAULTS_TOLD} more"] if len(faults) > _FAULTS_TOLD else []
        raise ScenarioError(faults[:_FAULTS_TOLD] + more)
    first = min(day for day, _ in read) * DAY_MS
    return sorted((replace(row, at=row.at - first, started_at=row.started_at - first) for _, row in read), key=lambda row: row.at)


def _row(line: dict[str, str], where: str, faults: list[str]) -> tuple[int, Row] | None:
    """Read one line; instants still count from a midnight long ago, and the day goes with it."""
    known = len(faults)

    def part(column: str, right: str, *, is_clock: bool = False) -> Millis:
        try:
            return _clock(line[column]) if is_clock else round(float(line[column]) * 1000)
        except (ValueError, TypeError, AttributeError):
            faults.append(f"{where}: {column} is {shown(line[column])}; it should be {right}")
            return 0

    try:
        day = date.fromisoformat(line["day"] or "").toordinal()
    except ValueError:
        faults.append(f"{where}: day is {shown(line['day'])}; it should be a date as 1999-02-01")
        day = 1
    if line["outcome"] not in _OUTCOMES:
        faults.append(f"{where}: outcome is {shown(line['outcome'])}; it should be served or left")
    arrived = part("arrival", "a time as 09:30:00", is_clock=True)
    waited = part("wait_seconds", "seconds")
    is_served = line["outcome"] == "served"
    # Recordings leave out the start of some very short services, and write one for some who left: the outcome decides.
    started = part("service_start", "a time or empty", is_clock=True) if is_served and line["service_start"] else arrived + waited
    served = part("service_seconds", "seconds or empty") if is_served and line["service_seconds"] else 0
    if len(faults) > known:
        return None
    midnight = day * DAY_MS
    return day, Row(midnight + arrived, line["service"], line["tier"], waited, midnight + started, served, not is_served)


def _clock(text: str) -> Millis:
    hours, minutes, seconds = (int(piece) for piece in text.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


def recorded(scenario: Scenario, rows: Sequence[Row]) -> Scenario:
    """
    Return *scenario* with the customers and counters of *rows* in place of its own; policy, tiers and reservation stay.

    Raises:
        ScenarioError: the record has tiers that the scenario does not name, or nobody was served.
    """
    known = {tier.id for tier in scenario.tiers}
    faults = [
        f"the record has customers of the tier {tier!r}; the scenario should have a [[tier]] with this id"
        for tier in sorted({row.tier for row in rows} - known)
    ]
    counters = tuple(_counters(rows))
    if not counters:
        faults.append("the record has nobody who was served")
    if faults:
        raise ScenarioError(faults)
    return replace(
        scenario,
        services=tuple(_services(rows)),
        counters=counters,
        arrivals=(),
        visits=tuple(_visit(row) for row in rows),
    )


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


def _counters(rows: Sequence[Row]) -> Iterator[CounterPlan]:
    """As many counters in each half hour as served at its busiest moment; the first are open the longest."""
    steps: dict[int, list[tuple[Instant, int]]] = defaultdict(list)
    for row in rows:
        if not row.has_left:
            for half in range(row.started_at // HALF_HOUR_MS, (row.started_at + row.served_ms) // HALF_HOUR_MS + 1):
                steps[half] += [(row.started_at, 1), (row.started_at + row.served_ms, -1)]
    most = {half: _most_at_once(steps[half], half) for half in steps}
    for number in range(1, max(most.values(), default=0) + 1):
        yield CounterPlan(str(number), shifts=tuple(_spans({half for half, count in most.items() if count >= number})))


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


def recorded_samples(scenario: Scenario, rows: Sequence[Row]) -> dict[TierId, Sample]:
    """Return what was recorded of each tier, in the form in which a replication is counted."""
    samples = {}
    for tier in scenario.tiers:
        of_tier = [row for row in rows if row.tier == tier.id]
        served = [row.waited_ms for row in of_tier if not row.has_left]
        within = sum(wait <= tier.target_ms for wait in served) if tier.target_ms is not None else 0
        count = Count(waits=served, left=len(of_tier) - len(served), within=within)
        samples[tier.id] = sample_of(count, has_target=tier.target_ms is not None)
    return samples
