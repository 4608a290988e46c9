"""Reads a scenario: a TOML file as described in docs/simulation.md."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from queue_server.core.ids import Millis
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
    Span,
    TierPlan,
)
from queue_server.simulate.tables import ScenarioError, Table

MOST_COUNTERS = 1000
_CLOCK = 'a time of day as "09:30"'


def read_scenario(path: Path, *, recorded: bool = False) -> Scenario:
    """
    Return the scenario in the file *path*; *recorded* needs neither arrivals, services nor counters, which a record will bring.

    Raises:
        ScenarioError: with everything that is wrong, a line each.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
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
    counters = _counters(top, hall, tier_ids, service_ids, required=not recorded)
    # How many are too many to reserve is known only where the counters are right, and not with those of a record.
    most = len(counters) if len(faults) == known and not recorded else MOST_COUNTERS
    policy, parameters = read_policy(hall, tiers)
    reserve = _reserve(hall, tier_ids, most)
    hall.close()
    arrivals = _arrivals(top, tier_ids, service_ids, required=not recorded)
    run = _run(top)
    top.close()
    if not recorded:
        faults += _never_called(arrivals, counters)
    if faults:
        raise ScenarioError(faults)
    return Scenario(
        name=name,
        policy=policy,
        parameters=parameters,
        reserve=reserve,
        tiers=tiers,
        services=services,
        counters=counters,
        arrivals=arrivals,
        run=run,
    )


def _tiers(top: Table) -> tuple[TierPlan, ...]:
    tiers: list[TierPlan] = []
    for table in top.tables("tier", "one [[tier]] or more, the highest first"):
        target = table.number("target_seconds") if table.has("target_seconds") else None
        tiers.append(TierPlan(_new_id(table, [tier.id for tier in tiers]), _ms(target) if target is not None else None))
        table.close()
    return tuple(tiers)


def _services(top: Table, *, required: bool) -> tuple[ServicePlan, ...]:
    services: list[ServicePlan] = []
    for table in top.tables("service", "one [[service]] or more" if required else None):
        service_id = _new_id(table, [service.id for service in services])
        services.append(ServicePlan(service_id, _distribution(table, "distribution")))
        table.close()
    return tuple(services)


def _new_id(table: Table, taken: Collection[str]) -> str:
    new = table.text("id")
    if new in taken:
        table.wrong("id", "a name that no other one has")
    return new


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


def _counters(
    top: Table, hall: Table, tiers: Collection[str], services: Collection[str], *, required: bool
) -> tuple[CounterPlan, ...]:
    if not top.has("counter"):
        plain = hall.whole("counters", 1, MOST_COUNTERS, default=None if required else 1)
        return tuple(CounterPlan(str(number)) for number in range(1, plain + 1))
    if hall.has("counters"):
        hall.wrong("counters", "left out, since there are [[counter]] tables")
    counters: list[CounterPlan] = []
    for table in top.tables("counter", "one [[counter]] or more"):
        alike = table.whole("count", 1, MOST_COUNTERS, default=1)
        profile = table.table("profile") if table.has("profile") else Table({}, "", [])
        served, called = profile.texts("services", services), profile.texts("tiers", tiers)
        profile.close()
        shifts = tuple(_span(shift) for shift in table.tables("shift"))
        if table.has("id"):
            names = [_new_id(table, [counter.id for counter in counters])]
            if alike > 1:
                table.wrong("count", "left out where the counter has an id")
        else:
            names = [str(len(counters) + number + 1) for number in range(alike)]
        counters += [CounterPlan(name, served, called, shifts) for name in names]
        table.close()
    return tuple(counters)


def _span(table: Table) -> Span:
    since, until = _clock(table, "from"), _clock(table, "to")
    if since >= until:
        table.wrong("to", 'later than "from", at most "24:00"')
    table.close()
    return since, until


def _clock(table: Table, key: str) -> Millis:
    text = table.raw(key)
    parts = text.split(":") if isinstance(text, str) else []
    if len(parts) == 2 and all(part.isdecimal() and len(part) == 2 for part in parts):
        hours, minutes = int(parts[0]), int(parts[1])
        if minutes < 60 and hours * 60 + minutes <= 24 * 60:
            return (hours * 60 + minutes) * 60_000
    table.wrong(key, _CLOCK)
    return 0 if key == "from" else DAY_MS


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
                table.number("per_hour", 'a number above 0, or a list of { from = "09:00", to = "12:00", per_hour = 8.0 }'),
            ),
        )
    rates = []
    for span in table.tables("per_hour", "a list of spans"):
        per_hour = span.number("per_hour", "a number, 0 or more", may_be_low=True)
        rates.append(Rate(_span(span), per_hour))
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
