"""
The screens of all branches: who follows what, and how a commit reaches them.

Everything here runs on the event loop and writes without waiting, so one stalled screen delays nobody. A branch is kept while it
has screens and for a while after, so that a screen which was cut off for a moment finds what it missed. Joining happens inside a
read of the runtime: between the state that is shown and the first commit that is told, nothing can come.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import structlog
from msgspec import Struct

from queue_server.core.changes import Change
from queue_server.core.ids import BranchId, Day, Instant
from queue_server.core.state import BranchState
from queue_server.push.channel import Channel, Moment, Screen
from queue_server.push.messages import Heartbeat, Outlook
from queue_server.push.recent import Recent
from queue_server.push.rounds import every
from queue_server.push.session import Position, Session
from queue_server.push.views import Following, View
from queue_server.runtime.commits import Commit
from queue_server.runtime.errors import Unsettled
from queue_server.wire.states import ClosedBecause, closings, outlook_form

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_HISTORY_TRIES = 2
_RESYNC_SECONDS = 0.2
_KEPT_SECONDS = 120.0
"""How long what a branch did lately is kept after its last screen has gone."""


class Branches(Protocol):
    """What the feed asks of the runtime."""

    @property
    def epoch(self) -> str:
        """The name of the history that the branches stand in."""
        ...

    def now(self) -> Instant:
        """Return the present moment."""
        ...

    async def read(self, branch_id: BranchId, look: Callable[[BranchState, Instant], T]) -> T:
        """Return what *look* sees in the branch as it is committed."""
        ...

    async def history(self, branch_id: BranchId, day: Day, after: int, limit: int) -> list[Change] | None:
        """Return the committed changes of the present day after *after*; None when that is another day or too many."""
        ...


class _Watched:
    """A branch with screens."""

    def __init__(self, recent: Recent) -> None:
        self.recent = recent
        self.channels: dict[Following, Channel] = {}
        self.outlooks: dict[View, Outlook] = {}
        self.foretold: dict[View, tuple[Day, int, tuple[ClosedBecause, ...]]] = {}
        self.is_foretelling = False
        self.deserted_at: float | None = None

    def stands_at(self, epoch: str, state: BranchState) -> bool:
        """Tell whether what is known here is *state* in the history *epoch*."""
        is_same_history = all(channel.epoch == epoch for channel in self.channels.values())
        return is_same_history and (self.recent.day, self.recent.seq) == (state.day, state.seq)


class _Slow(Struct):
    """A screen that is told nothing until it has read what it was sent: how much is left, and since when no byte of it has left."""

    following: Following
    screen: Screen
    buffered: int
    since: float


class Hub:
    """An observer of commits that tells the screens."""

    def __init__(
        self,
        branches: Branches,
        *,
        heartbeat_seconds: float = 5.0,
        outlook_seconds: float = 1.0,
        buffer_bytes: int = 262_144,
        recent_limit: int = 1000,
        patience_seconds: float = 30.0,
    ) -> None:
        self._branches = branches
        self._heartbeat_seconds = heartbeat_seconds
        self._outlook_seconds = outlook_seconds
        self._buffer_bytes = buffer_bytes
        self._recent_limit = recent_limit
        self._patience_seconds = patience_seconds
        self._watched: dict[BranchId, _Watched] = {}
        self._slow: dict[Session, _Slow] = {}

    @property
    def connected(self) -> int:
        """How many screens follow the feed now."""
        return sum(len(channel.screens) for watched in self._watched.values() for channel in watched.channels.values())

    @property
    def behind(self) -> int:
        """How many screens are told nothing until they have read what they were sent."""
        return len(self._slow)

    async def find(self, branch_id: BranchId) -> None:
        """Make sure that there is such a branch. Raises UnknownBranch, Unsettled."""
        await self._branches.read(branch_id, lambda _state, _at: None)

    def enroll(self, after: Position | None) -> Session:
        """Return a session for a screen that holds *after*."""
        return Session(after, self._buffer_bytes)

    async def join(self, session: Session, following: Following, screen: Screen) -> None:
        """
        Let *screen* follow from where *session* stands; what it missed, or a snapshot, has been written when this returns.

        Raises:
            UnknownBranch, Unsettled: as the runtime says; the screen follows nothing then.
        """
        # Twice at most: while the history was read, more may have been committed than is kept.
        for _ in range(_HISTORY_TRIES):
            after = await self._branches.read(following.branch_id, partial(self._admit, session, following, screen))
            if after is None:
                return
            history = await self._branches.history(following.branch_id, after.day, after.seq, self._recent_limit)
            watched = self._watched.get(following.branch_id)
            if history is None or watched is None:
                break
            watched.recent.complete(after.day, history)
        session.forget()
        await self._branches.read(following.branch_id, partial(self._admit, session, following, screen))

    def leave(self, session: Session, following: Following) -> None:
        """Tell this screen no more."""
        session.is_over = True
        self._slow.pop(session, None)
        watched = self._watched.get(following.branch_id)
        channel = watched.channels.get(following) if watched is not None else None
        if watched is not None and channel is not None and channel.screens.pop(session, None) is not None and not channel.screens:
            del watched.channels[following]
            watched.deserted_at = None if watched.channels else time.monotonic()

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Tell the screens of the branch what has become durable."""
        watched = self._watched.get(commit.branch_id)
        if watched is None:
            return
        if not watched.recent.is_continued_by(commit.changes):
            self.reloaded(state)
            return
        watched.recent.extend(commit.changes)
        for channel in watched.channels.values():
            channel.outdate()
            delta = channel.delta(commit.changes, state.rules)
            if delta is not None:
                # The one loop whose length is the number of screens times the number of commits: no call too many.
                for session, screen in channel.screens.items():
                    frame = session.follow(delta, screen.buffered())
                    if frame is not None:
                        screen.send(frame)
                    else:
                        self._hold(channel, session, screen)

    def reloaded(self, state: BranchState) -> None:
        """Give all screens of the branch a fresh snapshot: a new day, another configuration, or a history read anew."""
        watched = self._watched.get(state.branch_id)
        if watched is None:
            return
        watched.recent.begin(state.day, state.seq)
        watched.foretold.clear()
        for channel in watched.channels.values():
            channel.outdate()
            channel.epoch = self._branches.epoch
            snapshot = channel.snapshot(state, self._branches.now())
            told = watched.outlooks.get(channel.following.view)
            for session, screen in channel.screens.items():
                self._send(channel, session, screen, session.replace(snapshot, watched.recent, screen.buffered(), told))

    async def run(self) -> None:
        """Give signs of life and outlooks, and bring back screens that were too slow, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(every(self._heartbeat_seconds, self._beat, "heartbeat"))
            group.create_task(every(self._outlook_seconds, lambda: self._foretell(group), "outlook"))
            group.create_task(every(_RESYNC_SECONDS, lambda: self._resync(group), "resync"))

    def _admit(self, session: Session, following: Following, screen: Screen, state: BranchState, at: Instant) -> Position | None:
        """Begin at this committed moment; returns the position from which the history is needed first."""
        epoch = self._branches.epoch
        watched = self._watched.get(following.branch_id)
        if watched is None:
            watched = self._watched[following.branch_id] = _Watched(Recent(state.day, state.seq, self._recent_limit))
            watched.deserted_at = time.monotonic()
        elif not watched.stands_at(epoch, state):
            # Something happened to the log of which nobody told: the others need to be brought there too.
            self.reloaded(state)
        if session.is_over:
            return None
        if session.needs_history(watched.recent, epoch):
            return session.after
        channel = watched.channels.get(following)
        if channel is None:
            channel = watched.channels[following] = Channel(following, watched.recent, epoch)
        watched.deserted_at = None
        told = watched.outlooks.get(following.view)
        for frame in session.begin(Moment(channel, state, at), watched.recent, epoch, told):
            screen.send(frame)
        channel.screens[session] = screen
        return None

    def _send(self, channel: Channel, session: Session, screen: Screen, frame: bytes | None) -> None:
        if frame is not None:
            screen.send(frame)
        else:
            self._hold(channel, session, screen)

    def _hold(self, channel: Channel, session: Session, screen: Screen) -> None:
        if session.is_behind and session not in self._slow:
            self._slow[session] = _Slow(channel.following, screen, screen.buffered(), time.monotonic())

    async def _beat(self) -> None:
        at, now = self._branches.now(), time.monotonic()
        for branch_id, watched in list(self._watched.items()):
            if watched.deserted_at is not None and now - watched.deserted_at > _KEPT_SECONDS:
                del self._watched[branch_id]
                continue
            # A branch a turn of the event loop, here and below: commands go on in between.
            await asyncio.sleep(0)
            heartbeat = Heartbeat(watched.recent.day, watched.recent.seq, at)
            for channel in watched.channels.values():
                for session, screen in channel.screens.items():
                    self._send(channel, session, screen, session.beat(heartbeat, screen.buffered()))

    async def _foretell(self, group: asyncio.TaskGroup) -> None:
        # Each branch by itself: one whose log does not answer must not hold up the others.
        for branch_id, watched in list(self._watched.items()):
            if watched.channels and not watched.is_foretelling:
                watched.is_foretelling = True
                group.create_task(self._foretell_branch(branch_id, watched))
                await asyncio.sleep(0)

    async def _foretell_branch(self, branch_id: BranchId, watched: _Watched) -> None:
        try:
            await self._branches.read(branch_id, partial(self._look_ahead, watched))
        except Unsettled:
            pass  # foretold a second later; the heartbeat goes on
        except Exception:  # noqa: BLE001 - logged; it must not end the group, and with it all rounds
            _log.exception("outlook failed", branch=branch_id)
        finally:
            watched.is_foretelling = False

    def _look_ahead(self, watched: _Watched, state: BranchState, at: Instant) -> None:
        # With nobody waiting, time alone changes nothing but what is open.
        head = (state.day, state.seq, closings(state, at))
        for view in {following.view for following in watched.channels}:
            if watched.foretold.get(view) != head or any(state.waiting.values()):
                watched.foretold[view] = head
                form = outlook_form(state, at, tickets=view is View.STAFF)
                told = watched.outlooks.get(view)
                if told is None or not told.says(form):
                    watched.outlooks[view] = Outlook(form)
        for channel in watched.channels.values():
            outlook = watched.outlooks[channel.following.view]
            for session, screen in channel.screens.items():
                self._send(channel, session, screen, session.foretell(outlook, screen.buffered()))

    async def _resync(self, group: asyncio.TaskGroup) -> None:
        now = time.monotonic()
        for session, slow in list(self._slow.items()):
            buffered = slow.screen.buffered()
            if buffered < slow.buffered:
                slow.buffered, slow.since = buffered, now
            if session.is_over or not session.is_behind:
                self._slow.pop(session, None)
            elif buffered <= self._buffer_bytes // 8:
                self._slow.pop(session, None)
                # Each by itself: one of a branch whose log does not answer must not hold up the others.
                group.create_task(self._bring_back(session, slow))
            elif now - slow.since > self._patience_seconds:
                self._slow.pop(session, None)
                slow.screen.drop()

    async def _bring_back(self, session: Session, slow: _Slow) -> None:
        try:
            await self.join(session, slow.following, slow.screen)
        except Unsettled:
            self._slow[session] = slow
        except Exception:  # noqa: BLE001 - logged; the screen comes back by itself
            _log.exception("bringing a screen back failed", branch=slow.following.branch_id)
            slow.screen.drop()
