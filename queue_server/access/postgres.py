"""Tokens in PostgreSQL, in the table `access_token`."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from queue_server.access.roles import Principal, Role
from queue_server.access.tokens import TokensUnavailable
from queue_server.eventlog.postgres_faults import is_unavailable
from queue_server.eventlog.postgres_hosts import connect_primary

_ADD = "insert into access_token (token_hash, subject, role, branches) values ($1, $2, $3, $4)"
_FIND = "select subject, role, branches from access_token where token_hash = $1 and revoked_at is null"
_REVOKE = "update access_token set revoked_at = now() where token_hash = $1 and revoked_at is null returning true"
_REVOKED = "select token_hash from access_token where revoked_at > now() - make_interval(secs => $1)"

_ROLES = frozenset(role.value for role in Role)


class PostgresTokens:
    """One connection, made when it is first needed and again when it was lost: tokens are looked up once and then remembered."""

    def __init__(self, dsn: str, *, timeout_seconds: float = 5.0) -> None:
        self._dsn = dsn
        self._timeout = timeout_seconds
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()

    async def add(self, token_hash: bytes, principal: Principal) -> None:
        """Keep a new token."""
        branches = None if principal.branches is None else sorted(principal.branches)
        await self._fetch(_ADD, token_hash, principal.subject, principal.role.value, branches)

    async def find(self, token_hash: bytes) -> Principal | None:
        """Return whom the token stands for; None when it is unknown or revoked, or has a role of a newer program."""
        rows = await self._fetch(_FIND, token_hash)
        if not rows or rows[0]["role"] not in _ROLES:
            return None
        branches = rows[0]["branches"]
        return Principal(rows[0]["subject"], Role(rows[0]["role"]), None if branches is None else frozenset(branches))

    async def revoke(self, token_hash: bytes) -> bool:
        """Let the token no longer count; False when there is no such token that does."""
        return bool(await self._fetch(_REVOKE, token_hash))

    async def revoked_within(self, seconds: float) -> list[bytes]:
        """Return the tokens revoked in the last *seconds*, by the database's clock."""
        return [row["token_hash"] for row in await self._fetch(_REVOKED, seconds)]

    async def close(self) -> None:
        """Give the connection back; idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(TokensUnavailable), _unavailable_when_away():
                await connection.close(timeout=self._timeout)

    async def _fetch(self, query: str, *values: Any) -> Sequence[asyncpg.Record]:
        async with self._turn:
            try:
                with _unavailable_when_away():
                    connection = await self._connected()
                    return await connection.fetch(query, *values, timeout=self._timeout)
            except TokensUnavailable:
                self._drop()
                raise

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect_primary(self._dsn, timeout=self._timeout)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


@contextmanager
def _unavailable_when_away() -> Iterator[None]:
    # What counts as away is told once for the whole database: tokens stand in the one that holds the log.
    try:
        yield
    except Exception as fault:
        if is_unavailable(fault):
            raise TokensUnavailable from fault
        raise
