r"""
Rows out of the text form of COPY.

A line a row, tabs between the columns, `\N` for null, and a backslash before what would be taken for one of these. A bytea is `\x` and
hexadecimal digits.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from queue_server.core.ids import BranchId, Day
from queue_server.eventlog.port import Head, Row
from queue_server.upkeep.archive import ArchiveError, ArchiveReader
from queue_server.upkeep.manifest import Part

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def read_heads(archive: ArchiveReader) -> list[Head]:
    """Return the heads of *archive*, ordered by branch."""
    heads = []
    for part in archive.manifest.parts:
        if part.table == "branch_head":
            heads += [_head(part, line) for line in archive.lines(part)]
    return heads


def read_row(part: Part, line: bytes, days: Mapping[BranchId, Day]) -> Row | None:
    """Return the fact in *line*; None when it is of another day than its branch's in *days*."""
    # Most facts are of days gone by: those are not taken apart.
    branch_id, day, *_ = [*line.split(b"\t", 2), b""]
    if days.get(_text(branch_id)) != day.decode(errors="replace"):
        return None
    with _faults(part):
        field = _columns(part, line)
        return Row(
            _text(field["branch_id"]),
            _text(field["day"]),
            int(_text(field["seq"])),
            int(_text(field["at"])),
            _text(field["name"]),
            int(_text(field["version"])),
            _text(field["command_id"]),
            _text(field["actor"]),
            _bytes(field["request"]) if field["request"] is not None else None,
            _bytes(field["body"]),
        )


def _head(part: Part, line: bytes) -> Head:
    with _faults(part):
        field = _columns(part, line)
        wakes_at = field["wakes_at"]
        return Head(
            _text(field["branch_id"]),
            _text(field["day"]),
            int(_text(field["seq"])),
            is_open=field["is_open"] == b"t",
            wakes_at=None if wakes_at is None else int(wakes_at),
        )


@contextmanager
def _faults(part: Part) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError):
        raise ArchiveError(f"{part.file} holds a row that is none of its table.") from None


def _columns(part: Part, line: bytes) -> dict[str, bytes | None]:
    fields = zip(part.columns, line.split(b"\t"), strict=True)
    return {name: None if field == rb"\N" else field for name, field in fields}


def _text(field: bytes | None) -> str:
    return _unescaped(field or b"").decode()


def _bytes(field: bytes | None) -> bytes:
    return bytes.fromhex(_unescaped(field or b"").removeprefix(rb"\x").decode())


def _unescaped(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: _MEANT.get(match[1], match[1]), field) if b"\\" in field else field
