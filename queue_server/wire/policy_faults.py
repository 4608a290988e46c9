"""What does not fit together in the rules of calling: parameters of another policy, references to nothing, what is left out."""

from collections.abc import Iterator
from typing import Any

from queue_server.wire.reading import Fault
from queue_server.wire.references import entries, mapping, repeated, unknown

_OF_POLICY = {
    "ageing": ("rates", "head_start_seconds", "service_rates", "service_head_start_seconds"),
    "ratio": ("calls", "scope"),
    "strict": ("service_weights",),
    "conditions": ("queues", "rules", "otherwise", "scope"),
}
_PARAMETERS = dict.fromkeys(parameter for parameters in _OF_POLICY.values() for parameter in parameters)


def policy_faults(value: dict[str, Any], tiers: list[str], services: list[str], profiles: list[str]) -> Iterator[Fault]:
    """Yield what does not fit in the policy and the cap of the configuration *value*, which has these tiers, services and profiles."""
    cap, policy = value.get("cap"), value.get("policy")
    if isinstance(cap, dict):
        yield from unknown(cap, "tier", "cap", "tier", tiers)
    if not isinstance(policy, dict):
        return
    for parameter in ("rates", "head_start_seconds", "calls"):
        yield from unknown(policy, parameter, "policy", "tier", tiers)
    for parameter in ("service_weights", "service_rates", "service_head_start_seconds"):
        yield from unknown(policy, parameter, "policy", "service", services)
    for parameter in ("service_rates", "service_head_start_seconds"):
        for service in mapping(policy, parameter):
            yield from unknown(policy[parameter], service, f"policy.{parameter}", "tier", tiers)
    name = policy.get("name", "promise")
    yield from _of_another_policy(policy, name)
    if name == "ratio":
        yield from _tiers_left_out(policy, tiers)
    if name == "conditions":
        yield from _in_conditions(policy, tiers, services, profiles)


def _of_another_policy(policy: dict[str, Any], name: Any) -> Iterator[Fault]:
    wanted = _OF_POLICY.get(name, ()) if isinstance(name, str) else ()
    for parameter in _PARAMETERS:
        if parameter in policy and parameter not in wanted:
            right = f"right would be none but {' and '.join(wanted)}" if wanted else "right would be to leave it out"
            yield Fault(f"policy.{parameter}", f"It does not belong to the policy {name}; {right}")


def _tiers_left_out(policy: dict[str, Any], tiers: list[str]) -> Iterator[Fault]:
    calls = policy.get("calls")
    missing = [tier for tier in tiers if not (isinstance(calls, dict) and tier in calls)]
    if missing:
        yield Fault("policy.calls", f"It leaves out {', '.join(missing)}; right would be a number of calls for every tier")


def _in_conditions(policy: dict[str, Any], tiers: list[str], services: list[str], profiles: list[str]) -> Iterator[Fault]:
    for name, right in (("queues", "a list of queues, each with an id"), ("rules", "a list of rules, each with a call")):
        if name not in policy:
            yield Fault(f"policy.{name}", f"This field is missing; right would be {right}")
    yield from repeated(policy, "queues", "policy")
    queues = [queue["id"] for _, queue in entries(policy, "queues") if isinstance(queue.get("id"), str)]
    for path, queue in entries(policy, "queues", "policy"):
        yield from unknown(queue, "services", path, "service", services)
        yield from unknown(queue, "tiers", path, "tier", tiers)
    for path, rule in entries(policy, "rules", "policy"):
        yield from unknown(rule, "call", path, "queue", queues)
        yield from unknown(rule, "of", path, "queue", queues)
        yield from unknown(rule, "profiles", path, "profile", profiles)
        if rule.get("of") is not None and rule.get("fewer_than") is None and rule.get("waited_seconds") is None:
            yield Fault(f"{path}.of", "Nothing is asked of it; right would be a fewer_than or a waited_seconds beside it")
    yield from unknown(policy, "otherwise", "policy", "queue", queues)
