"""A branch's configuration as the outside writes it: ids, names by language, seconds. `GET` shows it with every default filled in."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from queue_server.wire.configuration_calendar import PROMISES_MAX, HoursConfiguration, PromiseConfiguration
from queue_server.wire.configuration_rules import (
    ARRIVAL_RULES_MAX,
    ELASTIC_RULES_MAX,
    ArrivalConfiguration,
    ElasticConfiguration,
)
from queue_server.wire.constraints import (
    Id,
    Language,
    Letters,
    Names,
    Seconds,
    SecondsOrNothing,
    Share,
    ShortText,
    Spoken,
    Text,
    TimeOfDay,
    WantedPosition,
    WholeShare,
)
from queue_server.wire.policy_form import CapConfiguration, PolicyConfiguration, Weight

TIERS_MAX, SERVICES_MAX, COUNTERS_MAX, PROFILES_MAX = 20, 200, 500, 200
CODES_MAX, TEMPLATES_MAX = 100, 100

Reserved: TypeAlias = Annotated[
    int, Meta(ge=1, le=COUNTERS_MAX, extra={"right": "a whole number from 1, below the number of counters"})
]
DailyLimit: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000, extra={"right": "a whole number from 1, or null for no limit"})]
Recalls: TypeAlias = Annotated[int, Meta(ge=0, le=20, extra={"right": "a whole number from 0 to 20"})]
Parked: TypeAlias = Annotated[int, Meta(ge=0, le=100, extra={"right": "a whole number from 0 to 100"})]


class TierConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer segment with its wait promise."""

    id: Id
    name: Names
    target_seconds: Seconds


class ServiceConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Something the branch offers; `prefix` begins its numbers, `prefixes` gives tiers a series of their own.

    `target_seconds` replaces the promise of a tier here; `typical_seconds` is what serving usually takes. `hours` replace those of the
    branch (null: the branch's); `daily_limit` is how many tickets a day has for it.
    """

    id: Id
    name: Names
    prefix: Letters
    prefixes: dict[Id, Letters] = {}
    target_seconds: dict[Id, Seconds] = {}
    typical_seconds: Seconds = 180.0
    hours: HoursConfiguration | None = None
    daily_limit: DailyLimit | None = None


class ProfileConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    The services and tiers that a counter may call (null allows all), and which services it prefers (`also` where none is named).

    Where three words are too few, a number: the highest goes first; `first` is 1, `also` 0, `only_when_idle` -1.
    """

    id: Id
    services: (
        Annotated[
            tuple[Id, ...], Meta(min_length=1, max_length=SERVICES_MAX, extra={"right": f"a list of 1 to {SERVICES_MAX} services"})
        ]
        | None
    ) = None
    tiers: (
        Annotated[tuple[Id, ...], Meta(min_length=1, max_length=TIERS_MAX, extra={"right": f"a list of 1 to {TIERS_MAX} tiers"})]
        | None
    ) = None
    name: Annotated[dict[Language, Text], Meta(max_length=20, extra={"right": 'names by language, such as {"en": "Cash"}'})] = {}
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


class CodeConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """A reason or an outcome that staff choose from, in every language of the branch."""

    id: Id
    name: Names


class TemplateConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """An announcement prepared in every language of the branch."""

    id: Id
    text: Annotated[dict[Language, Spoken], Meta(min_length=1, max_length=20, extra={"right": 'texts by language, {"en": "..."}'})]


class AutomaticCalling(Struct, frozen=True, forbid_unknown_fields=True):
    """A counter that has been idle for so long calls by itself, the one idle for longest first."""

    after_idle_seconds: SecondsOrNothing


Codes: TypeAlias = Annotated[
    tuple[CodeConfiguration, ...],
    Meta(max_length=CODES_MAX, extra={"right": f"a list of at most {CODES_MAX} codes, each with id and name"}),
]
Start: TypeAlias = Literal["pressed", "on_call"] | StartAfter


class ConfigurationForm(Struct, frozen=True, forbid_unknown_fields=True):
    """What a branch offers and how it treats people; tiers from the highest to the lowest."""

    id: Id
    name: Names
    tiers: Annotated[
        tuple[TierConfiguration, ...],
        Meta(min_length=1, max_length=TIERS_MAX, extra={"right": f"a list of 1 to {TIERS_MAX} tiers, the highest first"}),
    ]
    services: Annotated[
        tuple[ServiceConfiguration, ...],
        Meta(min_length=1, max_length=SERVICES_MAX, extra={"right": f"a list of 1 to {SERVICES_MAX} services"}),
    ]
    counters: Annotated[
        tuple[CounterConfiguration, ...],
        Meta(max_length=COUNTERS_MAX, extra={"right": f"a list of at most {COUNTERS_MAX} counters"}),
    ]
    languages: (
        Annotated[tuple[Language, ...], Meta(min_length=1, max_length=20, extra={"right": "a list of 1 to 20 language tags"})]
        | UnsetType
    ) = UNSET
    time_zone: ShortText = "UTC"
    day_starts_at: TimeOfDay = "04:00"
    hours: HoursConfiguration | None = None
    default_tier: Id | None = None
    profiles: (
        Annotated[
            tuple[ProfileConfiguration, ...],
            Meta(max_length=PROFILES_MAX, extra={"right": f"a list of at most {PROFILES_MAX} profiles"}),
        ]
        | None
    ) = ()
    policy: PolicyConfiguration = PolicyConfiguration()
    care_share: Share = 0.25
    reserve: dict[Id, Reserved] = {}
    cap: CapConfiguration | None = None
    no_show_after_seconds: Seconds | None = None
    reinstate_seconds: Seconds = 900.0
    start: Start = "pressed"
    transfer_position: WantedPosition = "due"
    reinstate_position: WantedPosition = "due"
    roll_grace_seconds: SecondsOrNothing = 7200.0
    carry_over: bool = False
    promises: Annotated[
        tuple[PromiseConfiguration, ...],
        Meta(max_length=PROMISES_MAX, extra={"right": f"a list of at most {PROMISES_MAX} entries, each with dates"}),
    ] = ()
    classification: Annotated[
        tuple[ArrivalConfiguration, ...],
        Meta(max_length=ARRIVAL_RULES_MAX, extra={"right": f"a list of at most {ARRIVAL_RULES_MAX} arrival rules"}),
    ] = ()
    elastic: Annotated[
        tuple[ElasticConfiguration, ...],
        Meta(max_length=ELASTIC_RULES_MAX, extra={"right": f"a list of at most {ELASTIC_RULES_MAX} elastic rules"}),
    ] = ()
    automatic_calling: AutomaticCalling | None = None
    recalls_before_no_show: Recalls = 0
    stage_credit: WholeShare = 0.5
    park_limit: Parked = 3
    undo_seconds: SecondsOrNothing = 30.0
    pause_reasons: Codes = ()
    reasons: Codes = ()
    outcomes: Codes = ()
    announcements: Annotated[
        tuple[TemplateConfiguration, ...],
        Meta(max_length=TEMPLATES_MAX, extra={"right": f"a list of at most {TEMPLATES_MAX} announcements"}),
    ] = ()
    announcement_seconds: Seconds = 300.0
