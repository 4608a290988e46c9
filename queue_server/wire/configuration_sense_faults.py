"""
What has the right form and refers to nothing that is missing, but cannot work: rules without effect, customers whom nobody may call.

What might be meant is let pass: a branch without counters is being set up, a profile by which no counter opens is there to be given by
hand, and counters in different zones may have the same number.
"""

from collections.abc import Iterator
from typing import Any

from queue_server.wire.reading import Fault, beside, shown
from queue_server.wire.references import Json, entries, ids, mapping


def senseless(value: Json) -> Iterator[Fault]:
    """Yield what cannot work in the configuration *value*, as far as it has the right form."""
    tiers, services = ids(value, "tiers"), ids(value, "services")
    yield from _reserved(value, tiers)
    yield from _cap(value, tiers)
    yield from _never_called(value, tiers, services)
    yield from _preferred(value)
    yield from _same_number(value)
    yield from _never_started(value)


def _reserved(value: Json, tiers: list[str]) -> Iterator[Fault]:
    counters = len(list(entries(value, "counters")))
    for tier, kept in mapping(value, "reserve").items():
        path = beside("reserve", str(tier))
        if tiers and tier == tiers[-1]:
            yield Fault(path, f"{tier} is the lowest tier, and counters are kept from those below; right would be a higher tier")
        elif _is_number(kept) and 0 < counters <= kept:
            right = f"at most {counters - 1}" if counters > 1 else "to leave it out"
            yield Fault(path, f"{kept} of {counters} counters leave none for the tiers below; right would be {right}")


def _cap(value: Json, tiers: list[str]) -> Iterator[Fault]:
    tier = mapping(value, "cap").get("tier")
    if len(tiers) > 1 and tier == tiers[0]:
        yield Fault("cap.tier", f"{shown(tier)} is the highest tier, and calls above it are counted; right would be a lower tier")


def _never_called(value: Json, tiers: list[str], services: list[str]) -> Iterator[Fault]:
    counters = [entry for _, entry in entries(value, "counters")]
    known = ids(value, "profiles")
    # A profile that there is not is a fault of its own.
    if not counters or any(entry.get("profile") not in known for entry in counters):
        return
    profiles = [profile for _, profile in entries(value, "profiles")]
    for path, service in entries(value, "services"):
        lost = [tier for tier in tiers if not any(_allows(profile, service.get("id"), tier) for profile in profiles)]
        if lost and service.get("id") in services:
            whom = "anybody" if lost == tiers else f"the tiers {', '.join(lost)}"
            yield Fault(
                path, f"No counter may call {whom} for the service {shown(service['id'])}; right would be a profile that allows it"
            )


def _allows(profile: Json, service: Any, tier: str) -> bool:
    return all(
        not isinstance(profile.get(name), list | tuple) or wanted in profile[name]
        for name, wanted in (("services", service), ("tiers", tier))
    )


def _preferred(value: Json) -> Iterator[Fault]:
    known = ids(value, "services")
    for path, profile in entries(value, "profiles"):
        allowed = profile.get("services")
        if not isinstance(allowed, list | tuple):
            continue
        for service in mapping(profile, "preference"):
            if service in known and service not in allowed:
                place = beside(f"{path}.preference", str(service))
                yield Fault(place, f"The profile does not have the service {shown(service)}; right would be one of its services")


def _same_number(value: Json) -> Iterator[Fault]:
    # People are sent to a number, and look for it in their zone.
    first: dict[tuple[str, Any], str] = {}
    for path, counter in entries(value, "counters"):
        number, zone = counter.get("number"), counter.get("zone")
        if not isinstance(number, str | int) or not isinstance(zone, str | None):
            continue
        if (known := first.setdefault((str(number), zone), path)) != path:
            where = ", in the same zone" if zone is not None else ""
            yield Fault(f"{path}.number", f"{known} has the number {shown(number)} too{where}; right would be one of its own")


def _never_started(value: Json) -> Iterator[Fault]:
    grace, begins = value.get("no_show_after_seconds"), mapping(value, "start").get("after_seconds")
    recalls = value.get("recalls_before_no_show", 0)
    if not (_is_number(grace) and _is_number(begins) and _is_number(recalls)):
        return
    # Each recall gives the whole time again.
    if grace * (1 + recalls) < begins:
        said = f"{grace} is over before serving begins, {begins} after the call, so every customer would be a no-show"
        yield Fault("no_show_after_seconds", f"{said}; right would be more than start.after_seconds")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
