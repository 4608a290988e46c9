"""The rules of calling: who is called, announced again, starts to be served, or does not come."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import StartMode
from queue_server.core.ids import CounterId, Instant
from queue_server.core.lifecycle import CounterState, TicketState, TicketStep, ticket_steps_from
from queue_server.core.places import place_for
from queue_server.core.rejections import CounterClosed, CounterPaused, InvalidCommand, NotInProfile, WrongState
from queue_server.core.routing import direct, may_call, next_ticket
from queue_server.core.rules_stages import finish_or_go_on
from queue_server.core.rules_undo import called_by_itself
from queue_server.core.state import Counter
from queue_server.core.ticket import Ticket
from queue_server.core.turn import Turn
from queue_server.core.undo import undoing

# Looked up once: to find a member of an enumeration takes as long as a call (until Python 3.12).
_OPEN, _SERVING, _ON_CALL = CounterState.OPEN, CounterState.SERVING, StartMode.ON_CALL


def call_next(turn: Turn, command: c.CallNext) -> None:
    """End the present ticket where asked, then call whoever the branch's rules put first."""
    counter = turn.counter(command.counter)
    if command.outcome is not None:
        turn.outcome(command.outcome)
    require_idle(turn, counter, may_finish=command.finish)
    state, tickets = turn.state, turn.state.tickets
    if counter.ticket is not None:
        finish_or_go_on(turn, tickets[counter.ticket], counter.id, command.outcome)
    choice = next_ticket(state, counter.id, turn.at, explains=turn.tells)
    if choice is not None:
        call(turn, tickets[choice.ticket], counter.id, choice.routing)


def call_ticket(turn: Turn, command: c.CallTicket) -> None:
    """Call one ticket out of its turn; a missed customer who stands here is reinstated by the same command."""
    counter = turn.counter(command.counter)
    ticket = turn.ticket(command.ticket)
    if command.override and not command.reason:
        raise InvalidCommand("An override needs a reason")
    turn.require(ticket, TicketStep.CALL)
    require_idle(turn, counter, may_finish=False)
    if ticket.state is TicketState.NO_SHOW:
        _require_return(ticket)
    if not command.override and not may_call(turn.state, counter, ticket.line_key()):
        raise NotInProfile(f"Counter {counter.number} may not call {ticket.number}; use override and give a reason")
    if ticket.state is TicketState.NO_SHOW:
        place = place_for(turn.state, ticket, ticket.line_key(), "due", turn.at)
        turn.emit(e.TicketReinstated(ticket=ticket.ticket_id, place_at=place.at, reason=command.reason))
    call(turn, ticket, counter.id, direct(turn.state, counter.id, ticket, command.reason, turn.at))


def recall(turn: Turn, command: c.RecallTicket) -> None:
    """Announce again."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.RECALL, command.counter)
    turn.emit(e.TicketRecalled(ticket=ticket.ticket_id, counter=counter_id))


def start(turn: Turn, command: c.StartServing) -> None:
    """Begin serving; a no-show that the clock recorded a moment ago at this same counter is still the clerk's to start."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.START, command.counter)
    if ticket.state is TicketState.NO_SHOW:
        _require_return(ticket)
        if not ticket.missed_by_time:
            raise WrongState(
                f"{ticket.number} is a no-show; reinstate or call it first", state="no_show", allowed=["call", "reinstate"]
            )
        _take_counter_back(turn, ticket, turn.counter(counter_id))
    turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter_id))


def _take_counter_back(turn: Turn, ticket: Ticket, counter: Counter) -> None:
    """Whom the counter has called by itself since the clock made *ticket* a no-show goes back to their place."""
    missed = turn.state.steps.get(ticket.ticket_id)
    other = called_by_itself(turn.state, counter, since=missed) if missed is not None else None
    if other is None:
        require_idle(turn, counter, may_finish=False)
    else:
        turn.emit(undoing(turn.state, other, turn.state.steps[other], turn.at))


def no_show(turn: Turn, command: c.RecordNoShow) -> None:
    """Record that the customer did not come, after as many announcements as the branch wants."""
    ticket, counter_id = turn.ticket_at_counter(command.ticket, TicketStep.NO_SHOW, command.counter)
    rules = turn.state.rules
    missing = rules.recalls_before_no_show - ticket.recalls
    if missing > 0:
        times = "once more" if missing == 1 else f"{missing} times more"
        raise WrongState(
            f"Announce {ticket.number} again {times} before it is a no-show",
            state=ticket.state.value,
            allowed=[step for step in ticket_steps_from(ticket.state) if step != TicketStep.NO_SHOW],
        )
    until = turn.at + rules.reinstate_ms
    turn.emit(e.NoShowRecorded(ticket=ticket.ticket_id, counter=counter_id, returns_until=until, reason=command.reason))


def reinstate(turn: Turn, command: c.ReinstateTicket) -> None:
    """Let a missed customer wait again, at the position that the branch has set."""
    ticket = turn.ticket(command.ticket)
    if command.counter is not None:
        turn.counter(command.counter)
    turn.require(ticket, TicketStep.REINSTATE)
    _require_return(ticket)
    position = command.position or turn.state.rules.reinstate_position
    at, order = place_for(turn.state, ticket, ticket.line_key(), position, turn.at)
    turn.emit(e.TicketReinstated(ticket=ticket.ticket_id, place_at=at, place_order=order, reason=command.reason))


def call(
    turn: Turn, ticket: Ticket, counter_id: CounterId, routing: e.Routing, at: Instant | None = None, *, automatic: bool = False
) -> None:
    """Summon *ticket*, which waits, to a counter that is idle; where the branch starts on call, serving begins with it."""
    turn.emit(e.TicketCalled(ticket=ticket.ticket_id, counter=counter_id, routing=routing, automatic=automatic), at)
    if turn.state.rules.start is _ON_CALL:
        turn.emit(e.ServingStarted(ticket=ticket.ticket_id, counter=counter_id), at)


def require_idle(turn: Turn, counter: Counter, *, may_finish: bool) -> None:
    """Refuse unless *counter* is open and holds nobody, or only somebody who *may_finish* by the same command."""
    if counter.state is _OPEN or (may_finish and counter.state is _SERVING):
        return
    if counter.state is CounterState.CLOSED:
        raise CounterClosed(f"Counter {counter.number} is closed; open it first")
    if counter.state is CounterState.PAUSED:
        raise CounterPaused(f"Counter {counter.number} is paused; resume it first")
    turn.refuse_busy(counter)


def _require_return(ticket: Ticket) -> None:
    if ticket.returns_until is None:
        raise WrongState(f"The time in which {ticket.number} could return is over", state="no_show", allowed=[])
