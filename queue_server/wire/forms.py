"""
The forms in which the outside sees tickets, counters, calls and the reason of a call.

This is the one place in which the core's state becomes what HTTP and the feed show; names and meanings are part of the contract
with every client. Instants are RFC 3339 in UTC, durations seconds.
"""

from msgspec import Struct

from queue_server.core import events as e
from queue_server.core.configuration import Configuration
from queue_server.core.estimates import Outlook
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.state import Call, Counter, Notice
from queue_server.core.ticket import ParkKind, Ticket
from queue_server.wire.instants import rfc3339, rfc3339_or_none, seconds, seconds_or_none
from queue_server.wire.stages import StageForm, stages_form


class TicketForm(Struct, frozen=True, gc=False):
    """
    One customer's place.

    `counter` is where it is called, served or parked, or for a waiting ticket the only one that may call it. `park_kind` says who
    keeps it while it is parked; `stages` are all services of the visit, in order; `classified_by` is the arrival rule that held.
    `ahead`, `p50_seconds` and `p90_seconds` are what was promised (receipt and fact of an issue) or what holds now (reads); null
    where nothing is said.
    """

    ticket_id: str
    number: str
    service: str
    tier: str
    care: str | None
    state: TicketState
    counter: str | None
    zone: str | None
    staff: str | None
    park_kind: ParkKind | None
    channel: str | None
    language: str | None
    arrived_at: str
    place_at: str
    issued_at: str
    due_at: str
    waited_seconds: float
    called_at: str | None
    serving_at: str | None
    ended_at: str | None
    recalls: int
    stages: tuple[StageForm, ...]
    classified_by: str | None
    ahead: int | None
    p50_seconds: float | None
    p90_seconds: float | None


class HelpForm(Struct, frozen=True, gc=False):
    """A call for help to which nobody has seen yet."""

    since: str
    reason: str | None


class CounterForm(Struct, frozen=True, gc=False):
    """
    A service point as staff see it.

    `ticket` is the one it calls or serves, `parked` are those it keeps aside; `switched_by` is the elastic rule that gave it its
    present profile.
    """

    id: str
    number: str
    zone: str | None
    state: CounterState
    profile: str | None
    staff: str | None
    ticket: str | None
    parked: tuple[str, ...]
    reason: str | None
    since: str | None
    help: HelpForm | None
    switched_by: str | None


class BoardCounterForm(Struct, frozen=True, gc=False):
    """A service point as the hall sees it."""

    id: str
    number: str
    zone: str | None
    state: CounterState
    ticket_number: str | None
    since: str | None


class BoardCallForm(Struct, frozen=True, gc=False):
    """A line of the board: this number to this counter. `seq` and `at` are those of the latest announcement."""

    seq: int
    at: str
    number: str
    counter: str
    recalls: int


class CallForm(Struct, frozen=True, gc=False):
    """A line of the board with its ticket, as staff see it."""

    seq: int
    at: str
    number: str
    ticket_id: str
    counter: str
    recalls: int


class NoticeForm(Struct, frozen=True, gc=False):
    """
    An announcement on the screens until `until`, in the hall or in one `zone`.

    `text` is that of the prepared `template`, by language; null for a note, whose text is found under `announcement`.
    """

    seq: int
    at: str
    until: str
    announcement: str
    template: str | None
    text: dict[str, str] | None
    zone: str | None


class OvertookForm(Struct, frozen=True, gc=False):
    """Whom a call passed: how many candidates had an earlier place, and the first ten of their numbers."""

    count: int
    first: tuple[str, ...]


class RoutingForm(Struct, frozen=True, gc=False):
    """Why this ticket was called; `share` is the part of its promise that it had used (1 is all of it)."""

    policy: str
    rule: str
    reason: str
    waiting: int
    overtook: OvertookForm
    share: float | None
    note: str | None


def promised(ticket: Ticket) -> Outlook:
    """Return what the customer was told at issue."""
    return Outlook(ticket.ahead, ticket.p50_ms, ticket.p90_ms)


def ticket_form(ticket: Ticket, at: Instant, told: Outlook | None = None) -> TicketForm:
    """Return *ticket* as the outside sees it at *at*, with *told* as its outlook."""
    waiting = ticket.state is TicketState.WAITING
    place_at = rfc3339(ticket.place_at)
    issued_at = place_at if ticket.issued_at == ticket.place_at else rfc3339(ticket.issued_at)
    waited = seconds(ticket.waited_at(at))
    # Positional: this is on the path of every command, and keywords cost as much again.
    return TicketForm(
        ticket.ticket_id,
        ticket.number,
        ticket.service,
        ticket.tier,
        ticket.care,
        ticket.state,
        ticket.directed_to if waiting else ticket.counter,
        ticket.zone,
        ticket.staff,
        ticket.park_kind,
        ticket.channel,
        ticket.language,
        issued_at if ticket.issued_at == ticket.arrived_at else rfc3339(ticket.arrived_at),
        place_at,
        issued_at,
        rfc3339(ticket.place_at + ticket.target_ms),
        waited,
        rfc3339_or_none(ticket.called_at),
        rfc3339_or_none(ticket.serving_at),
        rfc3339_or_none(ticket.ended_at),
        ticket.recalls,
        stages_form(ticket, at, waited),
        ticket.classified_by,
        None if told is None else told.ahead,
        None if told is None else seconds_or_none(told.p50_ms),
        None if told is None else seconds_or_none(told.p90_ms),
    )


def counter_form(counter: Counter) -> CounterForm:
    """Return *counter* as staff see it."""
    return CounterForm(
        counter.id,
        counter.number,
        counter.zone,
        counter.state,
        counter.profile,
        counter.staff,
        counter.ticket,
        counter.parked,
        counter.reason,
        rfc3339_or_none(counter.since),
        None if counter.help_since is None else HelpForm(rfc3339(counter.help_since), counter.help_reason),
        counter.switched_by,
    )


def board_counter_form(counter: Counter, ticket_number: str | None) -> BoardCounterForm:
    """Return *counter*, which holds the ticket *ticket_number*, as the hall sees it."""
    return BoardCounterForm(
        id=counter.id,
        number=counter.number,
        zone=counter.zone,
        state=counter.state,
        ticket_number=ticket_number,
        since=rfc3339_or_none(counter.since),
    )


def call_form(call: Call) -> CallForm:
    """Return *call* as staff see it."""
    return CallForm(call.seq, rfc3339(call.at), call.number, call.ticket_id, call.counter, call.recalls)


def board_call_form(call: Call) -> BoardCallForm:
    """Return *call* as the hall sees it: without the ticket's identity."""
    return BoardCallForm(call.seq, rfc3339(call.at), call.number, call.counter, call.recalls)


def notice_form(notice: Notice, rules: Configuration) -> NoticeForm:
    """Return *notice* with the text that *rules* have for its template."""
    text = next((template.text for template in rules.announcements if template.id == notice.template), None)
    return NoticeForm(
        seq=notice.seq,
        at=rfc3339(notice.at),
        until=rfc3339(notice.until),
        announcement=notice.announcement,
        template=notice.template,
        text=text,
        zone=notice.zone,
    )


def routing_form(routing: e.Routing) -> RoutingForm:
    """Return the reason of a call."""
    return RoutingForm(
        policy=routing.policy,
        rule=routing.rule,
        reason=routing.reason,
        waiting=routing.waiting,
        overtook=OvertookForm(routing.overtook.count, routing.overtook.first),
        share=None if routing.share is None else routing.share / 1000,
        note=routing.note,
    )
