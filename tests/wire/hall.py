"""A small hall for the tests of the forms: four tiers, two services, three counters."""

from typing import Any

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration, CounterPlace, Service, Tier
from queue_server.core.decide import decide
from queue_server.core.state import BranchState

OPENED_AT = 1_795_413_600_000
"""2026-11-23T06:00:00.000Z."""

RULES = Configuration(
    id="main",
    name={"en": "Main"},
    tiers=tuple(Tier(tier, {"en": tier}, target) for tier, target in (("gold", 300_000), ("standard", 600_000))),
    services=(Service("cash", {"en": "Cash"}, "A"), Service("loans", {"en": "Loans"}, "B", {"gold": "V"})),
    counters=(CounterPlace("1", "1", "hall"), CounterPlace("2", "2", "hall"), CounterPlace("3", "3", "vip")),
    default_tier="standard",
)


class Hall:
    """A branch to give commands to, each some seconds after the one before; keeps every change."""

    def __init__(self, rules: Configuration = RULES) -> None:
        self.state = BranchState(rules.id)
        self.at = OPENED_AT
        self.changes: list[Change] = []
        opening = c.OpenDay(
            at=self.at,
            command_id="open",
            actor="system:calendar",
            day="2026-11-23",
            opens_at=self.at,
            rolls_at=self.at + 86_400_000,
            version=1,
            configuration=rules,
        )
        self.changes += decide(self.state, opening)

    def do(self, command: type[c.Command], after_ms: int = 1_000, **fields: Any) -> list[Change]:
        """Give a command and return what it changed."""
        self.at += after_ms
        made = command(at=self.at, command_id=f"c{len(self.changes)}", actor="staff:ann", **fields)
        changes = decide(self.state, made)
        self.changes += changes
        return changes

    def issue(self, service: str = "cash", **fields: Any) -> str:
        """Issue a ticket and return its identity."""
        ticket_id = f"t{self.state.seq + 1}"
        self.do(c.IssueTicket, ticket_id=ticket_id, service=service, **fields)
        return ticket_id
