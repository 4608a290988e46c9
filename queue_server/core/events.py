"""
The facts of a branch's day, in the form in which they are stored.

A fact is written in the past tense and is never changed; its meaning is fixed by name and version. Each one changes at most one
ticket and at most one counter, which is what lets a feed tell a screen exactly what is new.

Facts and what is made of them form no cycles, so they are kept from the garbage collector (`gc=False`): it would look through
every ticket of the day again and again.
"""

from typing import TypeAlias

from msgspec import Struct

from queue_server.core.configuration import Configuration
from queue_server.core.ids import CounterId, Day, Instant, Millis, ProfileId, ServiceId, StaffId, TicketId, TierId, ZoneId
from queue_server.core.ratio import Turns
from queue_server.core.ticket import ParkKind, Ticket
from queue_server.core.timetable import Timetable

FactName: TypeAlias = str


class Fact(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The base of all facts."""


class TicketFact(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """A fact about one ticket; `counter` is the counter that it changes too, if any."""

    ticket: TicketId
    counter: CounterId | None = None


class CounterFact(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """A fact about one counter."""

    counter: CounterId


class Overtaken(Struct, frozen=True, omit_defaults=True, gc=False):
    """Who was passed by a call: how many of the counter's candidates had an earlier place, and the first ten of their numbers."""

    count: int
    first: tuple[str, ...] = ()


class Routing(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """
    Why this ticket: the policy in force, the rule that decided, how many candidates were waiting, whom it passed, and a sentence.

    `share` is the part of the promise it had used, in thousandths. `turn` is the tier whose turn the call has used, `above` whether
    it counts as a call above the lowest tier waiting; None where the call counts for neither. `pool` tells it from calls that choose
    among others and are counted apart.
    """

    policy: str
    rule: str
    reason: str
    waiting: int
    overtook: Overtaken
    share: int | None = None
    note: str | None = None
    turn: TierId | None = None
    above: bool | None = None
    pool: str = ""


class TicketIssued(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """
    A ticket was given out; what was promised to the customer then is part of the fact.

    `serial` is the number within the series `prefix`; `ahead`, `p50_ms` and `p90_ms` as told at issue (None: cannot be said).
    `then` are the services that follow; `classified_by` is the arrival rule that set what the request left open. `carried` is the ticket
    as it waited when the day before rolled: it goes on with its place, its wait and its number, which its series does not count.
    """

    number: str
    prefix: str
    serial: int
    service: ServiceId
    tier: TierId
    care: str | None = None
    language: str | None = None
    channel: str | None = None
    arrived_at: Instant
    target_ms: Millis
    ahead: int
    p50_ms: Millis | None = None
    p90_ms: Millis | None = None
    zone: ZoneId | None = None
    then: tuple[ServiceId, ...] = ()
    classified_by: str | None = None
    carried: Ticket | None = None


class TicketCalled(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A ticket was called to a counter; `automatic`: nobody asked for it, the counter had been idle for long enough."""

    counter: CounterId
    routing: Routing
    automatic: bool = False


class TicketRecalled(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """The same call was announced again."""

    counter: CounterId


class ServingStarted(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """Serving began."""

    counter: CounterId


class StageFinished(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """One service of the visit has been given, and the customer waits for the next, `service`, at `place_at`."""

    counter: CounterId
    service: ServiceId
    target_ms: Millis
    place_at: Instant
    outcome: str | None = None


class TicketParked(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A customer was put aside (forms to fill); `kind` says who keeps the ticket."""

    counter: CounterId
    kind: ParkKind
    reason: str | None = None


class ParkKindChanged(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """Another one keeps a parked ticket: `counter` has closed."""

    counter: CounterId
    kind: ParkKind


class TicketUnparked(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A parked customer is served on, at `counter`."""

    counter: CounterId


class ServingFinished(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """Serving ended, and with it the visit."""

    counter: CounterId
    outcome: str | None = None


class NoShowRecorded(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A called customer did not come (`by_time`: within the grace); until `returns_until` the ticket may be reinstated."""

    counter: CounterId
    returns_until: Instant
    by_time: bool = False
    reason: str | None = None


class NoShowLapsed(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """The time in which a missed customer could return is over."""


class TicketReinstated(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A missed customer waits again, at `place_at`, among equal places by `place_order` (None: the seq of issue)."""

    place_at: Instant
    place_order: float | None = None
    reason: str | None = None


class TicketRequeued(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A customer was sent back to waiting, at `place_at`, among equal places by `place_order` (None: the seq of issue)."""

    place_at: Instant
    place_order: float | None = None
    reason: str | None = None


class TicketTransferred(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """
    A customer was sent on and waits for `service`, perhaps at one counter, zone or person only. `counter` is where it came from.

    `ends_stage`: serving had begun, and what was given of the service before is a stage of its own. `then` are the services still to
    come (None: as before).
    """

    service: ServiceId
    ends_stage: bool = False
    then: tuple[ServiceId, ...] | None = None
    target_ms: Millis
    place_at: Instant
    place_order: float | None = None
    to_counter: CounterId | None = None
    zone: ZoneId | None = None
    staff: StaffId | None = None
    reason: str | None = None


class TicketMoved(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """
    A waiting ticket waits otherwise now; the fields are its new values (`then` None: as before).

    `anywhere`: it waits for no counter or person in particular any more.
    """

    service: ServiceId
    then: tuple[ServiceId, ...] | None = None
    tier: TierId
    target_ms: Millis
    zone: ZoneId | None = None
    emergency: bool = False
    anywhere: bool = False
    reason: str


class TicketCancelled(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """A customer left before being served."""

    reason: str | None = None


class TicketExpired(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """The day ended with the ticket still open."""


class TicketCarried(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """The day ended while the ticket waited; it is issued again, with the same number and place, in the day `to`."""

    to: Day


class StepUndone(TicketFact, frozen=True, omit_defaults=True, kw_only=True):
    """
    The last step on a ticket, the fact `step` with the seq `undone`, was taken back.

    It carries what it restores: the ticket as it was; the turns of the policy by scope and the run of the cap in the scope `run_of`,
    None in older facts: that of the counter (only where nobody else has been called since); `paced_ms` is what the step had added
    to the pace of the service.
    """

    step: FactName
    undone: int
    restored: Ticket
    turns: dict[str, Turns] = {}
    run: int | None = None
    run_of: str | None = None
    paced_ms: Millis | None = None


class CounterOpened(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """A counter began to serve; `profile` None allows everything."""

    profile: ProfileId | None = None
    staff: StaffId | None = None


class CounterProfileChanged(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """A counter calls by another profile from now on; `rule` is the elastic rule that switched it (None: it calls by its own)."""

    profile: ProfileId | None = None
    rule: str | None = None
    reason: str | None = None


class CounterPaused(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """A counter calls nobody for a while."""

    reason: str | None = None


class CounterResumed(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """The pause ended."""


class HelpRequested(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """The counter has called for help."""

    reason: str | None = None


class HelpAcknowledged(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody sees to it."""


class CounterClosed(CounterFact, frozen=True, omit_defaults=True, kw_only=True):
    """A counter ended its service."""

    reason: str | None = None


class RuleSwitched(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """An elastic rule began or ceased to hold; `reason` is a sentence."""

    rule: str
    is_on: bool
    reason: str


class AnnouncementMade(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """
    A notice was given to the hall, or to one zone, to be shown until `until`.

    Its text is that of the configured `template`; without one it lies outside the stream, under `announcement`, and can be deleted.
    """

    announcement: str
    until: Instant
    template: str | None = None
    zone: ZoneId | None = None


class DayOpened(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """A business day began; it is the first fact of its stream. `previous` is the day before it in this branch, if any."""

    day: Day
    opens_at: Instant
    rolls_at: Instant
    version: int
    previous: Day | None = None


class BranchConfigured(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """A configuration took effect; with its body and what the calendar makes of it today, so that a replay needs nothing else."""

    version: int
    configuration: Configuration
    timetable: Timetable = Timetable()


class ConfigurationScheduled(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """A configuration was accepted; it takes effect when the next day opens."""

    version: int
    configuration: Configuration


class DayClosed(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """The business day ended; it is the last fact of its stream."""

    reason: str


FACTS: tuple[type[Fact], ...] = (
    TicketIssued,
    TicketCalled,
    TicketRecalled,
    ServingStarted,
    StageFinished,
    TicketParked,
    ParkKindChanged,
    TicketUnparked,
    ServingFinished,
    NoShowRecorded,
    NoShowLapsed,
    TicketReinstated,
    TicketRequeued,
    TicketTransferred,
    TicketMoved,
    TicketCancelled,
    TicketExpired,
    TicketCarried,
    StepUndone,
    CounterOpened,
    CounterProfileChanged,
    CounterPaused,
    CounterResumed,
    HelpRequested,
    HelpAcknowledged,
    CounterClosed,
    RuleSwitched,
    AnnouncementMade,
    DayOpened,
    BranchConfigured,
    ConfigurationScheduled,
    DayClosed,
)


class Event(Struct, frozen=True, gc=False):
    """
    A fact in its place: the `seq` within the day (from 1, without gaps), when (ms, UTC), because of which command, and who asked.

    `seq` and `day` are given by the owner when it decides, so they are the order of the stream.
    """

    day: Day
    seq: int
    at: Instant
    command_id: str
    actor: str
    fact: Fact
