"""The rules of calling as the outside writes them: policy and cap."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, convert, to_builtins

from queue_server.core.ageing import Points
from queue_server.core.configuration import Cap, Configuration, Policy, Scope
from queue_server.core.plan import Plan, Queue, Rule
from queue_server.wire.constraints import Id, SecondsOrNothing
from queue_server.wire.instants import seconds, seconds_or_none

ScopeName: TypeAlias = Literal["branch", "counter"]
Rate: TypeAlias = Annotated[float, Meta(ge=0.001, le=1000, extra={"right": "a number of points from 0.001 to 1000"})]
Calls: TypeAlias = Annotated[int, Meta(ge=1, le=100, extra={"right": "a whole number from 1 to 100"})]
Weight: TypeAlias = Annotated[int, Meta(ge=-100, le=100, extra={"right": "a whole number from -100 to 100"})]
Some: TypeAlias = Annotated[list[Id], Meta(min_length=1, max_length=200, extra={"right": "a list of 1 to 200 identifiers"})]


class QueueConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """Some of the waiting: those of the services and tiers named (null: of all). A ticket belongs to the first queue that fits."""

    id: Id
    services: Some | None = None
    tiers: Some | None = None


class RuleConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Call from the queue `call` if what is named of the queue `of` (null: the same) holds.

    `fewer_than`: so many have not yet been called from it in this round; `waited_seconds`: its first has waited longer. `profiles`
    are those for whose counters the rule is (null: all).
    """

    call: Id
    of: Id | None = None
    fewer_than: Calls | None = None
    waited_seconds: SecondsOrNothing | None = None
    profiles: Some | None = None


class PolicyConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Which policy orders the waiting, with the parameters that belong to it.

    `ageing` has `rates` (points for each second waited, by tier; 1 where none is named) and `head_start_seconds` (points at arrival),
    and both by service and tier, `service_rates` and `service_head_start_seconds`, which go before those by tier;
    `ratio` has `calls` (how many of each tier in a round) and `scope`; `strict` has `service_weights` (within a tier the highest
    goes first; 0 where none is named); `conditions` has `queues`, `rules` in order, `otherwise` (from which queues to call when no
    rule holds, in order; then by place) and `scope`.
    """

    name: Literal["promise", "due", "ageing", "strict", "ratio", "conditions", "fifo"] = "promise"
    rates: dict[Id, Rate] | UnsetType = UNSET
    head_start_seconds: dict[Id, SecondsOrNothing] | UnsetType = UNSET
    service_rates: dict[Id, dict[Id, Rate]] | UnsetType = UNSET
    service_head_start_seconds: dict[Id, dict[Id, SecondsOrNothing]] | UnsetType = UNSET
    calls: dict[Id, Calls] | UnsetType = UNSET
    scope: ScopeName | UnsetType = UNSET
    service_weights: dict[Id, Weight] | UnsetType = UNSET
    queues: (
        Annotated[list[QueueConfiguration], Meta(min_length=1, max_length=200, extra={"right": "a list of 1 to 200 queues"})]
        | UnsetType
    ) = UNSET
    rules: (
        Annotated[list[RuleConfiguration], Meta(min_length=1, max_length=200, extra={"right": "a list of 1 to 200 rules"})]
        | UnsetType
    ) = UNSET
    otherwise: Annotated[list[Id], Meta(max_length=200, extra={"right": "a list of at most 200 queues"})] | UnsetType = UNSET


class CapConfiguration(Struct, frozen=True, forbid_unknown_fields=True):
    """No more than so many policy calls in a row above `tier`, whether it waits or not (null: above the lowest tier waiting)."""

    calls: Calls
    scope: ScopeName = "branch"
    tier: Id | None = None


def stored_policy(form: PolicyConfiguration) -> Policy:
    """Return the policy as the core keeps it: rates in thousandths, durations in ms."""
    if form.name == "ageing":
        return Policy("ageing", _stored_points(form))
    if form.name == "ratio":
        return Policy("ratio", {"calls": form.calls or {}, "scope": form.scope or "branch"})
    if form.name == "strict" and form.service_weights:
        return Policy("strict", {"service_weights": form.service_weights})
    if form.name == "conditions":
        return Policy("conditions", {**to_builtins(_plan(form)), "scope": form.scope or "branch"})
    return Policy(form.name)


def policy_form(rules: Configuration) -> PolicyConfiguration:
    """Return the policy of *rules* as the outside writes it."""
    name: Any = rules.policy.name
    parameters = rules.policy.parameters
    if name == "ageing":
        return _ageing_form(convert(parameters, Points))
    if name == "ratio":
        return PolicyConfiguration(name, calls=parameters["calls"], scope=parameters["scope"])
    if name == "strict" and parameters:
        return PolicyConfiguration(name, service_weights=parameters["service_weights"])
    if name == "conditions":
        return _conditions_form(convert(parameters, Plan), parameters["scope"])
    return PolicyConfiguration(name)


def stored_cap(form: CapConfiguration | None) -> Cap | None:
    """Return the cap as the core keeps it."""
    return None if form is None else Cap(form.calls, Scope(form.scope), form.tier)


def cap_form(rules: Configuration) -> CapConfiguration | None:
    """Return the cap of *rules* as the outside writes it."""
    return None if rules.cap is None else CapConfiguration(rules.cap.calls, rules.cap.scope.value, rules.cap.tier)


def _stored_points(form: PolicyConfiguration) -> dict[str, Any]:
    by_tier = {"rates": _thousandths(form.rates or {}), "head_start_ms": _thousandths(form.head_start_seconds or {})}
    by_service = {"service_rates": form.service_rates, "service_head_start_ms": form.service_head_start_seconds}
    return by_tier | {
        name: {service: _thousandths(numbers) for service, numbers in table.items()} for name, table in by_service.items() if table
    }


def _thousandths(numbers: dict[str, float]) -> dict[str, int]:
    return {name: round(number * 1000) for name, number in numbers.items()}


def _ageing_form(points: Points) -> PolicyConfiguration:
    rates = {service: {tier: rate / 1000 for tier, rate in rates.items()} for service, rates in points.service_rates.items()}
    heads = {
        service: {tier: seconds(head) for tier, head in heads.items()} for service, heads in points.service_head_start_ms.items()
    }
    return PolicyConfiguration(
        "ageing",
        rates={tier: rate / 1000 for tier, rate in points.rates.items()},
        head_start_seconds={tier: seconds(head) for tier, head in points.head_start_ms.items()},
        service_rates=rates or UNSET,
        service_head_start_seconds=heads or UNSET,
    )


def _plan(form: PolicyConfiguration) -> Plan:
    queues = [Queue(queue.id, queue.services, queue.tiers) for queue in form.queues or []]
    rules = [
        Rule(
            rule.call,
            rule.of,
            rule.fewer_than,
            None if rule.waited_seconds is None else round(rule.waited_seconds * 1000),
            rule.profiles,
        )
        for rule in form.rules or []
    ]
    return Plan(queues, rules, form.otherwise or [])


def _conditions_form(plan: Plan, scope: Any) -> PolicyConfiguration:
    return PolicyConfiguration(
        "conditions",
        scope=scope,
        queues=[QueueConfiguration(queue.id, queue.services, queue.tiers) for queue in plan.queues],
        rules=[
            RuleConfiguration(rule.call, rule.of, rule.fewer_than, seconds_or_none(rule.waited_ms), rule.profiles)
            for rule in plan.rules
        ],
        otherwise=plan.otherwise,
    )
