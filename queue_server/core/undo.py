"""
Steps that can be taken back.

Before a fact of this kind is applied, the ticket as it stands is kept for a while, with the rule counters that the fact is about to
change. That is part of the fold, so a replay keeps the same. `StepUndone` then carries what it restores, and applying it needs
nothing else. What other facts have done to a ticket since then makes its step final.
"""

from copy import copy

from msgspec.structs import replace

from queue_server.core import events as e
from queue_server.core import movement as m
from queue_server.core.configuration import StartMode
from queue_server.core.counting import counter_of, run_scope, turn_scope
from queue_server.core.events import Event
from queue_server.core.ids import Instant, TicketId
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.ratio import Turns
from queue_server.core.state import BranchState, Step
from queue_server.core.ticket import ParkKind, Ticket

UNDOABLE: frozenset[type[e.Fact]] = frozenset(
    {
        e.TicketCalled,
        e.ServingStarted,
        e.ServingFinished,
        e.StageFinished,
        e.NoShowRecorded,
        # Also as the first part of the call of a missed customer who stands at the counter.
        e.TicketReinstated,
        e.TicketCancelled,
        e.TicketParked,
        e.TicketTransferred,
    }
)


def step_of(state: BranchState, event: Event, fact: e.TicketFact) -> Step:
    """Return the step that *event*, which has not been applied yet, is."""
    ticket = state.tickets[fact.ticket]
    step = Step(type(fact).__name__, event.seq, event.at, event.command_id, event.actor, fact.counter, copy(ticket))
    if isinstance(fact, e.ServingFinished | e.StageFinished):
        return replace(step, paced_ms=ticket.occupied_at(event.at))
    if not isinstance(fact, e.TicketCalled):
        return step
    scope = turn_scope(state, fact.counter, fact.routing.pool)
    run_of = run_scope(state, fact.counter, fact.routing.pool) if fact.routing.above is not None else None
    return replace(
        step,
        called_seq=event.seq,
        # Those of the other scopes too: a call that ends a round ends it for all.
        turns={scope: Turns()} | state.turns if fact.routing.turn is not None else {},
        run=state.runs.get(run_of, 0) if run_of is not None else None,
        run_of=run_of,
        is_automatic=fact.automatic,
    )


def keep_step(state: BranchState, ticket_id: TicketId, step: Step | None) -> None:
    """Let *step* be the last one on its ticket; None: what happened cannot be taken back, nor what was before it."""
    earlier = state.steps.pop(ticket_id, None)
    if step is None:
        return
    if step.turns:
        changed = {scope: turns for scope, turns in step.turns.items() if turns != state.turns.get(scope, Turns())}
        step = replace(step, turns=changed, turns_after={scope: state.turns.get(scope, Turns()) for scope in changed})
    if earlier is not None and _is_one(state, earlier, step):
        step = (
            replace(earlier, at=step.at)
            if step.called_seq is None
            else replace(step, name=earlier.name, seq=earlier.seq, before=earlier.before, paced_ms=earlier.paced_ms)
        )
    _forget_old(state, step.at)
    state.steps[ticket_id] = step


def _is_one(state: BranchState, earlier: Step, step: Step) -> bool:
    """Whether the two are one to whoever asked: a call with what it follows, by the same command; a start with its call."""
    if step.name == e.ServingStarted.__name__ and step.before.state is TicketState.CALLED and earlier.called_seq is not None:
        return state.rules.start is not StartMode.PRESSED or earlier.command_id == step.command_id
    return step.called_seq is not None and earlier.command_id == step.command_id


def _forget_old(state: BranchState, at: Instant) -> None:
    steps, limit = state.steps, at - state.steps_kept_ms
    while steps and steps[oldest := next(iter(steps))].at < limit:
        del steps[oldest]


def undoing(state: BranchState, ticket_id: TicketId, step: Step, at: Instant) -> e.StepUndone:
    """Return the fact that takes *step* back at *at*."""
    restored = step.before
    if restored.state is TicketState.CALLED:
        # The grace begins anew: the customer would be a no-show at once otherwise.
        restored = replace(restored, announced_at=at)
    if restored.kept_by is not None and state.counters[restored.kept_by].state is CounterState.CLOSED:
        restored = replace(restored, park_kind=ParkKind.SERVICE)
    counts_run = step.run_of is not None and _is_latest_call(state, step, step.run_of)
    return e.StepUndone(
        ticket=ticket_id,
        counter=step.counter,
        step=step.name,
        undone=step.seq,
        restored=restored,
        turns={scope: turns for scope, turns in step.turns.items() if _is_untouched(state, step, scope)},
        run=step.run if counts_run else None,
        run_of=step.run_of if counts_run else None,
        paced_ms=step.paced_ms,
    )


def _is_untouched(state: BranchState, step: Step, scope: str) -> bool:
    """Whether the turns of this scope are still as the step has left them: nobody called since, no round ended, nothing taken back."""
    return state.turns.get(scope, Turns()) == step.turns_after[scope] and _is_latest_call(state, step, scope)


def _is_latest_call(state: BranchState, step: Step, scope: str) -> bool:
    """Whether nobody has been called in this scope since, were it by mistake: only then can the rule counters be set back."""
    counter = counter_of(scope)
    latest = max(state.called_seq.values(), default=0) if counter is None else state.called_seq.get(counter, 0)
    return step.called_seq is not None and latest <= step.called_seq


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
    # A call that was made by the undone step, or with it, was never meant; an earlier one stays on the board.
    state.calls = [call for call in state.calls if call.ticket_id != fact.ticket or call.seq < fact.undone]
    state.tickets[fact.ticket] = restored
    _put_back(state, restored, event.at)
    state.turns.update(fact.turns)
    if fact.counter is not None and fact.run is not None:
        state.runs[fact.run_of if fact.run_of is not None else run_scope(state, fact.counter)] = fact.run


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
