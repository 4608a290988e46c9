"""
Where a branch stands, in a form that can be compared: its head, and a hash of the state that its facts lead to.

The hash is taken of what the facts say, not of how it is kept in memory: keys are sorted, and what is only cached or counted from
the rest is left out. The same facts give the same hash in every process of one version; another version may read more out of
the same facts, so hashes of different versions are not compared.
"""

import hashlib

import msgspec
from msgspec import Struct

from queue_server.core.apply import apply
from queue_server.core.ids import BranchId, Day
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Head, Row

_DERIVED = frozenset(
    {"lines", "lapsing", "waiting", "queues", "policy", "next_due", "is_due_known", "staffing", "reach", "beside", "callable"}
)
_LONGEST_FAULT = 200


class Mark(Struct, frozen=True):
    """A branch at the last fact of its present day; `state` is the hash, None where the facts cannot be read: `fault` says why."""

    branch_id: BranchId
    day: Day
    seq: int
    state: str | None
    fault: str | None = None


class Fold:
    """Takes in the facts of the head's day one by one; a fault ends it, and is kept for the mark."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._fault: str | None = None
        self.state = BranchState(head.branch_id)

    def take(self, row: Row) -> None:
        """Apply *row*, the next of the day."""
        if self._fault is not None:
            return
        if row.seq != self.state.seq + 1:
            self._fault = f"fact {self.state.seq + 1} of {row.day} is missing"
            return
        try:
            apply(self.state, to_event(row))
        except Exception as fault:  # noqa: BLE001 - whatever it is, this branch cannot be read and the others can
            self._fault = f"fact {row.seq} ({row.name}): {type(fault).__name__}: {fault}"[:_LONGEST_FAULT]

    def mark(self) -> Mark:
        """Return where the branch stands."""
        head, state = self._head, self.state
        if self._fault is None and (state.day, state.seq) != (head.day, head.seq):
            self._fault = f"the facts end at {state.seq}, the head stands at {head.seq}"
        hashed = state_hash(state) if self._fault is None else None
        return Mark(head.branch_id, head.day, head.seq, hashed, self._fault)


def state_hash(state: BranchState) -> str:
    """Return the hash of *state* (SHA-256, hexadecimal)."""
    plain = {name: getattr(state, name) for name in state.__struct_fields__ if name not in _DERIVED}
    lines = sorted((msgspec.json.encode(key), line.standings[line.start :]) for key, line in state.lines.items() if line)
    waiting = [(key.decode(), standings) for key, standings in lines]
    content = msgspec.json.encode(plain | {"lines": waiting, "lapsing": list(state.lapsing)}, order="sorted")
    return hashlib.sha256(content).hexdigest()
