"""The branch that a recorded day is played in: its services, tiers and counters, and its settings at that speed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from queue_server.drive.trace import TraceError, Visit, most_at_once, serving_intervals

PROFILE = "all"
TARGET_SECONDS = {"2": 60.0, "1": 180.0, "0": 300.0}
"""Wait targets of the recorded tiers, in trace seconds; another tier gets the longest."""
NO_SHOW_AFTER_SECONDS = 300.0
REINSTATE_SECONDS = 1800.0
ROLL_GRACE_SECONDS = 7200.0
SHORTEST_SECONDS = 0.001

SERVICE_NAMES = {
    "PS": "Regular activity",
    "NW": "Prospective customer",
    "NE": "Securities",
    "TT": "Call-back request",
    "PE": "Other",
}
TIER_NAMES = {"2": "Priority", "1": "Regular", "0": "Unknown"}


def counters_needed(visits: Sequence[Visit]) -> int:
    """Return as many counters as ever served at once on that day, at least one."""
    return max(1, most_at_once(serving_intervals(visits)))


def tiers_of(visits: Sequence[Visit]) -> list[str]:
    """Return the tiers of that day, highest first."""
    return sorted({visit.tier for visit in visits}, reverse=True)


def configuration(branch_id: str, visits: Sequence[Visit], speed: float, now: datetime) -> dict[str, Any]:
    """
    Return the configuration of a branch for *visits* at *speed*; *now* is in UTC.

    The day of the branch begins, and so rolls, twelve hours from now: no run is as long as that.
    """
    services, tiers = sorted({visit.service for visit in visits}), tiers_of(visits)
    return {
        "id": branch_id,
        "name": {"en": f"Recorded day at {speed:g} times speed"},
        "languages": ["en"],
        "time_zone": "UTC",
        "day_starts_at": (now + timedelta(hours=12)).strftime("%H:%M"),
        "hours": None,
        "tiers": [_tier(tier, speed) for tier in tiers],
        "services": [
            _service(service, prefix, _typical(visits, service) / speed)
            for service, prefix in zip(services, _prefixes(services), strict=True)
        ],
        "profiles": [{"id": PROFILE, "services": services, "tiers": tiers}],
        "counters": [{"id": str(n), "number": str(n), "profile": PROFILE} for n in range(1, counters_needed(visits) + 1)],
        "policy": {"name": "promise"},
        "no_show_after_seconds": NO_SHOW_AFTER_SECONDS / speed,
        "reinstate_seconds": REINSTATE_SECONDS / speed,
        "roll_grace_seconds": ROLL_GRACE_SECONDS / speed,
        "start": "pressed",
    }


def _tier(tier: str, speed: float) -> dict[str, Any]:
    target = TARGET_SECONDS.get(tier, max(TARGET_SECONDS.values()))
    return {"id": tier, "name": {"en": TIER_NAMES.get(tier, tier)}, "target_seconds": target / speed}


def _service(service: str, prefix: str, typical: float) -> dict[str, Any]:
    name = SERVICE_NAMES.get(service, service)
    return {"id": service, "name": {"en": name}, "prefix": prefix, "typical_seconds": max(typical, SHORTEST_SECONDS)}


def _typical(visits: Sequence[Visit], service: str) -> float:
    served = [visit.serves for visit in visits if visit.service == service and not visit.is_leaver]
    return fmean(served) if served else 0.0


def _prefixes(services: Sequence[str]) -> list[str]:
    if len(services) > 26:
        raise TraceError(f"that day has {len(services)} services; at most 26 can be told apart by one letter")
    return [chr(ord("A") + index) for index in range(len(services))]
