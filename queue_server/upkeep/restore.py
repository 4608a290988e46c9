"""
The way back: an archive into an empty database, all of it or nothing.

Every file of the archive is compared with its checksum before the database is touched. What comes back is a history of its own: it
may lack what was acknowledged after the backup, so it gets a new name, and every node and screen that knew the old one begins anew
from a snapshot. Tokens and keys stay good.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from queue_server import __version__
from queue_server.eventlog.port import Head
from queue_server.upkeep.archive import ArchiveError, ArchiveReader
from queue_server.upkeep.backup import marks
from queue_server.upkeep.marks import Fold, Mark
from queue_server.upkeep.port import NotFit, Target
from queue_server.upkeep.text import read_heads, read_row


class Restored(Struct, frozen=True):
    """What has come back: the name of the new history, the migrations applied to it, and the branches that were verified."""

    epoch: str
    migrations: tuple[str, ...]
    verified: int | None


class Difference(NamedTuple):
    """A branch whose state is not what it should be; None: there is no such branch."""

    expected: Mark | None
    found: Mark | None


async def restore(archive: ArchiveReader, target: Target, *, replace: bool, verify: bool) -> Restored:
    """
    Fill *target* with *archive*; with *replace* also one that is not empty, with *verify* only when every branch is what it was.

    Raises:
        NotFit: the database holds something, or is too new.
        ArchiveError: the archive is damaged, or does not lead to the states that it names.
    """
    manifest = archive.manifest
    held = await target.holds()
    if held and not replace:
        named = ", ".join(f"{table} (rows: {rows:,})" for table, rows in held.items())
        raise NotFit(f"The database is not empty: it holds {named}. --replace --yes would delete that.")
    archive.check()
    await target.build(len(manifest.schema))
    for part in manifest.parts:
        if await target.load(part, archive.chunks(part)) != part.rows:
            raise ArchiveError(f"{part.file} does not hold the {part.rows} rows that its manifest says.")
    migrations = await target.finish()
    verified = _equal(expected(archive), await marks(target)) if verify else None
    return Restored(await target.epoch(), tuple(migrations), verified)


def verify_alone(archive: ArchiveReader) -> int:
    """
    Compare every file of *archive* with its checksum and every branch with its mark, without a database; return the branches.

    Raises:
        ArchiveError: it is not whole.
    """
    archive.check()
    return _equal(expected(archive), list(folded(archive)))


def expected(archive: ArchiveReader) -> Sequence[Mark]:
    """Return the marks that the facts of *archive* must lead to: its own, or when another version has made them, ours."""
    is_ours = archive.manifest.version == __version__
    return archive.manifest.branches if is_ours else list(folded(archive))


def folded(archive: ArchiveReader) -> Iterator[Mark]:
    """Yield where each branch of *archive* stands, by the facts in it, one branch in memory at a time."""
    heads = read_heads(archive)
    months: dict[str, list[Head]] = {}
    for head in heads:
        months.setdefault(f"event_{head.day[:7].replace('-', '_')}", []).append(head)
    found = {mark.branch_id: mark for table, of_month in months.items() for mark in _fold_month(archive, table, of_month)}
    for head in heads:
        yield found[head.branch_id]


def _fold_month(archive: ArchiveReader, table: str, heads: Sequence[Head]) -> Iterator[Mark]:
    days = {head.branch_id: head.day for head in heads}
    parts = [part for part in archive.manifest.parts if part.table == table]
    rows = (row for part in parts for line in archive.lines(part) if (row := read_row(part, line, days)) is not None)
    row = next(rows, None)
    for head in heads:
        fold = Fold(head)
        while row is not None and row.branch_id == head.branch_id:
            fold.take(row)
            row = next(rows, None)
        yield fold.mark()


def _equal(wanted: Sequence[Mark], found: Sequence[Mark]) -> int:
    left, right = ({mark.branch_id: mark for mark in marks} for marks in (wanted, found))
    differences = [
        Difference(left.get(branch), right.get(branch))
        for branch in sorted(left.keys() | right.keys())
        if left.get(branch) != right.get(branch)
    ]
    if differences:
        raise ArchiveError(f"{len(differences)} branches are not what they were; the first: {_said(differences[0])}.")
    return len(wanted)


def _said(difference: Difference) -> str:
    wanted, found = difference
    if wanted is None or found is None:
        return f"{(wanted or found).branch_id} is {'not expected' if wanted is None else 'missing'}"  # type: ignore[union-attr]
    if (wanted.day, wanted.seq) != (found.day, found.seq):
        return f"{wanted.branch_id} stands at {found.day}:{found.seq}, not at {wanted.day}:{wanted.seq}"
    return f"{wanted.branch_id} at {found.day}:{found.seq} {found.fault or 'has another state'}"
