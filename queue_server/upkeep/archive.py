"""
The archive: a zip whose files are tables in the text form of COPY, and a manifest that is written last.

Any unzip opens it and any PostgreSQL loads it. It is written as a stream under another name, beside the place where it belongs, and
takes that place only when it is whole and on the disk. It holds the secret of the keyed hashes and the free texts of announcements,
so nobody but its owner may read it.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec

from queue_server.upkeep.manifest import Manifest, Part

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_ZIP_BEGINS = b"PK\x03\x04"
# What a damaged zip makes the standard library raise.
_DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, OSError, ValueError, OverflowError)


class ArchiveError(Exception):
    """The archive cannot be written or read; the message is one sentence for whoever asked for it."""


class PartWriter:
    """Takes the text of one table."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Compress *data* and put it behind the rest; asynchronous because whoever hands it over awaits that."""
        self._hash.update(data)
        self._size += len(data)
        with _writing(self._path):
            self._file.write(data)

    def part(self, file: str, table: str, columns: tuple[str, ...], rows: int) -> Part:
        """Return what was written, for the manifest."""
        return Part(file, table, columns, rows, self._size, self._hash.hexdigest())


class ArchiveWriter:
    """An archive that is being written."""

    def __init__(self, path: Path, file: ZipFile) -> None:
        self._path = path
        self._zip = file

    @contextmanager
    def open(self, file: str) -> Iterator[PartWriter]:
        """Begin the next part; one at a time."""
        with _writing(self._path):
            opened = self._zip.open(file, "w", force_zip64=True)
        try:
            yield PartWriter(self._path, opened)
        finally:
            with _writing(self._path):
                opened.close()

    def finish(self, manifest: Manifest) -> None:
        """Write the table of contents: without it this is no archive."""
        with _writing(self._path):
            self._zip.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            self._zip.close()


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """
    Write an archive, which the caller finishes; then it stands at *path*, on the disk. Until then what was there before stays.

    Raises:
        ArchiveError: it cannot be written there.
    """
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder; name a file in it, such as {path / 'queue.backup'}.")
    made = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _writing(path):
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            opened = ZipFile(file, "w", ZIP_DEFLATED)
            try:
                yield ArchiveWriter(path, opened)
            finally:
                # Closed already when it is finished; else it goes away, and so does what it could not write.
                with suppress(OSError):
                    opened.close()
            with _writing(path):
                file.flush()
                os.fsync(file.fileno())
        with _writing(path):
            made.rename(path)
            _sync_folder(path.absolute().parent)
    finally:
        made.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise ArchiveError(f"{path} cannot be written: {fault.strerror or fault}.") from None


def _sync_folder(folder: Path) -> None:
    # The new name is in the folder: without this a power cut may take it back.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ArchiveReader:
    """An archive that is read; whatever is wrong with it is an ArchiveError."""

    def __init__(self, path: Path, file: ZipFile) -> None:
        self._path = path
        self._zip = file
        self.manifest = self._read_manifest()

    def check(self) -> None:
        """Read everything once and compare it with the manifest."""
        for part in self.manifest.parts:
            digest, size = hashlib.sha256(), 0
            for chunk in self.chunks(part):
                digest.update(chunk)
                size += len(chunk)
            if (size, digest.hexdigest()) != (part.size, part.sha256):
                raise ArchiveError(f"{self._path} is damaged: {part.file} is not what its manifest says.")

    def chunks(self, part: Part) -> Iterator[bytes]:
        """Yield the text of *part*, piece by piece."""
        with self._faults(), self._zip.open(part.file) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def lines(self, part: Part) -> Iterator[bytes]:
        """Yield the rows of *part* as they were copied, without the line's end."""
        with self._faults(), self._zip.open(part.file) as file:
            for line in file:
                yield line.rstrip(b"\n")

    def _read_manifest(self) -> Manifest:
        with self._faults():
            if _MANIFEST not in self._zip.namelist():
                raise ArchiveError(f"{self._path} is no backup of queue-server: it has no {_MANIFEST}.")
            with self._zip.open(_MANIFEST) as file:
                content = file.read(_LARGEST_MANIFEST + 1)
        if len(content) > _LARGEST_MANIFEST:
            raise ArchiveError(f"{self._path} is no backup of queue-server: its {_MANIFEST} is too large.")
        try:
            return msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError as fault:
            raise ArchiveError(f"{self._path} is no backup that this version can read ({fault}).") from None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as fault:
            raise ArchiveError(f"{self._path} is damaged ({_said(fault)}); take another backup.") from None


@contextmanager
def opened_archive(path: Path) -> Iterator[ArchiveReader]:
    """
    Open the archive at *path* and read its manifest.

    Raises:
        ArchiveError: it is none, or not all of one.
    """
    try:
        file = ZipFile(path)
    except OSError as fault:
        raise ArchiveError(f"{path} cannot be read: {fault.strerror or fault}.") from None
    except _DAMAGE:
        raise ArchiveError(_not_an_archive(path)) from None
    with file:
        yield ArchiveReader(path, file)


def _not_an_archive(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(_ZIP_BEGINS)) == _ZIP_BEGINS:
            return f"{path} is cut off or damaged: its end is missing; take another backup."
    return f"{path} is no backup of queue-server."


def _said(fault: Exception) -> str:
    return str(fault).rstrip(".") or type(fault).__name__
