"""The rules of a counter's steps."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.ids import CounterId, ProfileId
from queue_server.core.lifecycle import CounterState, CounterStep
from queue_server.core.rejections import CounterClosed, Forbidden, StaffElsewhere, UnknownCounter, UnknownProfile, WrongState
from queue_server.core.rules_elastic import switch_counter
from queue_server.core.rules_undo import called_unasked, send_back
from queue_server.core.state import Counter
from queue_server.core.ticket import ParkKind
from queue_server.core.turn import BUSY, Turn


def open_counter(turn: Turn, command: c.OpenCounter) -> None:
    """Open the counter; a person who still sits elsewhere, or a colleague who still sits here, moves only when that is asked for."""
    counter = turn.state.counters.get(command.counter)
    if counter is None:
        raise UnknownCounter(counter=command.counter)
    if not command.take_over and command.seat is not None and counter.staff not in {None, command.seat}:
        raise Forbidden(f"Somebody else sits at counter {counter.number}; take over to sit there", counter=counter.id)
    profile = _profile(turn, command.counter, command.profile)
    is_left_behind = command.take_over and counter.state is not CounterState.CLOSED and counter.staff not in {None, command.staff}
    if not is_left_behind:
        turn.require_counter(counter, CounterStep.OPEN)
    given_up = [
        other
        for other in turn.state.counters.values()
        if command.staff is not None and other.staff == command.staff and other.state is not CounterState.CLOSED
    ]
    if given_up and not command.take_over:
        raise StaffElsewhere(f"This person already sits at counter {given_up[0].number}; take over to move", counter=given_up[0].id)
    if is_left_behind:
        given_up.append(counter)
    for other in given_up:
        if other.state in BUSY:
            turn.refuse_busy(other)
    for other in given_up:
        _close(turn, other, "taken_over")
    turn.emit(e.CounterOpened(counter=counter.id, profile=profile, staff=command.staff))
    switch_counter(turn, counter)


def change_profile(turn: Turn, command: c.ChangeProfile) -> None:
    """Let the counter call by another profile from its next call on."""
    counter = turn.counter(command.counter)
    profile = _profile(turn, command.counter, command.profile)
    turn.require_counter(counter, CounterStep.PROFILE)
    turn.emit(e.CounterProfileChanged(counter=counter.id, profile=profile))
    # While an elastic rule holds it has the word; what was given by hand counts from its end on.
    switch_counter(turn, counter)


def pause(turn: Turn, command: c.PauseCounter) -> None:
    """Stop calling for a while; whom the counter has called by itself meanwhile waits again."""
    counter = turn.counter(command.counter)
    turn.pause_reason(command.reason)
    unasked = called_unasked(turn.state, counter)
    if unasked is None:
        turn.require_counter(counter, CounterStep.PAUSE)
    send_back(turn, unasked)
    turn.emit(e.CounterPaused(counter=counter.id, reason=command.reason))


def resume(turn: Turn, command: c.ResumeCounter) -> None:
    """Call again."""
    counter = turn.counter(command.counter)
    turn.require_counter(counter, CounterStep.RESUME)
    turn.emit(e.CounterResumed(counter=counter.id))


def close(turn: Turn, command: c.CloseCounter) -> None:
    """End the counter's service; what it keeps parked is for any counter of the service from now on."""
    counter = turn.counter(command.counter)
    unasked = called_unasked(turn.state, counter)
    if unasked is None:
        turn.require_counter(counter, CounterStep.CLOSE)
    send_back(turn, unasked)
    _close(turn, counter, command.reason)


def call_for_help(turn: Turn, command: c.CallForHelp) -> None:
    """Let everybody who can help know; once is enough until somebody has seen to it."""
    counter = turn.counter(command.counter)
    if counter.state is CounterState.CLOSED:
        raise CounterClosed(f"Counter {counter.number} is closed; open it first")
    if counter.help_since is not None:
        raise WrongState(
            f"Counter {counter.number} has called for help already", state=counter.state.value, allowed=["help/acknowledge"]
        )
    turn.emit(e.HelpRequested(counter=counter.id, reason=command.reason))


def acknowledge_help(turn: Turn, command: c.AcknowledgeHelp) -> None:
    """Somebody sees to it."""
    counter = turn.counter(command.counter)
    if counter.help_since is None:
        raise WrongState(f"Counter {counter.number} has not called for help", state=counter.state.value, allowed=["help"])
    turn.emit(e.HelpAcknowledged(counter=counter.id))


def _close(turn: Turn, counter: Counter, reason: str | None) -> None:
    for ticket_id in counter.parked:
        turn.emit(e.ParkKindChanged(ticket=ticket_id, counter=counter.id, kind=ParkKind.SERVICE))
    turn.emit(e.CounterClosed(counter=counter.id, reason=reason))


def _profile(turn: Turn, counter_id: CounterId, profile_id: ProfileId | None) -> ProfileId | None:
    if profile_id is None:
        return turn.state.places[counter_id].profile
    if profile_id not in turn.state.profiles:
        raise UnknownProfile(f"There is no profile {profile_id!r} here", profile=profile_id, known=list(turn.state.profiles))
    return profile_id
