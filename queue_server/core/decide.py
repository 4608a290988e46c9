"""
The one function that decides which facts come next.

`decide` takes a branch and a command and returns the facts that follow, already applied to the branch: it leaves *state* at the
last fact it returns, so that the next command of a batch is decided on what this one did. A refused command raises `Rejected`
and has changed nothing. Whoever cannot store the returned facts must drop the state and read it again from the log.
"""

from collections.abc import Callable
from typing import Any

from queue_server.core import commands as c
from queue_server.core import (
    rules_arrivals,
    rules_calls,
    rules_counters,
    rules_day,
    rules_hall,
    rules_stages,
    rules_tickets,
    rules_undo,
)
from queue_server.core.changes import Change
from queue_server.core.commands import Command
from queue_server.core.deadlines import apply_deadlines
from queue_server.core.naming import require_known, require_reason
from queue_server.core.rejections import DayFull, ServiceClosed
from queue_server.core.state import BranchState
from queue_server.core.turn import Turn

_Rule = Callable[[Turn, Any], None]
_RULES: dict[type[Command], _Rule] = {
    c.OpenDay: rules_day.open_day,
    c.ApplyDeadlines: lambda turn, _command: apply_deadlines(turn),
    c.IssueTicket: rules_arrivals.issue,
    c.CallNext: rules_calls.call_next,
    c.CallTicket: rules_calls.call_ticket,
    c.ServeDirectly: rules_arrivals.serve_directly,
    c.RecallTicket: rules_calls.recall,
    c.StartServing: rules_calls.start,
    c.FinishServing: rules_stages.finish,
    c.ParkTicket: rules_tickets.park,
    c.UnparkTicket: rules_tickets.unpark,
    c.UndoStep: rules_undo.undo,
    c.RecordNoShow: rules_calls.no_show,
    c.ReinstateTicket: rules_calls.reinstate,
    c.RequeueTicket: rules_tickets.requeue,
    c.TransferTicket: rules_tickets.transfer,
    c.MoveTicket: rules_tickets.move,
    c.CancelTicket: rules_tickets.cancel,
    c.OpenCounter: rules_counters.open_counter,
    c.ChangeProfile: rules_counters.change_profile,
    c.PauseCounter: rules_counters.pause,
    c.ResumeCounter: rules_counters.resume,
    c.CallForHelp: rules_counters.call_for_help,
    c.AcknowledgeHelp: rules_counters.acknowledge_help,
    c.Announce: rules_hall.announce,
    c.CloseCounter: rules_counters.close,
    c.CloseDay: rules_day.close_day,
    c.ConfigureBranch: rules_day.configure,
}

# Neither a day that has ended nor one that is full stands in the way of these.
_ALWAYS = frozenset({c.OpenDay, c.ApplyDeadlines})
# What ends something is still possible on a full day: nobody is kept at a counter because of a bound.
_ENDING = frozenset({c.FinishServing, c.RecordNoShow, c.CancelTicket, c.CloseCounter, c.CloseDay})


def decide(state: BranchState, command: Command, *, tells: bool = True) -> list[Change]:
    """
    Return the facts that *command* causes, in order, with what each changed; none for a call when nobody waits.

    Without *tells* nothing is returned, and the facts are not put into words: no estimate for who comes, no reason for a call. What is
    decided is the same. This is for a hall in virtual time, where nobody is told anything.

    Deadlines that are due come first by an `ApplyDeadlines` of their own, so that a refusal cannot take them back.

    Raises:
        Rejected: the command is not possible; nothing has changed.
    """
    kind = type(command)
    # The stream's time never runs backwards.
    at = command.at if command.at > state.last_at else state.last_at  # noqa: FURB136 - max() takes five times as long
    turn = Turn(state, command, at, tells)
    if kind not in _ALWAYS:
        if not state.is_open and kind is not c.ConfigureBranch:
            require_known(turn, command)
            raise ServiceClosed(reopens_at=state.timetable.reopens_at or state.rolls_at)
        rules = state.configuration
        if rules is not None and state.seq >= rules.day_limit and kind not in _ENDING:
            require_known(turn, command)
            raise DayFull
        if rules is not None and rules.reasons:
            require_reason(turn, command)
    _RULES[kind](turn, command)
    return turn.changes
