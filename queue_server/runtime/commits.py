"""What the runtime tells those who watch: facts that are durable, never before."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from msgspec import Struct

from queue_server.core.changes import Change
from queue_server.core.ids import BranchId
from queue_server.core.state import BranchState

_log = structlog.get_logger(__name__)


class Commit(Struct, frozen=True):
    """
    Consecutive facts of one branch that have become durable, in order.

    `own` tells whether this process wrote them; those of other processes and of a replay are not.
    """

    branch_id: BranchId
    changes: Sequence[Change]
    own: bool


class Observer(Protocol):
    """Watches what is committed; called on the event loop, must not block and must not change *state*."""

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Take note of *commit*; *state* stands exactly at its last fact during the call."""
        ...

    def reloaded(self, state: BranchState) -> None:
        """Take note that the branch was read anew from the log: what was known of it no longer counts."""
        ...


def tell(observers: Sequence[Observer], news: Callable[[Observer], None]) -> None:
    """Let every observer know; one that fails must stop neither the others nor the writing."""
    for observer in observers:
        try:
            news(observer)
        except Exception:  # noqa: BLE001 - logged
            _log.exception("an observer failed", observer=type(observer).__name__)


class Probe(Protocol):
    """Is told how the writer fares."""

    def observe_commit(self, seconds: float, facts: int) -> None:
        """Take note of one append: how long it took, and how many facts it stored."""
        ...


class NoProbe:
    """Measures nothing."""

    def observe_commit(self, seconds: float, facts: int) -> None:
        """Do nothing."""
