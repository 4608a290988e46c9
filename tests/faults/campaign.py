"""
Kills the service, its database, or both, as `kill -9` does, under load, again and again: `python -m tests.faults.campaign`.

A round waits until the hall is busy, kills, starts the service again when it was killed (its database is the service's own affair),
and takes the time until a command sent after the kill is answered, in any branch and in every branch. At the end everything that
was acknowledged is looked for.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from tqdm import tqdm

from benchmarks.report import keep
from benchmarks.running import Service, children, running_service
from tests.faults.crowd import BRANCHES, Crowd
from tests.faults.verdict import judge

LIMIT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
BUSY_ANSWERS = (30, 250)
"""A kill comes after so many answers since the last recovery, drawn anew each time, so that it meets every phase of a commit."""


class Kind(StrEnum):
    """What is killed."""

    SERVICE = "service"
    POSTGRES = "postgres"
    BOTH = "both"


class Round(Struct, frozen=True):
    """One kill: seconds until the first command of any branch, and of every branch, was answered again."""

    any_branch: float
    every_branch: float


class Outcome(Struct, frozen=True):
    """A campaign of one kind."""

    kind: str
    rounds: list[Round]
    acknowledged: int
    breaches: list[str]

    @property
    def longest(self) -> float:
        """The slowest return to serving, in seconds."""
        return max((each.any_branch for each in self.rounds), default=float("inf"))


def kill_database(service: Service) -> None:
    """
    Kill PostgreSQL with all its processes.

    Its backends would notice the death of their postmaster only when they next wait: one of them could still answer.
    """
    if (pid := service.database_pid()) is None:
        raise RuntimeError("there is no database to kill")
    for each in (pid, *children(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def strike(service: Service, kind: Kind) -> None:
    """Kill what *kind* names and start the service again when it was killed."""
    if kind in {Kind.POSTGRES, Kind.BOTH}:
        kill_database(service)
    if kind in {Kind.SERVICE, Kind.BOTH}:
        service.kill()
        service.launch()


async def one_round(service: Service, crowd: Crowd, kind: Kind, answers: int) -> Round:
    """Wait for *answers* more answers, kill, and take the time until the hall is served again."""
    enough = len(crowd.acknowledged) + answers
    await crowd.until(lambda: len(crowd.acknowledged) >= enough, PATIENCE_SECONDS)
    killed, seen = asyncio.get_running_loop().time(), len(crowd.acknowledged)
    strike(service, kind)
    back: dict[str, float] = {}

    def everywhere() -> bool:
        nonlocal seen
        for done in crowd.acknowledged[seen:]:
            if done.sent > killed and done.status < 300:
                back.setdefault(done.branch, done.answered - killed)
        seen = len(crowd.acknowledged)
        return len(back) == len(BRANCHES)

    await crowd.until(everywhere, PATIENCE_SECONDS)
    return Round(min(back.values()), max(back.values()))


@contextlib.asynccontextmanager
async def busy_hall() -> AsyncIterator[tuple[Service, Crowd]]:
    """Run a service with a crowd that is about to use it."""
    async with running_service() as service:
        crowd = Crowd(service.url, await service.token())
        await crowd.enter()
        try:
            yield service, crowd
        finally:
            await crowd.leave()


async def campaign(
    name: str, kinds: Sequence[Kind], chance: random.Random, progress: Callable[[], object] = lambda: None
) -> Outcome:
    """Kill each of *kinds* in turn, under load, and return what was found under *name*."""
    done: list[Round] = []
    async with busy_hall() as (service, crowd):
        using = asyncio.create_task(crowd.use())
        try:
            for kind in kinds:
                done.append(await one_round(service, crowd, kind, chance.randint(*BUSY_ANSWERS)))
                progress()
        except TimeoutError:
            crowd.faults.append(f"no answer within {PATIENCE_SECONDS:g} s after kill {len(done) + 1}:\n{service.log_tail()}")
            using.cancel()
        crowd.close()
        await asyncio.wait({using})
        return Outcome(name, done, len(crowd.acknowledged), await judge(crowd))


def figures(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """Return what is kept of *outcomes*."""
    return {
        "what": "seconds from kill -9 under load until a command was answered again",
        "limit_seconds": LIMIT_SECONDS,
        "seed": seed,
        "kinds": {outcome.kind: _kind(outcome) for outcome in outcomes},
    }


def _kind(outcome: Outcome) -> dict[str, Any]:
    return {
        "kills": len(outcome.rounds),
        "acknowledged": outcome.acknowledged,
        "any_branch_seconds": _spread([each.any_branch for each in outcome.rounds]),
        "every_branch_seconds": _spread([each.every_branch for each in outcome.rounds]),
        "breaches": outcome.breaches,
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    # No round came to its end: the breaches say why.
    if not seconds:
        return {}
    return {"p50": round(statistics.median(seconds), 3), "max": round(max(seconds), 3)}


def table(outcomes: list[Outcome]) -> str:
    """Return *outcomes* as a table in Markdown."""
    lines = [
        "| killed | times | commands acknowledged | any branch: p50, longest | every branch: p50, longest | breaches |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        kind = _kind(outcome)
        first, every = kind["any_branch_seconds"], kind["every_branch_seconds"]
        lines.append(
            f"| {outcome.kind} | {kind['kills']} | {outcome.acknowledged} | {first['p50']:.2f} s, {first['max']:.2f} s "
            f"| {every['p50']:.2f} s, {every['max']:.2f} s | {len(outcome.breaches)} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the campaign; 0 when nothing was lost and serving was back in time after every kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="kills of each kind")
    parser.add_argument("--kinds", nargs="+", type=Kind, default=list(Kind), metavar="KIND", help=", ".join(Kind))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="repeats the moments of the kills")
    arguments = parser.parse_args()
    chance, outcomes = random.Random(arguments.seed), []
    for kind in arguments.kinds:
        with tqdm(total=arguments.rounds, desc=kind, unit=" kills") as bar:
            outcomes.append(asyncio.run(campaign(kind, [kind] * arguments.rounds, chance, bar.update)))
    sys.stdout.write(f"{table(outcomes)}\n\nseed {arguments.seed}; kept in {keep('kill9', figures(outcomes, arguments.seed))}\n")
    for outcome in outcomes:
        sys.stdout.writelines(f"{outcome.kind}: {breach}\n" for breach in outcome.breaches)
    return 0 if all(not outcome.breaches and outcome.longest <= LIMIT_SECONDS for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
