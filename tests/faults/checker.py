"""
Says what is wrong with a history, given the facts that were stored.

The idea: the log is the one order in which everything happened, so each thing that a client was told must be true at one place of
that order, and the places must fit the moments at which it was asked and told. What was acknowledged is in the stream exactly once
and was answered with the receipt that the core makes of its facts; what was refused would have been refused at some place between
its begin and its end; what ended before another began stands before it; what was never answered stands there once or not at all.

Known limits: a refusal is judged by its code alone; a read without `at_least` may lag as far as it likes, and is only held to a
state that existed; a command refused under a key whose earlier attempt was never answered may still have an effect later, by that
attempt (`late_effects` counts them). A key that has had its effect may never be refused.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise

from msgspec import Struct

from queue_server.drive.reducer import comparable
from queue_server.eventlog.port import Row
from tests.faults.doubles import doubles
from tests.faults.history import Attempt, History, Json, Read, Request
from tests.faults.placing import Places, Windows
from tests.faults.replaying import NOTHING, Moment, command_of, moments, receipt_of, refusal
from tests.faults.screens import Screens
from tests.faults.showing import shown
from tests.invariants import ALL, CHEAP, check, check_each

MOST_VIOLATIONS = 100
_LOOKS = 200
"""So often during a replay the laws that look at every ticket are checked, and after its last command."""


class Violation(Struct, frozen=True):
    """One thing that is wrong: which check has found it, in which branch, and what."""

    check: str
    branch: str
    detail: str


class _Judgement:
    """The judgement of one branch."""

    def __init__(self, branch: str, history: History, rows: Sequence[Row]) -> None:
        self.found: list[Violation] = []
        self._branch = branch
        self._rows = rows
        self._subject = history.subject
        self._requests = {f"{history.subject}:{request.key}": request for request in history.requests}
        self._history = history
        self._places = Places(rows)
        self._windows = Windows(self._requests, rows)
        # Those that begin first come last, to be popped.
        refused = [(request, attempt) for request in history.requests for attempt in request.attempts if attempt.is_refused]
        self._refused = sorted(((*self._window(*each), *each) for each in refused), key=lambda each: -each[0])
        self._reads: dict[int, list[Read]] = defaultdict(list)
        self._empty: dict[int, list[tuple[Request, Attempt]]] = defaultdict(list)
        self._screens = Screens(history.screens, self._places)

    def say(self, check_name: str, detail: str) -> None:
        if len(self.found) < MOST_VIOLATIONS:
            self.found.append(Violation(check_name, self._branch, detail))

    def judge(self) -> list[Violation]:
        self._numbering()
        self._effects()
        self._order()
        self._place_answers()
        for kind, detail in doubles(self._rows):
            self.say(kind, detail)
        try:
            self._replay()
        except (LookupError, ValueError, TypeError, AttributeError) as fault:
            self.say("unreadable", f"the stream cannot be replayed: {fault!r}")
        for kind, detail in self._screens.faults:
            self.say(kind, detail)
        return self.found

    def _window(self, request: Request, attempt: Attempt) -> tuple[int, int]:
        """Between which places *attempt* may have been refused or found nobody: not after its own key has had its effect."""
        low, high = self._windows.of(attempt.began, attempt.ended)
        effect = self._windows.first.get(f"{self._subject}:{request.key}")
        return low, high if effect is None else min(high, effect - 1)

    def _numbering(self) -> None:
        for before, after in pairwise(self._rows):
            expected = (before.day, before.seq + 1) if before.day == after.day else (after.day, 1)
            if (after.day, after.seq) != expected or after.day < before.day:
                self.say("gap", f"{before.day}:{before.seq} is followed by {after.day}:{after.seq}")
            if after.at < before.at:
                self.say("backwards", f"time runs backwards at {after.day}:{after.seq}")

    def _effects(self) -> None:
        runs = Counter(command_id for command_id, _ in groupby(self._rows, lambda row: row.command_id))
        for command_id, request in self._requests.items():
            first = self._windows.first.get(command_id)
            for attempt in request.acknowledged():
                if first is None:
                    self.say(
                        "lost", f"{request.path} under {request.key} was acknowledged at {_stands(attempt.answer)} and is not there"
                    )
                    break
            if first is not None and all(attempt.is_refused for attempt in request.attempts):
                self.say("refused_with_effect", f"{request.path} under {request.key} was refused, and is fact {first}")
            if any(attempt.status == 500 for attempt in request.attempts):
                self.say("error", f"{request.path} under {request.key} was answered with 500")
            if not all(attempt.is_told_when for attempt in request.attempts):
                self.say("no_retry_after", f"{request.path} under {request.key} was turned away without a word when to come again")
        for command_id, times in runs.items():
            if times > 1:
                self.say("doubled", f"the command {command_id} had an effect {times} times")
            if command_id not in self._requests and command_id.startswith(f"{self._subject}:"):
                self.say("unasked", f"nobody has asked for {command_id}")

    def _order(self) -> None:
        latest, its = float("-inf"), ""
        for command_id, _ in sorted(self._windows.first.items(), key=lambda item: item[1]):
            request = self._requests[command_id]
            if request.settled < latest:
                self.say("order", f"{request.key} was answered before {its} was sent, and stands after it")
            if request.began > latest:
                latest, its = request.began, request.key

    def _place_answers(self) -> None:
        """Find the place of everything that names one: reads and empty answers; and those that were not so new as they had to be."""
        for request in self._history.requests:
            for attempt in request.attempts:
                if request.is_empty(attempt):
                    place = self._places.of(attempt.answer["day"], attempt.answer["seq"])
                    low, high = self._window(request, attempt)
                    if place is None or not low <= place <= high:
                        self.say("empty", f"{request.key} found nobody at {_stands(attempt.answer)}, not between {low} and {high}")
                    else:
                        self._empty[place].append((request, attempt))
        for read in self._history.reads:
            place = self._places.of(read.day, read.seq)
            _, high = self._windows.of(read.began, read.ended)
            if place is None or place > high:
                self.say("read", f"a read was answered at {read.day}:{read.seq}, which was not there yet")
            elif read.at_least is not None and (read.day, read.seq) < read.at_least:
                self.say("stale", f"a read at least at {read.at_least} was answered at {read.day}:{read.seq}")
            else:
                self._reads[place].append(read)

    def _replay(self) -> None:
        stride = max(1, len(self._rows) // _LOOKS)
        moment: Moment | None = None
        looked = 0
        open_refusals: list[tuple[int, Request, Attempt]] = []
        for moment in moments(self._branch, self._rows, self._requests, self._subject):
            if len(self.found) >= MOST_VIOLATIONS:
                return
            self._command(moment)
            open_refusals = self._refusals(moment, open_refusals)
            self._look(moment)
            self._screens.pass_by(moment)
            is_last = moment.last == len(self._rows)
            if moment.last >= looked + stride or is_last:
                looked = moment.last
                self._laws(moment, whole=is_last)
        for _, request, attempt in open_refusals:
            self._unfounded(request, attempt)
        for kind, waiting in (("read", self._reads), ("empty", self._empty)):
            for place in waiting:
                self.say(kind, f"something was answered at {place}, in the middle of a command")

    def _command(self, moment: Moment) -> None:
        request = self._requests.get(moment.command_id)
        if moment.fault is not None:
            self.say("decided", f"{moment.command_id} at {moment.first}: {moment.fault}")
        if request is None:
            return
        true = receipt_of(request, moment.changes)
        for attempt in request.acknowledged():
            if attempt.answer != true:
                self.say("answer", f"{request.path} under {request.key} was told {attempt.answer}, the facts say {true}")

    def _refusals(self, moment: Moment, waiting: list[tuple[int, Request, Attempt]]) -> list[tuple[int, Request, Attempt]]:
        """Let those find their place that were refused around this moment; return those that still look for one."""
        while self._refused and self._refused[-1][0] <= moment.last:
            _, high, request, attempt = self._refused.pop()
            waiting.append((high, request, attempt))
        left = []
        for high, request, attempt in waiting:
            # The next moment is the first that is too late: this one was the last chance.
            if moment.last <= high and self._would_refuse(moment, request, attempt):
                continue
            if self._next(moment) > high:
                self._unfounded(request, attempt)
            else:
                left.append((high, request, attempt))
        return left

    def _would_refuse(self, moment: Moment, request: Request, attempt: Attempt) -> bool:
        command = command_of(request, self._subject, moment.state.last_at)
        return refusal(moment.state, command) == attempt.answer.get("code")

    def _next(self, moment: Moment) -> int:
        """The place where the command after *moment* ends."""
        return self._windows.ends_after(moment.last)

    def _unfounded(self, request: Request, attempt: Attempt) -> None:
        self.say(
            "refusal", f"{request.path} under {request.key} was refused with {attempt.answer.get('code')}, which was never so then"
        )

    def _look(self, moment: Moment) -> None:
        for read in self._reads.pop(moment.last, ()):
            if comparable(read.state) != comparable(shown(moment.state, "staff")):
                self.say("read", f"the state that was read at {read.day}:{read.seq} is not the one there")
        for request, _ in self._empty.pop(moment.last, ()):
            command = command_of(request, self._subject, moment.state.last_at)
            if refusal(moment.state, command) != NOTHING:
                self.say(
                    "empty", f"{request.path} under {request.key} found nobody at {moment.last}, where somebody could be called"
                )

    def _laws(self, moment: Moment, *, whole: bool) -> None:
        events = [change.event for change in moment.changes]
        try:
            check_each(moment.state, events[-1])
            check(moment.state, self._places.events if whole else events, ALL if whole else CHEAP)
        except AssertionError as broken:
            self.say("law", f"at {moment.last}: {broken}")


def check_branch(branch: str, history: History, rows: Sequence[Row]) -> list[Violation]:
    """Return what is wrong with *history*, which is of *branch* alone, given all its facts; empty when all is well."""
    return _Judgement(branch, history, rows).judge()


def check_history(history: History, facts: dict[str, Sequence[Row]]) -> list[Violation]:
    """Return what is wrong with *history*, given all facts of all its branches."""
    return [violation for branch in history.branches() for violation in check_branch(branch, history.of(branch), facts[branch])]


def late_effects(history: History, facts: dict[str, Sequence[Row]]) -> int:
    """Count the commands that were refused in the end and had an effect by an earlier attempt that was never answered."""
    stored = {row.command_id for rows in facts.values() for row in rows}
    return sum(
        f"{history.subject}:{request.key}" in stored and not any(request.acknowledged()) and request.attempts[-1].is_refused
        for request in history.requests
    )


def _stands(answer: Json) -> str:
    return f"{answer.get('day')}:{answer.get('seq')}"
