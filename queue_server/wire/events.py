"""
What a fact tells the screens: the new values of what it changed, in the forms of the snapshot.

A function of the change alone, so that the same delta comes out live, on a resume and on another node.
"""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, json

from queue_server.core import events as e
from queue_server.core.changes import Change
from queue_server.core.estimates import Outlook
from queue_server.core.ids import CounterId, ServiceId, ZoneId
from queue_server.wire.forms import (
    BoardCallForm,
    BoardCounterForm,
    CallForm,
    CounterForm,
    TicketForm,
    board_call_form,
    board_counter_form,
    call_form,
    counter_form,
    promised,
    ticket_form,
)
from queue_server.wire.instants import rfc3339
from queue_server.wire.states import is_chosen

_NOT_ON_THE_BOARD = (e.NoShowLapsed, e.CounterProfileChanged, e.ConfigurationScheduled)
_encode = json.Encoder().encode


class WaitingForm(Struct, frozen=True, gc=False):
    """How many wait for a service now."""

    id: str
    waiting: int


class StaffEvent(Struct, frozen=True, gc=False):
    """A fact as staff are told of it; what it did not change is left out."""

    seq: int
    at: str
    name: str
    actor: str
    ticket: TicketForm | UnsetType = UNSET
    counter: CounterForm | UnsetType = UNSET
    call: CallForm | UnsetType = UNSET
    services: tuple[WaitingForm, ...] | UnsetType = UNSET


class BoardEvent(Struct, frozen=True, gc=False):
    """A fact as the hall is told of it."""

    seq: int
    at: str
    name: str
    counter: BoardCounterForm | UnsetType = UNSET
    call: BoardCallForm | UnsetType = UNSET
    services: tuple[WaitingForm, ...] | UnsetType = UNSET


class EventForm(Struct, frozen=True, gc=False):
    """A fact as it is stored; `body` has the stored form, with times in ms."""

    seq: int
    at: str
    name: str
    version: int
    actor: str
    body: Raw


def staff_event(change: Change) -> StaffEvent:
    """Return what staff are told of *change*."""
    event = change.event
    return StaffEvent(
        seq=event.seq,
        at=rfc3339(event.at),
        name=type(event.fact).__name__,
        actor=event.actor,
        ticket=UNSET if change.ticket is None else ticket_form(change.ticket, event.at, _told(change)),
        counter=UNSET if change.counter is None else counter_form(change.counter),
        call=UNSET if change.call is None else call_form(change.call),
        services=_waiting(change.waiting),
    )


def board_event(change: Change, zone: ZoneId | None = None, counter: CounterId | None = None) -> BoardEvent | None:
    """Return what a screen of *zone* and *counter* (None: all) in the hall is told of *change*; None: nothing it shows has changed."""
    event = change.event
    if isinstance(event.fact, _NOT_ON_THE_BOARD):
        return None
    return BoardEvent(
        seq=event.seq,
        at=rfc3339(event.at),
        name=type(event.fact).__name__,
        counter=_board_counter(change, zone, counter),
        call=UNSET if change.call is None else board_call_form(change.call),
        services=_waiting(change.waiting),
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
    # A counter that holds a ticket after a fact of its own has only changed its profile, which is not on the board.
    holds = change.ticket is not None and counter.ticket == change.ticket.ticket_id
    return board_counter_form(counter, change.ticket.number if holds and change.ticket is not None else None)


def _waiting(counts: tuple[tuple[ServiceId, int], ...]) -> tuple[WaitingForm, ...] | UnsetType:
    return tuple(WaitingForm(service, waiting) for service, waiting in counts) or UNSET
