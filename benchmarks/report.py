"""How figures are compared, printed and kept."""

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

RESULTS = Path(__file__).parent / "results"


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Return the median of *values* and how far they lie apart."""
    return {
        "median": round(statistics.median(values), digits),
        "low": round(min(values), digits),
        "high": round(max(values), digits),
    }


def ratio(measured: Sequence[float], reference: Sequence[float]) -> dict[str, float]:
    """Return the spread of the rounds' ratios: each round is held against the reference that was measured in the same."""
    return spread([one / other for one, other in zip(measured, reference, strict=True)], 3)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which *share* of *values* lie."""
    ordered = sorted(values)
    return ordered[int(share * len(ordered))]


def machine() -> dict[str, Any]:
    """Name what the figures were measured on."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}


def commit() -> dict[str, Any] | None:
    """Name the code that was measured; None where git does not know it. Results that were written anew do not make it dirty."""
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
        return {"hash": _git("rev-parse", "--short", "HEAD"), "is_dirty": bool(changed)}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(RESULTS.parents[1]), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def keep(name: str, figures: dict[str, Any]) -> Path:
    """Write *figures* to the folder of results, with when, where and of which code they are, and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    path.write_bytes(msgspec.json.format(msgspec.json.encode({**about, **figures}), indent=2) + b"\n")
    return path


def line(label: str, values: Sequence[float], unit: str, digits: int = 0) -> str:
    """Return one line of a table: the median, and the spread."""
    return spread_line(label, spread(values, max(1, digits)), unit, digits)


def spread_line(label: str, of: Mapping[str, float], unit: str = "", digits: int = 3) -> str:
    """Return the line of a spread; by its digits one of a ratio."""
    median, low, high = (f"{of[name]:,.{digits}f}" for name in ("median", "low", "high"))
    return f"  {label:<52}{median:>10} {unit:<4} ({low} to {high})"
