"""One command's turn at a branch: the facts it has caused so far, and what the rules ask about the branch."""

from msgspec import Struct, field

from queue_server.core.apply import apply
from queue_server.core.changes import Change, advance
from queue_server.core.commands import Command
from queue_server.core.configuration import Code
from queue_server.core.events import Event, Fact
from queue_server.core.ids import CounterId, Instant, ServiceId, TicketId, TierId
from queue_server.core.lifecycle import (
    COUNTER_STEPS,
    TICKET_STEPS,
    CounterState,
    CounterStep,
    TicketState,
    TicketStep,
    counter_steps_from,
    ticket_steps_from,
)
from queue_server.core.rejections import (
    CounterBusy,
    Forbidden,
    InvalidCommand,
    UnknownCounter,
    UnknownService,
    UnknownTicket,
    UnknownTier,
    WrongState,
)
from queue_server.core.state import BranchState, Counter
from queue_server.core.ticket import ParkKind, Ticket

BUSY = frozenset({CounterState.CALLING, CounterState.SERVING})


class Turn(Struct, gc=False):
    """
    Records facts and applies each at once, so that a rule sees what the one before it did.

    `at` is the moment of deciding. Every refusal comes before the first fact: `emit` is only reached by a command that will succeed.
    """

    state: BranchState
    command: Command
    at: Instant
    tells: bool = True
    changes: list[Change] = field(default_factory=list)

    def emit(self, fact: Fact, at: Instant | None = None) -> None:
        """Let *fact* be the next of the stream, at *at* (default: now)."""
        state, command = self.state, self.command
        moment = self.at if at is None else max(at, state.last_at)
        event = Event(state.day, state.seq + 1, moment, command.command_id, command.actor, fact)
        if self.tells:
            self.changes.append(advance(state, event))
        else:
            apply(state, event)

    def ticket(self, ticket_id: TicketId) -> Ticket:
        """Return the ticket, or refuse."""
        ticket = self.state.tickets.get(ticket_id)
        if ticket is None:
            raise UnknownTicket(ticket=ticket_id)
        return ticket

    def counter(self, counter_id: CounterId) -> Counter:
        """Return the counter, or refuse; also when the command acts for a person and another one sits there."""
        counter = self.state.counters.get(counter_id)
        if counter is None:
            raise UnknownCounter(counter=counter_id)
        seat = self.command.seat
        if seat is not None and counter.staff is not None and counter.staff != seat:
            raise Forbidden(counter=counter_id)
        return counter

    def ticket_at_counter(self, ticket_id: TicketId, step: TicketStep, counter_id: CounterId | None) -> tuple[Ticket, CounterId]:
        """Return the ticket and the counter that holds it, or refuse: not there, not this step, not that counter, not that person."""
        ticket = self.ticket(ticket_id)
        if counter_id is not None:
            self.counter(counter_id)
        if ticket.counter is not None and self.state.counters.get(ticket.counter) is not None:
            self.counter(ticket.counter)
        self.require(ticket, step)
        if ticket.counter is None or (counter_id is not None and ticket.counter != counter_id):
            raise WrongState(
                f"{ticket.number} is not at this counter", state=ticket.state.value, allowed=ticket_steps_from(ticket.state)
            )
        return ticket, ticket.counter

    def ticket_kept(self, ticket_id: TicketId, step: TicketStep, counter_id: CounterId | None) -> tuple[Ticket, CounterId | None]:
        """As `ticket_at_counter`; a ticket parked for any counter of its service is anybody's, and at none."""
        ticket = self.ticket(ticket_id)
        if ticket.park_kind is not ParkKind.SERVICE:
            return self.ticket_at_counter(ticket_id, step, counter_id)
        if counter_id is not None:
            self.counter(counter_id)
        self.require(ticket, step)
        return ticket, None

    def seated_at(self) -> CounterId | None:
        """Return the counter at which the person asking sits, if they act for themselves and sit anywhere."""
        seat = self.command.seat
        return next((counter.id for counter in self.state.counters.values() if seat is not None and counter.staff == seat), None)

    def require(self, ticket: Ticket, step: TicketStep) -> None:
        """Refuse *step* unless the life-cycle table has it for the ticket's state."""
        if ticket.state not in TICKET_STEPS[step][0]:
            # A no-show whose time is over is an end like the others.
            is_over = ticket.state is TicketState.NO_SHOW and ticket.returns_until is None
            allowed = () if is_over else ticket_steps_from(ticket.state)
            raise WrongState(
                f"{ticket.number} is {_SAID[ticket.state.value]}; {step.value} is not possible now",
                state=ticket.state.value,
                allowed=allowed,
            )

    def require_counter(self, counter: Counter, step: CounterStep) -> None:
        """Refuse *step* unless the counter's state allows it; a busy counter is named with its ticket."""
        if counter.state in COUNTER_STEPS[step][0]:
            return
        if counter.state in BUSY and step is not CounterStep.OPEN:
            self.refuse_busy(counter)
        allowed = counter_steps_from(counter.state)
        raise WrongState(
            f"Counter {counter.number} is {counter.state.value}; {step.value} is not possible now",
            state=counter.state.value,
            allowed=allowed,
        )

    def refuse_busy(self, counter: Counter) -> None:
        """Refuse because *counter* calls or serves somebody."""
        held = self.state.tickets[counter.ticket] if counter.ticket is not None else None
        what = f"{counter.state.value} {held.number}" if held is not None else counter.state.value
        raise CounterBusy(
            f"Counter {counter.number} is already {what}; finish, park, transfer or requeue it first", ticket=counter.ticket
        )

    def service(self, service_id: ServiceId) -> None:
        """Refuse a service that the branch does not offer."""
        if service_id not in self.state.services:
            raise UnknownService(f"There is no service {service_id!r} here", service=service_id, known=list(self.state.services))

    def outcome(self, given: str | None) -> None:
        """Refuse an outcome that is none of the configured ones, where there are any."""
        if given is not None and not _is_known(given, self.state.rules.outcomes):
            raise InvalidCommand(f"There is no outcome {given!r} here; {_said(self.state.rules.outcomes)}", outcome=given)

    def pause_reason(self, given: str | None) -> None:
        """Refuse a reason for a pause that is none of the configured ones, where there are any."""
        if given is not None and not _is_known(given, self.state.rules.pause_reasons):
            raise InvalidCommand(f"There is no pause reason {given!r} here; {_said(self.state.rules.pause_reasons)}", reason=given)

    def tier(self, tier_id: TierId) -> None:
        """Refuse a tier that the branch does not have."""
        if tier_id not in self.state.tiers:
            raise UnknownTier(f"There is no tier {tier_id!r} here", tier=tier_id, known=list(self.state.tiers))


def _is_known(given: str, known: tuple[Code, ...]) -> bool:
    return not known or any(code.id == given for code in known)


def _said(known: tuple[Code, ...]) -> str:
    return f"those configured: {', '.join(code.id for code in known)}"


_SAID = {
    "waiting": "waiting",
    "called": "called",
    "serving": "being served",
    "parked": "parked",
    "no_show": "a no-show",
    "finished": "finished",
    "cancelled": "cancelled",
    "expired": "expired",
}
