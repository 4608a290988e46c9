"""What does not fit together in opening hours and promises; looked for in the value as it was sent."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from queue_server.wire.reading import Fault, beside
from queue_server.wire.references import Json, entries, mapping, unknown

_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def calendar_faults(value: Json, tiers: list[str], services: list[str]) -> Iterator[Fault]:
    """Yield what does not fit in the hours of the branch and of its services, and in the promises of listed dates."""
    starts = _minutes(value.get("day_starts_at", "04:00"))
    yield from _hours_faults(value.get("hours"), "hours", starts)
    for path, entry in entries(value, "services"):
        yield from _hours_faults(entry.get("hours"), f"{path}.hours", starts)
    yield from _promise_faults(value, tiers, services)


def minutes_of(value: Any, name: str) -> int | None:
    """Return the time of day in the field *name* as minutes after midnight; None when there is none, which is a fault of form."""
    return _minutes(value.get(name)) if isinstance(value, dict) else None


def _minutes(shown: Any) -> int | None:
    if not isinstance(shown, str) or not _TIME.fullmatch(shown):
        return None
    return int(shown[:2]) * 60 + int(shown[3:])


def _hours_faults(hours: Any, path: str, starts: int | None) -> Iterator[Fault]:
    if not isinstance(hours, dict):
        return
    for day in mapping(hours, "dates"):
        yield from _date_faults(day, beside(f"{path}.dates", str(day)))
    if starts is None:
        return
    shortest: tuple[int, str] | None = None
    for name in ("week", "dates"):
        days = mapping(hours, name)
        for day in days:
            laid_out: list[tuple[int, int, str]] = []
            for place, span in entries(days, day, f"{path}.{name}"):
                yield from _lay_out(span, place, starts, laid_out)
            yield from _overlaps(sorted(laid_out), starts)
            shortest = min([*([shortest] if shortest else []), *((end - begin, at) for begin, end, at in laid_out)], default=None)
    yield from _last_ticket_faults(hours.get("last_ticket_seconds"), path, shortest)


def _lay_out(span: Json, place: str, starts: int, laid_out: list[tuple[int, int, str]]) -> Iterator[Fault]:
    """Add to *laid_out* where *span* lies in the business day, in minutes since it began, or say why it lies nowhere."""
    opens, closes = minutes_of(span, "opens"), minutes_of(span, "closes")
    if opens is None or closes is None:
        return
    begin, end = (opens - starts) % _DAY_MINUTES, (closes - starts) % _DAY_MINUTES or _DAY_MINUTES
    if opens == closes:
        right = "right would be a later time to close; open all day is two spans that meet, or no hours at all"
        yield Fault(place, f"It opens and closes at {span['opens']}; {right}")
    elif end <= begin:
        said = f"{span['opens']} to {span['closes']} goes past {_clock(starts)}, when the next business day begins"
        yield Fault(place, f"{said}; right would be to close by then, or another day_starts_at")
    else:
        laid_out.append((begin, end, place))


def _overlaps(laid_out: list[tuple[int, int, str]], starts: int) -> Iterator[Fault]:
    latest, by = 0, ""
    for begin, end, place in laid_out:
        if begin < latest:
            opens, closes = _clock(starts + begin), _clock(starts + latest)
            yield Fault(
                place, f"It opens at {opens} and overlaps {by}, open until {closes}; right would be not to open before that"
            )
        if end > latest:
            latest, by = end, place


def _last_ticket_faults(before: Any, path: str, shortest: tuple[int, str] | None) -> Iterator[Fault]:
    if isinstance(before, int | float) and shortest is not None and before >= shortest[0] * 60:
        length = f"{shortest[1]} is open for {shortest[0] * 60} seconds"
        yield Fault(f"{path}.last_ticket_seconds", f"{before} leaves no time for a ticket: {length}; right would be less than that")


def _date_faults(day: Any, place: str) -> Iterator[Fault]:
    if isinstance(day, str) and _DATE.fullmatch(day):
        try:
            date.fromisoformat(day)
        except ValueError:
            yield Fault(place, f"There is no date {day}; right would be a day of the calendar, such as 2026-12-24")


def _promise_faults(value: Json, tiers: list[str], services: list[str]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, entry in entries(value, "promises"):
        dates = entry.get("dates")
        for index, day in enumerate(dates if isinstance(dates, list | tuple) else ()):
            place = f"{path}.dates[{index}]"
            yield from _date_faults(day, place)
            if isinstance(day, str) and first.setdefault(day, place) != place:
                yield Fault(place, f"{first[day]} is the same date; right would be to name a date once")
        yield from unknown(entry, "target_seconds", path, "tier", tiers)
        yield from unknown(entry, "services", path, "service", services)
        by_service = mapping(entry, "services")
        for service in by_service:
            yield from unknown(by_service, service, f"{path}.services", "tier", tiers)
        if not entry.get("target_seconds") and not entry.get("services"):
            yield Fault(path, "It promises nothing; right would be target_seconds by tier, or services with theirs")


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
