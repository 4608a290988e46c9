"""A branch's configuration as the outside writes it: ids, names by language, seconds. `GET` shows it with every default filled in."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from queue_server.wire.constraints import (
    Id,
    Language,
    Letters,
    Names,
    NotOffered,
    PlainPosition,
    Seconds,
    SecondsOrNothing,
    Share,
    ShortText,
    Text,
    TimeOfDay,
)
from queue_server.wire.policy_form import CapConfiguration, PolicyConfiguration, Weight

TIERS_MAX, SERVICES_MAX, COUNTERS_MAX, PROFILES_MAX = 20, 200, 500, 200

Reserved: TypeAlias = Annotated[int, Meta(ge=1, le=COUNTERS_MAX)]


class TierConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer segment with its wait promise."""

    id: Id
    name: Names
    target_seconds: Seconds


class ServiceConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Something the branch offers; `prefix` begins its numbers, `prefixes` gives tiers a series of their own.

    `target_seconds` replaces the promise of a tier here; `typical_seconds` is what serving usually takes.
    """

    id: Id
    name: Names
    prefix: Letters
    prefixes: dict[Id, Letters] = {}
    target_seconds: dict[Id, Seconds] = {}
    typical_seconds: Seconds = 180.0
    hours: NotOffered = None
    daily_limit: NotOffered = None


class ProfileConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    The services and tiers that a counter may call (null allows all), and which services it prefers (`also` where none is named).

    Where three words are too few, a number: the highest goes first; `first` is 1, `also` 0, `only_when_idle` -1.
    """

    id: Id
    services: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=SERVICES_MAX)] | None = None
    tiers: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=TIERS_MAX)] | None = None
    name: Annotated[dict[Language, Text], Meta(max_length=20)] = {}
    preference: dict[Id, Literal["first", "also", "only_when_idle"] | Weight] = {}


class CounterConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """A service point: the number people look for, its zone, and the profile it opens with (null: everything)."""

    id: Id
    number: ShortText | Annotated[int, Meta(ge=0, le=9999, extra={"right": "a whole number from 0 to 9999"})]
    zone: Id | None = None
    profile: Id | None = None


class StartAfter(Struct, frozen=True, forbid_unknown_fields=True):
    """Serving begins so long after the call."""

    after_seconds: Seconds


Start: TypeAlias = Literal["pressed", "on_call"] | StartAfter


class ConfigurationForm(Struct, frozen=True, forbid_unknown_fields=True):
    """What a branch offers and how it treats people; tiers from the highest to the lowest."""

    id: Id
    name: Names
    tiers: Annotated[tuple[TierConfiguration, ...], Meta(min_length=1, max_length=TIERS_MAX)]
    services: Annotated[tuple[ServiceConfiguration, ...], Meta(min_length=1, max_length=SERVICES_MAX)]
    counters: Annotated[tuple[CounterConfiguration, ...], Meta(max_length=COUNTERS_MAX)]
    languages: Annotated[tuple[Language, ...], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    time_zone: ShortText = "UTC"
    day_starts_at: TimeOfDay = "04:00"
    hours: NotOffered = None
    default_tier: Id | None = None
    profiles: Annotated[tuple[ProfileConfiguration, ...], Meta(max_length=PROFILES_MAX)] | None = ()
    policy: PolicyConfiguration = PolicyConfiguration()
    care_share: Share = 0.25
    reserve: dict[Id, Reserved] = {}
    cap: CapConfiguration | None = None
    no_show_after_seconds: Seconds | None = None
    reinstate_seconds: Seconds = 900.0
    start: Start = "pressed"
    transfer_position: PlainPosition = "due"
    reinstate_position: PlainPosition = "due"
    roll_grace_seconds: SecondsOrNothing = 7200.0
