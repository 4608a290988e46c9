"""What a command has come to."""

from collections.abc import Sequence

from msgspec import Struct

from queue_server.core.changes import Change
from queue_server.core.ids import Day, Instant


class Outcome(Struct, frozen=True, gc=False):
    """
    The facts of one command, durable, with what they changed; none when nothing happened (nobody to call).

    `day` and `seq` are those of its last fact, or of the head it was decided on; `at` the moment of deciding; `replayed` tells
    that the command was known already and this is its first outcome again.
    """

    changes: Sequence[Change]
    day: Day
    seq: int
    at: Instant
    replayed: bool = False
