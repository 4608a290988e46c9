"""
What travels on the bus: a few hints under the name of their sender, as JSON.

A message without hints is a heartbeat. Every message comes back to its sender, and its number tells which one it was.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from queue_server.bus.port import Hint
from queue_server.wire.constraints import Id

HINTS_A_MESSAGE = 32
"""So many fit into 4 kB with the longest of identifiers; PostgreSQL refuses a payload of 8,000 bytes with its whole transaction."""
LONGEST_MESSAGE = 4096

_Sender = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
_Number = Annotated[int, Meta(ge=1, le=2**53)]


class _Heard(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    branch_id: Id
    day: date
    seq: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Message(Struct, frozen=True):
    """One message: the *number* that its *sender* gave it, and the hints in it."""

    sender: str
    number: int
    hints: list[Hint]


class _Wire(Struct, array_like=True, forbid_unknown_fields=True):
    sender: _Sender
    number: _Number
    hints: Annotated[list[_Heard], Meta(max_length=HINTS_A_MESSAGE)]


class Strange(ValueError):  # noqa: N818 - it is about the message
    """This is no message of one of our nodes."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Wire).decode


def portions(hints: Sequence[Hint]) -> Iterator[Sequence[Hint]]:
    """Cut *hints* into what one message takes; no hints are one empty portion."""
    for start in range(0, len(hints) or 1, HINTS_A_MESSAGE):
        yield hints[start : start + HINTS_A_MESSAGE]


def encode(sender: str, number: int, hints: Sequence[Hint]) -> bytes:
    """Return the message as it travels."""
    return _encode((sender, number, hints))


def decode(data: bytes) -> Message:
    """Return what *data* says; raises Strange. Whoever reaches the bus can write to it, so nothing is believed unchecked."""
    if len(data) > LONGEST_MESSAGE:
        raise Strange(f"a message of {len(data)} bytes")
    try:
        wire = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Strange(str(fault)) from fault
    return Message(wire.sender, wire.number, [Hint(each.branch_id, each.day.isoformat(), each.seq) for each in wire.hints])
