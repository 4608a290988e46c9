"""A small hall decided by the core alone: what it commits is told to observers, as the runtime would."""

from itertools import count
from typing import Any

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.commands import Command
from queue_server.core.configuration import Configuration, CounterPlace, Profile, Service, Tier
from queue_server.core.decide import decide
from queue_server.core.state import BranchState
from queue_server.runtime.commits import Commit, Observer

MORNING = 1_795_417_200_000
DAY = "2026-11-23"
NEXT_DAY = "2026-11-24"
DAY_MS = 86_400_000


def configuration(**changes: Any) -> Configuration:
    """Build a branch with two services, two tiers and three counters in two zones."""
    fields: dict[str, Any] = {
        "id": "main",
        "name": {"en": "Main Street", "de": "Hauptstrasse"},
        "languages": ("en", "de"),
        "tiers": (Tier("gold", {"en": "Gold"}, 300_000), Tier("standard", {"en": "Standard"}, 600_000)),
        "services": (Service("cash", {"en": "Cash"}, "A", {"gold": "V"}), Service("loans", {"en": "Loans"}, "L")),
        "profiles": (Profile("all"), Profile("cash", services=("cash",))),
        "counters": (
            CounterPlace("1", "1", zone="hall"),
            CounterPlace("2", "2", zone="hall", profile="cash"),
            CounterPlace("3", "3", zone="vip"),
        ),
        "default_tier": "standard",
    }
    return Configuration(**{**fields, **changes})


def opening(day: str = DAY, at: int = MORNING, rules: Configuration | None = None) -> c.OpenDay:
    """Build the command that opens *day*."""
    return c.OpenDay(
        at=at,
        command_id=f"open-{day}",
        actor="system:day",
        day=day,
        opens_at=at,
        rolls_at=at + DAY_MS,
        version=1,
        configuration=rules or configuration(),
    )


class Hall:
    """A branch whose commands are decided at once; every commit is own unless told otherwise."""

    def __init__(
        self, *observers: Observer, branch_id: str = "main", at: int = MORNING, rules: Configuration | None = None
    ) -> None:
        self.state = BranchState(branch_id)
        self.observers = list(observers)
        self.changes: list[Change] = []
        self.at = at
        self._ids = count(1)
        self.tell(decide(self.state, opening(at=at, rules=rules)))

    def tell(self, changes: list[Change], *, own: bool = True) -> list[Change]:
        """Tell the observers that *changes* are durable."""
        self.changes += changes
        if changes:
            for observer in self.observers:
                observer.committed(Commit(self.state.branch_id, changes, own), self.state)
        return changes

    def do(self, command: type[Command], /, *, own: bool = True, after_ms: int = 1000, **fields: Any) -> list[Change]:
        """Decide a *command* some time later and tell what it changed."""
        self.at += after_ms
        made = command(at=self.at, command_id=f"c{next(self._ids)}", actor="staff:ann", **fields)
        return self.tell(decide(self.state, made), own=own)

    def issue(self, service: str = "cash", *, own: bool = True, **fields: Any) -> str:
        """Issue a ticket and return its identifier."""
        (change,) = self.do(c.IssueTicket, own=own, ticket_id=f"t{next(self._ids)}", service=service, **fields)
        assert change.ticket is not None
        return change.ticket.ticket_id

    def open_counter(self, counter: str = "1") -> None:
        """Open a counter that may call everything."""
        self.do(c.OpenCounter, counter=counter, profile="all")

    def call_next(self, counter: str = "1", *, after_ms: int = 1000, finish: bool = False) -> list[Change]:
        """Let *counter* call whoever is next."""
        return self.do(c.CallNext, counter=counter, after_ms=after_ms, finish=finish)

    def roll(self, day: str = NEXT_DAY) -> list[Change]:
        """End the day and open the next."""
        self.at += DAY_MS
        return self.tell(decide(self.state, opening(day, self.at)))
