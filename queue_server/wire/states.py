"""
What a branch looks like from outside at one moment: the whole for staff, and for the hall what everybody may see.

The board's size does not grow with the number waiting, and nothing personal is on it. What changes with time alone (waits,
ranges, shares of the promise) is told again by an outlook.
"""

from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

from queue_server.core.configuration import Service
from queue_server.core.estimates import Outlook, outlook
from queue_server.core.ids import CounterId, Instant, ServiceId, TicketId, ZoneId
from queue_server.core.lifecycle import OPEN_STATES, TicketState
from queue_server.core.rules_arrivals import closed_because
from queue_server.core.state import BranchState, Counter
from queue_server.core.ticket import Ticket
from queue_server.core.waiting import LineKey
from queue_server.wire.forms import (
    BoardCallForm,
    BoardCounterForm,
    CallForm,
    CounterForm,
    NoticeForm,
    TicketForm,
    board_call_form,
    board_counter_form,
    call_form,
    counter_form,
    notice_form,
    ticket_form,
)
from queue_server.wire.instants import rfc3339, rfc3339_or_none, seconds, seconds_or_none

TOLD_LIMIT = 200
"""So many waiting tickets of one answer get a range of their own, those issued first; each costs 40 us, a look at every line."""

_LAST = "\uffff"

ClosedBecause: TypeAlias = tuple[str, Instant | None] | None
"""Why no tickets are given for a service, and when they are again (None: no opening is in sight); None while they are."""


class BranchForm(Struct, frozen=True, gc=False):
    """What a screen needs to know of the branch itself."""

    id: str
    name: dict[str, str]
    languages: tuple[str, ...]
    time_zone: str


class ServiceForm(Struct, frozen=True, gc=False):
    """
    A service as a kiosk shows it: whether it is open, and what a customer would be told now.

    While it is not, `reason` says why (`day_closed`, `closed`, `limit_reached`) and `until` when tickets are given again; null when no
    opening is in sight.
    """

    id: str
    name: dict[str, str]
    open: bool
    reason: str | None
    until: str | None
    waiting: int
    ahead: int | None
    p50_seconds: float | None
    p90_seconds: float | None


class ServiceOutlookForm(Struct, frozen=True, gc=False):
    """Those parts of a service that change with time alone."""

    id: str
    open: bool
    reason: str | None
    until: str | None
    ahead: int | None
    p50_seconds: float | None
    p90_seconds: float | None


class TicketOutlookForm(Struct, frozen=True, gc=False):
    """Those parts of a waiting ticket that change with time alone; `share` is the part of its promise that is used."""

    waited_seconds: float
    ahead: int
    p50_seconds: float | None
    p90_seconds: float | None
    share: float | None


class OutlookForm(Struct, frozen=True, tag_field="type", tag="outlook", gc=False):
    """What changes with time alone; staff also see it for each waiting ticket."""

    at: str
    services: tuple[ServiceOutlookForm, ...]
    tickets: dict[TicketId, TicketOutlookForm] | UnsetType = UNSET


class BoardState(Struct, frozen=True, gc=False):
    """What the hall may see."""

    branch: BranchForm
    counters: tuple[BoardCounterForm, ...]
    calls: tuple[BoardCallForm, ...]
    notices: tuple[NoticeForm, ...]
    services: tuple[ServiceForm, ...]


class StaffState(Struct, frozen=True, gc=False):
    """The whole branch: open tickets and no-shows that may return, in the order of issue; the last calls and notices, newest first."""

    branch: BranchForm
    tickets: tuple[TicketForm, ...]
    counters: tuple[CounterForm, ...]
    calls: tuple[CallForm, ...]
    notices: tuple[NoticeForm, ...]
    services: tuple[ServiceForm, ...]


def branch_form(state: BranchState) -> BranchForm:
    """Return what a screen needs to know of the branch itself."""
    rules = state.rules
    return BranchForm(rules.id, rules.name, rules.languages, rules.time_zone)


def closings(state: BranchState, at: Instant) -> tuple[ClosedBecause, ...]:
    """Return for each service why it gives no tickets at *at*: with opening hours, time alone changes this."""
    return tuple(closed_because(state, service.id, at) for service in state.rules.services)


def services_form(state: BranchState, at: Instant) -> tuple[ServiceForm, ...]:
    """Return the services in the order of the configuration, with what a customer of the usual tier would be told at *at*."""
    return tuple(
        _service_form(state, service, closed, at) for service, closed in zip(state.rules.services, closings(state, at), strict=True)
    )


def _service_form(state: BranchState, service: Service, closed: ClosedBecause, at: Instant) -> ServiceForm:
    told = _prospect(state, service.id, at) if closed is None else None
    return ServiceForm(
        service.id,
        service.name,
        closed is None,
        None if closed is None else closed[0],
        None if closed is None else rfc3339_or_none(closed[1]),
        state.waiting_for(service.id),
        None if told is None else told.ahead,
        None if told is None else seconds_or_none(told.p50_ms),
        None if told is None else seconds_or_none(told.p90_ms),
    )


def notices_form(state: BranchState) -> tuple[NoticeForm, ...]:
    """Return the last notices, newest first, also those whose time is over: a screen drops these by itself."""
    return tuple(notice_form(notice, state.rules) for notice in state.notices)


def staff_state(state: BranchState, at: Instant) -> StaffState:
    """Return the whole branch as staff see it at *at*."""
    shown = [ticket for ticket in state.tickets.values() if is_shown(ticket)]
    told = _told(state, shown, at)
    return StaffState(
        branch=branch_form(state),
        tickets=tuple(ticket_form(ticket, at, told.get(ticket.ticket_id)) for ticket in shown),
        counters=tuple(counter_form(counter) for counter in state.counters.values()),
        calls=tuple(call_form(call) for call in state.calls),
        notices=notices_form(state),
        services=services_form(state, at),
    )


def board_state(state: BranchState, at: Instant, zone: ZoneId | None = None, counter: CounterId | None = None) -> BoardState:
    """
    Return what the hall may see at *at*; *zone* and *counter* choose among the counters.

    The calls and notices are those of the whole hall: the last twelve of one zone could not be kept by deltas when a ticket is
    called in another one. A screen of a zone shows the calls to the counters that it knows, and the notices of its zone or of none.
    """
    return BoardState(
        branch=branch_form(state),
        counters=tuple(board_counter_form(c, _held(state, c)) for c in state.counters.values() if is_chosen(c, zone, counter)),
        calls=tuple(board_call_form(call) for call in state.calls),
        notices=notices_form(state),
        services=services_form(state, at),
    )


def outlook_form(state: BranchState, at: Instant, *, tickets: bool) -> OutlookForm:
    """Return what holds at *at* of all that changes with time alone; with *tickets* for each waiting ticket too."""
    services = tuple(
        ServiceOutlookForm(s.id, s.open, s.reason, s.until, s.ahead, s.p50_seconds, s.p90_seconds) for s in services_form(state, at)
    )
    if not tickets:
        return OutlookForm(rfc3339(at), services)
    return OutlookForm(rfc3339(at), services, _ticket_outlooks(state, at))


def told_now(state: BranchState, ticket: Ticket, at: Instant) -> Outlook | None:
    """Return what a waiting ticket may be told at *at*; None for others."""
    return outlook(state, ticket.line_key(), ticket.standing, at) if ticket.state is TicketState.WAITING else None


def is_shown(ticket: Ticket) -> bool:
    """Tell whether staff still have to do with *ticket*: it is open, or a no-show that may return."""
    return ticket.state in OPEN_STATES or ticket.returns_until is not None


def is_chosen(counter: Counter, zone: ZoneId | None, counter_id: CounterId | None) -> bool:
    """Tell whether a screen of *zone* and *counter_id* (None: all) shows *counter*."""
    return (zone is None or counter.zone == zone) and (counter_id is None or counter.id == counter_id)


def _held(state: BranchState, counter: Counter) -> str | None:
    return None if counter.ticket is None else state.tickets[counter.ticket].number


def _told(state: BranchState, tickets: list[Ticket], at: Instant) -> dict[TicketId, Outlook]:
    waiting = [ticket for ticket in tickets if ticket.state is TicketState.WAITING][:TOLD_LIMIT]
    return {ticket.ticket_id: outlook(state, ticket.line_key(), ticket.standing, at) for ticket in waiting}


def _ticket_outlooks(state: BranchState, at: Instant) -> dict[TicketId, TicketOutlookForm]:
    forms = {}
    for ticket_id, told in _told(state, list(state.tickets.values()), at).items():
        ticket = state.tickets[ticket_id]
        share = state.policy.share(ticket.line_key(), ticket.standing, at)
        forms[ticket_id] = TicketOutlookForm(
            seconds(ticket.waited_at(at)),
            told.ahead,
            seconds_or_none(told.p50_ms),
            seconds_or_none(told.p90_ms),
            None if share is None else share / 1000,
        )
    return forms


def _prospect(state: BranchState, service_id: ServiceId, at: Instant) -> Outlook:
    tier = state.rules.default_tier
    key = LineKey(service_id, tier, False, state.target_of(service_id, tier), False, None, None, None)
    return outlook(state, key, (at, state.seq + 1, _LAST), at)
