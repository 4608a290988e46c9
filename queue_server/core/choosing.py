"""Which policy a branch has chosen."""

from collections.abc import Callable

from msgspec import convert

from queue_server.core.ageing import Ageing, Points
from queue_server.core.conditions import Conditions
from queue_server.core.configuration import Configuration
from queue_server.core.plan import Plan
from queue_server.core.policies import Due, Fifo, Policy, Promise
from queue_server.core.ratio import Ratio, Turns
from queue_server.core.strict import Strict

_Make = Callable[[Configuration, dict[str, Turns]], Policy]

POLICIES: dict[str, _Make] = {
    Promise.name: lambda rules, _turns: Promise(rules.care_permille),
    Due.name: lambda rules, _turns: Due(rules.care_permille),
    Ageing.name: lambda rules, _turns: Ageing(rules.care_permille, convert(rules.policy.parameters, Points)),
    Strict.name: lambda rules, _turns: Strict(
        rules.care_permille,
        {tier.id: rank for rank, tier in enumerate(rules.tiers)},
        rules.policy.parameters.get("service_weights", {}),
    ),
    Ratio.name: lambda rules, turns: Ratio({tier.id: rules.policy.parameters["calls"][tier.id] for tier in rules.tiers}, turns),
    Conditions.name: lambda rules, turns: Conditions(convert(rules.policy.parameters, Plan), turns),
    Fifo.name: lambda _rules, _turns: Fifo(),
}


def policy_of(rules: Configuration, turns: dict[str, Turns]) -> Policy:
    """Return the policy that *rules* name, which has been validated; one with turns keeps them in *turns*."""
    return POLICIES[rules.policy.name](rules, turns)
