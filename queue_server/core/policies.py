"""
The policies: who comes first among those a counter may call.

A policy orders two waiting tickets at one moment, says for any ticket how far into a line those go who come before it (so that
counting them is a binary search), and puts its decision into a sentence. Shares are compared as integers, by cross-multiplying:
a replay on another machine must come to the same choice. Equal claims go by the seq of issue, never by chance.

`promise` is the default. It calls whoever has used the largest share of the wait that was promised: a customer with a target of
20 minutes who has waited 10 stands where one with a target of 10 minutes stands after 5. So x can be passed only by those who
came within the first (1 - T_y/T_x) of x's wait, and never by anyone whose target is as long or longer. A reason for care counts
as a share already used, the same for every tier.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from queue_server.core.configuration import Configuration
from queue_server.core.ids import Instant
from queue_server.core.waiting import LineKey, Standing

PERMILLE = 1000

Bounds: TypeAlias = Callable[[LineKey], tuple[Instant, int]]


class Policy(Protocol):
    """One way to order the waiting; a new one is one class here and a name in POLICIES."""

    name: str

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """Tell whether *one* comes before *other* at *at*; total and strict."""
        ...

    def bounds(self, ticket: tuple[LineKey, Standing], at: Instant) -> Bounds:
        """Return what tells for a line the (place, seq) before which, and only before which, its tickets precede *ticket* at *at*."""
        ...

    def share(self, ticket: tuple[LineKey, Standing], at: Instant) -> int | None:
        """Return the share of the promise that *ticket* has used, in thousandths; None where the policy knows no shares."""
        ...

    def sentence(self, number: str, ticket: tuple[LineKey, Standing], waiting: int, at: Instant) -> str:
        """Say why *number* was chosen among *waiting* candidates."""
        ...


class Fifo:
    """By place, whoever it is."""

    name = "fifo"

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """By place, then by the seq of issue."""
        del at
        return one[1] < other[1]

    def bounds(self, ticket: tuple[LineKey, Standing], at: Instant) -> Bounds:
        """The same place in every line."""
        del at
        place_at, issue_seq, _ = ticket[1]
        return lambda _line: (place_at, issue_seq)

    def share(self, ticket: tuple[LineKey, Standing], at: Instant) -> int | None:
        """Nobody's promise is looked at."""
        del ticket, at
        return None

    def sentence(self, number: str, ticket: tuple[LineKey, Standing], waiting: int, at: Instant) -> str:
        """The longest wait."""
        del ticket, at
        return f"{number} was the only one waiting" if waiting == 1 else f"{number} was the first in line of {waiting} waiting"


class Promise:
    """By the share of the promised wait that has been used, care included."""

    name = "promise"

    def __init__(self, care_permille: int) -> None:
        self._care = care_permille

    def _used(self, key: LineKey, place_at: Instant, at: Instant) -> int:
        """The share in thousandths, times the target: an exact integer."""
        return (at - place_at) * PERMILLE + (self._care * key.target_ms if key.has_care else 0)

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """The larger share first; equal shares by the seq of issue."""
        (key, standing), (other_key, other_standing) = one, other
        mine = self._used(key, standing[0], at) * other_key.target_ms
        theirs = self._used(other_key, other_standing[0], at) * key.target_ms
        return standing[1] < other_standing[1] if mine == theirs else mine > theirs

    def bounds(self, ticket: tuple[LineKey, Standing], at: Instant) -> Bounds:
        """Solve `used(line, place) / line.target > used(ticket) / ticket.target` for the place."""
        key, (place_at, issue_seq, _) = ticket
        used, scale = self._used(key, place_at, at), PERMILLE * key.target_ms
        cared = used - self._care * key.target_ms

        def bound(line: LineKey) -> tuple[Instant, int]:
            # Relative to *at*: products of absolute instants would not fit a machine word.
            place, rest = divmod(-line.target_ms * (cared if line.has_care else used), scale)
            return (at + place, issue_seq) if rest == 0 else (at + place + 1, 0)

        return bound

    def share(self, ticket: tuple[LineKey, Standing], at: Instant) -> int | None:
        """The share, rounded down."""
        key, (place_at, _, _) = ticket
        return self._used(key, place_at, at) // key.target_ms

    def sentence(self, number: str, ticket: tuple[LineKey, Standing], waiting: int, at: Instant) -> str:
        """The share in per cent of the minutes promised, and that it was the most."""
        key, _ = ticket
        percent = max(0, (self.share(ticket, at) or 0) // 10)
        care = ", care included" if key.has_care else ""
        used = f"{number} had used {percent} % of its {_duration(key.target_ms)}{care}"
        return f"{used}, and was the only one waiting" if waiting == 1 else f"{used}, the most of {waiting} waiting"


def _duration(ms: int) -> str:
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.3g} seconds"
    minutes = seconds / 60
    return "1 minute" if minutes == 1 else f"{minutes:.3g} minutes"


POLICIES: dict[str, Callable[[Configuration], Policy]] = {
    Promise.name: lambda rules: Promise(rules.care_permille),
    Fifo.name: lambda _rules: Fifo(),
}


def policy_of(rules: Configuration) -> Policy:
    """Return the policy that *rules* name; its name has been validated."""
    return POLICIES[rules.policy.name](rules)
