"""
Reads the record of a hall, and tells what it says of the waits.

It tells when each customer came, for what, and of which tier; how long those served were served; how long those who left had waited.
"""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from queue_server.core.ids import Instant, Millis, ServiceId, TierId
from queue_server.simulate.scenario import DAY_MS, Scenario
from queue_server.simulate.tables import ScenarioError, shown
from queue_server.simulate.tally import Count, Sample, sample_of

COLUMNS = ("day", "arrival", "service", "tier", "wait_seconds", "outcome", "service_start", "service_seconds")
_OUTCOMES = ("served", "left")
_FAULTS_TOLD = 20
_CLOCK = "a time of day as 09:30:00"
_SECONDS = "a number of seconds from 0 to 86400, a day"


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
        # Spreadsheets begin a file in UTF-8 with a mark of their own.
        with path.open(encoding="utf-8-sig", newline="") as file:
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
        found = _clock(line[column]) if is_clock else _duration(line[column])
        if found is None:
            faults.append(f"{where}: {column} is {shown(line[column])}; it should be {right}")
        return found or 0

    try:
        day = date.fromisoformat(line["day"] or "").toordinal()
    except ValueError:
        faults.append(f"{where}: day is {shown(line['day'])}; it should be a date as 1999-02-01")
        day = 1
    faults += [
        f"{where}: {column} is {shown(line[column])}; it should be the name of a {column}"
        for column in ("service", "tier")
        if not (line[column] or "").strip()
    ]
    if line["outcome"] not in _OUTCOMES:
        faults.append(f"{where}: outcome is {shown(line['outcome'])}; it should be served or left")
    arrived = part("arrival", _CLOCK, is_clock=True)
    waited = part("wait_seconds", _SECONDS)
    is_served = line["outcome"] == "served"
    # Recordings leave out the start of some very short services, and write one for some who left: the outcome decides.
    started = (
        part("service_start", f"{_CLOCK}, or empty", is_clock=True) if is_served and line["service_start"] else arrived + waited
    )
    served = part("service_seconds", f"{_SECONDS}, or empty") if is_served and line["service_seconds"] else 0
    if len(faults) > known:
        return None
    midnight = day * DAY_MS
    return day, Row(midnight + arrived, line["service"], line["tier"], waited, midnight + started, served, not is_served)


def _clock(text: str | None) -> Millis | None:
    pieces = (text or "").strip().split(":")
    if len(pieces) != 3 or not all(piece.isascii() and piece.isdecimal() and len(piece) <= 2 for piece in pieces):
        return None
    hours, minutes, seconds = map(int, pieces)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 if hours < 24 and minutes < 60 and seconds < 60 else None


def _duration(text: str | None) -> Millis | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    # Also what is no number at all (nan) and what has no end (inf) is not between them.
    return round(seconds * 1000) if 0 <= seconds <= DAY_MS / 1000 else None


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
