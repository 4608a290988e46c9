"""
What a fact tells the screens: the new values of what it changed, in the forms of the snapshot.

A function of the change and the configuration in force then, so that the same delta comes out live, on a resume and on another node.
"""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, json

from queue_server.core import events as e
from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration
from queue_server.core.estimates import Outlook
from queue_server.core.ids import CounterId, ServiceId, ZoneId
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
    promised,
    ticket_form,
)
from queue_server.wire.instants import rfc3339
from queue_server.wire.states import is_chosen

_NOT_ON_THE_BOARD = (
    e.NoShowLapsed,
    e.ParkKindChanged,
    e.CounterProfileChanged,
    e.HelpRequested,
    e.HelpAcknowledged,
    e.RuleSwitched,
    e.ConfigurationScheduled,
)
_encode = json.Encoder().encode


class WaitingForm(Struct, frozen=True, gc=False):
    """How many wait for a service now."""

    id: str
    waiting: int


class StaffEvent(Struct, frozen=True, gc=False):
    """A fact as staff are told of it; what it did not change is left out. `withdrawn` is a number whose call is taken back."""

    seq: int
    at: str
    name: str
    actor: str
    ticket: TicketForm | UnsetType = UNSET
    counter: CounterForm | UnsetType = UNSET
    call: CallForm | UnsetType = UNSET
    withdrawn: str | UnsetType = UNSET
    services: tuple[WaitingForm, ...] | UnsetType = UNSET
    notice: NoticeForm | UnsetType = UNSET


class BoardEvent(Struct, frozen=True, gc=False):
    """A fact as the hall is told of it."""

    seq: int
    at: str
    name: str
    counter: BoardCounterForm | UnsetType = UNSET
    call: BoardCallForm | UnsetType = UNSET
    withdrawn: str | UnsetType = UNSET
    services: tuple[WaitingForm, ...] | UnsetType = UNSET
    notice: NoticeForm | UnsetType = UNSET


class EventForm(Struct, frozen=True, gc=False):
    """A fact as it is stored; `body` has the stored form, with times in ms."""

    seq: int
    at: str
    name: str
    version: int
    actor: str
    body: Raw


def staff_event(change: Change, rules: Configuration) -> StaffEvent:
    """Return what staff are told of *change*; *rules* were in force then."""
    event = change.event
    return StaffEvent(
        seq=event.seq,
        at=rfc3339(event.at),
        name=type(event.fact).__name__,
        actor=event.actor,
        ticket=UNSET if change.ticket is None else ticket_form(change.ticket, event.at, _told(change)),
        counter=UNSET if change.counter is None else counter_form(change.counter),
        call=UNSET if change.call is None else call_form(change.call),
        withdrawn=UNSET if change.withdrawn is None else change.withdrawn,
        services=_waiting(change.waiting),
        notice=UNSET if change.notice is None else notice_form(change.notice, rules),
    )


def board_event(
    change: Change, rules: Configuration, zone: ZoneId | None = None, counter: CounterId | None = None
) -> BoardEvent | None:
    """
    Return what a screen of *zone* and *counter* (None: all) in the hall is told of *change*; *rules* were in force then.

    None: nothing that it shows has changed.
    """
    event = change.event
    if isinstance(event.fact, _NOT_ON_THE_BOARD):
        return None
    return BoardEvent(
        seq=event.seq,
        at=rfc3339(event.at),
        name=type(event.fact).__name__,
        counter=_board_counter(change, zone, counter),
        call=UNSET if change.call is None else board_call_form(change.call),
        withdrawn=UNSET if change.withdrawn is None else change.withdrawn,
        services=_waiting(change.waiting),
        notice=UNSET if change.notice is None else notice_form(change.notice, rules),
    )


def event_form(event: e.Event, version: int) -> EventForm:
    """Return *event* as it is stored; *version* is that of its fact's stored form."""
    fact: Any = event.fact
    return EventForm(event.seq, rfc3339(event.at), type(fact).__name__, version, event.actor, Raw(_encode(fact)))


def _told(change: Change) -> Outlook | None:
    """Only the fact of the issue says what was promised; later outlooks change with time and come by themselves."""
    if isinstance(change.event.fact, e.TicketIssued) and change.ticket is not None:
        return promised(change.ticket)
    return None


def _board_counter(change: Change, zone: ZoneId | None, counter_id: CounterId | None) -> BoardCounterForm | UnsetType:
    counter = change.counter
    if counter is None or not is_chosen(counter, zone, counter_id):
        return UNSET
    if counter.ticket is None:
        return board_counter_form(counter, None)
    # A fact changes one ticket. If that is not the one held here, it was parked here, and the hall sees no difference.
    is_held = change.ticket is not None and counter.ticket == change.ticket.ticket_id
    return board_counter_form(counter, change.ticket.number) if is_held and change.ticket is not None else UNSET


def _waiting(counts: tuple[tuple[ServiceId, int], ...]) -> tuple[WaitingForm, ...] | UnsetType:
    return tuple(WaitingForm(service, waiting) for service, waiting in counts) or UNSET
