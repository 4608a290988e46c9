"""The rules of a configuration that act by themselves, as the outside writes them: arrival rules and elastic counters."""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field

from queue_server.core.configuration import ArrivalRule, ElasticRule, Span
from queue_server.wire.constraints import Care, Id, Language, Seconds, SecondsOrNothing, ShortText, TimeOfDay
from queue_server.wire.instants import milliseconds, milliseconds_or_none, seconds, seconds_or_none

ARRIVAL_RULES_MAX, ELASTIC_RULES_MAX, NAMED_MAX, COUNTERS_NAMED_MAX = 200, 100, 200, 500

Waiting: TypeAlias = Annotated[int, Meta(ge=1, le=10_000, extra={"right": "a whole number from 1 to 10000"})]
Ids: TypeAlias = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=NAMED_MAX, extra={"right": f"a list of 1 to {NAMED_MAX}"})]
Words: TypeAlias = Annotated[
    tuple[ShortText, ...], Meta(min_length=1, max_length=NAMED_MAX, extra={"right": f"a list of 1 to {NAMED_MAX}"})
]


class BetweenConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """A time of the day, local; it may go past midnight."""

    begins: TimeOfDay = field(name="from")
    ends: TimeOfDay = field(name="to")


class ArrivalCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that is named must hold; what is not named does not matter."""

    services: Ids | None = None
    languages: (
        Annotated[tuple[Language, ...], Meta(min_length=1, max_length=NAMED_MAX, extra={"right": f"a list of 1 to {NAMED_MAX}"})]
        | None
    ) = None
    channels: Words | None = None
    card_classes: Words | None = None
    identified: bool | None = None
    between: BetweenConfiguration | None = None


class ArrivalResult(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the rule sets, where the request for a ticket left it open; at least one of them."""

    tier: Id | None = None
    care: Care | None = None
    zone: Id | None = None


class ArrivalConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """How an arriving customer is classified; of several rules that hold the first does it."""

    id: Id
    results: ArrivalResult = field(name="set")
    when: ArrivalCondition = ArrivalCondition()


class ElasticCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """From when on counters help out: exactly one of how many wait, and how long the first has waited."""

    waiting: Waiting | None = None
    oldest_wait_seconds: Seconds | None = None


class ElasticReturn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When they go back: the same measure has stayed below this, which is not above the other, for `after_seconds`."""

    after_seconds: SecondsOrNothing
    waiting: Waiting | None = None
    oldest_wait_seconds: SecondsOrNothing | None = None


class ElasticConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """Counters that call by another profile while many of a service and tier (null: of all) wait, or one waits long."""

    id: Id
    counters: Annotated[
        tuple[Id, ...],
        Meta(min_length=1, max_length=COUNTERS_NAMED_MAX, extra={"right": f"a list of 1 to {COUNTERS_NAMED_MAX} counters"}),
    ]
    profile: Id
    when: ElasticCondition
    back: ElasticReturn
    service: Id | None = None
    tier: Id | None = None


def stored_arrival(form: ArrivalConfiguration) -> ArrivalRule:
    """Return an arrival rule as the core keeps it."""
    when, between = form.when, form.when.between
    return ArrivalRule(
        id=form.id,
        services=when.services,
        languages=when.languages,
        channels=when.channels,
        card_classes=when.card_classes,
        identified=when.identified,
        between=None if between is None else Span(between.begins, between.ends),
        tier=form.results.tier,
        care=form.results.care,
        zone=form.results.zone,
    )


def arrival_form(rule: ArrivalRule) -> ArrivalConfiguration:
    """Return an arrival rule as the outside writes it."""
    between = None if rule.between is None else BetweenConfiguration(rule.between.opens, rule.between.closes)
    when = ArrivalCondition(rule.services, rule.languages, rule.channels, rule.card_classes, rule.identified, between)
    care: Any = rule.care
    return ArrivalConfiguration(rule.id, ArrivalResult(rule.tier, care, rule.zone), when)


def stored_elastic(form: ElasticConfiguration) -> ElasticRule:
    """Return an elastic rule as the core keeps it."""
    return ElasticRule(
        id=form.id,
        counters=form.counters,
        profile=form.profile,
        service=form.service,
        tier=form.tier,
        waiting=form.when.waiting,
        oldest_wait_ms=milliseconds_or_none(form.when.oldest_wait_seconds),
        back_waiting=form.back.waiting or 0,
        back_oldest_wait_ms=milliseconds(form.back.oldest_wait_seconds or 0),
        back_after_ms=milliseconds(form.back.after_seconds),
    )


def elastic_form(rule: ElasticRule) -> ElasticConfiguration:
    """Return an elastic rule as the outside writes it."""
    after = seconds(rule.back_after_ms)
    back = ElasticReturn(after, oldest_wait_seconds=seconds(rule.back_oldest_wait_ms))
    if rule.waiting is not None:
        back = ElasticReturn(after, waiting=rule.back_waiting)
    when = ElasticCondition(rule.waiting, seconds_or_none(rule.oldest_wait_ms))
    return ElasticConfiguration(rule.id, rule.counters, rule.profile, when, back, rule.service, rule.tier)
