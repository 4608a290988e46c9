"""The rules of the business day: how it opens, closes and rolls, and how the configuration changes in it."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.carrying import issue_again, to_carry
from queue_server.core.deadlines import roll_at
from queue_server.core.ids import Day, Instant, TicketId
from queue_server.core.lifecycle import OPEN_STATES, CounterState, TicketState
from queue_server.core.rejections import VersionConflict, WouldStrand
from queue_server.core.stranding import stranded
from queue_server.core.turn import Turn

ROLLED = "rolled"
DAY_CLOSED = "day_closed"
_STRANDED_NAMED = 10


def open_day(turn: Turn, command: c.OpenDay) -> None:
    """End the present day, if one is open, and begin the next: one append over both."""
    state = turn.state
    previous = state.day or None
    carried = to_carry(state, command.configuration) if state.is_open else []
    if state.is_open:
        # However late the roll is noticed: nobody was served, and nobody waited, beyond its moment.
        _end_day(turn, ROLLED, min(turn.at, roll_at(state)), {ticket.ticket_id: command.day for ticket in carried})
    # The new day's stream begins at 1, and needs nothing of the old one.
    state.seq = 0
    state.day = command.day
    turn.emit(
        e.DayOpened(
            day=command.day,
            opens_at=command.opens_at,
            rolls_at=command.rolls_at,
            version=command.version,
            previous=previous,
        )
    )
    turn.emit(e.BranchConfigured(version=command.version, configuration=command.configuration, timetable=command.timetable))
    for ticket in carried:
        issue_again(turn, ticket)


def close_day(turn: Turn, command: c.CloseDay) -> None:
    """End the day early; whoever is being served is finished with it."""
    _end_day(turn, command.reason, turn.at, {})


def configure(turn: Turn, command: c.ConfigureBranch) -> None:
    """Take the configuration over, unless another change came first or open tickets or counters would be left behind."""
    version, _ = turn.state.newest
    if command.expected != version:
        raise VersionConflict(f"The configuration is at version {version}; read it again before you replace it", version=version)
    if command.next_day:
        turn.emit(e.ConfigurationScheduled(version=version + 1, configuration=command.configuration))
        return
    # Once the day has ended nobody is left who could be stranded.
    behind = stranded(turn.state, command.configuration) if turn.state.is_open else []
    if behind:
        named = ", ".join(behind[:_STRANDED_NAMED])
        more = f" and {len(behind) - _STRANDED_NAMED} more" if len(behind) > _STRANDED_NAMED else ""
        raise WouldStrand(f"The change would strand {named}{more}; let it take effect next day", stranded=behind[:_STRANDED_NAMED])
    turn.emit(e.BranchConfigured(version=version + 1, configuration=command.configuration, timetable=command.timetable))


def _end_day(turn: Turn, reason: str, at: Instant, carried: dict[TicketId, Day]) -> None:
    for ticket in [ticket for ticket in turn.state.tickets.values() if ticket.state in OPEN_STATES]:
        if ticket.state is TicketState.SERVING and ticket.counter is not None:
            turn.emit(e.ServingFinished(ticket=ticket.ticket_id, counter=ticket.counter, outcome=DAY_CLOSED), at)
        elif ticket.ticket_id in carried:
            turn.emit(e.TicketCarried(ticket=ticket.ticket_id, to=carried[ticket.ticket_id]), at)
        else:
            turn.emit(e.TicketExpired(ticket=ticket.ticket_id, counter=ticket.kept_by), at)
    for ticket_id in list(turn.state.lapsing):
        turn.emit(e.NoShowLapsed(ticket=ticket_id), at)
    for counter in list(turn.state.counters.values()):
        if counter.state is not CounterState.CLOSED:
            turn.emit(e.CounterClosed(counter=counter.id, reason=DAY_CLOSED), at)
    turn.emit(e.DayClosed(reason=reason), at)
