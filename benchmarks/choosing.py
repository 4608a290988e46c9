"""
Choosing whom to call among 10,000 who wait, against 100: a choice looks at the heads of the lines, and never at everybody.

The core alone, without log and sockets: how much processor time `call next` takes, by policy and by the number waiting. The same
customers come in the same order, four tiers for four services, to a counter that calls all of them; after each call as many wait as
before. Once with everything that a call is explained with (whom it passes), once as a hall in virtual time calls, without. The lengths
take turns; the figures that count are the ratios of the medians.
"""

import gc
import random
import time
from typing import Any

from benchmarks.branches import SERVICES, TIERS
from benchmarks.report import line, ratio, spread
from queue_server.core import commands as c
from queue_server.core.configuration import Configuration, CounterPlace, Policy, Service, StartMode, Tier
from queue_server.core.decide import decide
from queue_server.core.state import BranchState

LENGTHS = (100, 10_000)
POLICIES: dict[str, dict[str, Any]] = {
    "promise": {},
    "due": {},
    "ageing": {"rates": {tier: 4000 - 1000 * rank for rank, tier in enumerate(TIERS)}},
    "strict": {"service_weights": {"loans": 10}},
    "ratio": {"calls": {tier: 4 - rank for rank, tier in enumerate(TIERS)}},
    "fifo": {},
    "conditions": {
        "queues": [{"id": tier, "tiers": [tier]} for tier in TIERS],
        "rules": [{"call": tier, "fewer_than": 4 - rank} for rank, tier in enumerate(TIERS)],
        "otherwise": [TIERS[-1]],
    },
}


class Hall:
    """A branch in which *length* wait, and one counter that has called somebody."""

    def __init__(self, policy: str, length: int, *, tells: bool) -> None:
        self._tells = tells
        self._chance = random.Random(1)
        self._state = BranchState("b")
        self._came = 0
        self._do(c.OpenDay, day="2000-01-01", opens_at=0, rolls_at=1 << 60, version=1, configuration=_rules(policy))
        self._do(c.OpenCounter, counter="1")
        for _ in range(length + 1):
            self._issue()
        self._call(finish=False)

    def choose(self, times: int) -> float:
        """Let one go, call the next and let another come, so many times; return the processor seconds that a call took."""
        seconds = 0.0
        for _ in range(times):
            begun = time.process_time()
            self._call(finish=True)
            seconds += time.process_time() - begun
            self._issue()
        return seconds / times

    def _issue(self) -> None:
        self._came += 1
        self._do(c.IssueTicket, ticket_id=str(self._came), service=self._chance.choice(SERVICES), tier=self._chance.choice(TIERS))

    def _call(self, *, finish: bool) -> None:
        command = c.CallNext(at=self._came * 1000, command_id="k", actor="benchmark", counter="1", finish=finish)
        decide(self._state, command, tells=self._tells)

    def _do(self, command: type[c.Command], **fields: Any) -> None:
        # What those who come are told is another benchmark's matter.
        decide(self._state, command(at=self._came * 1000, command_id="k", actor="benchmark", **fields), tells=False)


def _rules(policy: str) -> Configuration:
    return Configuration(
        id="b",
        name={"en": "b"},
        tiers=tuple(Tier(tier, {"en": tier}, 300_000 * (rank + 1)) for rank, tier in enumerate(TIERS)),
        services=tuple(Service(service, {"en": service}, "ABCD"[index]) for index, service in enumerate(SERVICES)),
        counters=(CounterPlace("1", "1"),),
        default_tier=TIERS[-1],
        policy=Policy(policy, POLICIES[policy]),
        start=StartMode.ON_CALL,
        day_limit=1 << 60,
    )


async def measure(rounds: int, calls: int) -> dict[str, Any]:
    """Measure each policy with few and with many waiting, in turns, and return the figures."""
    policies = {}
    for policy in POLICIES:
        policies[policy] = {
            "explained": _compared(policy, rounds, calls, tells=True),
            "unexplained": _compared(policy, rounds, calls, tells=False),
        }
    return {
        "what": "processor time of a call in the core, by policy and by the number waiting",
        "waiting": list(LENGTHS),
        "lines": len(SERVICES) * len(TIERS),
        "worst_ratio": max(
            kind["ratio_of_longest_to_shortest"]["median"] for kinds in policies.values() for kind in kinds.values()
        ),
        "policies": policies,
    }


def _compared(policy: str, rounds: int, calls: int, *, tells: bool) -> dict[str, Any]:
    halls = {length: Hall(policy, length, tells=tells) for length in LENGTHS}
    costs: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for turn in range(rounds):
        for length in LENGTHS if turn % 2 else reversed(LENGTHS):
            gc.collect()
            costs[length].append(halls[length].choose(calls) * 1e6)
    return {
        "call_processor_us": {str(length): spread(values) for length, values in costs.items()},
        "ratio_of_longest_to_shortest": ratio(costs[max(LENGTHS)], costs[min(LENGTHS)]),
        "rounds": {str(length): values for length, values in costs.items()},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"Calling the next in the core, {figures['lines']} lines")
    for policy, kinds in figures["policies"].items():
        for kind, found in kinds.items():
            for length, values in found["rounds"].items():
                print(line(f"{policy}, {kind}, {int(length):,} waiting", values, "us", 1))
            print(f"    longest to shortest: {found['ratio_of_longest_to_shortest']['median']}")
    print(f"  the worst of these ratios: {figures['worst_ratio']}")
