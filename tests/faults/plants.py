"""
How soon the checker finds each planted bug when nothing but chance provokes it: `python -m tests.faults.plants`.

Many clients use every command at three nodes that have the bug and get no hints, while connections are cut, muted and held. After every
fifty commands all that was seen is checked, by a process that does not have the bug. The same without a bug must find nothing.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from msgspec import Struct, to_builtins
from tqdm import tqdm

from benchmarks.report import keep
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.faults.chaos import Chaos
from tests.faults.checker import check_history
from tests.faults.clients import Manners
from tests.faults.hall import Hall, Setting, Ways, hall
from tests.faults.planted import BUGS

NO_BUG = "none"
CHUNK = 50
CHUNK_SECONDS = 20.0
PRICK_AFTER = 25
"""So many commands come between two troubles."""
PRICK_SECONDS = 0.3
MANNERS = Manners(reads=0.2, attempt_seconds=3.0, patience_seconds=5.0, no_show_seconds=0.5)

DEAF = {"bus_url": "none"}
"""Nodes that find out by themselves what others have written: a hint is nothing that anything may rest on."""

BRANCHES = ("north", "south", "east")
"""So few clients in each that a refusal often travels alone: among commands that have an effect the fence would guard it, too."""


class Found(Struct, frozen=True):
    """When a bug was found: after so many commands, by these checks; by none when it was not."""

    bug: str
    commands: int
    checks: dict[str, int]


class Pricks:
    """Called after each command, and now and then a small trouble to the connections of a node or of its screens."""

    def __init__(self, ways: Ways, chance: random.Random) -> None:
        self._ways = [*ways.database, *ways.screens]
        self._chance = chance
        self._commands = 0

    def __call__(self) -> None:
        self._commands += 1
        if self._commands % PRICK_AFTER == 0:
            way = self._chance.choice(self._ways)
            self._chance.choice((Chaos.reset, Chaos.cut, _mute, _hold))(way)


def _mute(way: Chaos) -> None:
    way.mute()
    asyncio.get_running_loop().call_later(PRICK_SECONDS, way.reset)


def _hold(way: Chaos) -> None:
    way.hold()
    asyncio.get_running_loop().call_later(PRICK_SECONDS, way.release)


async def hunt(dsn: str, bug: str, seed: int, judge: Executor, bar: Any) -> Found:
    """Use nodes that have *bug*, on the empty database at *dsn*, until the checker finds something or the *bar* is full."""
    setting = Setting(nodes=3, commands=CHUNK, clients=12, seed=seed, manners=MANNERS, branches=BRANCHES, node=DEAF)
    with BUGS[bug]() if bug != NO_BUG else contextlib.nullcontext():
        async with hall(dsn, setting) as opened:
            opened.clients.progress = Pricks(opened.ways, random.Random(seed))
            while bar.n < bar.total:
                # A bug may bring everything to a stand-still; what was seen until then is enough to judge.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHUNK_SECONDS):
                        await opened.use()
                bar.update(CHUNK)
                if checks := await _checked(opened, judge):
                    return Found(bug, bar.n, checks)
    return Found(bug, bar.n, {})


async def _checked(opened: Hall, judge: Executor) -> dict[str, int]:
    found = await asyncio.get_running_loop().run_in_executor(judge, check_history, *await opened.so_far())
    return dict(Counter(violation.check for violation in found))


async def campaign(bugs: Sequence[str], seed: int, most: int) -> list[Found]:
    """Hunt each of *bugs*, on a database of its own."""
    found = []
    # Started, not forked: a process that has never had the bug.
    with tempfile.TemporaryDirectory(prefix="queue-plants-") as folder, ProcessPoolExecutor(1, get_context("spawn")) as judge:
        async with EmbeddedPostgres(Path(folder) / "data") as engine:
            for number, bug in enumerate(bugs):
                dsn = await _empty(engine.dsn, f"plant_{number}")
                with tqdm(total=most, desc=bug, unit=" commands") as bar:
                    found.append(await hunt(dsn, bug, seed, judge, bar))
    return found


async def _empty(dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    return dsn.replace("/queue?", f"/{name}?")


def figures(found: Sequence[Found], seed: int, most: int) -> dict[str, Any]:
    """Return what is kept."""
    bugs = [each for each in found if each.bug != NO_BUG]
    return {
        "what": "commands of a random history until the checker found something, at three nodes that have the bug",
        "seed": seed,
        "most_commands": most,
        "bugs": len(bugs),
        "caught": sum(bool(each.checks) for each in bugs),
        "found_without_a_bug": sum(bool(each.checks) for each in found if each.bug == NO_BUG),
        "each": to_builtins(found),
    }


def main() -> int:
    """Run the campaign; 0 when each bug was found, and nothing without one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", nargs="+", default=[*BUGS, NO_BUG], choices=[*BUGS, NO_BUG], metavar="BUG", help=", ".join(BUGS))
    parser.add_argument("--most", type=int, default=3000, help="commands after which a bug counts as not found")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="draws the commands and the troubles"
    )
    chosen = parser.parse_args()
    # The nodes live here, and complain of what is done to them.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    found = asyncio.run(campaign(chosen.bugs, chosen.seed, chosen.most))
    for each in found:
        sys.stdout.write(f"{each.bug}: {f'after {each.commands} commands by {each.checks}' if each.checks else 'nothing found'}\n")
    sys.stdout.write(f"seed {chosen.seed}; kept in {keep('faults_planted', figures(found, chosen.seed, chosen.most))}\n")
    return 0 if all(bool(each.checks) == (each.bug != NO_BUG) for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
