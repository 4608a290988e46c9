"""Reads like a sentence: `given(branch()).when(command).then(facts)`; and a small bank branch that most tests share."""

from collections.abc import Callable
from typing import Any, TypeVar

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration, CounterPlace, Policy, Profile, Service, StartMode, Tier
from queue_server.core.decide import decide
from queue_server.core.events import Event, Fact
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket

MORNING = 1_767_254_400_000  # 2026-01-01T08:00:00Z
HOUR = 3_600_000
ROLLS_AT = MORNING + 20 * HOUR

C = TypeVar("C", bound=c.Command)
R = TypeVar("R", bound=Rejected)


def rules(**changes: Any) -> Configuration:
    """Two tiers (promises of 10 and 20 minutes), two services, three counters, one of them for the first tier only."""
    base: dict[str, Any] = {
        "id": "b",
        "name": {"en": "Branch"},
        "tiers": (Tier("gold", {"en": "Gold"}, 600_000), Tier("std", {"en": "Standard"}, 1_200_000)),
        "services": (
            Service("cash", {"en": "Cash"}, "A", prefixes={"gold": "V"}),
            Service("loans", {"en": "Loans"}, "L"),
        ),
        "profiles": (Profile("gold_only", tiers=("gold",)), Profile("cash_only", services=("cash",))),
        "counters": (
            CounterPlace("1", "1"),
            CounterPlace("2", "2", zone="hall"),
            CounterPlace("3", "3", zone="vip", profile="gold_only"),
        ),
        "default_tier": "std",
        "policy": Policy("promise"),
        "start": StartMode.PRESSED,
    }
    return Configuration(**(base | changes))


class Scenario:
    """A branch, a clock that is moved by hand, and every fact so far."""

    def __init__(self, configuration: Configuration) -> None:
        self.state = BranchState("b")
        self.now = MORNING
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self._commands = 0
        self.when(
            c.OpenDay,
            day="2026-01-01",
            opens_at=MORNING,
            rolls_at=ROLLS_AT,
            version=1,
            configuration=configuration,
        )

    def after(self, ms: int) -> "Scenario":
        """Let time pass."""
        self.now += ms
        return self

    def when(self, command: type[C], **fields: Any) -> "Scenario":
        """Decide one command, after the deadlines that are due."""
        self.changes = []
        if self.events:
            self._decide(c.ApplyDeadlines, {})
        self._decide(command, fields)
        return self

    def _decide(self, command: type[c.Command], fields: dict[str, Any]) -> None:
        self._commands += 1
        envelope: dict[str, Any] = {"at": self.now, "command_id": f"c{self._commands}", "actor": "test"}
        changes = decide(self.state, command(**(envelope | fields)))
        self.changes += changes
        self.events += [change.event for change in changes]

    def issue(self, ticket: str, service: str = "cash", **fields: Any) -> "Scenario":
        """Issue one ticket."""
        return self.when(c.IssueTicket, ticket_id=ticket, service=service, **fields)

    def open(self, *counters: str) -> "Scenario":
        """Open counters."""
        for counter in counters:
            self.when(c.OpenCounter, counter=counter)
        return self

    def serving(self, counter: str, ticket: str) -> "Scenario":
        """Call *ticket* to *counter* and start."""
        return self.when(c.CallTicket, counter=counter, ticket=ticket).when(c.StartServing, ticket=ticket)

    def then(self, *names: type[Fact]) -> "Scenario":
        """The last step caused exactly these facts."""
        assert [type(change.event.fact) for change in self.changes] == list(names)
        return self

    def refused(self, rejection: type[R], command: type[C], **fields: Any) -> R:
        """The command is refused with *rejection*, and nothing has changed since the deadlines that were due."""
        self.when(c.ApplyDeadlines)
        before = fingerprint(self.state)
        try:
            self.when(command, **fields)
        except rejection as refusal:
            assert fingerprint(self.state) == before, "a refused command has changed the branch"
            return refusal
        raise AssertionError(f"{command.__name__} was not refused")

    def ticket(self, ticket: str) -> Ticket:
        """The ticket as it stands."""
        return self.state.tickets[ticket]

    def last(self, fact: type[Fact]) -> Any:
        """The last fact of that kind."""
        return next(event.fact for event in reversed(self.events) if isinstance(event.fact, fact))


def given(configuration: Configuration | None = None) -> Scenario:
    """A branch whose day has just opened."""
    return Scenario(configuration or rules())


def fingerprint(state: BranchState) -> dict[str, Any]:
    """Everything that a replay must reproduce, in a form that can be compared; what is only cached is left out."""
    plain = {name: getattr(state, name) for name in state.__struct_fields__ if name not in DERIVED}
    lines = {key: line.standings[line.start :] for key, line in state.lines.items() if line}
    queues = {key: count for key, count in state.queues.items() if count}
    waiting = {key: count for key, count in state.waiting.items() if count}
    copied: dict[str, Any] = _copy(plain)
    return copied | {"lines": lines, "waiting": waiting, "queues": queues}


def _copy(value: Any) -> Any:
    if hasattr(value, "__struct_fields__"):
        return (type(value).__name__, tuple((name, _copy(getattr(value, name))) for name in value.__struct_fields__))
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [_copy(item) for item in value]


DERIVED = {"lines", "waiting", "queues", "policy", "next_due", "is_due_known", "staffing", "reach", "beside", "callable"}
Check = Callable[[BranchState, list[Event]], None]
