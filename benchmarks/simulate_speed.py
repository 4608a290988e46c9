"""
Tickets a second of the simulator (the production rules in virtual time) against `ciw` and a hall written by hand with `simpy`.

All three play the same halls: two tiers, the higher one always first, exponential serving times, customers counted with their waits.
They take turns in one process, and processor time is what counts. `ciw` and `simpy` know nothing of tickets, numbers, promises
and explanations; that is what the difference buys. The mean waits stand beside the rates, to show that the halls are the same.
"""

import cProfile
import gc
import pstats
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import ciw  # type: ignore[import-untyped]
import simpy
from msgspec import Struct

from benchmarks.report import line, ratio, spread, spread_line
from queue_server.simulate.replication import replicate
from queue_server.simulate.scenario import (
    DAY_MS,
    Arrivals,
    CounterPlan,
    Distribution,
    Rate,
    Run,
    Scenario,
    ServicePlan,
    TierPlan,
)

SERVING = 300.0
HIGHER = 0.3
"""The share of the higher tier."""


class Hall(Struct, frozen=True):
    """How many counters, how busy they are, and the mean patience of everybody in seconds (None: nobody gives up)."""

    counters: int
    load: float
    patience: float | None = None

    @property
    def rate(self) -> float:
        """Customers a second."""
        return self.load * self.counters / SERVING

    @property
    def name(self) -> str:
        """How it is called in the results."""
        return f"{self.counters} counters, {self.load:.0%} busy" + (", patience" if self.patience else "")


HALLS = (Hall(4, 0.75), Hall(10, 0.9), Hall(10, 0.9, 1200.0))


def ours(hall: Hall, customers: int) -> float:
    """The simulator; return the mean wait of those served, in seconds."""
    patience = Distribution("exponential", hall.patience * 1000) if hall.patience is not None else None
    shares = (("vip", HIGHER), ("std", 1 - HIGHER))
    scenario = Scenario(
        name=hall.name,
        policy="strict",
        tiers=(TierPlan("vip"), TierPlan("std")),
        services=(ServicePlan("cash", Distribution("exponential", SERVING * 1000)),),
        counters=tuple(CounterPlan(str(number + 1)) for number in range(hall.counters)),
        arrivals=tuple(Arrivals(tier, "cash", (Rate((0, DAY_MS), hall.rate * share * 3600),), patience) for tier, share in shares),
        run=Run(tickets=customers, warmup=0, replications=1, seed=1),
    )
    return replicate(scenario, 0).overall.mean_wait or 0.0


def with_ciw(hall: Hall, customers: int) -> float:
    """The same hall as ciw's documentation builds it."""
    leaves = ciw.dists.Exponential(1 / hall.patience) if hall.patience is not None else None
    network = ciw.create_network(
        arrival_distributions={
            "vip": [ciw.dists.Exponential(hall.rate * HIGHER)],
            "std": [ciw.dists.Exponential(hall.rate * (1 - HIGHER))],
        },
        service_distributions={tier: [ciw.dists.Exponential(1 / SERVING)] for tier in ("vip", "std")},
        number_of_servers=[hall.counters],
        priority_classes={"vip": 0, "std": 1},
        **({"reneging_time_distributions": {"vip": [leaves], "std": [leaves]}} if leaves is not None else {}),
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(customers, method="Finish")
    return statistics.fmean(record.waiting_time for record in simulation.get_all_records(only=["service"]))


def with_simpy(hall: Hall, customers: int) -> float:
    """The same hall by hand: a priority resource and a process for each customer."""
    chance = random.Random(1)
    environment = simpy.Environment()
    counters = simpy.PriorityResource(environment, hall.counters)
    waits: list[float] = []

    def customer(priority: int) -> Iterator[simpy.Event]:
        came = environment.now
        with counters.request(priority=priority) as call:
            if hall.patience is None:
                yield call
            else:
                yield call | environment.timeout(chance.expovariate(1 / hall.patience))
                if not call.triggered:
                    return
            waits.append(environment.now - came)
            yield environment.timeout(chance.expovariate(1 / SERVING))

    def source() -> Iterator[simpy.Event]:
        for _ in range(customers):
            yield environment.timeout(chance.expovariate(hall.rate))
            environment.process(customer(0 if chance.random() < HIGHER else 1))  # type: ignore[arg-type]

    environment.process(source())  # type: ignore[arg-type]
    environment.run()
    return statistics.fmean(waits)


PLAYERS: dict[str, Callable[[Hall, int], float]] = {"ours": ours, "ciw": with_ciw, "simpy": with_simpy}


async def measure(rounds: int, customers: int) -> dict[str, Any]:
    """Play each hall with each simulator in turns and return the figures."""
    halls = {}
    for hall in HALLS:
        rates: dict[str, list[float]] = defaultdict(list)
        waits: dict[str, float] = {}
        for turn in range(rounds):
            order = list(PLAYERS.items())
            for name, player in order if turn % 2 else reversed(order):
                gc.collect()
                begun = time.process_time()
                waits[name] = round(player(hall, customers), 1)
                rates[name].append(customers / (time.process_time() - begun))
        halls[hall.name] = {
            "tickets_a_second": {name: spread(values) for name, values in rates.items()},
            "ratio_to_ciw": ratio(rates["ours"], rates["ciw"]),
            "ratio_to_simpy": ratio(rates["ours"], rates["simpy"]),
            "mean_wait_seconds": waits,
            "rounds": dict(rates),
        }
    return {
        "what": "tickets a second of processor time in virtual time, by simulator",
        "customers": customers,
        "halls": halls,
        "profile": profile(HALLS[1], customers),
    }


def profile(hall: Hall, customers: int) -> dict[str, float]:
    """Return the share of the simulator's time by module, from the most to the least."""
    profiler = cProfile.Profile()
    profiler.runcall(ours, hall, customers)
    own: dict[str, float] = defaultdict(float)
    for (file, _, _), entry in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        parts = Path(file).parts
        package = next((f"{above}/{here}" for above, here in pairwise(parts) if above in {"core", "simulate"}), None)
        own[package or "python and msgspec"] += entry[2]
    total = sum(own.values())
    return {name: round(spent / total, 3) for name, spent in sorted(own.items(), key=lambda item: -item[1])[:10]}


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("Tickets in virtual time")
    for name, found in figures["halls"].items():
        print(f" {name}")
        for player, values in found["rounds"].items():
            print(line(f"{player} (mean wait {found['mean_wait_seconds'][player]} s)", values, "/s"))
        print(spread_line("ratio to ciw", found["ratio_to_ciw"]))
        print(spread_line("ratio to simpy", found["ratio_to_simpy"]))
    print("  where ours spends it: " + ", ".join(f"{name} {share:.0%}" for name, share in figures["profile"].items()))
