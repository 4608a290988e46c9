"""
Histories of many clients at many nodes under faults, each held against the facts: `python -m tests.faults.histories`.

Every history has a cluster of its own, whose nodes hear of each other by NATS or by NOTIFY as the seed will have it. Clients use every
command at any node, a third of their answers never reach them, and one trouble follows another. When all is quiet again the screens
must have come as far as the log, and the checker says what was wrong.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec import Struct, field, json
from tqdm import tqdm

from benchmarks.report import keep
from tests.faults.checker import Violation, check_history, late_effects
from tests.faults.clients import Clients, Manners
from tests.faults.cluster import BusKind, Cluster, running_cluster
from tests.faults.doubles import CALL, NUMBER
from tests.faults.facts import stored
from tests.faults.history import NO_ANSWER, History
from tests.faults.nodes import admin
from tests.faults.troubles import trouble
from tests.faults.watching import watching

CONVERGES_SECONDS = 30.0
SHOWN = 20
MANNERS = Manners(attempt_seconds=4.0, patience_seconds=60.0)


class Plan(Struct, frozen=True):
    """How large a history is, and how often something happens to it (None: never)."""

    commands: int
    clients: int
    branches: int
    pause_seconds: float | None


class Told(Struct):
    """One history: what happened in it, and what is wrong with it."""

    seed: int
    bus: BusKind
    seconds: float
    counts: dict[str, int]
    troubles: dict[str, int]
    violations: list[Violation]
    stuck: list[str] = field(default_factory=list)


async def tell(cluster: Cluster, plan: Plan, seed: int, progress: Any) -> Told:
    """Let one history happen and judge it."""
    token = await admin(cluster.engine.dsn)
    branches = [f"h{seed}-{number}" for number in range(plan.branches)]
    done: Counter[str] = Counter()
    began = time.monotonic()
    holders = [member.push_url for member in cluster.members]
    async with Clients([node.url for node in cluster.nodes], token, branches, seed, MANNERS) as clients:
        clients.progress = progress
        await clients.make_branches()
        async with watching(holders, token, branches, clients.history) as screens:
            async with _troubled(cluster, plan, seed, done):
                await clients.use(plan.commands, plan.clients)
            for member in cluster.members:
                await member.service.ready()
            facts = await stored(cluster.engine.dsn, branches)
            stuck = [
                f"a {each.screen.view} of {each.screen.branch} stands at {each.feed.state.head} of {facts[each.screen.branch][-1].seq}"
                for each in screens
                if not await each.converges(facts[each.screen.branch][-1].seq, CONVERGES_SECONDS)
            ]
    seconds = time.monotonic() - began
    # Time goes on at the counters: what it has made happen since belongs to it.
    facts = await stored(cluster.engine.dsn, branches)
    violations = await asyncio.to_thread(check_history, clients.history, facts)
    if violations:
        # It cannot be repeated: whoever looks into it needs what was seen.
        Path(tempfile.gettempdir(), f"queue-history-{seed}.json").write_bytes(json.encode((clients.history, facts)))
    counts = _counts(clients.history) | {
        "facts": sum(map(len, facts.values())),
        "late_effects": late_effects(clients.history, facts),
    }
    return Told(seed, bus_of(seed), round(seconds, 1), counts, dict(done), violations, stuck)


@contextlib.asynccontextmanager
async def _troubled(cluster: Cluster, plan: Plan, seed: int, done: Counter[str]) -> Any:
    if plan.pause_seconds is None:
        yield
        return
    task = asyncio.create_task(trouble(cluster, random.Random(seed), plan.pause_seconds, done))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _counts(history: History) -> dict[str, int]:
    attempts = [attempt for request in history.requests for attempt in request.attempts]
    return {
        "commands": len(history.requests),
        "attempts": len(attempts),
        "acknowledged": sum(any(request.acknowledged()) for request in history.requests),
        "replayed": sum(attempt.replayed for attempt in attempts),
        "refused": sum(attempt.is_refused for attempt in attempts),
        "unsettled": sum(attempt.is_unsettled for attempt in attempts),
        "no_answer": sum(attempt.status == NO_ANSWER for attempt in attempts),
        "never_settled": sum(request.attempts[-1].is_unsettled for request in history.requests),
        "reads": len(history.reads),
        "screen_messages": sum(len(screen.messages) for screen in history.screens),
    }


async def campaign(plan: Plan, nodes: int, histories: int, seed: int, name: str | None) -> list[Told]:
    """Let *histories* histories happen, each on a cluster of its own; what is known so far is kept after each, under *name*."""
    told: list[Told] = []
    for number in range(histories):
        with tqdm(total=plan.commands, desc=f"history {number + 1} of {histories}", unit=" commands") as bar:
            told.append(await _on_a_cluster(plan, nodes, seed + number, bar.update))
        if name is not None:
            keep(name, figures(plan, nodes, told))
    return told


async def _on_a_cluster(plan: Plan, nodes: int, seed: int, progress: Any) -> Told:
    with tempfile.TemporaryDirectory(prefix="queue-", ignore_cleanup_errors=True) as folder:
        async with running_cluster(Path(folder), nodes, bus_of(seed)) as cluster:
            return await tell(cluster, plan, seed, progress)


def bus_of(seed: int) -> BusKind:
    """Return what carries the hints in the history of *seed*."""
    return random.Random(f"bus of {seed}").choice(list(BusKind))


def figures(plan: Plan, nodes: int, told: list[Told]) -> dict[str, Any]:
    """Return what is kept."""
    totals: Counter[str] = Counter()
    troubles: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for each in told:
        totals.update(each.counts)
        troubles.update(each.troubles)
        found.update(violation.check for violation in each.violations)
    return {
        "what": "histories of clients at many nodes, a third of their answers dropped and repeated, held against the facts",
        "nodes": nodes,
        "clients": plan.clients,
        "branches_each": plan.branches,
        "histories": len(told),
        "commands_each": plan.commands,
        "seeds": [each.seed for each in told],
        "buses": dict(Counter(each.bus for each in told)),
        "seconds": round(sum(each.seconds for each in told), 1),
        "numbers_given_twice": found[NUMBER],
        "tickets_called_twice": found[CALL],
        "violations": dict(found),
        "violation_examples": [f"{v.check} in {v.branch}: {v.detail}" for each in told for v in each.violations][:SHOWN],
        "screens_stuck": [line for each in told for line in each.stuck],
        "totals": dict(totals),
        "troubles": dict(sorted(troubles.items())),
    }


def main() -> int:
    """Run the campaign; 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20)
    parser.add_argument("--commands", type=int, default=5000, help="of each history")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--branches", type=int, default=4, help="of each history")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds from one trouble to the next, about; 0: none at all")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="draws the commands and the troubles"
    )
    parser.add_argument("--keep", default="faults_histories", help="name of the results")
    chosen = parser.parse_args()
    plan = Plan(chosen.commands, chosen.clients, chosen.branches, chosen.pause or None)
    told = asyncio.run(campaign(plan, chosen.nodes, chosen.histories, chosen.seed, chosen.keep))
    kept = figures(plan, chosen.nodes, told)
    for name in (
        "histories",
        "buses",
        "commands_each",
        "seconds",
        "numbers_given_twice",
        "tickets_called_twice",
        "totals",
        "troubles",
    ):
        sys.stdout.write(f"{name}: {kept[name]}\n")
    sys.stdout.write(f"violations: {kept['violations'] or 'none'}; screens stuck: {len(kept['screens_stuck'])}\n")
    sys.stdout.writelines(f"  {line[:1000]}\n" for line in (*kept["violation_examples"], *kept["screens_stuck"]))
    return 1 if kept["violations"] or kept["screens_stuck"] else 0


if __name__ == "__main__":
    sys.exit(main())
