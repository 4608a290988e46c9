"""
Bearer tokens: 256 random bits, shown once, kept as a hash.

A node remembers the tokens it has seen, so that checking one costs no query. Tokens are made beside the running server: an
unknown one is looked up, and remembered as unknown for a moment. Every few seconds the recently revoked are read and forgotten,
which also bounds how long a revoked token still works here.
"""

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from typing import Protocol, TypeVar

import structlog

from queue_server.access.roles import Principal, Role
from queue_server.core.ids import BranchId

T = TypeVar("T")
_log = structlog.get_logger(__name__)

KNOWN_LIMIT = 50_000
UNKNOWN_LIMIT = 10_000
UNKNOWN_SECONDS = 2.0
REVOKED_EVERY_SECONDS = 3.0
_OVERLAP_SECONDS = 30.0
"""A revocation is stamped before it is committed; reading that much further back misses none."""
_LOOKUPS_AT_ONCE = 8
_LONGEST = 128
_PREFIX = "qs_"
_SUBJECT = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_RESERVED = frozenset({"system", "deadlines", "wake", "open-day"})
"""Whom the service itself acts as, and what its own commands are called: a key of such a subject could be taken for one of them."""


class TokensUnavailable(Exception):  # noqa: N818 - an answer to whoever asked
    """The store of tokens did not answer, so it is unknown who this is."""


class TokenStore(Protocol):
    """Where tokens are kept, by hash; every method may raise TokensUnavailable."""

    async def add(self, token_hash: bytes, principal: Principal) -> None:
        """Keep a new token."""
        ...

    async def find(self, token_hash: bytes) -> Principal | None:
        """Return whom the token stands for; None when it is unknown or revoked."""
        ...

    async def revoke(self, token_hash: bytes) -> bool:
        """Let the token no longer count; False when there is no such token that does."""
        ...

    async def revoked_within(self, seconds: float) -> list[bytes]:
        """Return the tokens revoked in the last *seconds*."""
        ...


async def create_token(
    store: TokenStore, role: Role, branches: Iterable[BranchId] | None = None, subject: str | None = None
) -> tuple[str, Principal]:
    """
    Make a token, for all branches unless some are named, and return it: it cannot be shown again.

    Without *subject* it is a new one.

    Raises:
        ValueError: the subject has characters that could not be told apart in facts and keys.
    """
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise ValueError("a subject has 1 to 64 letters, digits, or any of _ . @ -")
    if subject in _RESERVED:
        raise ValueError(f"the subject {subject} is the service's own; right would be any but {', '.join(sorted(_RESERVED))}")
    # The prefix tells what it is when one is found lying about, and keeps it from looking like an option on a command line.
    token = _PREFIX + secrets.token_urlsafe(32)
    principal = Principal(
        subject or f"{role.value}-{secrets.token_hex(6)}", role, None if branches is None else frozenset(branches)
    )
    await store.add(token_hash(token), principal)
    return token, principal


def token_hash(token: str) -> bytes:
    """Return the form in which a token is kept. It is random, so a plain hash keeps it secret."""
    return sha256(token.encode()).digest()


class Tokens:
    """The tokens as one node knows them."""

    def __init__(self, store: TokenStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[bytes, Principal] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self._refreshed_at = clock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow revocations."""
        self._task = asyncio.get_running_loop().create_task(self._follow(), name="tokens")

    async def close(self) -> None:
        """Stop following; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def known(self, token: str) -> Principal | None:
        """Return whom a token stands for that this node has seen before: the quick way, None when it has not."""
        return self._known.get(token_hash(token)) if _may_be_one(token) else None

    async def authenticate(self, token: str) -> Principal | None:
        """Return whom *token* stands for; None when it is unknown or revoked. Raises TokensUnavailable."""
        if not _may_be_one(token):
            return None
        hashed = token_hash(token)
        principal = self._known.get(hashed)
        if principal is not None or self._unknown.get(hashed, 0.0) > self._clock():
            return principal
        async with self._lookups:
            asked_at = self._refreshed_at
            principal = await self._store.find(hashed)
        if principal is None:
            _put(self._unknown, hashed, self._clock() + UNKNOWN_SECONDS, UNKNOWN_LIMIT)
        elif asked_at == self._refreshed_at:
            # A revocation that was read meanwhile must not be overwritten by what was found before it.
            _put(self._known, hashed, principal, KNOWN_LIMIT)
        return principal

    async def refresh(self) -> None:
        """Forget the tokens that were revoked since the last time. Raises TokensUnavailable."""
        now = self._clock()
        revoked = await self._store.revoked_within(now - self._refreshed_at + _OVERLAP_SECONDS)
        self._refreshed_at = now
        for hashed in revoked:
            self._known.pop(hashed, None)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(REVOKED_EVERY_SECONDS)
            try:
                await self.refresh()
            except TokensUnavailable:
                _log.warning("revoked tokens could not be read")
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("reading revoked tokens failed")


def _may_be_one(token: str) -> bool:
    return 0 < len(token) <= _LONGEST and token.isascii()


def _put(table: OrderedDict[bytes, T], key: bytes, value: T, limit: int) -> None:
    table[key] = value
    if len(table) > limit:
        table.popitem(last=False)
