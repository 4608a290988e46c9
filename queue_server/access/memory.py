"""Tokens in memory: the twin of the PostgreSQL store, for tests and for trying things out."""

import time

from queue_server.access.roles import Principal


class MemoryTokens:
    """Keeps tokens in a dictionary and loses them with the process."""

    def __init__(self) -> None:
        self._tokens: dict[bytes, Principal] = {}
        self._revoked: dict[bytes, float] = {}

    async def add(self, token_hash: bytes, principal: Principal) -> None:
        """Keep a new token."""
        self._tokens[token_hash] = principal

    async def find(self, token_hash: bytes) -> Principal | None:
        """Return whom the token stands for; None when it is unknown or revoked."""
        return None if token_hash in self._revoked else self._tokens.get(token_hash)

    async def revoke(self, token_hash: bytes) -> bool:
        """Let the token no longer count; False when there is no such token that does."""
        if token_hash not in self._tokens or token_hash in self._revoked:
            return False
        self._revoked[token_hash] = time.monotonic()
        return True

    async def revoked_within(self, seconds: float) -> list[bytes]:
        """Return the tokens revoked in the last *seconds*."""
        since = time.monotonic() - seconds
        return [token_hash for token_hash, at in self._revoked.items() if at >= since]
