"""What the rest of the node sees of the bus: hints go out, hints come in, and one can ask how it fares."""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from queue_server.core.ids import BranchId, Day


class Hint(Struct, frozen=True, array_like=True, gc=False):
    """
    The head of this branch is at least here.

    A hint may be lost, doubled or late, and says nothing that the log does not say better.
    """

    branch_id: BranchId
    day: Day
    seq: int


class BusState(Struct, frozen=True):
    """
    How the bus fares.

    Durations are in seconds, on a clock that nobody steps, and None when the thing never happened or does not hold now.
    `connected_seconds` is how long the way there and back has been proven, `round_trip_seconds` how long it last took,
    `heard_seconds_ago` when another node was last heard. The rest are counts since the start: hints sent, heard and dropped,
    messages that no node of ours can have sent, and how often the line was lost. `waiting` hints are not sent yet.
    """

    connected_seconds: float | None
    round_trip_seconds: float | None
    heard_seconds_ago: float | None
    sent: int
    heard: int
    dropped: int
    refused: int
    losses: int
    waiting: int


class Bus(Protocol):
    """Carries hints to the other nodes and back, on the event loop it was started on."""

    def publish(self, hints: Iterable[Hint]) -> None:
        """
        Let the other nodes know, soon; never blocks and never raises.

        While a hint waits, a newer one of its branch takes its place; beyond a bound the oldest are dropped.
        """
        ...

    def listen(self, heard: Callable[[Hint], None], resumed: Callable[[], None]) -> None:
        """
        Call *heard* with every hint of another node, on the event loop; before `start`, and once.

        *resumed* is called whenever the line is there again, the first time too: hints may have been missed, so it is time to
        look at all heads.
        """
        ...

    def start(self) -> None:
        """Begin to connect, and keep connected until `close`; returns at once, whether or not anybody answers."""
        ...

    async def close(self) -> None:
        """Send what waits if that is quickly done, and disconnect; idempotent."""
        ...

    def state(self) -> BusState:
        """Return how the bus fares."""
        ...
