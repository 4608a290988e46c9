"""All screens that follow the same: each message is made once and shared."""

from collections.abc import Sequence
from typing import Protocol

from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration
from queue_server.core.ids import Instant
from queue_server.core.state import BranchState
from queue_server.push.messages import Delta, Heartbeat, snapshot_frame
from queue_server.push.recent import Recent
from queue_server.push.session import Session
from queue_server.push.views import Following

_FRESH_MS = 1000


class Screen(Protocol):
    """A connection as the feed sees it: writing never waits, what cannot leave yet is buffered."""

    def buffered(self) -> int:
        """Return how many bytes wait to leave."""
        ...

    def send(self, frame: bytes) -> None:
        """Write a message; nothing happens on a closed connection."""
        ...

    def drop(self) -> None:
        """End the connection at once: the other side does not read."""
        ...


class Channel:
    """Makes the messages of one `Following` from a branch's committed state and changes."""

    def __init__(self, following: Following, recent: Recent, epoch: str) -> None:
        self.following = following
        self.recent = recent
        self.epoch = epoch
        self.screens: dict[Session, Screen] = {}
        self._snapshot = (0, b"")

    def snapshot(self, state: BranchState, at: Instant) -> bytes:
        """Return a snapshot of *state*, which stands at the head; a rush of screens shares one, at most a second old."""
        made_at, frame = self._snapshot
        if not frame or not 0 <= at - made_at < _FRESH_MS:
            frame = snapshot_frame(self.epoch, self.recent.day, self.recent.seq, self.following.show(state, at))
            self._snapshot = (at, frame)
        return frame

    def outdate(self) -> None:
        """The head has moved: the snapshot is history."""
        self._snapshot = (0, b"")

    def delta(self, changes: Sequence[Change], rules: Configuration) -> Delta | None:
        """Return what *changes*, none of which changed *rules*, mean to this view; None when they mean nothing to it."""
        told = [event for change in changes if (event := self.following.tell(change, rules)) is not None]
        if not told:
            return None
        last = changes[-1].event
        return Delta(last.day, last.seq, told)


class Moment:
    """A channel at one committed moment, as a session begins from it."""

    def __init__(self, channel: Channel, state: BranchState, at: Instant) -> None:
        self._channel = channel
        self._state = state
        self._at = at

    def snapshot(self) -> bytes:
        """Return the snapshot at the head."""
        return self._channel.snapshot(self._state, self._at)

    def since(self, seq: int) -> Delta | None:
        """Return what follows on *seq*; None when nothing that the view shows."""
        changes = self._channel.recent.since(seq)
        return self._channel.delta(changes, self._state.rules) if changes else None

    def heartbeat(self) -> Heartbeat:
        """Return the sign of life of this moment."""
        recent = self._channel.recent
        return Heartbeat(recent.day, recent.seq, self._at)
