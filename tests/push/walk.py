"""A day in the life of a hall, made of random commands; refusals are part of it."""

from random import Random
from typing import Any

from queue_server.core import commands as c
from queue_server.core.commands import Command
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from tests.runtime.hall import Hall

_COUNTERS = ("1", "2", "3")
_COUNTER_COMMANDS: list[type[Command]] = [
    c.CallNext,
    c.OpenCounter,
    c.PauseCounter,
    c.ResumeCounter,
    c.CloseCounter,
    c.ChangeProfile,
]
_COUNTER_WEIGHTS = [12, 6, 1, 6, 1, 1]
_TICKET_COMMANDS: list[type[Command]] = [
    c.StartServing,
    c.FinishServing,
    c.RecallTicket,
    c.RecordNoShow,
    c.ReinstateTicket,
    c.RequeueTicket,
    c.TransferTicket,
    c.MoveTicket,
    c.CancelTicket,
    c.CallTicket,
]


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
        self._hall.clock.at += self._random.randrange(200_000)
        kind, fields = await self._hall.runtime.read("b", lambda state, _: self._choose(state))
        try:
            await self._hall.do(kind, **fields)
        except Rejected:
            return False
        return True

    def _choose(self, state: BranchState) -> tuple[type[Command], dict[str, Any]]:
        random = self._random
        held = [state.tickets[counter.ticket] for counter in state.counters.values() if counter.ticket is not None]
        # Mostly those at a counter: that is where the steps are.
        ticket = random.choice(held if held and random.random() < 0.7 else [*state.tickets.values()] or [None])
        if ticket is None or random.random() < (0.3 if sum(state.waiting.values()) < 8 else 0.05):
            self._issued += 1
            tier = random.choice(["gold", "std"])
            return c.IssueTicket, {"ticket_id": f"t{self._issued}", "service": random.choice(["cash", "loans"]), "tier": tier}
        if random.random() < 0.4:
            return self._about_counter(random.choice(_COUNTERS))
        return self._about_ticket(ticket)

    def _about_counter(self, counter: str) -> tuple[type[Command], dict[str, Any]]:
        kind = self._random.choices(_COUNTER_COMMANDS, _COUNTER_WEIGHTS)[0]
        fields: dict[str, Any] = {"counter": counter}
        if kind is c.CallNext:
            fields["finish"] = self._random.random() < 0.5
        elif kind is c.ChangeProfile:
            fields["profile"] = self._random.choice(["cash_only", None])
        return kind, fields

    def _about_ticket(self, ticket: Ticket) -> tuple[type[Command], dict[str, Any]]:
        kind = self._random.choice(_TICKET_COMMANDS)
        fields: dict[str, Any] = {"ticket": ticket.ticket_id}
        if kind is c.TransferTicket:
            fields["service"] = self._random.choice(["cash", "loans"])
        elif kind is c.MoveTicket:
            fields |= {"service": self._random.choice(["cash", "loans"]), "reason": "asked"}
        elif kind is c.CallTicket:
            fields |= {"counter": self._random.choice(_COUNTERS), "override": True, "reason": "asked"}
        return kind, fields
