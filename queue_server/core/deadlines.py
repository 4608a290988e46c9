"""
What time alone makes happen.

A called customer's grace runs out, serving begins by itself, a no-show's time to return ends, the day rolls. The core never waits. `next_deadline` says when it should be asked again; whoever asks late gets the same facts with the same
instants, since each deadline's fact carries the moment at which it was due.
"""

from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import CounterState
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
    state = turn.state
    while state.is_open:
        due = [(at, counter.id) for counter in state.counters.values() if (at := _due(state, counter)) is not None]
        lapses_at = _lapses_at(state)
        first = min(due) if due else None
        if lapses_at is not None and (first is None or lapses_at <= first[0]):
            if lapses_at > turn.at:
                return
            turn.emit(e.NoShowLapsed(ticket=state.lapsing[0]), lapses_at)
        elif first is not None and first[0] <= turn.at:
            _pass(turn, state.counters[first[1]], first[0])
        else:
            return


def _first_deadline(state: BranchState) -> Instant | None:
    if state.configuration is None:
        return None
    moments = [roll_at(state)]
    if state.is_open:
        moments += [due for counter in state.counters.values() if (due := _due(state, counter)) is not None]
        lapses_at = _lapses_at(state)
        if lapses_at is not None:
            moments.append(lapses_at)
    return min(moments)


def _lapses_at(state: BranchState) -> Instant | None:
    return state.tickets[state.lapsing[0]].returns_until if state.lapsing else None


def _due(state: BranchState, counter: Counter) -> Instant | None:
    if counter.state is not CounterState.CALLING or counter.ticket is None:
        return None
    rules, ticket = state.rules, state.tickets[counter.ticket]
    moments = []
    if rules.start is StartMode.AFTER and ticket.called_at is not None:
        moments.append(ticket.called_at + rules.start_after_ms)
    if rules.no_show_after_ms is not None and ticket.announced_at is not None:
        # A recall gives the customer the whole grace again.
        moments.append(ticket.announced_at + rules.no_show_after_ms)
    return min(moments) if moments else None


def _pass(turn: Turn, counter: Counter, at: Instant) -> None:
    rules = turn.state.rules
    ticket = turn.ticket(counter.ticket or "")
    if rules.start is StartMode.AFTER and ticket.called_at is not None and ticket.called_at + rules.start_after_ms == at:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter.id), at)
    else:
        until = at + rules.reinstate_ms
        turn.emit(e.NoShowRecorded(ticket=ticket.ticket_id, counter=counter.id, returns_until=until, by_time=True), at)
