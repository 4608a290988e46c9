"""
The life of a ticket and of a counter, as two tables.

Everything that can ever happen to a ticket is a row of `TICKET_STEPS`: a step leads from one of some states to exactly one.
A step that is not in the table for the present state is refused (`WrongState`, with what would be allowed) and changes nothing;
there is no other place in which legality is decided, and the diagram in `docs/lifecycle.md` is drawn from these tables.

Four states are ends: finished, cancelled, expired, and no-show, which alone may be reopened while its time lasts. A counter has
no steps of its own for calling and serving: it follows the ticket that it holds, which is why `calling` and `serving` are
reached only through a ticket's step. Parked tickets do not keep a counter from calling.

Taking a step back (`undo`) is not in the tables: it leads to whatever state the ticket had before, by a fact that carries it.
"""

from enum import StrEnum


class TicketState(StrEnum):
    """Where a ticket stands in its life."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PARKED = "parked"
    NO_SHOW = "no_show"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CounterState(StrEnum):
    """What a counter is doing; `open` means idle."""

    CLOSED = "closed"
    OPEN = "open"
    CALLING = "calling"
    SERVING = "serving"
    PAUSED = "paused"


class TicketStep(StrEnum):
    """A step in a ticket's life, named as staff would name it."""

    ISSUE = "issue"
    CALL = "call"
    RECALL = "recall"
    START = "start"
    FINISH = "finish"
    NEXT_STAGE = "next stage"
    PARK = "park"
    UNPARK = "unpark"
    NO_SHOW = "no-show"
    REINSTATE = "reinstate"
    REQUEUE = "requeue"
    TRANSFER = "transfer"
    MOVE = "move"
    CANCEL = "cancel"
    EXPIRE = "expire"
    CARRY = "carry"


class CounterStep(StrEnum):
    """A step in a counter's day."""

    OPEN = "open"
    PROFILE = "profile"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"


_T = TicketState
_C = CounterState

TICKET_STEPS: dict[TicketStep, tuple[tuple[TicketState, ...], TicketState]] = {
    # From no state at all: the ticket begins.
    TicketStep.ISSUE: ((), _T.WAITING),
    # A missed customer who stands at the counter is called there directly: reinstated and called by one command.
    TicketStep.CALL: ((_T.WAITING, _T.NO_SHOW), _T.CALLED),
    TicketStep.RECALL: ((_T.CALLED,), _T.CALLED),
    # From no_show: the grace ran out at this counter while the clerk pressed start; the clerk is right.
    TicketStep.START: ((_T.CALLED, _T.NO_SHOW), _T.SERVING),
    TicketStep.FINISH: ((_T.SERVING,), _T.FINISHED),
    # What finish means while services of the visit are left.
    TicketStep.NEXT_STAGE: ((_T.SERVING,), _T.WAITING),
    TicketStep.PARK: ((_T.SERVING,), _T.PARKED),
    TicketStep.UNPARK: ((_T.PARKED,), _T.SERVING),
    TicketStep.NO_SHOW: ((_T.CALLED,), _T.NO_SHOW),
    TicketStep.REINSTATE: ((_T.NO_SHOW,), _T.WAITING),
    TicketStep.REQUEUE: ((_T.CALLED, _T.SERVING, _T.PARKED), _T.WAITING),
    TicketStep.TRANSFER: ((_T.CALLED, _T.SERVING, _T.PARKED), _T.WAITING),
    TicketStep.MOVE: ((_T.WAITING,), _T.WAITING),
    TicketStep.CANCEL: ((_T.WAITING, _T.CALLED, _T.PARKED), _T.CANCELLED),
    TicketStep.EXPIRE: ((_T.WAITING, _T.CALLED, _T.PARKED), _T.EXPIRED),
    # Where the branch carries over: an end in this day, and an issue in the next, with the same number and place.
    TicketStep.CARRY: ((_T.WAITING,), _T.EXPIRED),
}

COUNTER_STEPS: dict[CounterStep, tuple[tuple[CounterState, ...], CounterState | None]] = {
    CounterStep.OPEN: ((_C.CLOSED,), _C.OPEN),
    # None: the state stays as it is; the new profile counts from the next call on.
    CounterStep.PROFILE: ((_C.OPEN, _C.CALLING, _C.SERVING, _C.PAUSED), None),
    CounterStep.PAUSE: ((_C.OPEN,), _C.PAUSED),
    CounterStep.RESUME: ((_C.PAUSED,), _C.OPEN),
    CounterStep.CLOSE: ((_C.OPEN, _C.PAUSED), _C.CLOSED),
}

OPEN_STATES = frozenset({_T.WAITING, _T.CALLED, _T.SERVING, _T.PARKED})
ENDS = frozenset({_T.NO_SHOW, _T.FINISHED, _T.CANCELLED, _T.EXPIRED})

# Expiry and carrying over are for the roll of the day alone, and whoever finishes need not know how many stages are left.
_NOT_ASKED_FOR = frozenset({TicketStep.EXPIRE, TicketStep.CARRY, TicketStep.NEXT_STAGE})

FOLLOWS_TICKET = {_T.CALLED: _C.CALLING, _T.SERVING: _C.SERVING}
"""The state of the counter that holds a ticket."""


def ticket_steps_from(state: TicketState) -> tuple[str, ...]:
    """Return the steps that may be asked for in *state*, in the order of the table."""
    return tuple(step.value for step, (sources, _) in TICKET_STEPS.items() if state in sources and step not in _NOT_ASKED_FOR)


def counter_steps_from(state: CounterState) -> tuple[str, ...]:
    """Return the counter steps that are legal in *state*, in the order of the table."""
    return tuple(step.value for step, (sources, _) in COUNTER_STEPS.items() if state in sources)
