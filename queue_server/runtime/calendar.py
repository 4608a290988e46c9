"""When a branch's business days begin and end, as UTC instants: the core knows no time zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from queue_server.core.commands import OpenDay
from queue_server.core.configuration import Configuration
from queue_server.core.ids import Day, Instant

SYSTEM = "system"


def open_day_command(rules: Configuration, version: int, at: Instant, after: Day | None) -> OpenDay:
    """
    Return the command that opens the business day of *at* under *rules*, or the one following *after* where that is later.

    A day named *after* has been opened before; a branch that was moved to another time zone must not open it twice.
    """
    zone, starts = ZoneInfo(rules.time_zone), time.fromisoformat(rules.day_starts_at)
    day = _day_of(zone, starts, at)
    if after is not None:
        day = max(day, date.fromisoformat(after) + timedelta(days=1))
    return OpenDay(
        at=at,
        command_id=f"open-day:{day.isoformat()}",
        actor=SYSTEM,
        day=day.isoformat(),
        opens_at=_starts_at(zone, starts, day),
        rolls_at=max(_starts_at(zone, starts, day + timedelta(days=1)), at + 1),
        version=version,
        configuration=rules,
    )


def _day_of(zone: ZoneInfo, starts: time, at: Instant) -> date:
    today = datetime.fromtimestamp(at / 1000, zone).date()
    return today if _starts_at(zone, starts, today) <= at else today - timedelta(days=1)


def _starts_at(zone: ZoneInfo, starts: time, day: date) -> Instant:
    return round(datetime.combine(day, starts, zone).timestamp() * 1000)
