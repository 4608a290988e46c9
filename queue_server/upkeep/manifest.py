"""What an archive says of itself: where it comes from, what is in it, and how to tell that all of it is there."""

from typing import Literal

from msgspec import Struct

from queue_server.upkeep.marks import Mark

KIND: Literal["queue-server backup"] = "queue-server backup"
FORM: Literal[1] = 1
"""The form of the archive itself; what changes in the tables is told by `schema`."""


class SchemaStep(Struct, frozen=True):
    """A migration that had been applied."""

    version: int
    name: str
    checksum: str


class Part(Struct, frozen=True):
    """
    One file of the archive: the rows of one table, or of one month's partition, in the text form of COPY, ordered by primary key.

    `size` and `sha256` are those of the text before it was compressed.
    """

    file: str
    table: str
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """
    The table of contents.

    `made_at` is when the snapshot was taken, by the database's clock (RFC 3339); `version` that of the program, `engine` that of
    PostgreSQL; `epoch` names the history that was copied.
    """

    kind: Literal["queue-server backup"]
    form: Literal[1]
    made_at: str
    version: str
    engine: str
    epoch: str
    schema: tuple[SchemaStep, ...]
    branches: tuple[Mark, ...]
    parts: tuple[Part, ...]

    @property
    def facts(self) -> int:
        """How many facts there are, over all days."""
        return sum(part.rows for part in self.parts if part.table.startswith("event_"))
