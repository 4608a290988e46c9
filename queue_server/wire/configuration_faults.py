"""
What does not fit together in a configuration: identifiers used twice, references to nothing, prefixes that two would share.

It looks at the value as it was sent, so that these faults are told together with those of form.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from queue_server.core.ids import BranchId
from queue_server.wire.configuration_calendar_faults import calendar_faults
from queue_server.wire.configuration_rules_faults import arrival_faults, elastic_faults
from queue_server.wire.configuration_sense_faults import senseless
from queue_server.wire.policy_faults import policy_faults
from queue_server.wire.reading import Fault, beside, shown
from queue_server.wire.references import entries, ids, mapping, repeated, unknown

Json = dict[str, Any]

_LISTS = ("tiers", "services", "profiles", "counters", "pause_reasons", "reasons", "outcomes", "announcements")


def inconsistencies(value: Json, branch_id: BranchId | None) -> list[Fault]:
    """Return what does not fit together in *value*; its id must be *branch_id* where one is given."""
    faults = []
    if branch_id is not None and isinstance(value.get("id"), str) and value["id"] != branch_id:
        faults.append(Fault("id", f"{shown(value['id'])} differs from the branch of the address; right would be {branch_id}"))
    zone = value.get("time_zone")
    if isinstance(zone, str) and not is_time_zone(zone):
        faults.append(
            Fault("time_zone", f"There is no time zone {shown(zone)}; right would be a name such as Asia/Hong_Kong or UTC")
        )
    for name in _LISTS:
        faults += repeated(value, name)
    return [*faults, *_shared_prefixes(value), *_lost(value), *_untranslated(value), *senseless(value)]


@lru_cache(maxsize=256)
def is_time_zone(name: str) -> bool:
    """Tell whether *name* is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _prefixes(value: Json) -> Iterator[tuple[str, str]]:
    for path, entry in entries(value, "services"):
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
            yield Fault(path, f"{first[prefix.casefold()]} has the same letters {shown(prefix)}; right would be letters of its own")


def _lost(value: Json) -> Iterator[Fault]:
    tiers, services, profiles = (ids(value, name) for name in ("tiers", "services", "profiles"))
    for path, entry in entries(value, "services"):
        yield from unknown(entry, "prefixes", path, "tier", tiers)
        yield from unknown(entry, "target_seconds", path, "tier", tiers)
    for path, entry in entries(value, "profiles"):
        yield from unknown(entry, "services", path, "service", services)
        yield from unknown(entry, "tiers", path, "tier", tiers)
        yield from unknown(entry, "preference", path, "service", services)
    for path, entry in entries(value, "counters"):
        yield from unknown(entry, "profile", path, "profile", profiles)
    yield from unknown(value, "default_tier", "", "tier", tiers)
    yield from unknown(value, "reserve", "", "tier", tiers)
    yield from policy_faults(value, tiers, services, profiles)
    yield from calendar_faults(value, tiers, services)
    yield from arrival_faults(value, tiers, services)
    yield from elastic_faults(value, tiers, services, profiles)


def _untranslated(value: Json) -> Iterator[Fault]:
    # Staff and customers read these in their own language; what is missing there would be missed in the middle of a day.
    stated = value.get("languages")
    spoken = [tag for tag in stated if isinstance(tag, str)] if isinstance(stated, list | tuple) else list(mapping(value, "name"))
    for name, field in (("pause_reasons", "name"), ("reasons", "name"), ("outcomes", "name"), ("announcements", "text")):
        for path, entry in entries(value, name):
            texts = mapping(entry, field)
            missing = [tag for tag in spoken if tag not in texts]
            if texts and missing:
                lacks = ", ".join(tag[:35] for tag in missing[:20])
                yield Fault(f"{path}.{field}", f"It lacks {lacks}; right would be every language of the branch")
