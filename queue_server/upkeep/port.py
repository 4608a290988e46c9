"""What backup, restore and doctor ask of a database; the PostgreSQL behind it is given to them."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from queue_server.eventlog.port import Head, Row
from queue_server.upkeep.manifest import Part, SchemaStep

TABLES = ("log_identity", "branch_head", "access_token", "note")
"""Every table but the facts, whose partitions are named event_2026_11 and so on."""


class NotFit(Exception):  # noqa: N818 - an answer
    """The database is not one on which this can be done; the message is one sentence."""


class Origin(Struct, frozen=True):
    """Where a snapshot comes from: when it was taken, by the database's clock, the engine, the history and its schema."""

    made_at: str
    engine: str
    epoch: str
    schema: tuple[SchemaStep, ...]


class Source(Struct, frozen=True):
    """One table, or one partition of the facts, with its columns and those that order it."""

    table: str
    columns: tuple[str, ...]
    order: tuple[str, ...]


class Facts(Protocol):
    """Reads branches, all at one moment."""

    async def heads(self) -> list[Head]:
        """Return all heads, ordered by branch."""
        ...

    def facts(self, head: Head) -> AsyncIterator[Row]:
        """Yield the facts of the head's day, in order."""
        ...


class Snapshot(Facts, Protocol):
    """Everything, as it stood at one moment, while others go on writing."""

    async def origin(self) -> Origin:
        """Return where this comes from; raises NotFit when the schema is not that of this version."""
        ...

    async def sources(self) -> list[Source]:
        """Return all that is to be copied."""
        ...

    async def copy(self, source: Source, write: Callable[[bytes], Coroutine[Any, Any, None]]) -> int:
        """Hand the text of *source* to *write* piece by piece, and return how many rows it was."""
        ...


class Target(Facts, Protocol):
    """A database that is being filled: all of it happens when this is left without a fault, else nothing."""

    async def holds(self) -> Mapping[str, int]:
        """Return how many rows each of our tables holds, those without any left out."""
        ...

    async def build(self, steps: int) -> None:
        """Put an empty schema in place of what is there, as it was after the first *steps* migrations."""
        ...

    async def load(self, part: Part, chunks: Iterable[bytes]) -> int:
        """Load the text of *part* and return how many rows it was."""
        ...

    async def finish(self) -> Sequence[str]:
        """Bring the schema to that of this version; return the names of the migrations applied."""
        ...

    async def epoch(self) -> str:
        """Return the name of the history that begins here."""
        ...
