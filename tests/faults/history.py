"""
What the clients of a campaign have seen: every request with all its attempts, every read, every screen's messages.

Nothing in it comes from the service's own records; the moments are those of one monotonic clock, that of the recorder.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

Json = dict[str, Any]

NO_ANSWER = 0
UNSETTLED = frozenset({NO_ANSWER, 429, 500, 502, 503, 504})
"""After these the effect is unknown: the same key is to be repeated."""

TURNED_AWAY = frozenset({429, 503})
"""These have to say when to come again."""


class Attempt(Struct, frozen=True):
    """
    A request sent once, and what came back; *status* is NO_ANSWER when nothing did. Seconds, monotonic.

    *is_told_when*: a client that is turned away was told when to come again, or there was nothing to tell.
    """

    began: float
    ended: float
    status: int = NO_ANSWER
    answer: Json = {}
    replayed: bool = False
    is_told_when: bool = True

    @property
    def is_unsettled(self) -> bool:
        """Whether it says nothing of the effect."""
        return self.status in UNSETTLED

    @property
    def is_refused(self) -> bool:
        """Whether it says that there was none."""
        return not self.is_unsettled and self.status >= 300


class Request(Struct):
    """One command under one key, repeated until it was answered (or its client gave up)."""

    branch: str
    key: str
    path: str
    body: bytes
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def began(self) -> float:
        """When it was first sent."""
        return self.attempts[0].began

    def is_empty(self, attempt: Attempt) -> bool:
        """Tell whether *attempt* says that nothing happened: a call that found nobody and finished nobody."""
        if attempt.is_unsettled or attempt.is_refused or not self.path.endswith("/call-next"):
            return False
        return attempt.answer["ticket"] is None and "finished" not in attempt.answer

    def acknowledged(self) -> Iterator[Attempt]:
        """Return the attempts that were answered with an effect."""
        for attempt in self.attempts:
            if not attempt.is_unsettled and not attempt.is_refused and not self.is_empty(attempt):
                yield attempt

    @property
    def settled(self) -> float:
        """When its effect was first told; never, when it was not."""
        return min((attempt.ended for attempt in self.acknowledged()), default=float("inf"))


class Read(Struct, frozen=True):
    """A branch's state as it was answered; *at_least* is what was asked for, None when it may lag."""

    branch: str
    began: float
    ended: float
    day: str
    seq: int
    state: Json
    at_least: tuple[str, int] | None = None


class Screen(Struct):
    """What a screen was sent, in order and as it was sent, also over several connections; `gaps` names the breaks that it saw."""

    branch: str
    view: str
    messages: list[bytes] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class History(Struct):
    """All that was seen; *subject* is that of the token that all requests carried."""

    subject: str
    requests: list[Request] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    screens: list[Screen] = field(default_factory=list)

    def branches(self) -> list[str]:
        """Return the branches that were used, in order."""
        used = {request.branch for request in self.requests}
        return sorted(used | {read.branch for read in self.reads} | {screen.branch for screen in self.screens})

    def of(self, branch: str) -> "History":
        """Return what was seen of one branch."""
        return History(
            self.subject,
            [request for request in self.requests if request.branch == branch],
            [read for read in self.reads if read.branch == branch],
            [screen for screen in self.screens if screen.branch == branch],
        )
