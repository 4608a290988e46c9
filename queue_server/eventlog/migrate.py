"""
Bring a database to the schema this version needs.

Migrations are plain SQL files, `NNNN_name.sql`, run in order, each in a transaction of its own and recorded with its checksum.
An advisory lock lets several nodes start at once. A database that is newer than this version, or whose recorded migrations are
not the files found here, is refused before anything is changed.
"""

import hashlib
import re
from pathlib import Path
from typing import TypeAlias

import asyncpg
import structlog
from msgspec import Struct

from queue_server.eventlog.postgres_faults import unavailable_when_away
from queue_server.eventlog.postgres_hosts import connect_primary

_log = structlog.get_logger(__name__)

# An arbitrary number that all versions share; whoever changes the schema holds it.
LOCK = 7_208_416_001
_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_LEDGER = """
create table if not exists schema_migration (
    version     integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
)"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class SchemaError(Exception):
    """The database's schema is not one that this version may touch."""


class Migration(Struct, frozen=True):
    """One step of the schema: its number, its name, its SQL."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The hash of the SQL, the same whatever the checkout made of line ends."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def migrations_folder() -> Path:
    """Return where the migrations are: inside the package when it is installed, at the root of a checkout."""
    installed = Path(__file__).parent / "migrations"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "migrations"


def find_migrations(folder: Path) -> list[Migration]:
    """Read the migrations of *folder* in order; their numbers are 1, 2, 3 without a gap."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name} is not named NNNN_name.sql.")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"The migrations in {folder} are not numbered 0001, 0002, ... without a gap.")
    return found


async def migrate(dsn: str, folder: Path | None = None) -> list[str]:
    """
    Apply what is missing and return the names of what was applied.

    Raises:
        SchemaError: the database is newer than this version, or was made from other files.
        LogUnavailable: the database cannot be reached.
    """
    migrations = find_migrations(folder or migrations_folder())
    with unavailable_when_away():
        connection = await connect_primary(dsn, timeout=30, server_settings={"application_name": "queue-server migrate"})
    try:
        # The lock belongs to the session: it is given back even when this process dies.
        await connection.execute("select pg_advisory_lock($1)", LOCK, timeout=120)
        return await apply_missing(connection, migrations)
    finally:
        await connection.close(timeout=10)


async def apply_missing(connection: Connection, migrations: list[Migration]) -> list[str]:
    """Apply what is missing of *migrations* on *connection*, which holds the lock, and return the names of what was applied."""
    await connection.execute(_LEDGER)
    applied = await connection.fetch("select version, name, checksum from schema_migration order by version")
    for record in applied:
        _compare(record, migrations)
    missing = migrations[len(applied) :]
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into schema_migration (version, name, checksum) values ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        _log.info("migration_applied", version=migration.version, name=migration.name)
    return [migration.name for migration in missing]


def _compare(record: asyncpg.Record, migrations: list[Migration]) -> None:
    version, name = record["version"], record["name"]
    if version > len(migrations):
        raise SchemaError(
            f"The database has migration {version:04} ({name}), but this version of queue-server knows only {len(migrations)}:"
            " install the newer version."
        )
    if record["checksum"] != migrations[version - 1].checksum:
        raise SchemaError(
            f"Migration {version:04} ({name}) was applied to the database with other contents than the file has now:"
            " put the original file back and make the change a new migration."
        )
