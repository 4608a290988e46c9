"""
All figures beside their floors and goals: `python -m benchmarks.summary`.

Reads the results that are kept in `results/`, those of the kills and histories among them (`make faults`, `make histories`), prints the
table, and keeps it as `results/summary.json`. Ends with 1 when a floor was missed or a result is not there.
"""

import sys
from typing import Any

import msgspec

from benchmarks.goals import GOALS, Goal, amount, found
from benchmarks.report import RESULTS, keep

NOT_MEASURED = "not measured"
FAILED = {NOT_MEASURED, "MISSED"}


def _results() -> dict[str, Any]:
    """Return the results by name."""
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in RESULTS.glob("*.json")}


def _judged(goal: Goal, results: dict[str, Any]) -> dict[str, Any]:
    """Return one line of the table."""
    about = {"figure": goal.figure, "unit": goal.unit, "floor": goal.floor, "goal": goal.goal, "result": goal.result}
    result = results.get(goal.result, {})
    try:
        value = found(result, goal.path)
    except (KeyError, TypeError):
        return {**about, "verdict": NOT_MEASURED}
    spread = {side: value[side] for side in ("low", "high")} if isinstance(value, dict) and "median" in value else {}
    measured = {"median": amount(value), **spread, "verdict": goal.verdict(amount(value))}
    return {**about, **measured, "measured_at": result.get("date"), "commit": result.get("commit")}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.4g}"


def _row(line: dict[str, Any]) -> str:
    spread = f"{_number(line['low'])} to {_number(line['high'])}" if "low" in line else ""
    median = f"{_number(line['median'])} {line['unit']}".rstrip() if "median" in line else ""
    commit = line.get("commit") or {}
    code = commit.get("hash", "") + ("+" if commit.get("is_dirty") else "")
    bounds = f"{_number(line['floor']):>8} {_number(line['goal']):>8}"
    return f"{line['figure']:<53} {median:>10} {spread:>18} {bounds}  {line['verdict']:<12} {code}".rstrip()


def main() -> int:
    """Print and keep the table; 0 when every floor is held."""
    results = _results()
    lines = [_judged(goal, results) for goal in GOALS]
    print(f"{'figure':<53} {'median':>10} {'low to high':>18} {'floor':>8} {'goal':>8}  {'reached':<12} commit")
    for line in lines:
        print(_row(line))
    print("(+: with changes that were not committed)")
    print(f"kept in {keep('summary', {'what': 'all figures beside their floors and goals', 'lines': lines})}")
    return 1 if any(line["verdict"] in FAILED for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
