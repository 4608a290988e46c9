"""
One replication: the hall, the customers and the counters in virtual time.

A counter that is free calls at once, the longest idle first, and serves until its customer's time is up; then it calls again in the
same moment. So no counter idles while somebody waits whom it may call.

When a shift ends, the counter finishes what it has begun and closes. Everybody who is inside is served: the last counters to
close go on until nobody is left whom they may call.

Customers keep coming until the last one that counts has ended, so that the end sees the same hall as the middle; they stop coming
after as many again, since in a hall that cannot keep up the last would else wait for ever.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from queue_server.core.ids import CounterId, Instant, Millis, ServiceId, TicketId, TierId
from queue_server.simulate.draws import Draw, arrivals, draw_from, stream
from queue_server.simulate.hall import Hall, configuration_of
from queue_server.simulate.overtaking import Overtaking
from queue_server.simulate.scenario import DAY_MS, Scenario, Visit
from queue_server.simulate.tally import Outcome, Tally

Progress = Callable[[int], object]

PROGRESS_EVERY = 500
_EMPTYING_MS: Millis = 60 * DAY_MS
"""How long after the last arrival a hall may take to serve everybody."""


class HallStuckError(Exception):
    """Customers remain whom no counter will ever call; the message says how many."""


_Customer = tuple[Visit, int, bool]
"""Who is inside: the number for the overtaking, and whether the customer counts."""


def replicate(scenario: Scenario, replication: int, progress: Progress = lambda _played: None) -> Outcome:
    """
    Play *scenario* once; equal arguments give equal outcomes. *progress* is told now and then how many more have come.

    Raises:
        HallStuckError: customers remain whom nobody will ever call.
    """
    return _Replication(scenario, replication, progress).play()


class _Replication:
    def __init__(self, scenario: Scenario, replication: int, progress: Progress) -> None:
        seed = scenario.run.seed
        self._scenario = scenario
        self._replication = replication
        self._progress = progress
        self._hall = Hall(configuration_of(scenario))
        self._tally = Tally(scenario)
        self._overtaking: dict[ServiceId, Overtaking] = {service.id: Overtaking() for service in scenario.services}
        self._serving: dict[ServiceId, Draw] = {
            service.id: draw_from(service.distribution, stream(seed, replication, "serving", service.id))
            for service in scenario.services
        }
        self._first, self._last = scenario.warmup, scenario.warmup + scenario.counted - 1
        self._to_come = 2 * (scenario.warmup + scenario.counted)
        self._steps = _shift_steps(scenario)
        self._order = count()
        self._agenda: list[tuple[Instant, int, Callable[[Any, Instant], None], Any]] = []
        self._inside: dict[TicketId, _Customer] = {}
        self._idle: dict[CounterId, None] = {}
        self._closing: set[CounterId] = set()
        self._open = 0
        self._waiting = 0
        self._arrived = 0
        self._last_arrival: Instant = 0
        self._remaining = scenario.counted

    def play(self) -> Outcome:
        self._next_step()
        for customers in _streams(self._scenario, self._replication):
            self._next_visit(customers)
        agenda = self._agenda
        while agenda and self._remaining:
            at, _, act, subject = heappop(agenda)
            act(subject, at)
        if self._remaining:
            raise HallStuckError(f"{self._remaining} customers wait whom no counter ever calls")
        self._progress(self._arrived % PROGRESS_EVERY)
        return self._tally.outcome(self._arrived)

    def _plan(self, at: Instant, act: Callable[[Any, Instant], None], subject: object) -> None:
        heappush(self._agenda, (at, next(self._order), act, subject))

    def _next_visit(self, customers: Iterator[Visit]) -> None:
        visit = next(customers, None)
        if visit is not None and self._to_come:
            self._to_come -= 1
            heappush(self._agenda, (visit.at, next(self._order), self._arrive, (visit, customers)))

    def _pass_time(self, at: Instant) -> None:
        """Count the time until *at*, before other counters are busy or open than were until now."""
        self._tally.pass_time(at, self._open - len(self._idle), self._open)

    def _arrive(self, arrival: tuple[Visit, Iterator[Visit]], at: Instant) -> None:
        visit, customers = arrival
        index = self._arrived
        self._arrived = index + 1
        self._last_arrival = at
        if index == self._first or index == self._last:  # noqa: PLR1714 - a set would be made for every customer
            self._pass_time(at)
            self._tally.is_counting = index == self._first
        if self._arrived % PROGRESS_EVERY == 0:
            self._progress(PROGRESS_EVERY)
        ticket = str(index)
        number = self._overtaking[visit.service].arrive()
        self._inside[ticket] = (visit, number, self._first <= index <= self._last)
        self._hall.issue(ticket, visit.service, visit.tier, at)
        self._waiting += 1
        if self._idle:
            self._call_idle(at)
        if visit.patience_ms is not None and ticket in self._inside:
            self._plan(at + visit.patience_ms, self._give_up, ticket)
        self._next_visit(customers)

    def _call_idle(self, at: Instant) -> None:
        """Let idle counters call for as long as one of them finds somebody."""
        while self._waiting:
            for counter in self._idle:
                if self._call(counter, at):
                    break  # the idle are others now
            else:
                return

    def _call(self, counter: CounterId, at: Instant) -> bool:
        """Let *counter* end what it does and call; it is idle when nobody is called."""
        ticket = self._hall.call_next(counter, at)
        if (ticket is None) != (counter in self._idle):
            self._turn(counter, at)
        if ticket is None:
            return False
        self._waiting -= 1
        visit, number, counts = self._inside.pop(ticket.ticket_id)
        overtaken = self._overtaking[visit.service].call(number)
        if counts:
            self._tally.served(visit.tier, ticket.waited_ms, overtaken)
            self._remaining -= 1
        serving_ms = visit.serving_ms if visit.serving_ms is not None else self._serving[visit.service]()
        heappush(self._agenda, (at + serving_ms, next(self._order), self._release, counter))
        return True

    def _turn(self, counter: CounterId, at: Instant) -> None:
        """From idle to busy, or from busy to idle."""
        self._pass_time(at)
        if counter in self._idle:
            del self._idle[counter]
        else:
            self._idle[counter] = None

    def _release(self, counter: CounterId, at: Instant) -> None:
        """Serving is over: the next, or, when the shift is over too, home."""
        if counter in self._closing and self._open > len(self._closing):
            self._hall.finish(counter, at)
            self._go_home(counter, at)
        elif not self._call(counter, at) and counter in self._closing:
            self._go_home(counter, at)
        # Those already idle may have been kept from calling by a reservation, or the one that left by its profile.
        if self._waiting and self._idle:
            self._call_idle(at)

    def _give_up(self, ticket: TicketId, at: Instant) -> None:
        if ticket not in self._inside or not self._hall.give_up(ticket, at):
            return
        self._waiting -= 1
        visit, number, counts = self._inside.pop(ticket)
        self._overtaking[visit.service].leave(number)
        if counts:
            self._tally.left(visit.tier)
            self._remaining -= 1

    def _next_step(self) -> None:
        step = next(self._steps, None)
        if step is not None:
            at, opens, counter = step
            self._plan(at, self._shift, (counter, opens))

    def _shift(self, step: tuple[CounterId, bool], at: Instant) -> None:
        counter, opens = step
        if opens and counter in self._closing:
            self._closing.discard(counter)
        elif opens:
            self._pass_time(at)
            self._hall.open(counter, at)
            self._open += 1
            self._idle[counter] = None
            self._call_idle(at)
        elif counter in self._idle:
            self._go_home(counter, at)
        else:
            self._closing.add(counter)
        # A hall that nobody comes to any more, and that does not empty either, would go on for ever.
        if at < self._last_arrival + _EMPTYING_MS:
            self._next_step()

    def _go_home(self, counter: CounterId, at: Instant) -> None:
        self._pass_time(at)
        self._hall.close(counter, at)
        self._idle.pop(counter, None)
        self._closing.discard(counter)
        self._open -= 1


def _streams(scenario: Scenario, replication: int) -> Iterator[Iterator[Visit]]:
    if scenario.visits is not None:
        yield iter(scenario.visits)
    named: dict[tuple[TierId, ServiceId], int] = {}
    for plan in scenario.arrivals:
        which = named[plan.tier, plan.service] = named.get((plan.tier, plan.service), -1) + 1
        yield arrivals(plan, scenario.run.seed, replication, which)


def _shift_steps(scenario: Scenario) -> Iterator[tuple[Instant, bool, CounterId]]:
    """Yield when counters open and close, in order; at one moment those who close come first."""
    always = [(0, True, counter.id) for counter in scenario.counters if not counter.shifts]
    daily = sorted(
        (at, opens, counter.id)
        for counter in scenario.counters
        for shift in counter.shifts
        for at, opens in zip(shift, (True, False), strict=True)
    )
    yield from always
    if scenario.visits is not None or not daily:
        yield from daily
        return
    for day in count():
        yield from ((day * DAY_MS + at, opens, counter) for at, opens, counter in daily)
