"""The calendar of a business day, against a plain definition that looks at every minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.core.configuration import ArrivalRule, Configuration, Hours, PromiseDays, Service, Span
from queue_server.core.timetable import Timetable, Window
from queue_server.runtime.calendar import WEEKDAYS, open_day_command, timetable
from tests.scenario import rules

MINUTE = 60_000
BERLIN = {"time_zone": "Europe/Berlin", "day_starts_at": "00:00"}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def span(text: str) -> Span:
    opens, _, closes = text.partition("-")
    return Span(opens, closes)


def week(*spans: str, last_ticket_ms: int = 0, **days: tuple[str, ...]) -> Hours:
    """The same spans on every day, but for the days named."""
    named = {day: days.get(day, spans) for day in WEEKDAYS}
    return Hours({day: tuple(map(span, texts)) for day, texts in named.items()}, last_ticket_ms=last_ticket_ms)


def said(windows: tuple[Window, ...] | None, zone: str = "UTC") -> list[str]:
    assert windows is not None
    moments = [(window.opens_at, window.closes_at) for window in windows]
    return ["-".join(datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%d. %H:%M") for at in pair) for pair in moments]


def day_of(configuration: Configuration, day: str) -> tuple[int, int, Timetable]:
    """The business day that a branch opens at the noon of *day*, or the one that holds it."""
    noon = datetime.combine(date.fromisoformat(day), time(12), ZoneInfo(configuration.time_zone))
    command = open_day_command(configuration, 1, round(noon.timestamp() * 1000), None)
    assert timetable(configuration, command.day) == command.timetable
    return command.opens_at, command.rolls_at, command.timetable


def test_without_hours_a_branch_is_open_round_the_clock() -> None:
    assert timetable(rules(), "2026-11-23") == Timetable()


def test_a_lunch_break_and_the_last_ticket() -> None:
    today = timetable(rules(hours=week("13:30-17:00", "09:00-12:30", last_ticket_ms=15 * MINUTE)), "2026-11-23")
    assert today.windows == (
        Window(ms("2026-11-23T09:00"), ms("2026-11-23T12:15"), ms("2026-11-23T12:30")),
        Window(ms("2026-11-23T13:30"), ms("2026-11-23T16:45"), ms("2026-11-23T17:00")),
    )
    assert today.reopens_at == ms("2026-11-24T09:00")


def test_dates_override_the_week_and_the_next_opening_is_looked_for_past_them() -> None:
    hours = Hours(
        {"thursday": (span("09:00-17:00"),), "friday": (span("09:00-17:00"),), "monday": (span("10:00-16:00"),)},
        {"2026-12-24": (span("09:00-12:00"),), "2026-12-25": (), "2026-12-27": (span("11:00-12:00"),)},
    )
    eve = timetable(rules(hours=hours), "2026-12-24")
    assert said(eve.windows) == ["24. 09:00-24. 12:00"]
    assert eve.reopens_at == ms("2026-12-27T11:00"), "a Sunday that is listed"
    assert timetable(rules(hours=hours), "2026-12-25").windows == ()
    assert timetable(rules(hours=hours), "2026-12-27").reopens_at == ms("2026-12-28T10:00")


@pytest.mark.parametrize(("opens_on", "reopens"), [("2026-03-02", "2026-03-02T09:00"), ("2026-03-03", None)])
def test_the_next_opening_is_looked_for_within_sixty_days(opens_on: str, reopens: str | None) -> None:
    hours = Hours(dates={opens_on: (span("09:00-10:00"),)})
    today = timetable(rules(hours=hours), "2026-01-01")
    assert (today.windows, today.reopens_at) == ((), ms(reopens) if reopens else None)


def test_an_opening_past_midnight_belongs_to_the_day_in_which_it_begins() -> None:
    hours = week(friday=("20:00-02:00", "02:30-04:00"))
    configuration = rules(hours=hours, day_starts_at="04:00")
    assert said(timetable(configuration, "2026-11-27").windows) == ["27. 20:00-28. 02:00", "28. 02:30-28. 04:00"]
    assert timetable(configuration, "2026-11-28").windows == ()


def test_services_may_have_hours_of_their_own() -> None:
    services = (
        Service("cash", {"en": "Cash"}, "A"),
        Service("loans", {"en": "Loans"}, "L", hours=week("10:00-12:00", tuesday=())),
        Service("safe", {"en": "Safe"}, "S", hours=Hours()),
    )
    today = timetable(rules(services=services, hours=week("09:00-17:00")), "2026-11-23")
    assert said(today.services["loans"]) == ["23. 10:00-23. 12:00"]
    assert today.services_reopen == {"loans": ms("2026-11-25T10:00")}
    assert today.next_opening("loans", ms("2026-11-23T12:00")) == ms("2026-11-25T10:00")
    assert today.next_opening("safe", ms("2026-11-23T12:00")) is None, "it has hours, and they are none"
    assert today.windows_of("cash") == today.windows


def test_promises_of_listed_dates_hold_on_these() -> None:
    paydays = PromiseDays(("2026-11-27", "2026-12-23"), {"std": 2_400_000}, {"cash": {"gold": 900_000}})
    eve = PromiseDays(("2026-12-24",), {"std": 600_000})
    configuration = rules(promises=(paydays, eve))
    assert timetable(configuration, "2026-11-26") == Timetable()
    payday = timetable(configuration, "2026-12-23")
    assert (payday.target_ms, payday.service_target_ms) == ({"std": 2_400_000}, {"cash": {"gold": 900_000}})
    assert timetable(configuration, "2026-12-24") == Timetable(target_ms={"std": 600_000})


@pytest.mark.parametrize(
    ("between", "spans"),
    [
        ("09:00-10:30", [("2026-11-23T09:00", "2026-11-23T10:30")]),
        ("22:00-02:00", [("2026-11-23T22:00", "2026-11-24T02:00")]),
        ("22:00-04:00", [("2026-11-23T22:00", "2026-11-24T04:00")]),
        ("04:00-03:00", [("2026-11-23T04:00", "2026-11-24T03:00")]),
        # Past the beginning of a business day: what is left of the night, and the night to come.
        ("22:00-06:00", [("2026-11-23T04:00", "2026-11-23T06:00"), ("2026-11-23T22:00", "2026-11-24T04:00")]),
    ],
)
def test_the_spans_of_arrival_rules(between: str, spans: list[tuple[str, str]]) -> None:
    told = (ArrivalRule("night", between=span(between), care="elderly"), ArrivalRule("ever", care="elderly"))
    today = timetable(rules(classification=told), "2026-11-23")
    assert today.arrivals == {"night": tuple((ms(begins), ms(ends)) for begins, ends in spans)}


@pytest.mark.parametrize(
    ("day", "spans", "windows"),
    [
        # Clocks go from 02:00 to 03:00: 02:30 is not shown, and means the moment at which they do.
        ("2026-03-29", ("02:30-05:00",), [("01:00", "03:00")]),
        ("2026-03-29", ("00:30-02:30",), [("28T23:30", "01:00")]),
        ("2026-03-29", ("02:10-02:50",), []),
        # From 03:00 back to 02:00: 02:30 is shown twice, and means the first.
        ("2026-10-25", ("02:30-05:00",), [("00:30", "04:00")]),
        ("2026-10-25", ("01:00-02:30", "02:30-03:00"), [("24T23:00", "00:30"), ("00:30", "02:00")]),
    ],
)
def test_nights_in_which_the_clocks_change(day: str, spans: tuple[str, ...], windows: list[tuple[str, str]]) -> None:
    _, _, today = day_of(rules(hours=week(*spans), **BERLIN), day)
    month = day[:8]
    moments = [tuple(ms(f"{month}{at}" if "T" in at else f"{day}T{at}") for at in pair) for pair in windows]
    assert [(window.opens_at, window.closes_at) for window in today.windows or ()] == moments


def test_a_day_that_begins_in_a_skipped_hour_begins_when_the_clocks_go_forward() -> None:
    opens_at, rolls_at, _ = day_of(rules(time_zone="Europe/Berlin", day_starts_at="02:30"), "2026-03-29")
    assert (opens_at, rolls_at) == (ms("2026-03-29T01:00"), ms("2026-03-30T00:30"))


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Hong_Kong",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
    "America/Santiago",
)
TURNS = (
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2026-04-05",
    "2026-10-04",
    "2026-02-15",
    "2026-03-22",
    "2026-09-06",
)
DATES = st.sampled_from(TURNS) | st.dates(date(2026, 1, 1), date(2026, 12, 31)).map(date.isoformat)


def clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


@st.composite
def openings(draw: st.DrawFn, starts: int) -> tuple[Span, ...]:
    """Disjoint spans of one business day that begins *starts* minutes after midnight, in any order."""
    bounds = sorted(draw(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True)))
    spans = [Span(clock(starts + a), clock(starts + b)) for a, b in zip(bounds[::2], bounds[1::2], strict=False) if b - a < 1440]
    return tuple(draw(st.permutations(spans)))


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Configuration, str]:
    starts, day = draw(st.sampled_from([0, 150, 180, 240, 720])), draw(DATES)
    hours = Hours(
        {name: draw(openings(starts)) for name in draw(st.sets(st.sampled_from(WEEKDAYS)))},
        {listed: draw(openings(starts)) for listed in draw(st.sets(st.just(day) | DATES, max_size=2))},
        draw(st.integers(0, 90)) * MINUTE,
    )
    more: dict[str, Any] = {"hours": hours, "time_zone": draw(st.sampled_from(ZONES)), "day_starts_at": clock(starts)}
    return rules(**more), day


def minutes_open(configuration: Configuration, day: date, begins: int, ends: int) -> Iterator[tuple[int, bool]]:
    """
    Look at each minute of the business day: is the latest that the clock has shown so far within a span?

    Local times are laid out on paper: what is before the day's beginning comes after midnight.
    """
    assert configuration.hours is not None
    zone, starts = ZoneInfo(configuration.time_zone), time.fromisoformat(configuration.day_starts_at)
    hours = configuration.hours
    spans = hours.dates.get(day.isoformat(), hours.week.get(WEEKDAYS[day.weekday()], ()))
    on_paper = []
    for one in spans:
        opens, closes = time.fromisoformat(one.opens), time.fromisoformat(one.closes)
        first = datetime.combine(day + timedelta(days=opens < starts), opens)
        on_paper.append((first, datetime.combine(day + timedelta(days=closes <= starts), closes)))
    latest = datetime.min  # noqa: DTZ901 - local times have no zone here
    for minute in range(begins, ends, MINUTE):
        latest = max(latest, datetime.fromtimestamp(minute / 1000, zone).replace(tzinfo=None))
        yield minute, any(first <= latest < last for first, last in on_paper)


@given(calendars())
@settings(max_examples=150, deadline=None)
def test_the_openings_are_those_of_a_plain_definition(drawn: tuple[Configuration, str]) -> None:
    configuration, noon_of = drawn
    assert configuration.hours is not None
    opens_at, rolls_at, today = day_of(configuration, noon_of)
    windows = today.windows
    assert windows is not None
    bounds = [opens_at, *(at for window in windows for at in (window.opens_at, window.closes_at)), rolls_at]
    assert bounds == sorted(bounds), "within the day, disjoint and in order"
    for window in windows:
        assert window.last_ticket_at == max(window.opens_at, window.closes_at - configuration.hours.last_ticket_ms)
        assert window.opens_at < window.closes_at
    day = datetime.fromtimestamp(opens_at / 1000, ZoneInfo(configuration.time_zone)).date()
    for minute, is_open in minutes_open(configuration, day, opens_at, rolls_at):
        assert any(window.opens_at <= minute < window.closes_at for window in windows) == is_open, minute


@given(calendars())
@settings(max_examples=60, deadline=None)
def test_it_reopens_with_the_first_opening_of_the_days_that_follow(drawn: tuple[Configuration, str]) -> None:
    configuration, day = drawn
    later = [date.fromisoformat(day) + timedelta(days=days) for days in range(1, 61)]
    openings_later = [window.opens_at for on in later for window in timetable(configuration, on.isoformat()).windows or ()]
    assert timetable(configuration, day).reopens_at == min(openings_later, default=None)
