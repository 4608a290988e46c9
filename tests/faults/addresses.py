"""The database's address, taken apart for a proxy and put together again."""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from tests.faults.chaos import Address


def target_of(dsn: str) -> Address:
    """Return where the server at *dsn* listens."""
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host")
    if folder is not None:
        return Path(folder[0]) / ".s.PGSQL.5432"
    return parts.hostname or "127.0.0.1", parts.port or 5432


def through(dsn: str, port: int) -> str:
    """Return *dsn* as reached by way of *port* on this machine."""
    parts = urlsplit(dsn)
    who = f"{quote(parts.username or '')}:{quote(parts.password or '')}"
    return f"postgresql://{who}@127.0.0.1:{port}{parts.path}?sslmode=disable"
