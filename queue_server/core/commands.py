"""
What can be asked of a branch. A command carries everything that deciding it needs: the core has no clock and makes no identifiers.

`at` is the moment of deciding (ms, UTC), `command_id` names the command for good (the same id has one effect), `actor` says who
asks, as `role:subject`.
"""

from msgspec import Struct

from queue_server.core.configuration import Configuration, Position
from queue_server.core.ids import CounterId, Day, Instant, ProfileId, ServiceId, StaffId, TicketId, TierId, ZoneId
from queue_server.core.ticket import ParkKind
from queue_server.core.timetable import Timetable


class Command(Struct, kw_only=True, gc=False):
    """
    What every command carries.

    `seat` is the staff member on whose behalf it acts: set, the command is refused at a counter where another person sits;
    None acts for the branch (a manager, a kiosk, time itself).
    """

    at: Instant
    command_id: str
    actor: str
    seat: StaffId | None = None


class IssueTicket(Command, kw_only=True):
    """
    Give a customer a ticket.

    `then` are services that follow `service` in the same visit. `card_class` is what the customer's identity was found to be,
    `identified` whether they have shown one.
    `arrived_at` differs from `at` only for one who took a number while the server was out of reach.
    """

    ticket_id: TicketId
    service: ServiceId
    tier: TierId | None = None
    care: str | None = None
    language: str | None = None
    channel: str | None = None
    card_class: str | None = None
    identified: bool = False
    then: tuple[ServiceId, ...] = ()
    arrived_at: Instant | None = None


class CallNext(Command, kw_only=True):
    """Call whoever is next for this counter; with *finish* the ticket being served ends first, by the same command."""

    counter: CounterId
    finish: bool = False
    outcome: str | None = None


class CallTicket(Command, kw_only=True):
    """Call this ticket out of its turn; *override* also past the counter's profile."""

    counter: CounterId
    ticket: TicketId
    override: bool = False
    reason: str | None = None


class ServeDirectly(Command, kw_only=True):
    """Serve somebody who has taken no ticket: issued, called and started as one command."""

    counter: CounterId
    ticket_id: TicketId
    service: ServiceId
    tier: TierId | None = None


class RecallTicket(Command, kw_only=True):
    """Announce the same call again."""

    ticket: TicketId
    counter: CounterId | None = None


class StartServing(Command, kw_only=True):
    """The customer has come; serving begins."""

    ticket: TicketId
    counter: CounterId | None = None


class FinishServing(Command, kw_only=True):
    """Serving is over."""

    ticket: TicketId
    counter: CounterId | None = None
    outcome: str | None = None


class ParkTicket(Command, kw_only=True):
    """Put the customer aside, who stays with this counter or may be taken up by any of the service."""

    ticket: TicketId
    counter: CounterId | None = None
    kind: ParkKind = ParkKind.COUNTER
    reason: str | None = None


class UnparkTicket(Command, kw_only=True):
    """Serve a parked customer on; *counter* None is where the person asking sits, or else where it was parked."""

    ticket: TicketId
    counter: CounterId | None = None


class UndoStep(Command, kw_only=True):
    """Take back the last step on this ticket."""

    ticket: TicketId
    counter: CounterId | None = None


class RecordNoShow(Command, kw_only=True):
    """The customer was called and did not come."""

    ticket: TicketId
    counter: CounterId | None = None
    reason: str | None = None


class ReinstateTicket(Command, kw_only=True):
    """A missed customer has turned up and waits again."""

    ticket: TicketId
    counter: CounterId | None = None
    reason: str | None = None
    position: Position | None = None


class RequeueTicket(Command, kw_only=True):
    """Send a called, served or parked customer back to waiting; *position* None: due, or the front for one parked for any counter."""

    ticket: TicketId
    counter: CounterId | None = None
    position: Position | None = None
    reason: str | None = None


class TransferTicket(Command, kw_only=True):
    """Send the customer on: to another service, counter, zone or person. The number stays."""

    ticket: TicketId
    service: ServiceId | None = None
    counter: CounterId | None = None
    zone: ZoneId | None = None
    staff: StaffId | None = None
    position: Position | None = None
    reason: str | None = None


class MoveTicket(Command, kw_only=True):
    """
    Change how a waiting ticket waits, with a reason; *emergency* puts it before all others.

    *anywhere*: it waits for no counter, zone or person in particular any more.
    """

    ticket: TicketId
    reason: str
    service: ServiceId | None = None
    tier: TierId | None = None
    zone: ZoneId | None = None
    emergency: bool | None = None
    anywhere: bool = False


class CancelTicket(Command, kw_only=True):
    """The customer leaves before being served."""

    ticket: TicketId
    counter: CounterId | None = None
    reason: str | None = None


class OpenCounter(Command, kw_only=True):
    """A counter begins to serve; *take_over* moves a person who still sits elsewhere."""

    counter: CounterId
    profile: ProfileId | None = None
    staff: StaffId | None = None
    take_over: bool = False


class ChangeProfile(Command, kw_only=True):
    """The counter may call by another profile from its next call on; None is its own of the configuration."""

    counter: CounterId
    profile: ProfileId | None = None


class PauseCounter(Command, kw_only=True):
    """The counter calls nobody for a while."""

    counter: CounterId
    reason: str | None = None


class ResumeCounter(Command, kw_only=True):
    """The pause is over."""

    counter: CounterId


class CallForHelp(Command, kw_only=True):
    """Somebody is needed at the counter."""

    counter: CounterId
    reason: str | None = None


class AcknowledgeHelp(Command, kw_only=True):
    """Somebody sees to it, or the counter needs nobody any more."""

    counter: CounterId


class Announce(Command, kw_only=True):
    """Give a notice to the hall or to one zone; without a *template* its text is kept elsewhere, under *announcement*."""

    announcement: str
    template: str | None = None
    zone: ZoneId | None = None


class CloseCounter(Command, kw_only=True):
    """The counter ends its service."""

    counter: CounterId
    reason: str | None = None


class ApplyDeadlines(Command, kw_only=True):
    """Let everything happen that time alone has made due at `at`. Never refused."""


class OpenDay(Command, kw_only=True):
    """
    End the present day, where there is one, and open *day*; its instants come from the branch's calendar (the core knows no time zone).

    *configuration* takes effect with the new day.
    """

    day: Day
    opens_at: Instant
    rolls_at: Instant
    version: int
    configuration: Configuration
    timetable: Timetable = Timetable()


class CloseDay(Command, kw_only=True):
    """A manager ends the day early (fire alarm, training): open tickets expire, and nothing is issued until the day rolls."""

    reason: str


class ConfigureBranch(Command, kw_only=True):
    """
    Replace the configuration of version *expected*, now or when the next day opens.

    Now is refused where it would strand open tickets or counters; *timetable* is then what it makes of the present day.
    """

    expected: int
    next_day: bool
    configuration: Configuration
    timetable: Timetable = Timetable()
