"""Short ways to back up, to restore and to look."""

from pathlib import Path
from typing import Any

import asyncpg

from queue_server.upkeep import postgres
from queue_server.upkeep.archive import new_archive, opened_archive
from queue_server.upkeep.backup import back_up
from queue_server.upkeep.manifest import Manifest
from queue_server.upkeep.restore import Restored, restore, verify_alone


async def taken(url: str, path: Path) -> tuple[Path, Manifest]:
    async with postgres.snapshot(url) as snapshot:
        return path, await back_up(snapshot, path)


async def brought_back(url: str, path: Path, *, replace: bool = False, verify: bool = True) -> Restored:
    with opened_archive(path) as archive:
        async with postgres.target(url) as target:
            return await restore(archive, target, replace=replace, verify=verify)


async def execute(url: str, *statements: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


def verify_alone_of(path: Path) -> int:
    with opened_archive(path) as archive:
        return verify_alone(archive)


def rewritten(archive: Path, path: Path, manifest: Manifest) -> Path:
    """Return a copy of *archive* with another manifest."""
    with opened_archive(archive) as opened, new_archive(path) as made:
        for part in manifest.parts:
            with made.open(part.file) as writer:
                for chunk in opened.chunks(part):
                    writer._file.write(chunk)
        made.finish(manifest)
    return path


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
