"""The services of a visit, each with how far it has come and where its time went."""

from enum import StrEnum

from msgspec import Struct

from queue_server.core.ids import Instant
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


def stages_form(ticket: Ticket, at: Instant, waited: float) -> tuple[StageForm, ...]:
    """Return all services of the visit, in order, as they stand at *at*, when *ticket* has *waited* so many seconds in all."""
    if not ticket.stages and not ticket.then:
        # Nearly every visit: one service, and it is on the path of every command.
        return (_present_stage(ticket, at, waited),)
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
    to_come = tuple(StageForm(service, StageState.TO_COME, 0.0, 0.0, 0.0, None) for service in ticket.then)
    if ticket.state is TicketState.FINISHED:
        # The last one given is the present one.
        return (*given, *to_come)
    present = ticket.stage_at(at, None)
    return (*given, _present_stage(ticket, at, seconds(present.waited_ms)), *to_come)


def _present_stage(ticket: Ticket, at: Instant, waited: float) -> StageForm:
    state = _STAGE_STATES[ticket.state]
    if ticket.called_at is None:
        return StageForm(ticket.service, state, waited, 0.0, 0.0, None)
    return StageForm(ticket.service, state, waited, seconds(ticket.served_at(at)), seconds(ticket.parked_at(at)), None)


_STAGE_STATES = {state: StageState(state.value) for state in TicketState}
