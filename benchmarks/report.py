"""How figures are compared, printed and kept."""

import os
import platform
import statistics
from collections.abc import Sequence
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


def ratio(measured: Sequence[float], reference: Sequence[float]) -> float:
    """Return the ratio of the medians."""
    return round(statistics.median(measured) / statistics.median(reference), 3)


def machine() -> dict[str, Any]:
    """Name what the figures were measured on."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}


def keep(name: str, figures: dict[str, Any]) -> Path:
    """Write *figures* to the folder of results and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine(), **figures}), indent=2) + b"\n")
    return path


def line(label: str, values: Sequence[float], unit: str, digits: int = 0) -> str:
    """Return one line of a table: the median, and the spread."""
    of = spread(values, max(1, digits))
    median, low, high = (f"{of[name]:,.{digits}f}" for name in ("median", "low", "high"))
    return f"  {label:<44}{median:>10} {unit}   ({low} to {high})"
