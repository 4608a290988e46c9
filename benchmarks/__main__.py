"""
Runs every benchmark: `python -m benchmarks`, or some by name, `python -m benchmarks issue waiting profile`.

At the end all figures that are kept stand beside their floors and goals.
"""

import argparse
import asyncio
import logging
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from benchmarks import (
    branch_load,
    capacity,
    choosing,
    feed_reconnect,
    feed_stalled,
    feed_throughput,
    fence,
    growth,
    issue_latency,
    issue_throughput,
    memory,
    profile_server,
    recovery,
    simulate_speed,
    stopping,
    storage,
    summary,
    two_nodes,
    waiting_length,
)
from benchmarks.report import keep

Figures = dict[str, Any]

BENCHMARKS: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, Figures]], Callable[[Figures], None]]] = {
    "issue": ("issue_throughput", lambda: issue_throughput.measure(rounds=3, seconds=5), issue_throughput.show),
    "latency": ("issue_latency", lambda: issue_latency.measure(rounds=3, seconds=3), issue_latency.show),
    "waiting": ("waiting_length", lambda: waiting_length.measure(rounds=6, lengths=[100, 10_000]), waiting_length.show),
    "fence": ("fence", lambda: fence.measure(rounds=3, seconds=3), fence.show),
    "feed": ("feed_throughput", lambda: feed_throughput.measure(rounds=5, goes=15), feed_throughput.show),
    "stalled": ("feed_stalled", lambda: feed_stalled.measure(rounds=3, seconds=5), feed_stalled.show),
    "reconnect": ("feed_reconnect", lambda: feed_reconnect.measure(rounds=3), feed_reconnect.show),
    "capacity": ("capacity", capacity.measure, capacity.show),
    "load": ("branch_load", lambda: branch_load.measure(rounds=3, loads=5), branch_load.show),
    "memory": ("memory", lambda: memory.measure(rounds=3), memory.show),
    "recovery": ("recovery", lambda: recovery.measure(rounds=3), recovery.show),
    "stopping": ("stopping", lambda: stopping.measure(rounds=3), stopping.show),
    "storage": ("storage", storage.measure, storage.show),
    "nodes": ("two_nodes", lambda: two_nodes.measure(rounds=3, seconds=5), two_nodes.show),
    "growth": ("growth", lambda: growth.measure(rounds=3, seconds=1.5), growth.show),
    "choosing": ("choosing", lambda: choosing.measure(rounds=6, calls=1_000), choosing.show),
    "simulate": ("simulate_speed", lambda: simulate_speed.measure(rounds=4, customers=20_000), simulate_speed.show),
    "profile": ("profile", lambda: profile_server.measure(seconds=20), profile_server.show),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all without one")
    some = parser.parse_args().names
    names = some or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    # What the embedded database says of its start is no figure.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    failed = [name for name in names if not _run(name)]
    missed = summary.main()
    if failed:
        print(f"not measured, for the reasons above: {', '.join(failed)}")
    # Whoever asked for some of the figures is not told of the others by the exit code.
    return 1 if failed or (missed and not some) else 0


def _run(name: str) -> bool:
    """Measure, print and keep; False when that failed: the others are measured all the same."""
    result, measure, show = BENCHMARKS[name]
    began = time.monotonic()
    try:
        figures = asyncio.run(measure())
    except Exception:  # noqa: BLE001 - printed, and the exit code tells
        traceback.print_exc()
        return False
    show(figures)
    print(f"  kept in {keep(result, figures)} after {time.monotonic() - began:.0f} s\n", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
