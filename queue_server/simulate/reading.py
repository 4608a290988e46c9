"""Reads a scenario: a TOML file as described in docs/simulation.md."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from queue_server.core.ids import Millis
from queue_server.simulate.counter_tables import MOST_COUNTERS, read_counters, read_span
from queue_server.simulate.policy_table import read_policy
from queue_server.simulate.scenario import (
    DAY_MS,
    Arrivals,
    CounterPlan,
    Distribution,
    Rate,
    Run,
    Scenario,
    ServicePlan,
    TierPlan,
)
from queue_server.simulate.tables import ScenarioError, Table

_LEAST_PER_HOUR = 0.001
_SPAN_RATE = f"0, or a number from {_LEAST_PER_HOUR} on"


def read_scenario(path: Path, *, recorded: bool = False) -> Scenario:
    """
    Return the scenario in the file *path*.

    *recorded* needs neither arrivals nor services, which a record brings, nor counters where those of the record are meant.

    Raises:
        ScenarioError: with everything that is wrong, a line each.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise ScenarioError([f"{path} cannot be read: {fault.strerror}"]) from fault
    except ValueError as fault:  # not TOML, or not UTF-8
        raise ScenarioError([f"{path} is not TOML: {fault}"]) from fault
    return scenario_from(content, path.stem, recorded=recorded)


def scenario_from(content: dict[str, Any], name: str, *, recorded: bool = False) -> Scenario:
    """Return the scenario that *content* describes; raises `ScenarioError` as `read_scenario` does."""
    faults: list[str] = []
    top = Table(content, "", faults)
    tiers = _tiers(top)
    services = _services(top, required=not recorded)
    tier_ids, service_ids = [tier.id for tier in tiers], [service.id for service in services]
    hall = top.table("hall")
    known = len(faults)
    own = read_counters(top, hall, tier_ids, None if recorded else service_ids)
    # How many are too many to reserve is known only where the counters are right, and not with those of a record.
    most = len(own.counters) if len(faults) == known and not own.beside_recorded else MOST_COUNTERS
    policy, parameters = read_policy(hall, tiers)
    reserve = _reserve(hall, tier_ids, most)
    hall.close()
    arrivals = _arrivals(top, tier_ids, service_ids, required=not recorded)
    run = _run(top)
    top.close()
    if not recorded:
        faults += _never_called(arrivals, own.counters)
    if faults:
        raise ScenarioError(faults)
    return Scenario(
        name=name,
        policy=policy,
        parameters=parameters,
        reserve=reserve,
        tiers=tiers,
        services=services,
        counters=own.counters,
        beside_recorded=own.beside_recorded,
        arrivals=arrivals,
        run=run,
    )


def _tiers(top: Table) -> tuple[TierPlan, ...]:
    tiers: list[TierPlan] = []
    for table in top.tables("tier", "one [[tier]] or more, the highest first"):
        target = table.number("target_seconds") if table.has("target_seconds") else None
        tiers.append(TierPlan(table.new_id([tier.id for tier in tiers]), _ms(target) if target is not None else None))
        table.close()
    return tuple(tiers)


def _services(top: Table, *, required: bool) -> tuple[ServicePlan, ...]:
    services: list[ServicePlan] = []
    for table in top.tables("service", "one [[service]] or more" if required else None):
        service_id = table.new_id([service.id for service in services])
        services.append(ServicePlan(service_id, _distribution(table, "distribution")))
        table.close()
    return tuple(services)


def _distribution(outer: Table, key: str) -> Distribution:
    table = outer.table(key)
    name = table.text("name", ("exponential", "lognormal", "constant", "empirical"))
    if name == "empirical":
        values = table.raw("values")
        if isinstance(values, list) and values and all(isinstance(value, int | float) and 0 <= value < 1e9 for value in values):
            found = Distribution(name, values_ms=tuple(value * 1000.0 for value in values))
        else:
            table.wrong("values", "a list of seconds, none below 0")
            found = Distribution(name, values_ms=(1.0,))
    else:
        cv = table.number("cv") if name == "lognormal" else 0.0
        found = Distribution(name, table.number("mean_seconds") * 1000, cv)
    table.close()
    return found


def _reserve(hall: Table, tiers: Collection[str], counters: int) -> dict[str, int]:
    kept = hall.entries("reserve", tiers)
    return {tier: kept.whole(tier, 0, max(0, counters - 1)) for tier in kept.names() if tier in tiers}


def _arrivals(top: Table, tiers: Collection[str], services: Collection[str], *, required: bool) -> tuple[Arrivals, ...]:
    found = []
    for table in top.tables("arrivals", "one [[arrivals]] or more" if required else None):
        tier, service = table.text("tier", tiers), table.text("service", services)
        patience = _distribution(table, "patience") if table.has("patience") else None
        found.append(Arrivals(tier, service, _rates(table), patience))
        table.close()
    return tuple(found)


def _rates(table: Table) -> tuple[Rate, ...]:
    value = table.raw("per_hour")
    if not isinstance(value, list):
        return (
            Rate(
                (0, DAY_MS),
                table.number(
                    "per_hour",
                    f'a number from {_LEAST_PER_HOUR} on, or a list of {{ from = "09:00", to = "12:00", per_hour = 8.0 }}',
                    low=_LEAST_PER_HOUR,
                    may_be_low=True,
                ),
            ),
        )
    rates = []
    for span in table.tables("per_hour", "a list of spans"):
        per_hour = span.number("per_hour", _SPAN_RATE, may_be_low=True)
        # Who comes once in a thousand years keeps a simulation waiting for as long.
        if 0 < per_hour < _LEAST_PER_HOUR:
            span.wrong("per_hour", _SPAN_RATE)
        rates.append(Rate(read_span(span), per_hour))
    if rates and not any(rate.per_hour for rate in rates):
        table.wrong("per_hour", "above 0 in one of its spans")
    return tuple(rates)


def _run(top: Table) -> Run:
    table = Table(top.raw("run") if top.has("run") else {}, "run", top.faults)
    usual = Run()
    run = Run(
        tickets=table.whole("tickets", 1, 10_000_000, usual.tickets),
        warmup=table.whole("warmup", 0, 10_000_000, usual.warmup),
        replications=table.whole("replications", 1, 10_000, usual.replications),
        seed=table.whole("seed", 0, 2**63, usual.seed),
    )
    table.close()
    return run


def _never_called(arrivals: tuple[Arrivals, ...], counters: tuple[CounterPlan, ...]) -> list[str]:
    return [
        f"arrivals[{index}] brings {plan.tier} for {plan.service}, whom no counter may call; a counter's profile should allow it"
        for index, plan in enumerate(arrivals)
        if not any(
            (counter.services is None or plan.service in counter.services) and (counter.tiers is None or plan.tier in counter.tiers)
            for counter in counters
        )
    ]


def _ms(seconds: float) -> Millis:
    return max(1, round(seconds * 1000))
