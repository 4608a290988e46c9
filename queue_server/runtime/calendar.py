"""
What the calendar says about a branch's business days, as UTC instants: the core knows no time zone.

A business day goes from `day_starts_at` to the next one, local. Each time of day occurs once in it: those before `day_starts_at` come
after midnight, so 01:00 on Friday's business day is in the night to Saturday, and an opening past midnight belongs to the day in
which it begins. A time of day is the first moment of that day at which the branch's clock shows it or a later one. Hence one that is
skipped when the clocks go forward is the moment at which they do, one that comes twice when they go back is the first of the two,
and spans that did not overlap on paper do not overlap in any night.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from queue_server.core.commands import OpenDay
from queue_server.core.configuration import ArrivalRule, Configuration, Hours, Span
from queue_server.core.ids import Day, Instant
from queue_server.core.timetable import Timetable, Window

SYSTEM = "system"

REOPENS_WITHIN_DAYS = 60
"""How far the calendar looks for the next opening: past any holiday, not past a branch that has been shut."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ONE_DAY = timedelta(days=1)


def open_day_command(rules: Configuration, version: int, at: Instant, after: Day | None) -> OpenDay:
    """
    Return the command that opens the business day of *at* under *rules*, or the one following *after* where that is later.

    A day named *after* has been opened before; a branch that was moved to another time zone must not open it twice.
    """
    calendar = _Calendar(rules)
    day = calendar.day_of(at)
    if after is not None:
        day = max(day, date.fromisoformat(after) + _ONE_DAY)
    return OpenDay(
        at=at,
        command_id=f"open-day:{day.isoformat()}",
        actor=SYSTEM,
        day=day.isoformat(),
        opens_at=calendar.begins(day),
        rolls_at=max(calendar.begins(day + _ONE_DAY), at + 1),
        version=version,
        configuration=rules,
        timetable=timetable(rules, day.isoformat()),
    )


def timetable(rules: Configuration, day: Day) -> Timetable:
    """Return the openings, the promises and the arrival rules' times of the business day *day* under *rules*."""
    calendar, on = _Calendar(rules), date.fromisoformat(day)
    own = {service.id: service.hours for service in rules.services if service.hours is not None}
    reopen = {service_id: calendar.reopens_after(on, hours) for service_id, hours in own.items()}
    promises = next((listed for listed in rules.promises if day in listed.dates), None)
    return Timetable(
        windows=None if rules.hours is None else calendar.windows(on, rules.hours),
        reopens_at=None if rules.hours is None else calendar.reopens_after(on, rules.hours),
        services={service_id: calendar.windows(on, hours) for service_id, hours in own.items()},
        services_reopen={service_id: at for service_id, at in reopen.items() if at is not None},
        target_ms={} if promises is None else promises.target_ms,
        service_target_ms={} if promises is None else promises.services,
        arrivals={rule.id: tuple(calendar.arrivals(on, rule)) for rule in rules.classification if rule.between is not None},
    )


class _Calendar:
    """A branch's business days in its time zone."""

    def __init__(self, rules: Configuration) -> None:
        self._zone = ZoneInfo(rules.time_zone)
        self._starts = time.fromisoformat(rules.day_starts_at)

    def day_of(self, at: Instant) -> date:
        """Return the business day to which *at* belongs."""
        today = datetime.fromtimestamp(at / 1000, self._zone).date()
        return today if self.begins(today) <= at else today - _ONE_DAY

    def begins(self, day: date) -> Instant:
        """Return when *day* begins."""
        return _first_moment(self._zone, datetime.combine(day, self._starts))

    def windows(self, day: date, hours: Hours) -> tuple[Window, ...]:
        """Return the openings of *day*, in order."""
        return tuple(sorted(self._windows(day, hours), key=lambda window: window.opens_at))

    def reopens_after(self, day: date, hours: Hours) -> Instant | None:
        """Return the first opening after *day*; None when there is none in sight."""
        for days in range(1, REOPENS_WITHIN_DAYS + 1):
            for window in self.windows(day + timedelta(days=days), hours):
                return window.opens_at
        return None

    def arrivals(self, day: date, rule: ArrivalRule) -> Iterator[tuple[Instant, Instant]]:
        """Yield the spans of *day* in which *rule* may hold: two where its time of day goes past the beginning of a business day."""
        if rule.between is None:
            return
        opens, closes = self._opens(day, rule.between), self._closes(day, rule.between)
        if opens < closes:
            yield opens, closes
        elif self._is_past_the_day(rule.between):
            yield from ((self.begins(day), closes), (opens, self.begins(day + _ONE_DAY)))

    def _windows(self, day: date, hours: Hours) -> Iterator[Window]:
        spans = hours.dates.get(day.isoformat(), hours.week.get(WEEKDAYS[day.weekday()], ()))
        for span in spans:
            opens, closes = self._opens(day, span), self._closes(day, span)
            # A short one may lie wholly in the hour that is skipped.
            if opens < closes:
                yield Window(opens, max(opens, closes - hours.last_ticket_ms), closes)

    def _opens(self, day: date, span: Span) -> Instant:
        shown = time.fromisoformat(span.opens)
        return self._moment(day if shown >= self._starts else day + _ONE_DAY, shown)

    def _closes(self, day: date, span: Span) -> Instant:
        shown = time.fromisoformat(span.closes)
        return self._moment(day if shown > self._starts else day + _ONE_DAY, shown)

    def _is_past_the_day(self, span: Span) -> bool:
        opens, closes = (self._since_start(time.fromisoformat(shown)) for shown in (span.opens, span.closes))
        return 0 < closes <= opens

    def _since_start(self, shown: time) -> int:
        return (shown.hour * 60 + shown.minute - self._starts.hour * 60 - self._starts.minute) % (24 * 60)

    def _moment(self, day: date, shown: time) -> Instant:
        return _first_moment(self._zone, datetime.combine(day, shown))


def _first_moment(zone: ZoneInfo, shown: datetime) -> Instant:
    """Return the first moment at which the clocks of *zone* show *shown*, or go past it."""
    at = int(shown.replace(tzinfo=zone).timestamp())
    if _shown(zone, at) == shown:
        return at * 1000
    # The clocks skip it: with the offset of after it names a moment before they do, with that of before one that is not before.
    earliest = int(shown.replace(tzinfo=zone, fold=1).timestamp())
    moments = range(earliest, at + 1)
    return moments[bisect_left(moments, shown, key=lambda moment: _shown(zone, moment))] * 1000


def _shown(zone: ZoneInfo, at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=None)
