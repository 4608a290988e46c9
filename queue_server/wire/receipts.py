"""
The answer to a command: what it changed, as it was right after it.

A pure function of the command's facts, so that a repeated key gets the same receipt from any node at any time.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from queue_server.core import events as e
from queue_server.core.changes import Change
from queue_server.core.ids import Day
from queue_server.wire.forms import CounterForm, RoutingForm, TicketForm, counter_form, promised, routing_form, ticket_form

_ENDS_A_SERVICE = (e.ServingFinished, e.StageFinished)


class Receipt(Struct, frozen=True, gc=False):
    """
    What a command changed; `ticket` and `counter` are there when they changed. `seq` is that of the command's last fact.

    `finished` is there when a service of the visit was given and the customer now waits for the next: the same as `ticket`.
    """

    day: str
    seq: int
    ticket: TicketForm | UnsetType = UNSET
    counter: CounterForm | UnsetType = UNSET
    finished: TicketForm | UnsetType = UNSET


class CallReceipt(Struct, frozen=True, gc=False):
    """
    The answer to a call: `ticket` and `routing` are null when nobody it may call is waiting.

    `finished` is the ticket whose service ended by the same command, as it was right after: it may wait for its next service.
    """

    day: str
    seq: int
    ticket: TicketForm | None
    routing: RoutingForm | None
    counter: CounterForm | UnsetType = UNSET
    finished: TicketForm | UnsetType = UNSET


class DayReceipt(Struct, frozen=True, gc=False):
    """The answer to a command that concerns the whole branch."""

    day: str
    seq: int


def issue_receipt(changes: Sequence[Change]) -> Receipt:
    """Return the receipt of an issue, with what was promised."""
    change = changes[-1]
    event, ticket = change.event, change.ticket
    if ticket is None:
        raise ValueError("an issue changes a ticket")
    return Receipt(event.day, event.seq, ticket_form(ticket, event.at, promised(ticket)))


def receipt(changes: Sequence[Change]) -> Receipt:
    """Return the receipt of a command about one ticket or one counter, of which its last fact tells."""
    last = changes[-1]
    ticket = UNSET if last.ticket is None else ticket_form(last.ticket, last.event.at)
    counter = UNSET if last.counter is None else counter_form(last.counter)
    finished = ticket if isinstance(last.event.fact, e.StageFinished) else UNSET
    return Receipt(last.event.day, last.event.seq, ticket, counter, finished)


def call_receipt(changes: Sequence[Change], day: Day, seq: int) -> CallReceipt:
    """Return the receipt of a call; *day* and *seq* are the head, for a call that found nobody and changed nothing."""
    finished = [change for change in changes if isinstance(change.event.fact, _ENDS_A_SERVICE)]
    called = [change for change in changes if not isinstance(change.event.fact, _ENDS_A_SERVICE)]
    routing = next((change.event.fact.routing for change in called if isinstance(change.event.fact, e.TicketCalled)), None)
    return CallReceipt(
        day=changes[-1].event.day if changes else day,
        seq=changes[-1].event.seq if changes else seq,
        ticket=_last_ticket(called) or None,
        routing=None if routing is None else routing_form(routing),
        counter=_last_counter(changes),
        finished=_last_ticket(finished),
    )


def day_receipt(changes: Sequence[Change]) -> DayReceipt:
    """Return the receipt of a command that concerns the whole branch."""
    last = changes[-1].event
    return DayReceipt(last.day, last.seq)


def _last_ticket(changes: Sequence[Change]) -> TicketForm | UnsetType:
    for change in reversed(changes):
        if change.ticket is not None:
            return ticket_form(change.ticket, change.event.at)
    return UNSET


def _last_counter(changes: Sequence[Change]) -> CounterForm | UnsetType:
    for change in reversed(changes):
        if change.counter is not None:
            return counter_form(change.counter)
    return UNSET
