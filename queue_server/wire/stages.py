"""The services of a visit, each with how far it has come and where its time went."""

from enum import StrEnum

from msgspec import Struct

from queue_server.core.ids import Instant, Millis
from queue_server.core.lifecycle import TicketState
from queue_server.core.ticket import Ticket
from queue_server.wire.instants import seconds


class StageState(StrEnum):
    """How far a service of the visit has come: given (`finished`), still `to_come`, or the present one, in the ticket's state."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PARKED = "parked"
    NO_SHOW = "no_show"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    TO_COME = "to_come"


class StageForm(Struct, frozen=True, gc=False):
    """
    One step of a ticket's journey: a service to be given, how far it has come, and where its time went.

    Those of the present stage go on with time; `waited_seconds` has no credits in it.
    """

    service: str
    state: StageState
    waited_seconds: float
    served_seconds: float
    parked_seconds: float
    outcome: str | None


def stages_form(ticket: Ticket, at: Instant) -> tuple[StageForm, ...]:
    """Return all services of the visit, in order, as they stand at *at*."""
    if not ticket.stages and not ticket.then:
        # Nearly every visit: one service, and it is on the path of every command.
        return (_present_stage(ticket, at, 0),)
    given = tuple(
        StageForm(
            stage.service,
            StageState.FINISHED,
            seconds(stage.waited_ms),
            seconds(stage.served_ms),
            seconds(stage.parked_ms),
            stage.outcome,
        )
        for stage in ticket.stages
    )
    # The last one given is the present one, once the visit is over.
    waited_before = sum(stage.waited_ms for stage in ticket.stages)
    present = () if ticket.state is TicketState.FINISHED else (_present_stage(ticket, at, waited_before),)
    return (*given, *present, *(StageForm(service, StageState.TO_COME, 0.0, 0.0, 0.0, None) for service in ticket.then))


def _present_stage(ticket: Ticket, at: Instant, waited_before: Millis) -> StageForm:
    return StageForm(
        ticket.service,
        _STAGE_STATES[ticket.state],
        seconds(ticket.waited_at(at) - waited_before),
        seconds(ticket.served_at(at)),
        seconds(ticket.parked_at(at)),
        None,
    )


_STAGE_STATES = {state: StageState(state.value) for state in TicketState}
