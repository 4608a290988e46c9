"""Identifiers that nobody can guess, made from the system's randomness a page at a time."""

import os
from collections import deque

_BYTES = 16
_AT_ONCE = 256

_ready: deque[str] = deque()


def new_identifier() -> str:
    """Return 128 random bits in hexadecimal."""
    # A call to the system for each costs as much as deciding the command that it is for.
    if not _ready:
        page = os.urandom(_BYTES * _AT_ONCE).hex()
        _ready.extend(page[start : start + 2 * _BYTES] for start in range(0, len(page), 2 * _BYTES))
    return _ready.popleft()
