"""Reads one recorded day of a real hall: who came when, what for, how long they waited, and how long they were served."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

HALF_HOUR = 1800
COLUMNS = frozenset(
    {"day", "arrival", "service", "tier", "wait_seconds", "outcome", "service_start", "service_seconds", "server"},
)


class TraceError(Exception):
    """The trace cannot be played; the message says why, in one sentence."""


class Visit(Struct, frozen=True):
    """
    One customer of the recorded day; instants and durations are seconds, counted from the midnight before.

    `starts` is when serving began, None for somebody who left after `waits`.
    """

    arrives: float
    service: str
    tier: str
    waits: float
    starts: float | None
    serves: float

    @property
    def is_leaver(self) -> bool:
        """Say whether this customer gave up before being served."""
        return self.starts is None


def read_day(path: Path, day: str) -> list[Visit]:
    """
    Return the visits of *day* in the order of arrival.

    Raises:
        TraceError: the file is missing or is no trace, or it does not hold that day (the message names those it holds).
    """
    visits: list[Visit] = []
    days: set[str] = set()
    for line, row in _rows(path):
        days.add(row["day"])
        if row["day"] == day:
            visits.append(_visit(path, line, row))
    if not visits:
        raise TraceError(f"{path} has no day {day}; it has {', '.join(sorted(days)) or 'none at all'}")
    return sorted(visits, key=lambda visit: visit.arrives)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = COLUMNS - set(reader.fieldnames or ())
            if missing:
                raise TraceError(f"{path} is not a trace: it lacks the columns {', '.join(sorted(missing))}")
            for row in reader:
                yield reader.line_num, row
    except OSError as fault:
        raise TraceError(f"the trace {path} cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise TraceError(f"{path} is not a trace: it is not text in UTF-8") from fault


def _visit(path: Path, line: int, row: dict[str, str]) -> Visit:
    try:
        arrives, waits = _clock(row["arrival"]), float(row["wait_seconds"])
        if row["outcome"] not in {"served", "left"}:
            raise ValueError(row["outcome"])  # noqa: TRY301 - told with the line, as every other fault of a row
        served = row["outcome"] == "served"
        # Recordings leave out the start of some very short services, and write one for some who left; the outcome decides.
        recorded = _clock(row["service_start"]) if row["service_start"] else arrives + waits
        return Visit(
            arrives=arrives,
            service=row["service"],
            tier=row["tier"],
            waits=waits,
            starts=recorded if served else None,
            serves=float(row["service_seconds"] or 0) if served else 0.0,
        )
    except (ValueError, TypeError, AttributeError) as fault:
        raise TraceError(f"{path}, line {line}: this row cannot be read ({fault})") from fault


def _clock(text: str) -> float:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * 3600.0 + minutes * 60 + seconds


def most_at_once(intervals: Iterable[tuple[float, float]]) -> int:
    """Return how many of the half-open *intervals* (start, end) overlap at the busiest moment; empty ones do not count."""
    steps = sorted(step for start, end in intervals if end > start for step in ((start, 1), (end, -1)))
    present = most = 0
    for _, change in steps:  # at one instant those who leave (-1) sort before those who come
        present += change
        most = max(most, present)
    return most


def serving_intervals(visits: Iterable[Visit]) -> list[tuple[float, float]]:
    """Return when each served customer of *visits* was at a counter."""
    return [(visit.starts, visit.starts + visit.serves) for visit in visits if visit.starts is not None]


def roster(visits: Sequence[Visit]) -> list[int]:
    """Return for each half hour of the day how many servers served at once at its busiest moment."""
    intervals = serving_intervals(visits)
    last = max([end for _, end in intervals] + [visit.arrives for visit in visits])
    return [_most_within(intervals, half * HALF_HOUR) for half in range(max(48, int(last // HALF_HOUR) + 1))]


def _most_within(intervals: Sequence[tuple[float, float]], since: float) -> int:
    until = since + HALF_HOUR
    return most_at_once((max(start, since), min(end, until)) for start, end in intervals)
