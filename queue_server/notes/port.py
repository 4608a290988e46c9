"""
What is asked of a store of notes: texts in free words that facts only point to.

The stream is kept and can never be changed, so what somebody may want unsaid must not be in it. A note may be there without a fact
(its command was given up on), and a fact without its note (it was deleted): whoever reads takes both for ordinary.
"""

from collections.abc import Mapping
from typing import Protocol

from queue_server.core.ids import BranchId, Day


class NotesUnavailable(Exception):  # noqa: N818 - an answer of the store, named as one
    """The store did not answer; the message names the kind of fault only, since the fault itself may quote a text."""


class Notes(Protocol):
    """The store; every method may raise NotesUnavailable."""

    async def keep(self, branch_id: BranchId, note_id: str, day: Day, text: str) -> None:
        """Keep *text* under a new *note_id*; durable when this returns. *day* is the branch's business day."""
        ...

    async def find(self, branch_id: BranchId, note_id: str) -> str | None:
        """Return the text; None when there is none, or none any more."""
        ...

    async def remove(self, branch_id: BranchId, note_id: str) -> bool:
        """Delete the text; False when there was none."""
        ...

    async def forget(self, since: Mapping[BranchId, Day], limit: int) -> int:
        """Delete of each branch the texts of days before *since* says, at most *limit* in all; return how many they were."""
        ...
