"""Each planted bug is caught, by the check that is meant for it; the same steps without the bug are found to be in order."""

import contextlib
from unittest.mock import patch

import pytest

from tests.faults import provoking as p
from tests.faults.checker import check_history
from tests.faults.clients import Manners
from tests.faults.hall import Setting, hall
from tests.faults.planted import BUGS

CAUGHT: dict[str, tuple[p.Provocation, str]] = {
    "acknowledged_before_commit": (p.race, "lost"),
    "published_before_commit": (p.race, "shown"),
    "uncommitted_shown": (p.race, "read"),
    "fence_removed": (p.race, "number_twice"),
    "refusal_not_confirmed": (p.quarrel, "refusal"),
    "replica_read": (p.quarrel, "refusal"),
    "old_state_as_new": (p.look_there, "stale"),
    "unknown_taken_for_not_happened": (p.lost_answer, "refused_with_effect"),
    "key_forgotten": (p.repeat, "doubled"),
    "receipt_of_another": (p.repeat, "answer"),
    "deadline_applied_twice": (p.let_wait, "decided"),
    "idle_not_asked": (p.call_twice, "called_twice"),
    "resumed_off_by_one": (p.come_back, "shown"),
}
GRACE_SECONDS = {"let_wait": 0.05}
DEAF = {"quarrel", "look_there"}
"""Steps between nodes that do not hear of each other: a hint is nothing that anything may rest on."""
PROVOCATIONS = {provocation.__name__: provocation for provocation, _ in CAUGHT.values()}


def test_every_bug_has_its_check() -> None:
    assert CAUGHT.keys() == BUGS.keys()


async def checks(provocation: p.Provocation, bug: str | None, dsn: str) -> set[str]:
    """Provoke; return which checks found something."""
    manners = Manners(dropped=0.0, patience_seconds=5.0, no_show_seconds=GRACE_SECONDS.get(provocation.__name__, 60.0))
    with contextlib.ExitStack() as stack:
        if bug is not None:
            stack.enter_context(BUGS[bug]())
        if provocation.__name__ in DEAF:
            stack.enter_context(patch("queue_server.runtime.following.Following.hint"))
        async with hall(dsn, Setting(manners=manners)) as opened:
            await provocation(opened)
            seen = await opened.seen(converge=False)
    # The checker decides with the real core: the bug is gone by now.
    return {violation.check for violation in check_history(seen.history, seen.facts)}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_caught(bug: str, durable_url: str) -> None:
    provocation, check = CAUGHT[bug]
    assert check in await checks(provocation, bug, durable_url)


@pytest.mark.parametrize("steps", PROVOCATIONS)
async def test_nothing_is_found_without_a_bug(steps: str, durable_url: str) -> None:
    assert await checks(PROVOCATIONS[steps], None, durable_url) == set()
