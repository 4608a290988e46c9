"""What `queue-server simulate` does: reads the scenarios, plays them, and tells what came of it."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from tqdm import tqdm

from queue_server.core.ids import TierId
from queue_server.simulate.figures import Difference, Figures, TierFigures, differences, figures_of, tier_figures
from queue_server.simulate.reading import read_scenario
from queue_server.simulate.recorded import recorded
from queue_server.simulate.replication import HallStuckError, Progress, replicate
from queue_server.simulate.scenario import Scenario
from queue_server.simulate.tables import ScenarioError
from queue_server.simulate.tally import Outcome
from queue_server.simulate.text import said
from queue_server.simulate.trace import read_trace, recorded_samples


class Result(Struct, frozen=True):
    """One scenario played; `recorded` is what the record says of each tier, where one was played."""

    scenario: Scenario
    outcomes: list[Outcome]
    figures: Figures
    recorded: dict[TierId, TierFigures] | None = None


def run_simulate(args: argparse.Namespace) -> int:
    """Play as the command line asks (scenarios, trace, json); 0 when all was well, 1 when a hall never empties, 2 for a wrong scenario."""
    try:
        results = simulate(args.scenarios, args.trace, show_progress=sys.stderr.isatty())
    except ScenarioError as wrong:
        print("\n".join(wrong.faults), file=sys.stderr)  # noqa: T201 - a command
        return 2
    except HallStuckError as stuck:
        print(stuck, file=sys.stderr)  # noqa: T201 - a command
        return 1
    except KeyboardInterrupt:
        return 130
    found = compare(results)
    print(as_json(results, found) if args.json else said([(r.scenario.name, r.figures, r.recorded) for r in results], found))  # noqa: T201
    return 0


def _read(paths: Sequence[Path], *, recorded: bool) -> list[Scenario]:
    scenarios, faults = [], []
    for path in paths:
        try:
            scenarios.append(read_scenario(path, recorded=recorded))
        except ScenarioError as wrong:
            faults += [f"{path}: {fault}" if len(paths) > 1 else fault for fault in wrong.faults]
    if faults:
        raise ScenarioError(faults)
    return scenarios


def simulate(paths: Sequence[Path], trace: Path | None = None, *, show_progress: bool = False) -> list[Result]:
    """
    Play each scenario of *paths*, with the customers of *trace* where there is one.

    The first scenario's seed and number of replications hold for all, so that they meet the same customers; a record is played once.

    Raises:
        ScenarioError: with everything that is wrong in any of the files.
        HallStuckError: customers remain whom nobody will ever call.
    """
    scenarios = _read(paths, recorded=trace is not None)
    names = [scenario.name for scenario in scenarios]
    first = scenarios[0].run
    rows = read_trace(trace) if trace is not None else None
    results = []
    for path, scenario in zip(paths, scenarios, strict=True):
        name = str(path) if names.count(scenario.name) > 1 else scenario.name
        played = replace(scenario, name=name, run=replace(scenario.run, seed=first.seed, replications=first.replications))
        if rows is None:
            results.append(play(played, show_progress=show_progress))
        else:
            told = {tier: tier_figures([sample]) for tier, sample in recorded_samples(played, rows).items()}
            results.append(replace(play(recorded(played, rows), show_progress=show_progress), recorded=told))
    return results


def play(scenario: Scenario, *, show_progress: bool = False) -> Result:
    """Play all replications of *scenario*."""
    run = scenario.run
    total = run.replications * (scenario.warmup + scenario.counted)
    with tqdm(total=total, unit=" tickets", desc=scenario.name, mininterval=0.5, disable=not show_progress) as bar:
        progress: Progress = bar.update
        begun = time.perf_counter()
        outcomes = [replicate(scenario, replication, progress) for replication in range(run.replications)]
        seconds = time.perf_counter() - begun
    return Result(scenario, outcomes, figures_of(scenario, outcomes, seconds))


def compare(results: Sequence[Result]) -> list[Difference]:
    """Return how each result differs from the first."""
    base = (results[0].scenario.name, results[0].outcomes)
    return [entry for result in results[1:] for entry in differences(base, (result.scenario.name, result.outcomes))]


def as_json(results: Sequence[Result], found: Sequence[Difference]) -> str:
    """Return one scenario's figures as they are; those of several by name, with the differences."""
    forms = [
        {**msgspec.to_builtins(result.figures), **({"recorded": msgspec.to_builtins(result.recorded)} if result.recorded else {})}
        for result in results
    ]
    if len(results) == 1:
        return msgspec.json.encode(forms[0]).decode()
    named = {result.scenario.name: form for result, form in zip(results, forms, strict=True)}
    return msgspec.json.encode({"scenarios": named, "differences": found}).decode()
