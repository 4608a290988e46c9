"""Numbers given twice and tickets called twice, found in the facts alone: no rule of the core is asked."""

from collections.abc import Iterator, Sequence

from queue_server.core import events as e
from queue_server.core.lifecycle import TicketState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Row

_LEAVES = (
    e.ServingFinished,
    e.StageFinished,
    e.NoShowRecorded,
    e.TicketRequeued,
    e.TicketTransferred,
    e.TicketParked,
    e.TicketCancelled,
    e.TicketExpired,
    e.TicketCarried,
)
_ARRIVES = (e.TicketCalled, e.TicketUnparked)
_AT_A_COUNTER = (TicketState.CALLED, TicketState.SERVING)

NUMBER, CALL = "number_twice", "called_twice"


def doubles(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Name each number that was given twice in a day and each ticket that was called while a counter, or another ticket, had it."""
    numbers: set[tuple[str, str]] = set()
    held: dict[str, str] = {}
    for row in rows:
        fact = to_event(row).fact
        if isinstance(fact, e.TicketIssued):
            if (row.day, fact.number) in numbers:
                yield NUMBER, f"{fact.number} was given twice on {row.day}, the second time at {row.seq}"
            numbers.add((row.day, fact.number))
        elif isinstance(fact, _ARRIVES):
            if fact.ticket in held or fact.counter in held.values():
                yield CALL, f"{fact.ticket} was called to {fact.counter} at {row.day}:{row.seq}, held are {held}"
            held[fact.ticket] = fact.counter
        elif isinstance(fact, _LEAVES):
            held.pop(fact.ticket, None)
        elif isinstance(fact, e.StepUndone):
            held.pop(fact.ticket, None)
            if fact.restored.state in _AT_A_COUNTER and fact.restored.counter is not None:
                held[fact.ticket] = fact.restored.counter
        elif isinstance(fact, e.ServingStarted):
            # A clerk may start whom the clock has made a no-show a moment ago.
            held[fact.ticket] = fact.counter
