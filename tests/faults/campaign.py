"""
Kills the service, its database, both, NATS, or a node behind a proxy, as `kill -9` does, under load, again and again.

`python -m tests.faults.campaign`: a round waits until the hall is busy, kills, starts again what nobody else would, and takes the
time until a command sent after the kill is answered, in any branch and in every branch. At the end everything that was acknowledged
is looked for.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from msgspec import Struct
from tqdm import tqdm

from benchmarks.report import keep
from tests.faults.crowd import BETWEEN_SECONDS, BRANCHES, QUIET_SECONDS, Crowd
from tests.faults.targets import Kind, Target, target_for
from tests.faults.verdict import Breach, Harm, judge

LIMIT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
BUSY_ANSWERS = (30, 250)
"""A kill comes after so many answers since the last recovery, drawn anew each time, so that it meets every phase of a commit."""


class Round(Struct, frozen=True):
    """One kill: seconds until the first command of any branch, and of every branch, was answered again."""

    any_branch: float
    every_branch: float


class Outcome(Struct, frozen=True):
    """A campaign of one kind."""

    kind: str
    rounds: list[Round]
    acknowledged: int
    breaches: list[Breach]

    @property
    def is_well(self) -> bool:
        """Whether nothing was wrong and serving was back in time after every kill."""
        return not self.breaches and self.longest <= LIMIT_SECONDS

    def harmed(self, harm: Harm) -> int:
        """Count the breaches that have done *harm*."""
        return sum(breach.harm is harm for breach in self.breaches)

    @property
    def longest(self) -> float:
        """The slowest return to serving, in seconds."""
        return max((each.any_branch for each in self.rounds), default=float("inf"))


async def one_round(target: Target, crowd: Crowd, kind: Kind, chance: random.Random) -> Round:
    """Wait until the hall is busy, kill, and take the time until it is served again."""
    enough = len(crowd.acknowledged) + chance.randint(*BUSY_ANSWERS)
    await crowd.until(lambda: len(crowd.acknowledged) >= enough, PATIENCE_SECONDS)
    killed, seen = asyncio.get_running_loop().time(), len(crowd.acknowledged)
    target.strike(kind, chance)
    back: dict[str, float] = {}

    def everywhere() -> bool:
        nonlocal seen
        for done in crowd.acknowledged[seen:]:
            if done.sent > killed and done.status < 300:
                back.setdefault(done.branch, done.answered - killed)
        seen = len(crowd.acknowledged)
        return len(back) == len(BRANCHES)

    await crowd.until(everywhere, PATIENCE_SECONDS)
    crowd.between_seconds = QUIET_SECONDS
    await target.whole()
    crowd.between_seconds = BETWEEN_SECONDS
    return Round(min(back.values()), max(back.values()))


@contextlib.asynccontextmanager
async def busy_hall(kinds: Sequence[Kind]) -> AsyncIterator[tuple[Target, Crowd]]:
    """Run what is to be killed, with a crowd that is about to use it."""
    async with target_for(kinds) as target:
        crowd = Crowd(target.url, target.token)
        await crowd.enter()
        try:
            yield target, crowd
        finally:
            await crowd.leave()


async def campaign(
    name: str, kinds: Sequence[Kind], chance: random.Random, progress: Callable[[], object] = lambda: None
) -> Outcome:
    """Kill each of *kinds* in turn, under load, and return what was found under *name*."""
    done: list[Round] = []
    async with busy_hall(kinds) as (target, crowd):
        using = asyncio.create_task(crowd.use())
        try:
            for kind in kinds:
                done.append(await one_round(target, crowd, kind, chance))
                progress()
        except TimeoutError:
            crowd.faults.append(f"no answer within {PATIENCE_SECONDS:g} s after kill {len(done) + 1}:\n{target.said()}")
            using.cancel()
        crowd.close()
        await asyncio.wait({using})
        await target.agree(crowd.heads())
        return Outcome(name, done, len(crowd.acknowledged), await judge(crowd))


def figures(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """Return what is kept of *outcomes*."""
    return {
        "what": "seconds from kill -9 under load until a command was answered again",
        "limit_seconds": LIMIT_SECONDS,
        "seed": seed,
        "kills": sum(len(outcome.rounds) for outcome in outcomes),
        "acknowledged": sum(outcome.acknowledged for outcome in outcomes),
        **{harm: sum(outcome.harmed(harm) for outcome in outcomes) for harm in Harm},
        "kinds": {outcome.kind: _kind(outcome) for outcome in outcomes},
    }


def _kind(outcome: Outcome) -> dict[str, Any]:
    return {
        "kills": len(outcome.rounds),
        "acknowledged": outcome.acknowledged,
        "any_branch_seconds": _spread([each.any_branch for each in outcome.rounds]),
        "every_branch_seconds": _spread([each.every_branch for each in outcome.rounds]),
        **{harm: outcome.harmed(harm) for harm in Harm},
        "breaches": [breach.detail for breach in outcome.breaches],
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    # No round came to its end: the breaches say why.
    if not seconds:
        return {}
    return {"p50": round(statistics.median(seconds), 3), "max": round(max(seconds), 3)}


def table(outcomes: list[Outcome]) -> str:
    """Return *outcomes* as a table in Markdown."""
    lines = [
        "| killed | times | commands acknowledged | any branch: p50, longest | every branch: p50, longest | lost | doubled | wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        kind = _kind(outcome)
        cells = [outcome.kind, kind["kills"], outcome.acknowledged]
        cells += [
            ", ".join(f"{seconds:.2f} s" for seconds in kind[f"{which}_branch_seconds"].values()) for which in ("any", "every")
        ]
        cells += [kind[harm] for harm in Harm]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> int:
    """Run the campaign; 0 when nothing was lost and serving was back in time after every kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40, help="kills of each kind")
    parser.add_argument("--kinds", nargs="+", type=Kind, default=list(Kind), metavar="KIND", help=", ".join(Kind))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="repeats the moments of the kills")
    arguments = parser.parse_args()
    chance, outcomes = random.Random(arguments.seed), []
    for kind in arguments.kinds:
        with tqdm(total=arguments.rounds, desc=kind, unit=" kills") as bar:
            outcomes.append(asyncio.run(campaign(kind, [kind] * arguments.rounds, chance, bar.update)))
    sys.stdout.write(f"{table(outcomes)}\n\nseed {arguments.seed}; kept in {keep('kill9', figures(outcomes, arguments.seed))}\n")
    for outcome in outcomes:
        sys.stdout.writelines(f"{outcome.kind}: {breach.harm}: {breach.detail}\n" for breach in outcome.breaches)
    return 0 if all(outcome.is_well for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
