"""Taking a safeguard away, and seeing that it is missed: by a law, or by what was expected."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from tests import invariants
from tests.laws.oracle import Account
from tests.scenario import Scenario

Play: TypeAlias = Callable[[], object]
Ablation: TypeAlias = tuple[list[tuple[Any, Any, Any]], Play]
"""What is put in place of what, and a play that passes only with the safeguard."""


def is_missed(removed: list[tuple[Any, Any, Any]], play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that *play* passes, and no more once *removed* is."""
    play()
    for owner, key, instead in removed:
        if isinstance(owner, dict):
            monkeypatch.setitem(owner, key, instead)
        else:
            monkeypatch.setattr(owner, key, instead)
    # Another refusal than the one that was expected is noticed too.
    with pytest.raises((AssertionError, Rejected)):
        play()


def always(value: Any) -> Callable[..., Any]:
    """Return what stands for a function that is no more: it always returns *value*."""
    return lambda *_args, **_named: value


NOTHING = always(None)


def lawful(hall: Scenario) -> Scenario:
    """Look at the branch, and at every one of its facts again, as the random days do."""
    shadow, account = BranchState("b"), Account()
    for event in hall.events:
        account.expect(shadow, event)
        apply(shadow, event)
        invariants.check_each(shadow, event)
        if isinstance(event.fact, e.StepUndone):
            account.check_undone(shadow, event.fact)
    account.check_times(hall.state, hall.now)
    invariants.check(hall.state, hall.events)
    return hall


def timely(hall: Scenario) -> Scenario:
    invariants.check_punctual(hall.when(c.ApplyDeadlines).state, hall.now)
    return lawful(hall)


def attempt(hall: Scenario, command: type[c.Command], **fields: Any) -> Scenario:
    """Ask for something that may be refused."""
    try:
        return hall.when(command, **fields)
    except Rejected:
        return hall


def next_is(hall: Scenario, ticket: str, counter: str = "1") -> Scenario:
    hall.when(c.CallNext, counter=counter)
    assert hall.last(e.TicketCalled).ticket == ticket
    return hall
