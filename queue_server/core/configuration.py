"""What a branch offers and how it treats people: the configuration in its stored form (times in ms, already validated)."""

from enum import StrEnum
from typing import Any, Literal, TypeAlias

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


class Span(Struct, frozen=True, omit_defaults=True):
    """A time of the day, local, "09:00" to "17:30"; one that ends before it begins goes past midnight."""

    opens: str
    closes: str


class Hours(Struct, frozen=True, omit_defaults=True):
    """
    When customers may come: spans by day of the week ("monday"; a day that is not named is closed), replaced on listed dates.

    The last ticket is given `last_ticket_ms` before the end of a span; whoever is inside then is served.
    """

    week: dict[str, tuple[Span, ...]] = {}
    dates: dict[str, tuple[Span, ...]] = {}
    last_ticket_ms: Millis = 0


class Code(Struct, frozen=True, omit_defaults=True):
    """A reason or an outcome that staff choose from: free text would carry personal data into the stream."""

    id: str
    name: Names


class Service(Struct, frozen=True, omit_defaults=True):
    """
    Something the branch offers.

    `prefixes` gives tiers a number series of their own; `typical_ms` is what serving usually takes; `hours` are its own (None: the
    branch's); `daily_limit` is how many tickets a day has for it.
    """

    id: ServiceId
    name: Names
    prefix: str
    prefixes: dict[TierId, str] = {}
    target_ms: dict[TierId, Millis] = {}
    typical_ms: Millis = 180_000
    hours: Hours | None = None
    daily_limit: int | None = None

    def prefix_for(self, tier_id: TierId) -> str:
        """Return the printed prefix, which is also the number series, for customers of *tier_id*."""
        return self.prefixes.get(tier_id, self.prefix)


class Preference(StrEnum):
    """When a counter calls a service that its profile allows: before others, along with them, or when nobody else waits."""

    FIRST = "first"
    ALSO = "also"
    ONLY_WHEN_IDLE = "only_when_idle"


class Profile(Struct, frozen=True, omit_defaults=True):
    """
    The services and tiers that a counter may call (None allows all), and its preferences; ALSO where none is named.

    Where three words are too few, a preference is a level: the highest goes first; FIRST is 1, ALSO 0, ONLY_WHEN_IDLE -1.
    """

    id: ProfileId
    services: tuple[ServiceId, ...] | None = None
    tiers: tuple[TierId, ...] | None = None
    name: Names = {}
    preference: dict[ServiceId, Preference | int] = {}


class CounterPlace(Struct, frozen=True, omit_defaults=True):
    """A service point: its display number, its zone, and the profile it opens with."""

    id: CounterId
    number: str
    zone: ZoneId | None = None
    profile: ProfileId | None = None


class Behind(Struct, frozen=True):
    """A position: just after the N-th of the ticket's class, or at the back when there are fewer."""

    behind: int


Position: TypeAlias = Literal["front", "due", "back"] | Behind
"""Where a ticket that waits again stands: what that means is told in `places`."""


class Policy(Struct, frozen=True, omit_defaults=True):
    """Which policy orders the waiting, and its parameters."""

    name: str
    parameters: dict[str, Any] = {}


class Scope(StrEnum):
    """What a rule that counts calls counts together: all of the branch, or those of each counter."""

    BRANCH = "branch"
    COUNTER = "counter"


class Cap(Struct, frozen=True, omit_defaults=True):
    """No more than `calls` policy calls in a row above `tier`, whether it waits or not (None: above the lowest tier waiting)."""

    calls: int
    scope: Scope = Scope.BRANCH
    tier: TierId | None = None


class PromiseDays(Struct, frozen=True, omit_defaults=True):
    """Other wait targets on the listed dates (paydays, the day before a holiday): by tier, and by service and tier."""

    dates: tuple[str, ...]
    target_ms: dict[TierId, Millis] = {}
    services: dict[ServiceId, dict[TierId, Millis]] = {}


class ArrivalRule(Struct, frozen=True, omit_defaults=True):
    """
    How an arriving customer is classified when all that is named here holds (None: it does not matter).

    `between` is a time of the day, local; `card_classes` are what the identity may have been found to be, `identified` whether there was
    one. What a rule sets (`tier`, `care`, `zone`) fills only what was left open when the ticket was asked for.
    """

    id: str
    services: tuple[ServiceId, ...] | None = None
    languages: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    card_classes: tuple[str, ...] | None = None
    identified: bool | None = None
    between: Span | None = None
    tier: TierId | None = None
    care: str | None = None
    zone: ZoneId | None = None


class ElasticRule(Struct, frozen=True, omit_defaults=True):
    """
    Switches counters to another profile while too many wait or somebody waits too long, with hysteresis.

    It holds from the moment at which, among the waiting of `service` and `tier` (None: all), `waiting` stand or the first by place
    has waited for `oldest_wait_ms`, as its place says (exactly one of the two is set), until the same has been below its `back_`
    value for `back_after_ms`.
    """

    id: str
    counters: tuple[CounterId, ...]
    profile: ProfileId
    service: ServiceId | None = None
    tier: TierId | None = None
    waiting: int | None = None
    oldest_wait_ms: Millis | None = None
    back_waiting: int = 0
    back_oldest_wait_ms: Millis = 0
    back_after_ms: Millis = 0


class Template(Struct, frozen=True, omit_defaults=True):
    """An announcement prepared in every language of the branch."""

    id: str
    text: Names


class Configuration(Struct, frozen=True, omit_defaults=True):
    """
    A branch's configuration; `tiers` go from the highest to the lowest.

    `care_permille` is the share of the promise (in thousandths) that a customer with a reason for care is treated as having
    used already. `reserve` keeps so many counters free for a tier: lower ones are called only while fewer than (open - reserved)
    are busy. `no_show_after_ms` None: a called customer is waited for until the clerk decides; nobody is a no-show before
    `recalls_before_no_show` recalls. `automatic_after_ms`: a counter that has been idle for so long calls by itself (None: never).
    `classification` and `elastic` are ordered: the first rule that holds wins. `stage_credit_permille` is the share of the wait so
    far that counts for the next stage of a visit. `carry_over`: who waits when the day rolls waits on in the next one. A step can be
    taken back for `undo_ms`. Empty `pause_reasons`, `reasons` (of all other steps) and `outcomes`: any.
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
    recalls_before_no_show: int = 0
    reinstate_ms: Millis = 900_000
    transfer_position: Position = "due"
    reinstate_position: Position = "due"
    roll_grace_ms: Millis = 7_200_000
    carry_over: bool = False
    day_limit: int = 50_000
    hours: Hours | None = None
    promises: tuple[PromiseDays, ...] = ()
    classification: tuple[ArrivalRule, ...] = ()
    elastic: tuple[ElasticRule, ...] = ()
    automatic_after_ms: Millis | None = None
    stage_credit_permille: int = 500
    park_limit: int = 3
    undo_ms: Millis = 30_000
    pause_reasons: tuple[Code, ...] = ()
    reasons: tuple[Code, ...] = ()
    outcomes: tuple[Code, ...] = ()
    announcements: tuple[Template, ...] = ()
    announcement_ms: Millis = 300_000

    @property
    def steps_kept_ms(self) -> Millis:
        """
        For how long it is remembered what a step has changed; 0: not at all.

        As long as it can be taken back; and where counters call by themselves, as long as a clerk may still start whom the clock has
        made a no-show, since whoever was called meanwhile then goes back.
        """
        return self.undo_ms if self.automatic_after_ms is None else max(self.undo_ms, self.reinstate_ms)
