"""Reads the counters of a scenario: so many alike, or a table for each, with its profile and its shifts."""

from collections.abc import Collection, Iterator
from itertools import count

from msgspec import Struct

from queue_server.core.ids import Millis
from queue_server.simulate.scenario import DAY_MS, CounterPlan, Span
from queue_server.simulate.tables import Table

MOST_COUNTERS = 1000
_CLOCK = 'a time of day as "09:30"'


class OwnCounters(Struct, frozen=True):
    """The counters that a scenario names; `beside_recorded`: those of the record are there too."""

    counters: tuple[CounterPlan, ...]
    beside_recorded: bool = False


def read_counters(top: Table, hall: Table, tiers: Collection[str], services: Collection[str] | None) -> OwnCounters:
    """Return the counters; *services* None: a record will say which there are, and brings its counters where none are named."""
    is_recorded = services is None
    if top.has("counter"):
        if hall.has("counters"):
            hall.wrong("counters", "left out, since there are [[counter]] tables")
        return _from_tables(list(top.tables("counter", "one [[counter]] or more")), tiers, services)
    if is_recorded and not hall.has("counters"):
        return OwnCounters((), beside_recorded=True)
    plain = hall.whole("counters", 1, MOST_COUNTERS)
    return OwnCounters(tuple(CounterPlan(str(number)) for number in range(1, plain + 1)))


def _from_tables(tables: list[Table], tiers: Collection[str], services: Collection[str] | None) -> OwnCounters:
    counters: list[CounterPlan] = []
    # A counter without a name gets its place in the list, or the next number that nobody has asked for.
    named = {str(table.raw("id")) for table in tables if table.has("id")}
    beside = False
    for table in tables:
        if table.flag("recorded"):
            if services is not None:
                table.wrong("recorded", "left out, since there is no record; --trace names one")
            beside = True
        else:
            counters += _counters(table, counters, named, tiers, services)
        table.close()
    return OwnCounters(tuple(counters), beside)


def _counters(
    table: Table, before: list[CounterPlan], named: Collection[str], tiers: Collection[str], services: Collection[str] | None
) -> list[CounterPlan]:
    alike = table.whole("count", 1, MOST_COUNTERS, default=1)
    profile = table.table("profile") if table.has("profile") else Table({}, "", [])
    served, called = profile.texts("services", services), profile.texts("tiers", tiers)
    profile.close()
    shifts = _shifts(table)
    taken = [counter.id for counter in before]
    if table.has("id"):
        names = [table.new_id(taken)]
        if alike > 1:
            table.wrong("count", "left out where the counter has an id")
    else:
        names = free_names(alike, len(before) + 1, {*taken, *named})
    return [CounterPlan(name, served, called, shifts) for name in names]


def free_names(wanted: int, first: int, taken: Collection[str]) -> list[str]:
    """Return so many numbers from *first* on as names, none of them *taken*."""
    names: Iterator[str] = (str(number) for number in count(first) if str(number) not in taken)
    return [next(names) for _ in range(wanted)]


def _shifts(table: Table) -> tuple[Span, ...]:
    shifts: list[Span] = []
    for shift in table.tables("shift"):
        span = read_span(shift)
        for since, until in shifts:
            if span[0] < until and since < span[1]:
                right = f"outside of its shift from {_said(since)} to {_said(until)}, since a counter opens once at a time"
                shift.wrong("from", right)
        shifts.append(span)
    return tuple(shifts)


def read_span(table: Table) -> Span:
    """Return the span of the day from `from` to `to`."""
    since, until = _clock(table, "from"), _clock(table, "to")
    if since >= until:
        table.wrong("to", 'later than "from", at most "24:00"')
    table.close()
    return since, until


def _clock(table: Table, key: str) -> Millis:
    text = table.raw(key)
    parts = text.split(":") if isinstance(text, str) else []
    if len(parts) == 2 and all(part.isascii() and part.isdecimal() and len(part) == 2 for part in parts):
        hours, minutes = int(parts[0]), int(parts[1])
        if minutes < 60 and hours * 60 + minutes <= 24 * 60:
            return (hours * 60 + minutes) * 60_000
    table.wrong(key, _CLOCK)
    return 0 if key == "from" else DAY_MS


def _said(at: Millis) -> str:
    return f"{at // 3_600_000:02}:{at // 60_000 % 60:02}"
