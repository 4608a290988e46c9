"""Means over independent replications, and how far they may be off."""

from collections.abc import Sequence
from functools import cache
from math import atan, cos, pi, sin, sqrt
from statistics import fmean, stdev

from msgspec import Struct


class Estimate(Struct, frozen=True):
    """A mean, its standard error, and half the width of its 95 per cent confidence interval; None for both where there is one value."""

    mean: float
    error: float | None
    half_width: float | None


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the estimate from independent *values*, one a replication; None without any."""
    if not values:
        return None
    if len(values) == 1:
        return Estimate(values[0], None, None)
    error = stdev(values) / sqrt(len(values))
    return Estimate(fmean(values), error, student_t(len(values) - 1) * error)


@cache
def student_t(freedom: int) -> float:
    """Return the 97.5 per cent point of Student's t with *freedom* degrees of freedom, to nine digits, by bisection."""
    low, high = 1.0, 13.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """The chance of -t to t, in closed form (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    square = cos(angle) ** 2
    is_odd = freedom % 2 == 1
    term = cos(angle) if is_odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(3 if is_odd else 2, freedom - 1, 2):
        term *= square * (step - 1) / step
        total += term
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total
