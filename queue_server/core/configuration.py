"""What a branch offers and how it treats people: the configuration in its stored form (times in ms, already validated)."""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from queue_server.core.ids import BranchId, CounterId, Millis, ProfileId, ServiceId, TierId, ZoneId

Names = dict[str, str]
"""A name by language tag, {"en": "Cash"}."""


class StartMode(StrEnum):
    """When serving begins: the clerk presses start, with the call itself, or some time after the call."""

    PRESSED = "pressed"
    ON_CALL = "on_call"
    AFTER = "after"


class Tier(Struct, frozen=True, omit_defaults=True):
    """A customer segment; `target_ms` is its wait promise where a service has none of its own."""

    id: TierId
    name: Names
    target_ms: Millis


class Service(Struct, frozen=True, omit_defaults=True):
    """Something the branch offers. `prefixes` gives tiers a number series of their own; `typical_ms` is what serving usually takes."""

    id: ServiceId
    name: Names
    prefix: str
    prefixes: dict[TierId, str] = {}
    target_ms: dict[TierId, Millis] = {}
    typical_ms: Millis = 180_000

    def prefix_for(self, tier_id: TierId) -> str:
        """Return the printed prefix, which is also the number series, for customers of *tier_id*."""
        return self.prefixes.get(tier_id, self.prefix)


class Preference(StrEnum):
    """When a counter calls a service that its profile allows: before others, along with them, or when nobody else waits."""

    FIRST = "first"
    ALSO = "also"
    ONLY_WHEN_IDLE = "only_when_idle"


class Profile(Struct, frozen=True, omit_defaults=True):
    """The services and tiers that a counter may call (None allows all), and its preferences; ALSO where none is named."""

    id: ProfileId
    services: tuple[ServiceId, ...] | None = None
    tiers: tuple[TierId, ...] | None = None
    name: Names = {}
    preference: dict[ServiceId, Preference] = {}


class CounterPlace(Struct, frozen=True, omit_defaults=True):
    """A service point: its display number, its zone, and the profile it opens with."""

    id: CounterId
    number: str
    zone: ZoneId | None = None
    profile: ProfileId | None = None


class Policy(Struct, frozen=True, omit_defaults=True):
    """Which policy orders the waiting, and its parameters."""

    name: str
    parameters: dict[str, Any] = {}


class Scope(StrEnum):
    """What a rule that counts calls counts together: all of the branch, or those of each counter."""

    BRANCH = "branch"
    COUNTER = "counter"


class Cap(Struct, frozen=True, omit_defaults=True):
    """No more than `calls` policy calls in a row above the lowest tier waiting."""

    calls: int
    scope: Scope = Scope.BRANCH


class Configuration(Struct, frozen=True, omit_defaults=True):
    """
    A branch's configuration; `tiers` go from the highest to the lowest.

    `care_permille` is the share of the promise (in thousandths) that a customer with a reason for care is treated as having
    used already. `reserve` keeps so many counters free for a tier: lower ones are called only while fewer than (open - reserved)
    are busy. `no_show_after_ms` None: a called customer is waited for until the clerk decides.
    """

    id: BranchId
    name: Names
    tiers: tuple[Tier, ...]
    services: tuple[Service, ...]
    counters: tuple[CounterPlace, ...]
    default_tier: TierId
    languages: tuple[str, ...] = ("en",)
    time_zone: str = "UTC"
    day_starts_at: str = "04:00"
    profiles: tuple[Profile, ...] = ()
    policy: Policy = field(default_factory=lambda: Policy(name="promise"))
    care_permille: int = 250
    reserve: dict[TierId, int] = {}
    cap: Cap | None = None
    start: StartMode = StartMode.PRESSED
    start_after_ms: Millis = 0
    no_show_after_ms: Millis | None = None
    reinstate_ms: Millis = 900_000
    transfer_position: str = "due"
    reinstate_position: str = "due"
    roll_grace_ms: Millis = 7_200_000
    day_limit: int = 50_000
