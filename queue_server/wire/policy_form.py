"""The rules of calling as the outside writes them: policy, cap, reservation; and what does not fit in them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from queue_server.core.configuration import Cap, Configuration, Policy, Scope
from queue_server.wire.constraints import Id, SecondsOrNothing
from queue_server.wire.instants import seconds
from queue_server.wire.reading import Fault

ScopeName: TypeAlias = Literal["branch", "counter"]
Rate: TypeAlias = Annotated[float, Meta(ge=0.001, le=1000)]
Calls: TypeAlias = Annotated[int, Meta(ge=1, le=100)]

_OF_POLICY = {"ageing": ("rates", "head_start_seconds"), "ratio": ("calls", "scope")}
_PARAMETERS = ("rates", "head_start_seconds", "calls", "scope")


class PolicyConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Which policy orders the waiting, with the parameters that belong to it.

    `ageing` has `rates` (points for each second waited, by tier; 1 where none is named) and `head_start_seconds` (points at arrival);
    `ratio` has `calls` (how many of each tier in a round) and `scope`.
    """

    name: Literal["promise", "due", "ageing", "strict", "ratio", "fifo"] = "promise"
    rates: dict[Id, Rate] | UnsetType = UNSET
    head_start_seconds: dict[Id, SecondsOrNothing] | UnsetType = UNSET
    calls: dict[Id, Calls] | UnsetType = UNSET
    scope: ScopeName | UnsetType = UNSET


class CapConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """No more than so many policy calls in a row above the lowest tier waiting."""

    calls: Calls
    scope: ScopeName = "branch"


def stored_policy(form: PolicyConfiguration) -> Policy:
    """Return the policy as the core keeps it: rates in thousandths, head starts in ms."""
    if form.name == "ageing":
        rates = {tier: round(rate * 1000) for tier, rate in (form.rates or {}).items()}
        heads = {tier: round(head * 1000) for tier, head in (form.head_start_seconds or {}).items()}
        return Policy("ageing", {"rates": rates, "head_start_ms": heads})
    if form.name == "ratio":
        return Policy("ratio", {"calls": form.calls or {}, "scope": form.scope or "branch"})
    return Policy(form.name)


def policy_form(rules: Configuration) -> PolicyConfiguration:
    """Return the policy of *rules* as the outside writes it."""
    name: Any = rules.policy.name
    parameters = rules.policy.parameters
    if name == "ageing":
        return PolicyConfiguration(
            name,
            rates={tier: rate / 1000 for tier, rate in parameters["rates"].items()},
            head_start_seconds={tier: seconds(head) for tier, head in parameters["head_start_ms"].items()},
        )
    if name == "ratio":
        return PolicyConfiguration(name, calls=parameters["calls"], scope=parameters["scope"])
    return PolicyConfiguration(name)


def stored_cap(form: CapConfiguration | None) -> Cap | None:
    """Return the cap as the core keeps it."""
    return None if form is None else Cap(form.calls, Scope(form.scope))


def cap_form(rules: Configuration) -> CapConfiguration | None:
    """Return the cap of *rules* as the outside writes it."""
    return None if rules.cap is None else CapConfiguration(rules.cap.calls, rules.cap.scope.value)


def policy_faults(value: dict[str, Any], tiers: list[str]) -> Iterator[Fault]:
    """Yield what does not fit: a parameter of another policy, turns that leave a tier out."""
    policy = value.get("policy")
    if not isinstance(policy, dict):
        return
    name = policy.get("name", "promise")
    wanted = _OF_POLICY.get(name, ()) if isinstance(name, str) else ()
    for parameter in _PARAMETERS:
        if parameter in policy and parameter not in wanted:
            right = f"right would be none but {' and '.join(wanted)}" if wanted else "right would be to leave it out"
            yield Fault(f"policy.{parameter}", f"It does not belong to the policy {name}; {right}")
    if name == "ratio":
        calls = policy.get("calls")
        missing = [tier for tier in tiers if not (isinstance(calls, dict) and tier in calls)]
        if missing:
            yield Fault("policy.calls", f"It leaves out {', '.join(missing)}; right would be a number of calls for every tier")
