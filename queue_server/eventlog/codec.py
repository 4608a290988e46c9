"""
Facts to stored rows and back: names, versions, and how an older version is read today.

The name of a fact is its class name, for good. When a fact's shape changes incompatibly its version rises here, and an upcaster
from the version before is added: stored facts are never rewritten.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from queue_server.core.events import FACTS, Event, Fact
from queue_server.core.ids import BranchId
from queue_server.eventlog.port import Row

VERSIONS: dict[str, int] = {}
"""The present version of each fact that has changed since its first; all others are at 1."""

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""From (name, version) to the body of version + 1."""

_encoder = msgspec.json.Encoder()
_decoders = {fact.__name__: msgspec.json.Decoder(fact) for fact in FACTS}
_types = {fact.__name__: fact for fact in FACTS}


class UnreadableFact(Exception):  # noqa: N818 - named like its kin in the port
    """A stored fact has a name or a version that this program does not know: it was written by a newer one."""


def to_row(branch_id: BranchId, event: Event, request: bytes | None) -> Row:
    """Return *event* as it is stored."""
    name = type(event.fact).__name__
    return Row(
        branch_id,
        event.day,
        event.seq,
        event.at,
        name,
        VERSIONS.get(name, 1),
        event.command_id,
        event.actor,
        request,
        _encoder.encode(event.fact),
    )


def to_event(row: Row) -> Event:
    """Return the fact of *row* in its place."""
    return Event(row.day, row.seq, row.at, row.command_id, row.actor, decode(row.name, row.version, row.body))


def decode(name: str, version: int, body: bytes) -> Fact:
    """Return the fact that *body* holds, brought up to the present version."""
    present = VERSIONS.get(name, 1)
    decoder = _decoders.get(name)
    if decoder is None or version > present:
        raise UnreadableFact(f"{name} version {version} is newer than this program; upgrade it before it opens this branch")
    if version == present:
        return decoder.decode(body)
    content: dict[str, Any] = msgspec.json.decode(body)
    for older in range(version, present):
        content = UPCASTERS[name, older](content)
    return msgspec.convert(content, _types[name])
