"""The messages of the feed, encoded once for all screens that are told the same."""

from collections.abc import Sequence

from msgspec import Raw, Struct, json

from queue_server.core.ids import Day, Instant
from queue_server.wire.events import BoardEvent, StaffEvent
from queue_server.wire.instants import rfc3339
from queue_server.wire.states import BoardState, OutlookForm, StaffState

encode = json.Encoder().encode


class _Snapshot(Struct, tag_field="type", tag="snapshot"):
    epoch: str
    day: Day
    seq: int
    state: BoardState | StaffState


class _Delta(Struct, tag_field="type", tag="delta"):
    day: Day
    prev: int
    seq: int
    events: Raw


class _Heartbeat(Struct, tag_field="type", tag="heartbeat"):
    day: Day
    seq: int
    prev: int
    at: str


def snapshot_frame(epoch: str, day: Day, seq: int, state: BoardState | StaffState) -> bytes:
    """Return the message that replaces all a screen holds."""
    return encode(_Snapshot(epoch, day, seq, state))


class Delta:
    """
    Consecutive facts as one view is told of them, up to *seq*; nearly all screens continue from the same `prev`.

    `frames` are those made so far, by `prev`.
    """

    def __init__(self, day: Day, seq: int, events: Sequence[BoardEvent | StaffEvent]) -> None:
        self.day = day
        self.seq = seq
        self._events = Raw(encode(events))
        self.frames: dict[int, bytes] = {}

    def frame(self, prev: int) -> bytes:
        """Return the message for screens that hold *prev*."""
        frame = self.frames.get(prev)
        if frame is None:
            frame = self.frames[prev] = encode(_Delta(self.day, prev, self.seq, self._events))
        return frame


class Heartbeat:
    """The head of a branch at *at*, as a sign of life."""

    def __init__(self, day: Day, seq: int, at: Instant) -> None:
        self.day = day
        self.seq = seq
        self._at = rfc3339(at)
        self._frames: dict[int, bytes] = {}

    def frame(self, prev: int) -> bytes:
        """Return the message for screens that hold *prev*."""
        frame = self._frames.get(prev)
        if frame is None:
            frame = self._frames[prev] = encode(_Heartbeat(self.day, self.seq, prev, self._at))
        return frame


class Outlook:
    """What changes with time alone, as it was last told to one view."""

    def __init__(self, form: OutlookForm) -> None:
        self._form = form
        self.frame = encode(form)

    def says(self, form: OutlookForm) -> bool:
        """Tell whether *form* is no news, its moment aside."""
        return self._form.services == form.services and self._form.tickets == form.tickets
