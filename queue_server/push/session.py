"""
What one screen is told, and in which order: the feed without its sockets.

The idea: a screen holds a *position* (epoch, day, seq) and a state that is true there. It is told everything after its position,
in order, or it is given a new position with a whole state. Connecting, coming back after a cut and catching up after having been
too slow are the same step, `begin`: from a position that the server still knows the missing changes follow, from any other one a
snapshot does.

Guarantees:
- The law: the snapshot at n, with the deltas n..m applied, equals the snapshot at m (outlook aside).
- Nothing is lost unnoticed: each delta and heartbeat carries `prev`, the position of this screen's message before it. A commit
  that does not touch what the view shows sends nothing, and `prev` stays where it was.
- Nothing is told before it is durable; `begin` sees committed state only, and runs where no commit can slip in between it and
  the first delta.
- A slow screen costs a bounded buffer and nobody else anything: past the bound it is told nothing more until what it has been
  sent has left, and then begins again from the position it will have reached by then.

Known limits: a snapshot is one message, for staff as long as their list of tickets, and may alone exceed the bound; the bytes
already handed to the network cannot be taken back, so a screen behind a stalled link shows them first. What was announced while
a screen was away comes as a delta with its old `at`; the screen must not speak it.
"""

from typing import Protocol

from msgspec import Struct

from queue_server.core.ids import Day
from queue_server.push.messages import Delta, Heartbeat, Outlook
from queue_server.push.recent import Recent


class Position(Struct, frozen=True):
    """A place in a history: `seq` of `day` in the history named `epoch`."""

    epoch: str
    day: Day
    seq: int


class Source(Protocol):
    """The messages of a view as it stands committed."""

    def snapshot(self) -> bytes:
        """Return the snapshot at the head."""
        ...

    def since(self, seq: int) -> Delta | None:
        """Return what follows on *seq*; None when nothing that the view shows."""
        ...

    def heartbeat(self) -> Heartbeat:
        """Return the sign of life of this moment."""
        ...


class Session:
    """
    One screen's place in its view; methods return the messages to send, in order.

    *buffered* is always what the screen has been sent and has not yet left, in bytes.
    """

    def __init__(self, after: Position | None, buffer_limit: int) -> None:
        self.after = after
        self.is_behind = False
        self.is_over = False
        self._limit = buffer_limit
        self._epoch = ""
        self._day: Day = ""
        self._seq = 0
        self._told: Outlook | None = None

    def needs_history(self, recent: Recent, epoch: str) -> bool:
        """Tell whether its position is of this day, but further back than *recent* goes, and the history may help."""
        after = self.after
        return after is not None and (after.epoch, after.day) == (epoch, recent.day) and recent.whole <= after.seq < recent.start

    def forget(self) -> None:
        """Give up the position: only a snapshot can help."""
        self.after = None

    def begin(self, source: Source, recent: Recent, epoch: str, told: Outlook | None) -> list[bytes]:
        """Continue from the position where *recent* allows it, else with a snapshot; *told* is the outlook of the moment."""
        self.is_behind = False
        self._epoch = epoch
        after, self.after = self.after, None
        if after is None or (after.epoch, after.day) != (epoch, recent.day) or not recent.start <= after.seq <= recent.seq:
            return [self._replace(source.snapshot(), recent, told)]
        self._day, self._seq, self._told = after.day, after.seq, None
        delta = source.since(after.seq)
        missed = [] if delta is None else [self._advance(delta)]
        # At once, not only when nothing is missing: it is the heartbeat that tells a screen that it is live again.
        return [*missed, source.heartbeat().frame(self._seq)]

    def replace(self, snapshot: bytes, recent: Recent, buffered: int, told: Outlook | None) -> bytes | None:
        """Send a *snapshot*: the day has changed, or something of which deltas cannot tell."""
        return None if self._holds_back(buffered) else self._replace(snapshot, recent, told)

    def follow(self, delta: Delta, buffered: int) -> bytes | None:
        """Send what has been committed."""
        if self.is_behind or buffered > self._limit:
            self._holds_back(buffered)
            return None
        frame = delta.frames.get(self._seq) or delta.frame(self._seq)
        self._seq = delta.seq
        return frame

    def beat(self, heartbeat: Heartbeat, buffered: int) -> bytes | None:
        """Send a sign of life; a screen that is behind gets none, for what it shows is no longer true."""
        return None if self._holds_back(buffered) else heartbeat.frame(self._seq)

    def foretell(self, outlook: Outlook, buffered: int) -> bytes | None:
        """Send *outlook* unless it has been."""
        if outlook is self._told or self._holds_back(buffered):
            return None
        self._told = outlook
        return outlook.frame

    def _replace(self, snapshot: bytes, recent: Recent, told: Outlook | None) -> bytes:
        # The snapshot carries an outlook of its own, at least as new as *told*.
        self._day, self._seq, self._told = recent.day, recent.seq, told
        return snapshot

    def _advance(self, delta: Delta) -> bytes:
        frame = delta.frame(self._seq)
        self._seq = delta.seq
        return frame

    def _holds_back(self, buffered: int) -> bool:
        if not self.is_behind and buffered > self._limit:
            self.is_behind = True
            self.after = Position(self._epoch, self._day, self._seq)
        return self.is_behind
