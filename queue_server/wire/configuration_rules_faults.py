"""What does not fit together in arrival rules and elastic counters; looked for in the value as it was sent."""

from collections.abc import Iterator
from typing import Any

from queue_server.wire.configuration_calendar_faults import minutes_of
from queue_server.wire.reading import Fault
from queue_server.wire.references import Json, entries, ids, mapping, repeated, unknown

_MEASURES = ("waiting", "oldest_wait_seconds")


def arrival_faults(value: Json, tiers: list[str], services: list[str]) -> Iterator[Fault]:
    """Yield what does not fit in the arrival rules."""
    zones = sorted({entry["zone"] for _, entry in entries(value, "counters") if isinstance(entry.get("zone"), str)})
    yield from repeated(value, "classification")
    for path, rule in entries(value, "classification"):
        when, results = mapping(rule, "when"), mapping(rule, "set")
        yield from unknown(when, "services", f"{path}.when", "service", services)
        begins, ends = (minutes_of(when.get("between"), name) for name in ("from", "to"))
        if begins is not None and begins == ends:
            yield Fault(
                f"{path}.when.between", f"It begins and ends at {when['between']['to']}; right would be a later time to end"
            )
        yield from unknown(results, "tier", f"{path}.set", "tier", tiers)
        yield from unknown(results, "zone", f"{path}.set", "zone", zones)
        if isinstance(rule.get("set"), dict) and all(content is None for content in results.values()):
            yield Fault(f"{path}.set", "It sets nothing; right would be a tier, a care or a zone")
        if results.get("zone") in zones:
            yield from _unserved(value, path, when, results, services)


def elastic_faults(value: Json, tiers: list[str], services: list[str], profiles: list[str]) -> Iterator[Fault]:
    """Yield what does not fit in the elastic rules."""
    yield from repeated(value, "elastic")
    counters = ids(value, "counters")
    for path, rule in entries(value, "elastic"):
        yield from unknown(rule, "counters", path, "counter", counters)
        yield from _twice(rule.get("counters"), f"{path}.counters")
        yield from unknown(rule, "profile", path, "profile", profiles)
        yield from unknown(rule, "service", path, "service", services)
        yield from unknown(rule, "tier", path, "tier", tiers)
        if isinstance(rule.get("when"), dict):
            yield from _measure_faults(rule["when"], rule.get("back"), path)


def _measure_faults(when: Json, back: Any, path: str) -> Iterator[Fault]:
    named = [measure for measure in _MEASURES if when.get(measure) is not None]
    if len(named) != 1:
        said = "It names both waiting and oldest_wait_seconds" if named else "It measures nothing"
        yield Fault(f"{path}.when", f"{said}; right would be one of waiting and oldest_wait_seconds")
        return
    if not isinstance(back, dict):
        return
    measure, threshold = named[0], when[named[0]]
    if not isinstance(threshold, int | float):
        return
    for other in _MEASURES:
        if other != measure and back.get(other) is not None:
            yield Fault(f"{path}.back.{other}", f"The rule begins by {measure}; right would be {measure} here too")
    low = back.get(measure)
    if low is None:
        yield Fault(f"{path}.back", f"It does not say how low; right would be {measure}, at most {threshold}")
    elif isinstance(low, int | float) and low > threshold:
        # It would cease to hold while what it looks at is still high enough for it to begin again.
        yield Fault(f"{path}.back.{measure}", f"{low} is above the {threshold} of when; right would be at most {threshold}")


def _twice(content: Any, path: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, item in enumerate(content if isinstance(content, list | tuple) else ()):
        if isinstance(item, str) and item in seen:
            yield Fault(f"{path}[{index}]", f"{item[:64]!a} is in the list already; right would be to name it once")
        elif isinstance(item, str):
            seen.add(item)


def _unserved(value: Json, path: str, when: Json, results: Json, services: list[str]) -> Iterator[Fault]:
    """Yield a fault where no counter of the zone could ever call those whom the rule sends there."""
    zone, tier, named = results["zone"], results.get("tier"), when.get("services")
    allowed = [profile for profile in _profiles_in(value, zone) if tier is None or _allows(profile, "tiers", tier)]
    wanted = [service for service in named if service in services] if isinstance(named, list | tuple) else []
    lost = [service for service in wanted if not any(_allows(profile, "services", service) for profile in allowed)]
    if lost or not allowed:
        whom = (f" {', '.join(lost)}" if lost else "") + (f" for the tier {tier}" if tier is not None else "")
        yield Fault(f"{path}.set.zone", f"No counter of the zone {zone} may serve{whom}; right would be a zone in which one may")


def _profiles_in(value: Json, zone: str) -> Iterator[Json]:
    """Yield the profiles by which counters of *zone* may come to call: those they open with, and those of elastic rules."""
    known = {entry["id"]: entry for _, entry in entries(value, "profiles") if isinstance(entry.get("id"), str)}
    here = [entry for _, entry in entries(value, "counters") if entry.get("zone") == zone]
    names = [entry.get("profile") for entry in here]
    for _, rule in entries(value, "elastic"):
        helping = rule.get("counters")
        if isinstance(helping, list | tuple) and any(entry.get("id") in helping for entry in here):
            names.append(rule.get("profile"))
    for name in names:
        # A profile that there is not is a fault of its own.
        yield known.get(name, {}) if isinstance(name, str) else {}


def _allows(profile: Json, name: str, wanted: Any) -> bool:
    content = profile.get(name)
    return not isinstance(content, list | tuple) or wanted in content
