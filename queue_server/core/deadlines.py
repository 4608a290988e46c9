"""
What time alone makes happen.

A called customer's grace runs out (and is announced again, or is a no-show), serving begins by itself, a no-show's time to return ends,
an idle counter calls by itself, a rule switches counters, the day rolls. The core never waits. `next_deadline` says when it should be
asked again; whoever asks late gets the same facts with the same instants, since each deadline's fact carries the moment at which it
was due.
"""

from collections.abc import Callable

from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.elastic import next_switch
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import CounterState
from queue_server.core.routing import next_ticket
from queue_server.core.rules_calls import call
from queue_server.core.rules_elastic import switch
from queue_server.core.state import BranchState, Counter
from queue_server.core.turn import Turn


def next_deadline(state: BranchState) -> Instant | None:
    """Return when time alone will next make something happen (perhaps already past); None while no day was ever opened."""
    if not state.is_due_known:
        state.next_due, state.is_due_known = _first_deadline(state), True
    return state.next_due


def roll_at(state: BranchState) -> Instant:
    """Return when the day rolls: at its hour, but a customer who is being served delays it, up to a grace."""
    serving = state.is_open and any(counter.state is CounterState.SERVING for counter in state.counters.values())
    return state.rolls_at + (state.rules.roll_grace_ms if serving else 0)


def apply_deadlines(turn: Turn) -> None:
    """Let everything happen that is due at the turn's moment, in the order in which it became due; the roll is a command of its own."""
    while turn.state.is_open:
        due = _due(turn.state)
        if due is None or due[0] > turn.at:
            return
        at, kind, subject = due
        _PASS[kind](turn, subject, at)


# Of what is due at one moment, in this order: who may return no longer, whose profile is another, who was called, who calls.
_LAPSE, _SWITCH, _CALLED, _CALLS = range(4)


def _first_deadline(state: BranchState) -> Instant | None:
    if state.configuration is None:
        return None
    due = _due(state) if state.is_open else None
    return roll_at(state) if due is None else min(roll_at(state), due[0])


def _due(state: BranchState) -> tuple[Instant, int, str] | None:
    """What is due first: when, of which kind, and which ticket, rule or counter it is about."""
    moments: list[tuple[Instant, int, str]] = []
    if state.lapsing:
        moments.append((state.tickets[state.lapsing[0]].returns_until or 0, _LAPSE, state.lapsing[0]))
    if state.rules.elastic:
        switch_at = next_switch(state)
        if switch_at is not None:
            moments.append((switch_at[0], _SWITCH, str(switch_at[1])))
    # On a full day nobody is called, by whomever.
    calls_from = state.rules.automatic_after_ms if state.seq < state.rules.day_limit else None
    for counter in state.counters.values():
        if counter.state is CounterState.CALLING:
            moments += [(at, _CALLED, counter.id) for at in (_called_until(state, counter),) if at is not None]
        elif counter.state is CounterState.OPEN and calls_from is not None and counter.since is not None:
            moments.append((counter.since + calls_from, _CALLS, counter.id))
    return _first(state, moments)


def _first(state: BranchState, moments: list[tuple[Instant, int, str]]) -> tuple[Instant, int, str] | None:
    """
    The first of *moments*; an idle counter counts only if there is somebody it may call.

    What became due in the past (an idle counter, when somebody comes) is due now, and of counters the longest idle is first.
    """
    order = {counter_id: index for index, counter_id in enumerate(state.counters)}
    for moment in sorted(moments, key=lambda due: (max(due[0], state.last_at), due[1], due[0], order.get(due[2], 0))):
        if moment[1] != _CALLS or next_ticket(state, moment[2], state.last_at, explains=False) is not None:
            return moment
    return None


def _called_until(state: BranchState, counter: Counter) -> Instant | None:
    """When a called customer is served, announced again or a no-show; None when that is the clerk's to say."""
    if counter.ticket is None:
        return None
    rules, ticket = state.rules, state.tickets[counter.ticket]
    moments = []
    if rules.start is StartMode.AFTER and ticket.called_at is not None:
        moments.append(ticket.called_at + rules.start_after_ms)
    if rules.no_show_after_ms is not None and ticket.announced_at is not None:
        # A recall gives the customer the whole grace again.
        moments.append(ticket.announced_at + rules.no_show_after_ms)
    return min(moments) if moments else None


def _lapse(turn: Turn, ticket_id: str, at: Instant) -> None:
    turn.emit(e.NoShowLapsed(ticket=ticket_id), at)


def _switch(turn: Turn, index: str, at: Instant) -> None:
    switch(turn, int(index), at)


def _pass(turn: Turn, counter_id: str, at: Instant) -> None:
    rules, counter = turn.state.rules, turn.state.counters[counter_id]
    ticket = turn.ticket(counter.ticket or "")
    if rules.start is StartMode.AFTER and ticket.called_at is not None and ticket.called_at + rules.start_after_ms == at:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter.id), at)
    elif ticket.recalls < rules.recalls_before_no_show:
        turn.emit(e.TicketRecalled(ticket=ticket.ticket_id, counter=counter.id), at)
    else:
        until = at + rules.reinstate_ms
        turn.emit(e.NoShowRecorded(ticket=ticket.ticket_id, counter=counter.id, returns_until=until, by_time=True), at)


def _call(turn: Turn, counter_id: str, at: Instant) -> None:
    moment = max(at, turn.state.last_at)
    choice = next_ticket(turn.state, counter_id, moment)
    if choice is not None:
        call(turn, turn.ticket(choice.ticket), counter_id, choice.routing, moment, automatic=True)


_PASS: dict[int, Callable[[Turn, str, Instant], None]] = {_LAPSE: _lapse, _SWITCH: _switch, _CALLED: _pass, _CALLS: _call}
