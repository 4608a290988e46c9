"""What a carrier of messages has to offer: one connection, used once."""

from collections.abc import Callable, Sequence
from typing import Protocol


class Link(Protocol):
    """
    One connection to a carrier that brings every message to all who listen, the sender among them.

    It knows nothing of hints, and does not repair itself: whoever uses it opens another.
    """

    async def open(self, hear: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Connect; then call *hear* with each message, and *lost* with a reason when the connection is found broken."""
        ...

    async def send(self, messages: Sequence[bytes]) -> None:
        """Hand *messages* over, in order."""
        ...

    async def close(self) -> None:
        """Let go of everything, also after a failed `open`, within a moment even when nobody answers; raises nothing."""
        ...
