"""The named queries of `queries.sql`."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_queries() -> dict[str, str]:
    """Return the text of every query by its name, without the final semicolon."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {name: query.strip().rstrip(";") for name, query in zip(parts[::2], parts[1::2], strict=True)}


QUERIES = load_queries()
