"""Tells the other nodes of what this one has committed."""

from queue_server.bus.port import Bus, Hint
from queue_server.core.state import BranchState
from queue_server.runtime.commits import Commit


class CommitHints:
    """
    An observer that publishes where a branch stands after each commit of this process.

    The branches of one batch are committed in one turn of the event loop, before the bus can send: they go out together.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Publish where *state* stands, unless another process wrote it."""
        if commit.own:
            self._bus.publish((Hint(state.branch_id, state.day, state.seq),))

    def reloaded(self, state: BranchState) -> None:
        """Nothing was written here."""
