"""Plays a recorded day from beginning to end and sums it up; what `queue-server drive` runs."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from tqdm import tqdm

from queue_server.drive.client import Client, Refused, Unreachable
from queue_server.drive.customers import Customers, Timetable
from queue_server.drive.feed import Feed, FeedRefused, fresh_snapshot
from queue_server.drive.floor import Clerk, Floor
from queue_server.drive.hall import PROFILE, configuration, counters_needed, tiers_of
from queue_server.drive.invariants import Inspector
from queue_server.drive.reducer import FeedState
from queue_server.drive.summary import Summary, summarise_delay, summarise_tier, table
from queue_server.drive.tally import Tally
from queue_server.drive.trace import HALF_HOUR, TraceError, Visit, read_day, roster

Json = dict[str, Any]

FASTEST = 10_000
PATIENCE_SECONDS = 60.0
"""How long, in real time, nobody may end after the last arrival before the run is given up."""
FEED_SECONDS = 15.0
EVENTS_PAGE = 1000
MOST_EVENTS = 200_000


class DriveOptions(Struct, frozen=True, kw_only=True):
    """What to play and where; `branch` begins the identifier of the branch that is made for it."""

    trace: Path
    url: str
    push_url: str
    token: str
    day: str
    speed: float = 600.0
    branch: str = "drive"
    show_progress: bool = True


class DriveError(Exception):
    """The day could not be played at all; the message is one sentence."""


def run_drive(args: argparse.Namespace) -> int:
    """Play as the command line asks (trace, url, push_url, token, day, speed, json); 0 when all was well, 1 when not, 2 when it could not begin."""
    options = DriveOptions(
        trace=Path(args.trace),
        url=args.url,
        push_url=args.push_url,
        token=args.token,
        day=args.day,
        speed=args.speed,
    )
    try:
        summary = asyncio.run(drive(options))
    except (DriveError, TraceError) as fault:
        sys.stderr.write(f"queue-server drive: {fault}\n")
        return 2
    sys.stdout.write(msgspec.json.encode(summary).decode() if args.json else table(summary))
    sys.stdout.write("\n")
    return 0 if summary.is_clean else 1


async def drive(options: DriveOptions) -> Summary:
    """
    Play the day and return what it amounted to.

    Raises:
        TraceError: there is no such day to play.
        DriveError: the server cannot be used (not there, token refused), so nothing was played.
    """
    _check(options)
    visits = await asyncio.to_thread(read_day, options.trace, options.day)
    branch = f"{options.branch}-{options.day.replace('-', '')}-{secrets.token_hex(3)}"
    often = 0.5 if sys.stderr.isatty() else 10.0
    bar = tqdm(total=len(visits), unit=" customers", desc=branch, mininterval=often, disable=not options.show_progress)
    with bar:
        async with Client(options.url, options.token) as client:
            await _make_branch(client, options, branch, visits)
            return await _Play(options, branch, visits, client, bar.update).run()


def _check(options: DriveOptions) -> None:
    if not 0 < options.speed <= FASTEST:
        raise DriveError(f"the speed must be above 0 and at most {FASTEST}, not {options.speed:g}")
    for address, schemes in ((options.url, ("http", "https")), (options.push_url, ("ws", "wss"))):
        parts = urlsplit(address)
        if parts.scheme not in schemes or not parts.hostname:
            raise DriveError(f"the address {address!r} is wrong; it begins with {schemes[0]}:// and names a host")
    if not options.token.isascii() or not options.token.isprintable() or not options.token:
        raise DriveError("the token is empty or holds characters that no token has")


async def _make_branch(client: Client, options: DriveOptions, branch: str, visits: Sequence[Visit]) -> None:
    body = configuration(branch, visits, options.speed, datetime.now(UTC))
    try:
        await client.send("PUT", f"/v1/branches/{branch}", body, give_up=10)
    except Unreachable as fault:
        raise DriveError(f"no server answers at {options.url}: {fault}") from fault
    except Refused as refusal:
        hint = {401: "the token was refused", 403: "the token may not make a branch; it needs the role admin"}
        raise DriveError(hint.get(refusal.status, f"the server did not make the branch: {refusal}")) from refusal


class _Play:
    """One run: the actors, the two screens that watch, and what they found."""

    def __init__(self, options: DriveOptions, branch: str, visits: Sequence[Visit], client: Client, progress: Any) -> None:
        self._options = options
        self._branch = branch
        self._path = f"/v1/branches/{branch}"
        self._visits = visits
        self._client = client
        self._tally = Tally(visits, progress)
        self._floor = Floor()
        services = frozenset(visit.service for visit in visits)
        self._inspector = Inspector({PROFILE: (services, frozenset(tiers_of(visits)))})
        self._board = Feed(options.push_url, options.token, branch, "board", self._tally.watch_board)
        self._staff = Feed(options.push_url, options.token, branch, "staff", self._watch_staff)

    def _watch_staff(self, feed: FeedState, message: Json, arrived: float) -> None:
        self._inspector.watch(feed, message, arrived)
        self._floor.watch(feed, message, arrived)

    async def run(self) -> Summary:
        screens = [asyncio.create_task(feed.run()) for feed in (self._board, self._staff)]
        try:
            for feed in (self._board, self._staff):
                if not await feed.reach(0, FEED_SECONDS):
                    raise DriveError(str(feed.fault or f"the {feed.view} feed sent no snapshot within {FEED_SECONDS:g} s"))
            await self._play()
            same = await self._compare_screens()
        finally:
            for screen in screens:
                screen.cancel()
            await asyncio.gather(*screens, return_exceptions=True)
        return self._summary(same=same)

    async def _play(self) -> None:
        clerks = [self._clerk(index) for index in range(counters_needed(self._visits))]
        timetable = Timetable(self._visits[0].arrives, self._options.speed)
        customers = Customers(self._path, self._client, timetable, self._tally, self._inspector)
        async with asyncio.TaskGroup() as group:
            for clerk in clerks:
                group.create_task(clerk.work())
            shifts = group.create_task(self._follow_roster(timetable))
            await customers.come(self._visits)
            await self._until_settled()
            shifts.cancel()
            await self._floor.want(0, is_over=True)

    def _clerk(self, index: int) -> Clerk:
        typical = {
            service: median(visit.serves for visit in self._visits if visit.service == service and not visit.is_leaver)
            for service in {visit.service for visit in self._visits if not visit.is_leaver}
        }
        return Clerk(
            index=index,
            branch_path=self._path,
            client=self._client,
            floor=self._floor,
            tally=self._tally,
            inspector=self._inspector,
            speed=self._options.speed,
            typical=typical,
        )

    async def _follow_roster(self, timetable: Timetable) -> None:
        wanted = 0
        for half, counters in enumerate(roster(self._visits)):
            await timetable.until(half * HALF_HOUR)
            wanted = counters
            await self._floor.want(counters)
        # Whoever is still inside when the recording ends is served: at least one counter stays open.
        await timetable.until((half + 1) * HALF_HOUR)
        await self._floor.want(max(wanted, 1))

    async def _until_settled(self) -> None:
        patience = PATIENCE_SECONDS + max(visit.serves for visit in self._visits) / self._options.speed
        before = -1
        while not self._tally.settled.is_set() and self._tally.concluded != before:
            before = self._tally.concluded
            try:
                async with asyncio.timeout(patience):
                    await self._tally.settled.wait()
            except TimeoutError:
                continue
        if not self._tally.settled.is_set():
            still = self._tally.expected - self._tally.concluded
            self._tally.error(f"{still} customers have neither been served nor left after {patience:.0f} s without progress")

    async def _compare_screens(self) -> bool:
        same = True
        for feed in (self._board, self._staff):
            try:
                fresh = await fresh_snapshot(self._options.push_url, self._options.token, self._branch, feed.view)
            except FeedRefused as fault:
                self._tally.error(str(fault))
                return False
            if not await feed.reach(fresh.seq, FEED_SECONDS):
                self._tally.error(
                    f"the {feed.view} feed did not reach {fresh.seq} within {FEED_SECONDS:g} s: {feed.fault or 'silence'}"
                )
            same &= self._inspector.check_display(feed.state, fresh, feed.view)
        await self._check_stream()
        return same

    async def _check_stream(self) -> None:
        events: list[Json] = []
        try:
            while len(events) < MOST_EVENTS:
                page = await self._client.get(f"{self._path}/events?after={len(events)}&limit={EVENTS_PAGE}")
                events += page["events"]
                if not page["events"]:
                    break
        except (Refused, Unreachable) as fault:
            self._tally.error(f"the stream could not be read: {fault}")
        self._inspector.check_stream(events)

    def _summary(self, *, same: bool) -> Summary:
        tally, inspector = self._tally, self._inspector
        inspector.check_ends(tally.issued, tally.count("no_show"))
        for gap in self._board.gaps + self._staff.gaps:
            inspector.violate("no_gap", gap)
        for number in tally.never_shown():
            tally.error(f"the call of {number} never reached the display")
        tickets = {tier: sum(visit.tier == tier for visit in self._visits) for tier in tiers_of(self._visits)}
        return Summary(
            branch=self._branch,
            day=self._options.day,
            speed=self._options.speed,
            issued=tally.issued,
            called=tally.called,
            served=tally.count("served"),
            left=tally.count("left"),
            no_shows=tally.count("no_show"),
            tiers={tier: summarise_tier(count, tally.waits[tier]) for tier, count in tickets.items()},
            call_to_display_seconds=summarise_delay(tally.display_delays()),
            errors=tally.errors,
            violations=inspector.violations,
            display_equals_snapshot=same,
        )
