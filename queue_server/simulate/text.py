"""The figures as tables for a person to read."""

from collections.abc import Mapping, Sequence

from queue_server.core.ids import TierId
from queue_server.simulate.figures import OVERALL, Difference, Figures, TierFigures

Told = tuple[str, Figures, Mapping[TierId, TierFigures] | None]

_HEADER = ("", "tickets", "mean wait", "+-", "p50", "p90", "p95", "waited", "left", "in target", "overtaken")
_DIFFERENCE_HEADER = ("", "", "mean wait", "+-", "p90", "left", "in target")


def said(told: Sequence[Told], found: Sequence[Difference]) -> str:
    """Return a table for each scenario (name, figures, what was recorded), and one of the differences."""
    parts = [_scenario(*one) for one in told]
    if found:
        title = f"Less {found[0].base}, with the same customers (+- at 95 %; * is more than chance)"
        parts.append(title + "\n" + _table(_DIFFERENCE_HEADER, [_difference(entry) for entry in found]))
    return "\n\n".join(parts)


def _scenario(name: str, figures: Figures, recorded: Mapping[TierId, TierFigures] | None) -> str:
    rows = [_tier(tier, entry, figures.overtaken[tier].share) for tier, entry in figures.tiers.items()]
    rows.append(_tier(OVERALL, figures.overall, None))
    rows += [_tier(f"{tier} recorded", entry, None) for tier, entry in (recorded or {}).items()]
    busy = f"counters busy {_share(figures.utilisation)}, {figures.tickets_per_second:,.0f} tickets a second"
    return f"{name}: {busy}\n{_table(_HEADER, rows)}"


def _tier(name: str, entry: TierFigures, overtaken: float | None) -> tuple[str, ...]:
    waits = (entry.mean_wait_seconds, entry.half_width_95, entry.p50_wait_seconds, entry.p90_wait_seconds, entry.p95_wait_seconds)
    shares = (entry.waited_share, entry.left_share, entry.within_target_share, overtaken)
    return (name, f"{entry.tickets:,}", *map(_seconds, waits), *map(_share, shares))


def _difference(entry: Difference) -> tuple[str, ...]:
    wait, width = entry.mean_wait_seconds, entry.half_width_95
    star = " *" if wait is not None and width is not None and abs(wait) > width else ""
    return (
        entry.scenario,
        entry.tier,
        _seconds(wait, sign="+") + star,
        _seconds(width),
        _seconds(entry.p90_wait_seconds, sign="+"),
        _share(entry.left_share, sign="+"),
        _share(entry.within_target_share, sign="+"),
    )


def _seconds(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1f} s"


def _share(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value * 100:{sign}.1f} %"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    )
