"""
Steps that can be taken back.

Before a fact of this kind is applied, the ticket as it stands is kept for a while, with the rule counters that the fact is about to
change. That is part of the fold, so a replay keeps the same. `StepUndone` then carries what it restores, and applying it needs
nothing else. What other facts have done to a ticket since then makes its step final.
"""

from copy import copy
from itertools import takewhile

from msgspec.structs import replace

from queue_server.core import events as e
from queue_server.core import movement as m
from queue_server.core.configuration import StartMode
from queue_server.core.events import Event
from queue_server.core.ids import Instant, TicketId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.policies import BRANCH
from queue_server.core.routing import cap_scope_of, scope_of
from queue_server.core.state import BranchState, Step
from queue_server.core.ticket import ParkKind, Ticket

UNDOABLE: frozenset[type[e.Fact]] = frozenset(
    {
        e.TicketCalled,
        e.ServingStarted,
        e.ServingFinished,
        e.StageFinished,
        e.NoShowRecorded,
        e.TicketCancelled,
        e.TicketParked,
        e.TicketTransferred,
    }
)


def step_of(state: BranchState, event: Event, fact: e.TicketFact) -> Step:
    """Return the step that *event*, which has not been applied yet, is."""
    turns = run = None
    if isinstance(fact, e.TicketCalled):
        if fact.routing.turn is not None:
            kept = state.turns.get(scope_of(state, fact.counter))
            turns = copy(kept) if kept is not None else None
        if fact.routing.above is not None:
            run = state.runs.get(cap_scope_of(state, fact.counter), 0)
    return Step(
        type(fact).__name__,
        event.seq,
        event.at,
        event.command_id,
        event.actor,
        fact.counter,
        copy(state.tickets[fact.ticket]),
        turns,
        run,
        is_automatic=isinstance(fact, e.TicketCalled) and fact.automatic,
    )


def keep_step(state: BranchState, ticket_id: TicketId, step: Step | None) -> None:
    """Let *step* be the last one on its ticket; None: what happened cannot be taken back, nor what was before it."""
    earlier = state.steps.pop(ticket_id, None)
    if step is None:
        return
    if earlier is not None and _is_one(state, earlier, step):
        step = replace(earlier, turns=earlier.turns or step.turns, run=step.run if earlier.run is None else earlier.run)
    _forget_old(state, step.at)
    state.steps[ticket_id] = step


def _is_one(state: BranchState, earlier: Step, step: Step) -> bool:
    """Whether the two are one to whoever asked: the same command, or a start that follows its call by itself."""
    follows = step.name == e.ServingStarted.__name__ and state.rules.start is StartMode.AFTER
    return earlier.command_id == step.command_id or (follows and earlier.name == e.TicketCalled.__name__)


def _forget_old(state: BranchState, at: Instant) -> None:
    limit = at - state.rules.undo_ms
    for ticket_id in list(takewhile(lambda ticket_id: state.steps[ticket_id].at < limit, state.steps)):
        del state.steps[ticket_id]


def undoing(state: BranchState, ticket_id: TicketId, step: Step, at: Instant) -> e.StepUndone:
    """Return the fact that takes *step* back at *at*."""
    restored = step.before
    if restored.state is TicketState.CALLED:
        # The grace begins anew: the customer would be a no-show at once otherwise.
        restored = replace(restored, announced_at=at)
    if restored.kept_by is not None and state.counters[restored.kept_by].state is CounterState.CLOSED:
        restored = replace(restored, park_kind=ParkKind.SERVICE)
    is_finish = step.name in {e.ServingFinished.__name__, e.StageFinished.__name__}
    turns, run = step.turns, step.run
    if step.counter is not None:
        if not _is_latest_call(state, step, scope_of(state, step.counter)):
            turns = None
        if not _is_latest_call(state, step, cap_scope_of(state, step.counter)):
            run = None
    return e.StepUndone(
        ticket=ticket_id,
        counter=step.counter,
        step=step.name,
        undone=step.seq,
        restored=restored,
        turns=turns,
        run=run,
        paced_ms=step.before.occupied_at(step.at) if is_finish else None,
    )


def _is_latest_call(state: BranchState, step: Step, scope: str) -> bool:
    """Whether nobody has been called in this scope since: only then can the rule counters be set back."""
    latest = max(state.called_seq.values(), default=0) if scope == BRANCH else state.called_seq.get(scope, 0)
    return latest <= step.seq


def step_undone(state: BranchState, event: Event, fact: e.StepUndone) -> None:
    """Put the ticket back to what it was, wherever it is now."""
    ticket, restored = state.tickets[fact.ticket], copy(fact.restored)
    if ticket.state is TicketState.WAITING:
        m.leave_line(state, ticket)
    m.forget_return(state, ticket)
    m.let_go(state, ticket, event.at)
    if fact.paced_ms is not None:
        counted = state.pace[restored.service]
        counted.finished -= 1
        counted.total_ms -= fact.paced_ms
    if ticket.called_at != restored.called_at:
        state.calls = [call for call in state.calls if call.ticket_id != fact.ticket]
    state.tickets[fact.ticket] = restored
    _put_back(state, restored, event.at)
    if fact.counter is not None:
        if fact.turns is not None:
            state.turns[scope_of(state, fact.counter)] = copy(fact.turns)
        if fact.run is not None:
            state.runs[cap_scope_of(state, fact.counter)] = fact.run


def _put_back(state: BranchState, ticket: Ticket, at: Instant) -> None:
    if ticket.state is TicketState.WAITING:
        m.join_line(state, ticket)
    elif ticket.state is TicketState.PARKED:
        if ticket.park_kind is not None and ticket.counter is not None:
            m.park(state, ticket, ticket.counter, ticket.park_kind)
    elif ticket.is_held and ticket.counter is not None:
        m.hold(state, ticket, ticket.counter, at)
    elif ticket.returns_until is not None:
        m.may_return(state, ticket, ticket.returns_until)
