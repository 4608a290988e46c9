"""Reads which policy a scenario's hall has, and brings its parameters into the core's form: thousandths and ms."""

from collections.abc import Sequence
from typing import Any

from queue_server.core.choosing import POLICIES
from queue_server.core.conditions import Conditions
from queue_server.simulate.scenario import TierPlan
from queue_server.simulate.tables import Table

_BY_TARGET = ("promise", "due")
_SCOPES = ("branch", "counter")
# Conditions speak of services, and a scenario has only one.
_OFFERED = tuple(name for name in POLICIES if name != Conditions.name)


def read_policy(hall: Table, tiers: Sequence[TierPlan]) -> tuple[str, dict[str, Any]]:
    """Return the name and the parameters of the policy at `policy`: a name, or a table with a name."""
    known = len(hall.faults)
    if not isinstance(hall.raw("policy"), dict):
        name = hall.text("policy", _OFFERED)
        table = Table({}, f"{hall.path}.policy", hall.faults)
    else:
        table = hall.table("policy")
        name = table.text("name", _OFFERED)
    if len(hall.faults) > known:
        # Which parameters would be right is not known, and what stands in for the policy asks for nothing.
        return name, {}
    parameters = _parameters(table, name, [tier.id for tier in tiers])
    table.close()
    if name in _BY_TARGET:
        hall.faults += [
            f"tier {tier.id} has no target_seconds; the policy {name} needs one" for tier in tiers if tier.target_ms is None
        ]
    return name, parameters


def _parameters(table: Table, name: str, tiers: Sequence[str]) -> dict[str, Any]:
    if name == "ageing":
        rates, starts = table.entries("rates", tiers), table.entries("head_start_seconds", tiers)
        return {
            "rates": {tier: max(1, round(rates.number(tier) * 1000)) for tier in tiers if rates.has(tier)},
            "head_start_ms": {
                tier: round(starts.number(tier, "a number, 0 or more", may_be_low=True) * 1000)
                for tier in tiers
                if starts.has(tier)
            },
        }
    if name == "ratio":
        calls = table.entries("calls", tiers)
        scope = table.text("scope", _SCOPES, default="branch")
        return {"calls": {tier: calls.whole(tier, 1, 1000) for tier in tiers}, "scope": scope}
    return {}
