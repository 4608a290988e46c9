"""
A backup: one archive of everything at one moment, taken beside the running nodes.

Each branch is folded on the way and its mark goes into the manifest, so that whoever restores it can tell that the same state came
back. A branch whose facts cannot be read is copied like the others; its mark says what is wrong with it.
"""

from pathlib import Path

from queue_server import __version__
from queue_server.upkeep.archive import ArchiveWriter, new_archive
from queue_server.upkeep.manifest import FORM, KIND, Manifest, Part
from queue_server.upkeep.marks import Fold, Mark
from queue_server.upkeep.port import Facts, Snapshot, Source


async def back_up(snapshot: Snapshot, path: Path) -> Manifest:
    """
    Copy *snapshot* into an archive at *path*, which appears there whole or not at all; return its manifest.

    Raises:
        NotFit, ArchiveError, LogUnavailable: as they say.
    """
    origin = await snapshot.origin()
    with new_archive(path) as archive:
        parts = [await _copy(snapshot, source, archive) for source in await snapshot.sources()]
        manifest = Manifest(
            kind=KIND,
            form=FORM,
            made_at=origin.made_at,
            version=__version__,
            engine=origin.engine,
            epoch=origin.epoch,
            schema=origin.schema,
            branches=tuple(await marks(snapshot)),
            parts=tuple(parts),
        )
        archive.finish(manifest)
    return manifest


async def marks(facts: Facts) -> list[Mark]:
    """Return where each branch stands."""
    found = []
    for head in await facts.heads():
        fold = Fold(head)
        async for row in facts.facts(head):
            fold.take(row)
        found.append(fold.mark())
    return found


async def _copy(snapshot: Snapshot, source: Source, archive: ArchiveWriter) -> Part:
    file = f"tables/{source.table}.copy"
    with archive.open(file) as writer:
        rows = await snapshot.copy(source, writer.write)
    return writer.part(file, source.table, source.columns, rows)
