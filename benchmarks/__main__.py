"""Runs every benchmark: `python -m benchmarks`, or some by name, `python -m benchmarks issue waiting profile`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks import issue_throughput, profile_server, simulate_speed, waiting_length
from benchmarks.report import keep

Figures = dict[str, Any]

BENCHMARKS: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, Figures]], Callable[[Figures], None]]] = {
    "issue": ("issue_throughput", lambda: issue_throughput.measure(rounds=3, seconds=6), issue_throughput.show),
    "waiting": ("waiting_length", lambda: waiting_length.measure(rounds=6, lengths=[100, 10_000]), waiting_length.show),
    "simulate": ("simulate_speed", lambda: simulate_speed.measure(rounds=4, customers=20_000), simulate_speed.show),
    "profile": ("profile", lambda: profile_server.measure(seconds=20), profile_server.show),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all without one")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        result, measure, show = BENCHMARKS[name]
        figures = asyncio.run(measure())
        show(figures)
        print(f"  kept in {keep(result, figures)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
