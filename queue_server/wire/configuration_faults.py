"""
What does not fit together in a configuration: identifiers used twice, references to nothing, prefixes that two would share.

It looks at the value as it was sent, so that these faults are told together with those of form.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from queue_server.core.ids import BranchId
from queue_server.wire.policy_form import policy_faults
from queue_server.wire.reading import Fault, beside, nearest

Json = dict[str, Any]

_LISTS = ("tiers", "services", "profiles", "counters")


def inconsistencies(value: Json, branch_id: BranchId | None) -> list[Fault]:
    """Return what does not fit together in *value*; its id must be *branch_id* where one is given."""
    faults = []
    if branch_id is not None and isinstance(value.get("id"), str) and value["id"] != branch_id:
        faults.append(Fault("id", f"It differs from the branch of the address; right would be {branch_id}"))
    zone = value.get("time_zone")
    if isinstance(zone, str) and not is_time_zone(zone):
        faults.append(Fault("time_zone", "There is no such time zone; right would be a name such as Asia/Hong_Kong or UTC"))
    for name in _LISTS:
        faults += _repeated(value, name)
    return [*faults, *_shared_prefixes(value), *_lost(value)]


@lru_cache(maxsize=256)
def is_time_zone(name: str) -> bool:
    """Tell whether *name* is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _entries(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    """Yield path and content of those entries of a list that are objects; the others are faults of form."""
    content = value.get(name)
    for index, entry in enumerate(content if isinstance(content, list | tuple) else ()):
        if isinstance(entry, dict):
            yield f"{name}[{index}]", entry


def _ids(value: Json, name: str) -> list[str]:
    return [entry["id"] for _, entry in _entries(value, name) if isinstance(entry.get("id"), str)]


def _repeated(value: Json, name: str) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, entry in _entries(value, name):
        known = entry.get("id")
        if isinstance(known, str) and first.setdefault(known, path) != path:
            yield Fault(f"{path}.id", f"{first[known]} has the same id; right would be one of its own")


def _prefixes(value: Json) -> Iterator[tuple[str, str]]:
    for path, entry in _entries(value, "services"):
        if isinstance(entry.get("prefix"), str):
            yield f"{path}.prefix", entry["prefix"]
        by_tier = entry.get("prefixes")
        for tier, prefix in (by_tier if isinstance(by_tier, dict) else {}).items():
            if isinstance(prefix, str):
                yield beside(f"{path}.prefixes", str(tier)), prefix


def _shared_prefixes(value: Json) -> Iterator[Fault]:
    # Without regard to case: a005 and A005 sound the same when they are called.
    first: dict[str, str] = {}
    for path, prefix in _prefixes(value):
        if first.setdefault(prefix.casefold(), path) != path:
            yield Fault(path, f"{first[prefix.casefold()]} has the same letters; right would be letters of its own")


def _lost(value: Json) -> Iterator[Fault]:
    tiers, services, profiles = (_ids(value, name) for name in ("tiers", "services", "profiles"))
    for path, entry in _entries(value, "services"):
        yield from _unknown(entry, "prefixes", path, "tier", tiers)
        yield from _unknown(entry, "target_seconds", path, "tier", tiers)
    for path, entry in _entries(value, "profiles"):
        yield from _unknown(entry, "services", path, "service", services)
        yield from _unknown(entry, "tiers", path, "tier", tiers)
        yield from _unknown(entry, "preference", path, "service", services)
    for path, entry in _entries(value, "counters"):
        yield from _unknown(entry, "profile", path, "profile", profiles)
    yield from _unknown(value, "default_tier", "", "tier", tiers)
    yield from _unknown(value, "reserve", "", "tier", tiers)
    policy = value.get("policy")
    for name in ("rates", "head_start_seconds", "calls"):
        yield from _unknown(policy if isinstance(policy, dict) else {}, name, "policy", "tier", tiers)
    yield from policy_faults(value, tiers)


def _unknown(entry: Json, name: str, path: str, kind: str, known: list[str]) -> Iterator[Fault]:
    """Yield a fault for each reference in the field *name* (one, a list, or the keys of a map) that is not *known*."""
    path, content = beside(path, name), entry.get(name)
    places: list[tuple[str, Any]] = [(path, content)]
    if isinstance(content, dict):
        places = [(beside(path, str(key)), key) for key in content]
    elif isinstance(content, list | tuple):
        places = [(f"{path}[{index}]", item) for index, item in enumerate(content)]
    for place, reference in places:
        if isinstance(reference, str) and reference not in known:
            yield Fault(place, f"There is no such {kind}; {nearest(reference, known)}")
