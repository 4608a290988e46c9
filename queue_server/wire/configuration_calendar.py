"""What a configuration says about the calendar, as the outside writes it: opening hours, and promises of listed dates."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from queue_server.core.configuration import Hours, PromiseDays, Span
from queue_server.core.ids import Millis
from queue_server.wire.constraints import Date, Id, Seconds, SecondsOrNothing, TimeOfDay
from queue_server.wire.instants import milliseconds, seconds

SPANS_MAX, DATES_MAX, PROMISES_MAX = 10, 400, 100

Weekday: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class SpanConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """From when until when, local; what closes before it opens does so after midnight, and belongs to the day in which it opens."""

    opens: TimeOfDay
    closes: TimeOfDay


Spans: TypeAlias = Annotated[
    tuple[SpanConfiguration, ...],
    Meta(max_length=SPANS_MAX, extra={"right": f"a list of at most {SPANS_MAX} spans, each with opens and closes"}),
]


class HoursConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    When customers may take a ticket: by day of the week (one that is not named is closed), replaced on listed dates.

    The last ticket is given `last_ticket_seconds` before a span ends; whoever has one then is served.
    """

    week: dict[Weekday, Spans] = {}
    dates: Annotated[
        dict[Date, Spans], Meta(max_length=DATES_MAX, extra={"right": f"at most {DATES_MAX} dates, each with a list of spans"})
    ] = {}
    last_ticket_seconds: SecondsOrNothing = 0.0


class PromiseConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """Other promises on the listed dates: by tier, and by service and tier."""

    dates: Annotated[
        tuple[Date, ...], Meta(min_length=1, max_length=DATES_MAX, extra={"right": f"a list of 1 to {DATES_MAX} dates"})
    ]
    target_seconds: dict[Id, Seconds] = {}
    services: dict[Id, dict[Id, Seconds]] = {}


def stored_hours(form: HoursConfiguration | None) -> Hours | None:
    """Return opening hours as the core keeps them."""
    if form is None:
        return None
    week: dict[str, tuple[Span, ...]] = {day: _stored_spans(spans) for day, spans in form.week.items()}
    dates = {day: _stored_spans(spans) for day, spans in form.dates.items()}
    return Hours(week, dates, milliseconds(form.last_ticket_seconds))


def hours_form(hours: Hours | None) -> HoursConfiguration | None:
    """Return opening hours as the outside writes them."""
    if hours is None:
        return None
    week: dict[Any, Spans] = {day: _spans_form(spans) for day, spans in hours.week.items()}
    dates = {day: _spans_form(spans) for day, spans in hours.dates.items()}
    return HoursConfiguration(week, dates, seconds(hours.last_ticket_ms))


def stored_promises(form: PromiseConfiguration) -> PromiseDays:
    """Return the promises of some dates as the core keeps them."""
    services = {service: _stored_targets(targets) for service, targets in form.services.items()}
    return PromiseDays(form.dates, _stored_targets(form.target_seconds), services)


def promises_form(listed: PromiseDays) -> PromiseConfiguration:
    """Return the promises of some dates as the outside writes them."""
    services = {service: _targets_form(targets) for service, targets in listed.services.items()}
    return PromiseConfiguration(listed.dates, _targets_form(listed.target_ms), services)


def _stored_targets(targets: dict[str, float]) -> dict[str, Millis]:
    return {tier: milliseconds(target) for tier, target in targets.items()}


def _targets_form(targets: dict[str, Millis]) -> dict[str, float]:
    return {tier: seconds(target) for tier, target in targets.items()}


def _stored_spans(spans: Spans) -> tuple[Span, ...]:
    return tuple(Span(span.opens, span.closes) for span in spans)


def _spans_form(spans: tuple[Span, ...]) -> Spans:
    return tuple(SpanConfiguration(span.opens, span.closes) for span in spans)
