"""A day in the life of a busy hall, made of random commands; refusals are part of it."""

from contextlib import suppress
from random import Random
from typing import Any

from queue_server.core import commands as c
from queue_server.core.commands import Command
from queue_server.core.configuration import Configuration, ElasticRule, Template
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.ticket import ParkKind, Ticket
from tests.runtime.hall import Hall
from tests.scenario import rules

_COUNTERS = ("1", "2", "3")
_COUNTER_COMMANDS: list[type[Command]] = [
    c.CallNext,
    c.OpenCounter,
    c.PauseCounter,
    c.ResumeCounter,
    c.CloseCounter,
    c.ChangeProfile,
    c.CallForHelp,
    c.AcknowledgeHelp,
    c.Announce,
]
_COUNTER_WEIGHTS = [12, 6, 1, 6, 1, 1, 2, 2, 2]
_TICKET_COMMANDS: dict[TicketState, list[type[Command]]] = {
    TicketState.WAITING: [c.MoveTicket, c.CancelTicket, c.CallTicket],
    TicketState.CALLED: [c.StartServing] * 6 + [c.RecallTicket, c.RecordNoShow, c.RequeueTicket, c.TransferTicket, c.CancelTicket],
    TicketState.SERVING: [c.FinishServing] * 3 + [c.ParkTicket] * 3 + [c.RequeueTicket, c.TransferTicket],
    TicketState.PARKED: [c.UnparkTicket] * 3 + [c.RequeueTicket, c.TransferTicket, c.CancelTicket],
    TicketState.NO_SHOW: [c.ReinstateTicket, c.StartServing, c.CallTicket],
}
_ANY = sorted({command for commands in _TICKET_COMMANDS.values() for command in commands}, key=lambda command: command.__name__)


def busy_rules() -> Configuration:
    """The shared branch with an elastic rule, automatic calling, a prepared announcement, and time enough to undo."""
    return rules(
        elastic=(ElasticRule("rush", ("1", "2"), "cash_only", waiting=5, back_waiting=3),),
        automatic_after_ms=150_000,
        announcements=(Template("closing", {"en": "We close soon."}),),
        undo_ms=400_000,
    )


class Walk:
    """Gives one random command after the other; the same seed gives the same day."""

    def __init__(self, hall: Hall, seed: int) -> None:
        self._hall = hall
        self._random = Random(seed)
        self._issued = 0

    async def open(self) -> None:
        """Open two counters, so that something can happen."""
        for counter in ("1", "2"):
            await self._hall.do(c.OpenCounter, counter=counter)

    async def step(self) -> bool:
        """Try one command some time later; tells whether it was accepted."""
        self._hall.clock.at += self._random.randrange(60_000)
        kind, fields = await self._hall.runtime.read("b", lambda state, _: self._choose(state))
        try:
            await self._hall.do(kind, **fields)
        except Rejected:
            return False
        return True

    async def rest(self) -> None:
        """Let all that is due have happened, so that two looks at the branch see the same."""
        with suppress(Rejected):
            await self._hall.do(c.StartServing, ticket="nobody")

    def _choose(self, state: BranchState) -> tuple[type[Command], dict[str, Any]]:
        random = self._random
        if state.steps and random.random() < 0.05:
            return c.UndoStep, {"ticket": random.choice(list(state.steps))}
        kept = [ticket_id for counter in state.counters.values() for ticket_id in (counter.ticket, *counter.parked)]
        held = [state.tickets[ticket_id] for ticket_id in kept if ticket_id is not None]
        # Mostly those at a counter: that is where the steps are.
        ticket = random.choice(held if held and random.random() < 0.7 else [*state.tickets.values()] or [None])
        if ticket is None or random.random() < (0.3 if sum(state.waiting.values()) < 8 else 0.05):
            self._issued += 1
            tier = random.choice(["gold", "std"])
            service, then = random.choice(["cash", "loans"]), random.choice([(), ("loans",), ("cash", "loans")])
            return c.IssueTicket, {"ticket_id": f"t{self._issued}", "service": service, "tier": tier, "then": then}
        if random.random() < 0.4:
            return self._about_counter(random.choice(_COUNTERS))
        return self._about_ticket(ticket)

    def _about_counter(self, counter: str) -> tuple[type[Command], dict[str, Any]]:
        kind = self._random.choices(_COUNTER_COMMANDS, _COUNTER_WEIGHTS)[0]
        if kind is c.Announce:
            return kind, {"announcement": "n", "template": self._random.choice(["closing", None])}
        fields: dict[str, Any] = {"counter": counter}
        if kind is c.CallNext:
            fields["finish"] = self._random.random() < 0.5
        elif kind is c.ChangeProfile:
            fields["profile"] = self._random.choice(["cash_only", None])
        return kind, fields

    def _about_ticket(self, ticket: Ticket) -> tuple[type[Command], dict[str, Any]]:
        # Mostly what the ticket's state allows; now and then anything.
        likely = _TICKET_COMMANDS.get(ticket.state, _ANY)
        kind = self._random.choice(likely if self._random.random() < 0.9 else _ANY)
        fields: dict[str, Any] = {"ticket": ticket.ticket_id}
        if kind is c.TransferTicket:
            fields["service"] = self._random.choice(["cash", "loans"])
        elif kind is c.ParkTicket:
            fields["kind"] = self._random.choice(list(ParkKind))
        elif kind is c.UnparkTicket and ticket.park_kind is ParkKind.SERVICE:
            fields["counter"] = self._random.choice(_COUNTERS)
        elif kind is c.MoveTicket:
            fields |= {"service": self._random.choice(["cash", "loans"]), "reason": "asked"}
        elif kind is c.CallTicket:
            fields |= {"counter": self._random.choice(_COUNTERS), "override": True, "reason": "asked"}
        return kind, fields
