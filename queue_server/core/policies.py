"""
The policies: who comes first among those a counter may call.

Most policies give each waiting ticket a *claim* that grows alike for all of a line, so the order within a line is fixed by place
and a choice looks at heads only. Such a policy also says, for any ticket, how far into a line those go who come before it: then
counting them is a binary search. Claims are integers, compared by cross-multiplying where there are shares: a replay on another
machine must come to the same choice. Equal claims go by the seq of issue, never by chance.

`promise` is the default. It calls whoever has used the largest share of the wait that was promised: a customer with a target of
20 minutes who has waited 10 stands where one with a target of 10 minutes stands after 5. So x can be passed only by those who
came within the first (1 - T_y/T_x) of x's wait, and never by anyone whose target is as long or longer. A reason for care counts
as a share already used, the same for every tier.

`strict` and an `ageing` with very different rates let the lowest tier starve, and `docs/rules.md` says so. `ratio` and
`conditions` count calls instead of comparing claims.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeAlias

from msgspec import Struct

from queue_server.core.ids import Instant, Millis, ProfileId
from queue_server.core.waiting import Line, LineKey, Standing

PERMILLE = 1000
_PROBES = (-1_000, -1_000_000)
BRANCH = ""

Candidate: TypeAlias = tuple[LineKey, Line]
Bounds: TypeAlias = Callable[[LineKey], tuple[Instant, float]]


class Asking(Struct, frozen=True, gc=False):
    """The counter that asks: the scope in which its turns are counted (its own identifier, or BRANCH) and what it calls by."""

    scope: str = BRANCH
    profile: ProfileId | None = None


class Chosen(Struct, frozen=True, gc=False):
    """Whom a sentence is about: the number, where it stands, and how long it has really waited in this stage."""

    number: str
    key: LineKey
    standing: Standing
    waited_ms: Millis

    def said_wait(self, at: Instant) -> str:
        """Say the wait, and where a credit, a position or a clerk has given it another place, that one."""
        waited, place_ms = said_duration(self.waited_ms), max(0, at - self.standing[0])
        placed = said_duration(place_ms) if place_ms != self.waited_ms else waited
        return waited if waited == placed else f"{waited}, with the place of one who has waited {placed}"

    def said_credit(self, at: Instant) -> str:
        """Say the same of whoever has another place, and nothing of others."""
        said = self.said_wait(at)
        return f", having waited {said}" if said != said_duration(self.waited_ms) else ""


class Policy(Protocol):
    """One way to order the waiting; a new one is one class and a name in `policy_of`."""

    name: str

    def first(self, candidates: list[Candidate], at: Instant, asking: Asking) -> Candidate:
        """Return the line whose head comes first at *at* for the counter *asking*; there is at least one, none is empty."""
        ...

    def ahead(
        self, key: LineKey, standing: Standing, lines: list[Candidate], at: Instant, asking: Asking
    ) -> list[tuple[LineKey, int]]:
        """
        Return how many of each of *lines* come before a ticket that stands (or would) at *standing* in *key*; no zeros.

        They are reckoned as if all were called at *at* by counters like the one *asking*.
        """
        ...

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """Return the share of the promise that a ticket has used, in thousandths; None where the policy knows no shares."""
        ...

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """Say why *chosen* was, among *waiting* candidates."""
        ...

    def goes_by_place(self, key: LineKey, other: LineKey) -> bool:
        """Tell whether between tickets of *key* and *other* the place alone decides, always."""
        ...


class Ordered(ABC):
    """What policies with claims share; `precedes` and `bounds` must agree."""

    name = ""

    @abstractmethod
    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """Tell whether *one* comes before *other* at *at*; total and strict."""

    @abstractmethod
    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """Return what tells for a line the (place, seq) before which, and only before which, its tickets come first."""

    def first(self, candidates: list[Candidate], at: Instant, asking: Asking) -> Candidate:
        """Compare the heads."""
        del asking
        best = candidates[0]
        for candidate in candidates[1:]:
            if self.precedes((candidate[0], candidate[1].head), (best[0], best[1].head), at):
                best = candidate
        return best

    def ahead(
        self, key: LineKey, standing: Standing, lines: list[Candidate], at: Instant, asking: Asking
    ) -> list[tuple[LineKey, int]]:
        """Search each line."""
        del asking
        bound = self.bounds(key, standing, at)
        ahead = []
        for other, line in lines:
            place_at, issue_seq = bound(other)
            # Whoever comes last in line comes before all but a few newcomers: no need to search.
            if line.standings[-1] < (place_at, issue_seq):
                ahead.append((other, len(line)))
            elif count := line.count_before(place_at, issue_seq):
                ahead.append((other, count))
        return ahead

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The promise is not looked at."""
        del key, standing, at
        return None

    def goes_by_place(self, key: LineKey, other: LineKey) -> bool:
        """Those of *other* come first up to the very place, whatever it is: claims grow with the wait, so two places tell for all."""
        return all(self.bounds(key, (place, 1, ""), 0)(other) == (place, 1) for place in _PROBES)

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """Who it was, and that it came first."""
        said = f"{chosen.number} {self._reason(chosen, at)}"
        return f"{said}, and was the only one waiting" if waiting == 1 else f"{said}, the first of {waiting} waiting"

    def _reason(self, chosen: Chosen, at: Instant) -> str:
        """What stands in the sentence behind the number."""
        return f"had waited {chosen.said_wait(at)}"


class Fifo(Ordered):
    """By place, whoever it is."""

    name = "fifo"

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """By place, then by the seq of issue."""
        del at
        return one[1] < other[1]

    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """The same place in every line."""
        del key, at
        place_at, issue_seq, _ = standing
        return lambda _line: (place_at, issue_seq)

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """The first place."""
        del at
        number = chosen.number
        return f"{number} was the only one waiting" if waiting == 1 else f"{number} was the first in line of {waiting} waiting"


class Promise(Ordered):
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

    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """Solve `used(line, place) / line.target > used(ticket) / ticket.target` for the place."""
        place_at, issue_seq, _ = standing
        used, scale = self._used(key, place_at, at), PERMILLE * key.target_ms
        cared = used - self._care * key.target_ms

        def bound(line: LineKey) -> tuple[Instant, float]:
            # Relative to *at*: products of absolute instants would not fit a machine word.
            place, rest = divmod(-line.target_ms * (cared if line.has_care else used), scale)
            return (at + place, issue_seq) if rest == 0 else (at + place + 1, 0)

        return bound

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The share, rounded down."""
        return self._used(key, standing[0], at) // key.target_ms

    def sentence(self, chosen: Chosen, waiting: int, at: Instant) -> str:
        """The share in per cent of the minutes promised, and that it was the most."""
        key = chosen.key
        percent = max(0, (self.share(key, chosen.standing, at) or 0) // 10)
        care = ", care included" if key.has_care else ""
        used = f"{chosen.number} had used {percent} % of its {said_duration(key.target_ms)}{care}{chosen.said_credit(at)}"
        return f"{used}, and was the only one waiting" if waiting == 1 else f"{used}, the most of {waiting} waiting"


class Due(Ordered):
    """By the moment at which the promise would be broken, care credited."""

    name = "due"

    def __init__(self, care_permille: int) -> None:
        self._care = care_permille

    def _allowance(self, key: LineKey) -> int:
        """The target less the care credit, in thousandths of a ms."""
        return key.target_ms * (PERMILLE - self._care if key.has_care else PERMILLE)

    def precedes(self, one: tuple[LineKey, Standing], other: tuple[LineKey, Standing], at: Instant) -> bool:
        """The earlier due moment first; equal ones by the seq of issue."""
        del at
        mine = one[1][0] * PERMILLE + self._allowance(one[0])
        theirs = other[1][0] * PERMILLE + self._allowance(other[0])
        return one[1][1] < other[1][1] if mine == theirs else mine < theirs

    def bounds(self, key: LineKey, standing: Standing, at: Instant) -> Bounds:
        """Solve `place + allowance(line) < place + allowance(ticket)` for the line's place."""
        del at
        place_at, issue_seq, _ = standing
        own = self._allowance(key)

        def bound(line: LineKey) -> tuple[Instant, float]:
            place, rest = divmod(own - self._allowance(line), PERMILLE)
            return (place_at + place, issue_seq) if rest == 0 else (place_at + place + 1, 0)

        return bound

    def share(self, key: LineKey, standing: Standing, at: Instant) -> int | None:
        """The share of the promise, care aside."""
        return (at - standing[0]) * PERMILLE // key.target_ms

    def _reason(self, chosen: Chosen, at: Instant) -> str:
        left = chosen.standing[0] + self._allowance(chosen.key) // PERMILLE - at
        due = f"is due in {said_duration(left)}" if left >= 0 else f"was due {said_duration(-left)} ago"
        return f"{due}{', care included' if chosen.key.has_care else ''}{chosen.said_credit(at)}"


def said_duration(ms: Millis) -> str:
    """Say a duration as a clerk would."""
    seconds = ms / 1000
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds:.3g} seconds"
    minutes = seconds / 60
    # Three figures, but never as a power of ten.
    return "1 minute" if minutes == 1 else f"{minutes:.3g} minutes" if minutes < 99.95 else f"{minutes:.0f} minutes"
