"""What a branch is at one moment of its day: the fold of its facts, and nothing that is not in them."""

from collections import deque

from msgspec import Struct, field

from queue_server.core.configuration import Configuration, CounterPlace, Profile, Service, Tier
from queue_server.core.events import ConfigurationScheduled
from queue_server.core.ids import BranchId, CounterId, Day, Instant, Millis, ProfileId, ServiceId, StaffId, TicketId, TierId, ZoneId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.policies import Fifo, Policy
from queue_server.core.ratio import Turns
from queue_server.core.waiting import Line, LineKey, Standing

CALLS_SHOWN = 12


class Ticket(Struct, gc=False):
    """
    One customer's place today.

    `counter` is where it is, or was last; `directed_to`, `zone` and `staff` are where it may be called to (None: anywhere).
    `called_at` is the latest call, `announced_at` its latest announcement; `missed_by_time` tells a no-show that the clock
    recorded from one that the clerk did. `waited_ms` sums the ended waiting intervals; `waiting_since` is set while one runs. `left_at` is when
    it last left the waiting.
    """

    ticket_id: TicketId
    number: str
    issue_seq: int
    service: ServiceId
    tier: TierId
    care: str | None
    language: str | None
    channel: str | None
    state: TicketState
    arrived_at: Instant
    issued_at: Instant
    place_at: Instant
    target_ms: Millis
    ahead: int
    p50_ms: Millis | None
    p90_ms: Millis | None
    waiting_since: Instant | None
    waited_ms: Millis = 0
    left_at: Instant | None = None
    counter: CounterId | None = None
    directed_to: CounterId | None = None
    zone: ZoneId | None = None
    staff: StaffId | None = None
    emergency: bool = False
    called_at: Instant | None = None
    announced_at: Instant | None = None
    serving_at: Instant | None = None
    ended_at: Instant | None = None
    returns_until: Instant | None = None
    missed_by_time: bool = False
    recalls: int = 0
    outcome: str | None = None
    reason: str | None = None

    @property
    def due_at(self) -> Instant:
        """The moment at which its promise would be broken."""
        return self.place_at + self.target_ms

    def waited_at(self, at: Instant) -> Millis:
        """Return the time spent waiting until *at*: waiting intervals only."""
        return self.waited_ms + (max(0, at - self.waiting_since) if self.waiting_since is not None else 0)

    def line_key(self) -> LineKey:
        """Return the class of equal treatment in which it waits."""
        return LineKey(
            self.service, self.tier, self.care is not None, self.target_ms, self.emergency, self.directed_to, self.zone, self.staff
        )

    @property
    def standing(self) -> Standing:
        """Its place in that class."""
        return (self.place_at, self.issue_seq, self.ticket_id)


class Counter(Struct, gc=False):
    """A service point today. `ticket` is the one it calls or serves; `since` is when it entered its state."""

    id: CounterId
    number: str
    zone: ZoneId | None = None
    state: CounterState = CounterState.CLOSED
    profile: ProfileId | None = None
    staff: StaffId | None = None
    ticket: TicketId | None = None
    reason: str | None = None
    since: Instant | None = None


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


class BranchState(Struct):
    """
    One branch at one moment of one day.

    `lines` holds the waiting, a line for each class of equal treatment; `waiting` counts them by service and tier, `queues` by service; `lapsing` are
    the no-shows that may still return, in the order in which their time runs out; `turns` and `runs` are
    where the ratio's rounds and the cap's runs stand, by scope. What follows is derived: the
    configuration by identifier and its policy, and, found out on use and forgotten when something it depends on changes, the next
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
    services: dict[ServiceId, Service] = field(default_factory=dict)
    tiers: dict[TierId, Tier] = field(default_factory=dict)
    profiles: dict[ProfileId, Profile] = field(default_factory=dict)
    places: dict[CounterId, CounterPlace] = field(default_factory=dict)
    policy: Policy = field(default_factory=Fifo)
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
        """Return the wait that the branch promises for this service and tier."""
        return self.services[service_id].target_ms.get(tier_id, self.tiers[tier_id].target_ms)
