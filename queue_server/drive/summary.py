"""What a played day amounted to: the object of `--json` and the table for people."""

import math
from collections.abc import Sequence

from msgspec import Struct

from queue_server.drive.invariants import Violation

MOST_ERRORS = 100


class TierSummary(Struct, frozen=True):
    """One tier: its tickets, and the waits of those who were served, in trace seconds; None when nobody was."""

    tickets: int
    mean_wait_seconds: float | None
    p50_wait_seconds: float | None
    p90_wait_seconds: float | None


class Delay(Struct, frozen=True):
    """
    Real seconds from sending a call command to its arrival at the display.

    This holds the client's sending, the decision, the commit and the push; None when nobody was called.
    """

    p50: float | None
    p99: float | None


class Summary(Struct, frozen=True):
    """The outcome of one run, in the form of the command line's contract."""

    branch: str
    day: str
    speed: float
    issued: int
    called: int
    served: int
    left: int
    no_shows: int
    tiers: dict[str, TierSummary]
    call_to_display_seconds: Delay
    errors: list[str]
    violations: list[Violation]
    display_equals_snapshot: bool

    @property
    def is_clean(self) -> bool:
        """Say whether nothing went wrong."""
        return not self.errors and not self.violations


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest of *values* that at least *share* of them do not exceed; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarise_tier(tickets: int, waits: Sequence[float]) -> TierSummary:
    """Summarise one tier from the number of its tickets and the waits of those served, in trace seconds."""
    mean = sum(waits) / len(waits) if waits else None
    return TierSummary(tickets, _rounded(mean, 1), _rounded(percentile(waits, 0.5), 1), _rounded(percentile(waits, 0.9), 1))


def summarise_delay(delays: Sequence[float]) -> Delay:
    """Summarise display delays, in real seconds."""
    return Delay(_rounded(percentile(delays, 0.5), 4), _rounded(percentile(delays, 0.99), 4))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def table(summary: Summary) -> str:
    """Return *summary* as a text for people."""
    delay = summary.call_to_display_seconds
    lines = [
        f"{summary.day} at {summary.speed:g} times speed, in branch {summary.branch}",
        "",
        f"  issued {summary.issued}   called {summary.called}   served {summary.served}   left {summary.left}   no-shows {summary.no_shows}",
        "",
        "  waits of those served, in seconds of the recorded day",
        f"  {'tier':<10}{'tickets':>10}{'mean':>10}{'p50':>10}{'p90':>10}",
        *(_tier_line(tier, entry) for tier, entry in summary.tiers.items()),
        "",
        f"  call to display: p50 {_shown(delay.p50, 1000)} ms, p99 {_shown(delay.p99, 1000)} ms",
        f"  the display equals a fresh snapshot: {'yes' if summary.display_equals_snapshot else 'NO'}",
        f"  errors: {len(summary.errors)}   broken invariants: {len(summary.violations)}",
        *(f"    {error}" for error in summary.errors),
        *(f"    {violation.invariant}: {violation.detail}" for violation in summary.violations),
    ]
    return "\n".join(lines)


def _tier_line(tier: str, entry: TierSummary) -> str:
    waits = (entry.mean_wait_seconds, entry.p50_wait_seconds, entry.p90_wait_seconds)
    return f"  {tier:<10}{entry.tickets:>10}" + "".join(f"{_shown(wait):>10}" for wait in waits)


def _shown(value: float | None, factor: float = 1.0) -> str:
    return "-" if value is None else f"{value * factor:.1f}"
