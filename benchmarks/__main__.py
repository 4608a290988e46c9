"""Runs every benchmark: `python -m benchmarks`, or some by name, `python -m benchmarks issue waiting profile`."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from benchmarks import (
    branch_load,
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
    two_nodes,
    waiting_length,
)
from benchmarks.report import keep

Figures = dict[str, Any]

BENCHMARKS: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, Figures]], Callable[[Figures], None]]] = {
    "issue": ("issue_throughput", lambda: issue_throughput.measure(rounds=3, seconds=6), issue_throughput.show),
    "latency": ("issue_latency", lambda: issue_latency.measure(rounds=3, seconds=3), issue_latency.show),
    "waiting": ("waiting_length", lambda: waiting_length.measure(rounds=6, lengths=[100, 10_000]), waiting_length.show),
    "fence": ("fence", lambda: fence.measure(rounds=3, seconds=3), fence.show),
    "feed": ("feed_throughput", lambda: feed_throughput.measure(rounds=5, goes=15), feed_throughput.show),
    "stalled": ("feed_stalled", lambda: feed_stalled.measure(rounds=3, seconds=5), feed_stalled.show),
    "reconnect": ("feed_reconnect", lambda: feed_reconnect.measure(rounds=3), feed_reconnect.show),
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
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    # What the embedded database says of its start is no figure.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in names:
        result, measure, show = BENCHMARKS[name]
        figures = asyncio.run(measure())
        show(figures)
        print(f"  kept in {keep(result, figures)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
