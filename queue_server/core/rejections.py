"""Why a command is refused: each refusal is one sentence that a clerk could read, a stable code, and what would help."""

from typing import Any, ClassVar


class Rejected(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The command is refused and has changed nothing."""

    code: ClassVar[str] = "rejected"

    def __init__(self, sentence: str | None = None, **facts: Any) -> None:
        """Refuse with *sentence* (default: the first line of the class); *facts* are what a client may act on."""
        super().__init__(sentence or (self.__doc__ or "").strip().splitlines()[0])
        self.facts = facts


class UnknownTicket(Rejected):
    """There is no such ticket in this branch today."""

    code = "unknown_ticket"


class UnknownCounter(Rejected):
    """There is no such counter in this branch."""

    code = "unknown_counter"


class UnknownService(Rejected):
    """There is no such service in this branch."""

    code = "unknown_service"


class UnknownTier(Rejected):
    """There is no such tier in this branch."""

    code = "unknown_tier"


class UnknownProfile(Rejected):
    """There is no such profile in this branch."""

    code = "unknown_profile"


class InvalidCommand(Rejected):
    """The command does not say enough, or says too much."""

    code = "invalid_body"


class WrongState(Rejected):
    """This step is not possible now."""

    code = "wrong_state"


class CounterBusy(Rejected):
    """The counter is already calling or serving a ticket; finish, transfer or requeue it first."""

    code = "counter_busy"


class CounterClosed(Rejected):
    """The counter is closed; open it first."""

    code = "counter_closed"


class CounterPaused(Rejected):
    """The counter is paused; resume it first."""

    code = "counter_paused"


class NotInProfile(Rejected):
    """The counter's profile does not allow this ticket; call it with override and a reason."""

    code = "not_in_profile"


class ServiceClosed(Rejected):
    """The branch's day has ended; tickets are issued again when the next day opens."""

    code = "service_closed"


class LimitReached(Rejected):
    """All of today's tickets for this service have been given."""

    code = "limit_reached"


class ParkLimit(Rejected):
    """The counter keeps as many parked tickets as it may; unpark, requeue or transfer one first."""

    code = "park_limit"


class UndoRefused(Rejected):
    """This step can no longer be taken back."""

    code = "undo_refused"


class StaffElsewhere(Rejected):
    """This person already sits at another counter; take over to move."""

    code = "staff_elsewhere"


class WouldStrand(Rejected):
    """The change would leave tickets that nothing could serve; finish or move them first, or let it take effect next day."""

    code = "would_strand"


class VersionConflict(Rejected):
    """The configuration has changed since it was read."""

    code = "version_conflict"


class Forbidden(Rejected):
    """Staff act on tickets at their own counter only."""

    code = "forbidden"


class DayFull(Rejected):
    """The day's record is full; no further step is possible until the next day opens."""

    code = "day_full"
