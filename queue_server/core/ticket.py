"""One customer's place today."""

from enum import StrEnum

from msgspec import Struct

from queue_server.core.ids import CounterId, Instant, Millis, ServiceId, StaffId, TicketId, TierId, ZoneId
from queue_server.core.lifecycle import TicketState
from queue_server.core.waiting import LineKey, Standing, line_key


class ParkKind(StrEnum):
    """Who keeps a parked ticket: the counter that parked it, or every counter of its service."""

    COUNTER = "counter"
    SERVICE = "service"


_HELD = frozenset({TicketState.CALLED, TicketState.SERVING})


class Stage(Struct, frozen=True, omit_defaults=True, gc=False):
    """A service of the visit that has been given: waiting, serving and parked time are told apart, and none counts credits."""

    service: ServiceId
    waited_ms: Millis
    served_ms: Millis
    parked_ms: Millis = 0
    outcome: str | None = None


class Ticket(Struct, omit_defaults=True, gc=False):
    """
    One customer's place today.

    `counter` is where it is, or was last; `directed_to`, `zone` and `staff` are where it may be called to (None: anywhere).
    `called_at` is the latest call, `announced_at` its latest announcement, `serving_at` the first start after it; `missed_by_time`
    tells a no-show that the clock recorded from one that the clerk did. `waited_ms` sums the ended waiting intervals of all stages;
    `waiting_since` is set while one runs. `served_ms` with `serving_since`, and `parked_ms` with `parked_since`, do the same for the
    present stage; `served_before_ms` is what was served of it before the latest call. `left_at` is when it last left the waiting.
    `then` are the services still to come, `stages` those given; `classified_by` names the arrival rule that held.
    `place_order` is what orders it among equal places (None: its seq of issue).
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
    serving_since: Instant | None = None
    served_ms: Millis = 0
    served_before_ms: Millis = 0
    park_kind: ParkKind | None = None
    parked_since: Instant | None = None
    parked_ms: Millis = 0
    ended_at: Instant | None = None
    returns_until: Instant | None = None
    missed_by_time: bool = False
    recalls: int = 0
    outcome: str | None = None
    reason: str | None = None
    then: tuple[ServiceId, ...] = ()
    stages: tuple[Stage, ...] = ()
    classified_by: str | None = None
    place_order: float | None = None

    @property
    def due_at(self) -> Instant:
        """The moment at which its promise would be broken."""
        return self.place_at + self.target_ms

    @property
    def is_held(self) -> bool:
        """Whether a counter is taken by it."""
        return self.state in _HELD

    @property
    def kept_by(self) -> CounterId | None:
        """The counter that has to do with it: calls, serves or keeps it parked."""
        if self.state in _HELD:
            return self.counter
        # Only those who are parked are of any kind.
        return self.counter if self.park_kind is ParkKind.COUNTER else None

    def waited_at(self, at: Instant) -> Millis:
        """Return the time spent waiting until *at*, over all stages: waiting intervals only."""
        since = self.waiting_since
        return self.waited_ms if since is None or since > at else self.waited_ms + at - since

    def served_at(self, at: Instant) -> Millis:
        """Return the time spent being served until *at* in the present stage."""
        served, since = self.served_before_ms + self.served_ms, self.serving_since
        return served if since is None else served + at - since

    def parked_at(self, at: Instant) -> Millis:
        """Return the time spent parked until *at* in the present stage."""
        since = self.parked_since
        return self.parked_ms if since is None else self.parked_ms + at - since

    @property
    def is_begun(self) -> bool:
        """Whether anything of the present stage has been given: it is being served, or was, or is parked in between."""
        return self.serving_since is not None or self.served_before_ms + self.served_ms > 0 or self.parked_since is not None

    def occupied_at(self, at: Instant) -> Millis:
        """Return for how long a counter was taken by it until *at*: from the latest call on, parked time left out."""
        coming = self.serving_at - self.called_at if self.serving_at is not None and self.called_at is not None else 0
        return self.served_at(at) - self.served_before_ms + coming

    def stage_waited_at(self, at: Instant) -> Millis:
        """Return the time spent waiting until *at* in the present stage."""
        return self.waited_at(at) - (sum(stage.waited_ms for stage in self.stages) if self.stages else 0)

    def stage_at(self, at: Instant, outcome: str | None) -> Stage:
        """Return the present stage as it would be if it ended at *at*."""
        return Stage(self.service, self.stage_waited_at(at), self.served_at(at), self.parked_at(at), outcome)

    def line_key(self) -> LineKey:
        """Return the class of equal treatment in which it waits."""
        return line_key(
            self.service, self.tier, self.care is not None, self.target_ms, self.emergency, self.directed_to, self.zone, self.staff
        )

    @property
    def standing(self) -> Standing:
        """Its place in that class."""
        return (self.place_at, self.place_order or self.issue_seq, self.ticket_id)
