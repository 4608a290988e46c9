"""Every command about a ticket, with parameters that are mostly possible."""

from collections.abc import Callable
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from queue_server.core import commands as c
from queue_server.core.lifecycle import CounterState, TicketStep
from queue_server.core.ticket import ParkKind
from tests.laws import draws
from tests.laws.hall import Hall

Rule = TypeVar("Rule", bound=Callable[..., Any])
SIMPLE_STEPS: dict[TicketStep, type[c.Command]] = {
    TicketStep.RECALL: c.RecallTicket,
    TicketStep.START: c.StartServing,
    TicketStep.NO_SHOW: c.RecordNoShow,
    TicketStep.CANCEL: c.CancelTicket,
}


Given = tuple[type[c.Command], dict[str, Any]]
_START: Given = (c.StartServing, {})
_FINISH: Given = (c.FinishServing, {})
_PARK: Given = (c.ParkTicket, {})
_LEAVE: Given = (c.ParkTicket, {"kind": ParkKind.SERVICE})
_UNPARK: Given = (c.UnparkTicket, {})
_UNDO: Given = (c.UndoStep, {})
_SEND: Given = (c.TransferTicket, {"service": "loans"})
STORIES: tuple[tuple[Given, ...], ...] = (
    (_START,),
    (_START, _FINISH),
    (_START, _FINISH, _UNDO),
    (_START, _PARK),
    (_START, _PARK, _UNPARK, _FINISH),
    (_START, _PARK, _UNDO, _UNDO),
    (_START, _LEAVE),
    (_START, _LEAVE, _UNPARK, _UNDO),
    (_START, _LEAVE, (c.CancelTicket, {}), _UNDO),
    (_START, _PARK, _SEND, _UNDO),
    (_SEND, _UNDO),
    (_START, _UNDO),
    (_UNDO,),
    ((c.RecallTicket, {}), (c.RecordNoShow, {})),
    ((c.RecordNoShow, {}), _UNDO),
    ((c.RecordNoShow, {}), (c.ReinstateTicket, {})),
    (_START, (c.RequeueTicket, {})),
    ((c.CancelTicket, {}), _UNDO),
)


def where_possible(step: TicketStep) -> Callable[[Rule], Rule]:
    """Only while *step* is legal for some ticket: days go somewhere."""
    return precondition(lambda hall: hall.may(step))


class TicketCommands(Hall):
    """A hall in which tickets are moved about."""

    @rule(
        service=draws.services,
        tier=draws.tiers,
        care=st.sampled_from([None, None, "elderly"]),
        late=st.sampled_from([None, 0, 90_000, 600_000]),
        then=draws.then,
        channel=st.sampled_from([None, "app"]),
        identified=st.booleans(),
        card_class=draws.card_classes,
    )
    def issue(self, late: int | None, **fields: Any) -> None:
        self.issue_one(arrived_at=None if late is None else self.now - late, **fields)

    @where_possible(TicketStep.CALL)
    @rule(counter=draws.counters, ticket=draws.tickets, override=st.booleans(), reason=draws.reasons, seat=draws.seats)
    def call(self, ticket: int, **fields: Any) -> None:
        self.do(c.CallTicket, ticket=self.ticket_for(ticket, TicketStep.CALL), **fields)

    @rule(counter=draws.counters, service=draws.services, tier=draws.tiers)
    def serve_directly(self, **fields: Any) -> None:
        self.issue_one(c.ServeDirectly, **fields)

    @rule(step=st.sampled_from(list(SIMPLE_STEPS)), ticket=draws.tickets, counter=draws.maybe_counters, seat=draws.seats)
    def step(self, step: TicketStep, ticket: int, **fields: Any) -> None:
        self.do(SIMPLE_STEPS[step], ticket=self.ticket_for(ticket, step), **fields)

    @where_possible(TicketStep.FINISH)
    @rule(ticket=draws.tickets, counter=draws.maybe_counters, outcome=draws.outcomes)
    def finish(self, ticket: int, **fields: Any) -> None:
        self.do(c.FinishServing, ticket=self.ticket_for(ticket, TicketStep.FINISH), **fields)

    @where_possible(TicketStep.PARK)
    @rule(ticket=draws.tickets, counter=draws.maybe_counters, kind=st.sampled_from(ParkKind), seat=draws.seats)
    def park(self, ticket: int, **fields: Any) -> None:
        self.do(c.ParkTicket, ticket=self.ticket_for(ticket, TicketStep.PARK), **fields)

    @where_possible(TicketStep.UNPARK)
    @rule(ticket=draws.tickets, counter=draws.maybe_counters, seat=draws.seats)
    def unpark(self, ticket: int, **fields: Any) -> None:
        self.do(c.UnparkTicket, ticket=self.ticket_for(ticket, TicketStep.UNPARK), **fields)

    @precondition(lambda hall: hall.state.steps)
    @rule(ticket=draws.tickets, counter=draws.maybe_counters, seat=draws.seats)
    def undo(self, ticket: int, **fields: Any) -> None:
        self.do(c.UndoStep, ticket=self.one_of(list(self.state.steps), ticket), **fields)

    @where_possible(TicketStep.REINSTATE)
    @rule(ticket=draws.tickets, position=draws.positions)
    def reinstate(self, ticket: int, position: Any) -> None:
        self.do(c.ReinstateTicket, ticket=self.ticket_for(ticket, TicketStep.REINSTATE), position=position)

    @where_possible(TicketStep.REQUEUE)
    @rule(ticket=draws.tickets, position=draws.positions)
    def requeue(self, ticket: int, position: Any) -> None:
        self.do(c.RequeueTicket, ticket=self.ticket_for(ticket, TicketStep.REQUEUE), position=position)

    @where_possible(TicketStep.TRANSFER)
    @rule(
        ticket=draws.tickets,
        service=st.none() | draws.services,
        counter=st.none() | draws.counters,
        zone=draws.zones,
        staff=draws.people,
        position=draws.positions,
    )
    def transfer(self, ticket: int, **fields: Any) -> None:
        self.do(c.TransferTicket, ticket=self.ticket_for(ticket, TicketStep.TRANSFER), **fields)

    @where_possible(TicketStep.MOVE)
    @rule(
        ticket=draws.tickets,
        service=st.none() | draws.services,
        tier=draws.tiers,
        zone=draws.zones,
        emergency=st.sampled_from([None, True, False]),
        anywhere=st.sampled_from([False, False, True]),
    )
    def move(self, ticket: int, **fields: Any) -> None:
        self.do(c.MoveTicket, ticket=self.ticket_for(ticket, TicketStep.MOVE), reason="asked", **fields)

    @rule(
        counter=st.sampled_from(["1", "2", "3"]),
        story=st.sampled_from(STORIES),
        ms=st.sampled_from([0, 500, 16_000]),
    )
    def serve(self, counter: str, story: tuple[Given, ...], ms: int) -> None:
        """What a counter does with one customer, one step after another."""
        if self.state.counters[counter].state is CounterState.CLOSED:
            self.do(c.OpenCounter, counter=counter)
        self.do(c.CallNext, counter=counter, finish=True)
        held = self.state.counters[counter].ticket
        for command, fields in story if held is not None else ():
            self.now += ms
            self.do(command, ticket=held, **fields)
