"""What a branch is at one moment of its day: the fold of its facts, and nothing that is not in them."""

from collections import deque

from msgspec import Struct, field

from queue_server.core.configuration import Configuration, CounterPlace, Profile, Service, Tier
from queue_server.core.events import ConfigurationScheduled, FactName
from queue_server.core.ids import BranchId, CounterId, Day, Instant, Millis, ProfileId, ServiceId, StaffId, TicketId, TierId, ZoneId
from queue_server.core.lifecycle import CounterState
from queue_server.core.policies import Fifo, Policy
from queue_server.core.ratio import Turns
from queue_server.core.ticket import Ticket
from queue_server.core.timetable import Timetable
from queue_server.core.waiting import Line, LineKey

CALLS_SHOWN = 12
NOTICES_SHOWN = 5


class Counter(Struct, gc=False):
    """
    A service point today.

    `ticket` is the one it calls or serves, `parked` are those it keeps aside; `since` is when it entered its state. `profile` is what
    it calls by now, `own_profile` the one it was given by hand, `switched_by` the elastic rule that put another in its place.
    """

    id: CounterId
    number: str
    zone: ZoneId | None = None
    state: CounterState = CounterState.CLOSED
    profile: ProfileId | None = None
    staff: StaffId | None = None
    ticket: TicketId | None = None
    reason: str | None = None
    since: Instant | None = None
    parked: tuple[TicketId, ...] = ()
    own_profile: ProfileId | None = None
    switched_by: str | None = None
    help_since: Instant | None = None
    help_reason: str | None = None


class Call(Struct, frozen=True, gc=False):
    """A line of the board: this number is called to this counter. `seq` and `at` are those of the latest announcement."""

    seq: int
    at: Instant
    number: str
    ticket_id: TicketId
    counter: CounterId
    recalls: int


class Pace(Struct, gc=False):
    """How long serving takes today, per service: the sum and the count of the finished ones."""

    finished: int = 0
    total_ms: Millis = 0


class Step(Struct, frozen=True, gc=False):
    """
    A step that may still be taken back: the fact, who asked for it and where, and what was before it.

    `called_seq` is the seq of the call in it, if there is one; `turns` (by scope, where that call has changed them) and `run` (in the
    scope `run_of`) are those before it. `paced_ms` is what the step has added to the pace of the service.
    """

    name: FactName
    seq: int
    at: Instant
    command_id: str
    actor: str
    counter: CounterId | None
    before: Ticket
    called_seq: int | None = None
    turns: dict[str, Turns] = {}
    turns_after: dict[str, Turns] = {}
    run: int | None = None
    run_of: str | None = None
    paced_ms: Millis | None = None
    is_automatic: bool = False


class Notice(Struct, frozen=True, gc=False):
    """An announcement on the screens; `template` None: its text is found under `announcement`."""

    seq: int
    at: Instant
    announcement: str
    until: Instant
    template: str | None
    zone: ZoneId | None


class Elastic(Struct, gc=False):
    """An elastic rule that holds; `calm_since` is since when what it looks at has been below the lower threshold."""

    calm_since: Instant | None = None


class BranchState(Struct):
    """
    One branch at one moment of one day.

    `lines` holds the waiting, a line for each class of equal treatment; `waiting` counts them by service and tier, `queues` by service; `lapsing` are
    the no-shows that may still return, in the order in which their time runs out; `turns` and `runs` are
    where the ratio's rounds and the cap's runs stand, by scope; `called_seq` is each counter's latest call; `steps` are those that may
    still be taken back; `issued_for` counts the day's tickets by every service they were issued for; `elastic` holds the rules that hold. What follows is derived: the
    configuration by identifier, its policy and for how long steps are kept, and, found out on use and forgotten when something it depends on changes, the next
    deadline, and for each line the counters that could call from it, how many of these are idle and able, and the lines that
    share one of them.
    """

    branch_id: BranchId
    day: Day = ""
    seq: int = 0
    last_at: Instant = 0
    is_open: bool = False
    opens_at: Instant = 0
    rolls_at: Instant = 0
    previous_day: Day | None = None
    version: int = 0
    configuration: Configuration | None = None
    scheduled: ConfigurationScheduled | None = None
    tickets: dict[TicketId, Ticket] = field(default_factory=dict)
    by_number: dict[str, TicketId] = field(default_factory=dict)
    counters: dict[CounterId, Counter] = field(default_factory=dict)
    lines: dict[LineKey, Line] = field(default_factory=dict)
    waiting: dict[tuple[ServiceId, TierId], int] = field(default_factory=dict)
    queues: dict[ServiceId, int] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    serials: dict[str, int] = field(default_factory=dict)
    pace: dict[ServiceId, Pace] = field(default_factory=dict)
    lapsing: deque[TicketId] = field(default_factory=deque)
    turns: dict[str, Turns] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    called_seq: dict[CounterId, int] = field(default_factory=dict)
    steps: dict[TicketId, Step] = field(default_factory=dict)
    issued_for: dict[ServiceId, int] = field(default_factory=dict)
    elastic: dict[str, Elastic] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    timetable: Timetable = Timetable()
    services: dict[ServiceId, Service] = field(default_factory=dict)
    tiers: dict[TierId, Tier] = field(default_factory=dict)
    profiles: dict[ProfileId, Profile] = field(default_factory=dict)
    places: dict[CounterId, CounterPlace] = field(default_factory=dict)
    policy: Policy = field(default_factory=Fifo)
    steps_kept_ms: Millis = 0
    next_due: Instant | None = None
    is_due_known: bool = False
    staffing: dict[LineKey, tuple[int, int]] = field(default_factory=dict)
    reach: dict[LineKey, frozenset[CounterId]] = field(default_factory=dict)
    beside: dict[LineKey, list[tuple[LineKey, Line]]] = field(default_factory=dict)
    callable: dict[CounterId, list[tuple[LineKey, Line]]] = field(default_factory=dict)

    @property
    def rules(self) -> Configuration:
        """The configuration in force; every branch that has opened a day has one."""
        if self.configuration is None:
            raise LookupError(f"branch {self.branch_id} has no configuration yet")
        return self.configuration

    @property
    def newest(self) -> tuple[int, Configuration]:
        """The version and body that a change would replace: what is scheduled for the next day, else what is in force."""
        if self.scheduled is not None:
            return self.scheduled.version, self.scheduled.configuration
        return self.version, self.rules

    def forget_reach(self) -> None:
        """Another set of counters, profiles or lines: who could call from where is found out anew."""
        self.reach.clear()
        self.forget_lines()
        self.staffing.clear()

    def forget_lines(self) -> None:
        """A line has come or gone: which ones a counter may call from, and which share one, is found out anew."""
        self.beside.clear()
        self.callable.clear()

    def waiting_for(self, service_id: ServiceId) -> int:
        """Return how many wait for *service_id*."""
        return self.queues.get(service_id, 0)

    def target_of(self, service_id: ServiceId, tier_id: TierId) -> Millis:
        """Return the wait that the branch promises for this service and tier today."""
        today = self.timetable
        if today.target_ms or today.service_target_ms:
            listed = today.service_target_ms.get(service_id, {}).get(tier_id, today.target_ms.get(tier_id))
            if listed is not None:
                return listed
        return self.services[service_id].target_ms.get(tier_id, self.tiers[tier_id].target_ms)
