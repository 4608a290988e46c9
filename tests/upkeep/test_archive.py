"""Archives that are cut off, damaged or something else altogether; and what is read out of a whole one."""

import random
import zipfile
from pathlib import Path

import pytest

from queue_server.eventlog.port import Row
from queue_server.eventlog.postgres import PostgresLog
from queue_server.upkeep import postgres
from queue_server.upkeep.archive import ArchiveError, opened_archive
from queue_server.upkeep.backup import back_up
from queue_server.upkeep.restore import verify_alone
from queue_server.upkeep.text import read_heads, read_row
from tests.upkeep.days import BRANCHES, fill


@pytest.fixture
async def archive(database_url: str, tmp_path: Path) -> Path:
    await fill(database_url, seed=5, steps=15)
    async with postgres.snapshot(database_url) as snapshot:
        await back_up(snapshot, tmp_path / "hall.backup")
    return tmp_path / "hall.backup"


async def test_what_is_read_from_the_text_is_what_is_stored(archive: Path, database_url: str) -> None:
    log = await PostgresLog.connect(database_url, require_durability=False)
    with opened_archive(archive) as opened:
        heads = read_heads(opened)
        days = {head.branch_id: head.day for head in heads}
        read: dict[str, list[Row]] = {branch: [] for branch in BRANCHES}
        for part in opened.manifest.parts:
            if part.table.startswith("event_"):
                for line in opened.lines(part):
                    row = read_row(part, line, days)
                    if row is not None:
                        read[row.branch_id].append(row)
    assert heads == await log.heads()
    for head in heads:
        assert read[head.branch_id] == await log.read_after(head.branch_id, head.day, 0, 10_000)
    commands = "".join(row.command_id for rows in read.values() for row in rows)
    assert all(text in commands for text in ("\t", "\n", "\\N", "漢"))
    assert {row.request for rows in read.values() for row in rows} == {None, b"request"}
    await log.close()


async def test_an_archive_that_is_cut_off_is_refused_wherever_that_is(archive: Path, tmp_path: Path) -> None:
    whole, cut = archive.read_bytes(), tmp_path / "cut"
    chance = random.Random(11)
    for length in (*range(40), *(chance.randrange(len(whole)) for _ in range(100)), len(whole) - 1):
        cut.write_bytes(whole[:length])
        with (
            pytest.raises(ArchiveError, match=r"is cut off or damaged|is no backup of queue-server"),
            opened_archive(cut) as opened,
        ):
            verify_alone(opened)


async def test_a_damaged_archive_is_refused_or_says_the_same(archive: Path, tmp_path: Path) -> None:
    """Some bytes of a zip mean nothing to us, such as the times of its files; no other may change unnoticed."""
    whole, damaged = archive.read_bytes(), tmp_path / "damaged"
    with opened_archive(archive) as opened:
        manifest = opened.manifest
    chance, refused = random.Random(12), 0
    for _ in range(300):
        at = chance.randrange(len(whole))
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
        try:
            with opened_archive(damaged) as opened:
                assert (opened.manifest, verify_alone(opened)) == (manifest, len(BRANCHES)), f"byte {at} has changed unnoticed"
        except ArchiveError:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(100_000)])
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ArchiveError), opened_archive(tmp_path / "other"):
        pass


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "has no manifest.json"),
        ("{", "no backup that this version can read"),
        ('{"kind": "queue-server backup", "form": 2}', r"no backup that this version can read \(Invalid .*form"),
        ('{"kind": "another"}', r"no backup that this version can read \(Invalid .*kind"),
    ],
)
def test_other_zips_are_no_archives(tmp_path: Path, manifest: str | None, reason: str) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("picture.txt", "a picture")
        if manifest is not None:
            file.writestr("manifest.json", manifest)
    with pytest.raises(ArchiveError, match=reason), opened_archive(tmp_path / "other.zip"):
        pass


def test_an_archive_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read: No such file"), opened_archive(tmp_path / "missing"):
        pass
