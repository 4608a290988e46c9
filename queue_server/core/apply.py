"""How a fact changes a branch: no refusals, no decisions, the same on the live path and on replay."""

from collections.abc import Callable
from typing import Any

from queue_server.core import apply_branch as b
from queue_server.core import apply_tickets as t
from queue_server.core import elastic
from queue_server.core import events as e
from queue_server.core.events import Event, Fact
from queue_server.core.state import BranchState
from queue_server.core.undo import UNDOABLE, keep_step, step_of, step_undone


def apply(state: BranchState, event: Event) -> None:
    """Change *state* by *event*, which is the next of its stream."""
    fact = event.fact
    kind = type(fact)
    if state.elastic:
        elastic.note_unrest(state, event.at)
    # Where nothing can be taken back, nothing is kept for it.
    if state.steps_kept_ms and isinstance(fact, e.TicketFact):
        step = step_of(state, event, fact) if kind in UNDOABLE else None
        _APPLY[kind](state, event, fact)
        keep_step(state, fact.ticket, step)
    else:
        _APPLY[kind](state, event, fact)
    if state.elastic:
        elastic.note_calm(state, event.at)
    if state.is_due_known and (kind not in _TIMELESS or _is_driven_by_time(state)):
        state.is_due_known = False
    state.seq = event.seq
    state.last_at = event.at


def _is_driven_by_time(state: BranchState) -> bool:
    """Whether a customer who comes can make something due: a counter that calls by itself, a rule that counts the waiting."""
    rules = state.configuration
    return rules is not None and (rules.automatic_after_ms is not None or bool(rules.elastic))


# After these nothing is due earlier or later than before, in most branches.
_TIMELESS = frozenset({e.TicketIssued, e.TicketMoved})

_Apply = Callable[[BranchState, Event, Any], None]
_APPLY: dict[type[Fact], _Apply] = {
    e.TicketIssued: t.ticket_issued,
    e.TicketCalled: t.ticket_called,
    e.TicketRecalled: t.ticket_recalled,
    e.ServingStarted: t.serving_started,
    e.StageFinished: t.stage_finished,
    e.TicketParked: t.ticket_parked,
    e.ParkKindChanged: t.park_kind_changed,
    e.TicketUnparked: t.ticket_unparked,
    e.ServingFinished: t.serving_finished,
    e.NoShowRecorded: t.no_show_recorded,
    e.NoShowLapsed: t.no_show_lapsed,
    e.TicketReinstated: t.ticket_reinstated,
    e.TicketRequeued: t.ticket_requeued,
    e.TicketTransferred: t.ticket_transferred,
    e.TicketMoved: t.ticket_moved,
    e.TicketCancelled: t.ticket_cancelled,
    e.TicketExpired: t.ticket_expired,
    e.TicketCarried: t.ticket_carried,
    e.StepUndone: step_undone,
    e.CounterOpened: b.counter_opened,
    e.CounterProfileChanged: b.counter_profile_changed,
    e.CounterPaused: b.counter_paused,
    e.CounterResumed: b.counter_resumed,
    e.HelpRequested: b.help_requested,
    e.HelpAcknowledged: b.help_acknowledged,
    e.CounterClosed: b.counter_closed,
    e.RuleSwitched: elastic.rule_switched,
    e.AnnouncementMade: b.announcement_made,
    e.DayOpened: b.day_opened,
    e.DayClosed: b.day_closed,
    e.BranchConfigured: b.branch_configured,
    e.ConfigurationScheduled: b.configuration_scheduled,
}
