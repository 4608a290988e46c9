"""References within what was sent: to nothing, or to what is there twice. Looked for in the value as it came, whatever its form."""

from collections.abc import Iterator
from typing import Any

from queue_server.wire.reading import Fault, beside, nearest, shown

Json = dict[str, Any]


def entries(value: Json, name: str, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield path and content of those entries of a list that are objects; the others are faults of form."""
    content = value.get(name)
    for index, entry in enumerate(content if isinstance(content, list | tuple) else ()):
        if isinstance(entry, dict):
            yield f"{beside(path, name)}[{index}]", entry


def ids(value: Json, name: str) -> list[str]:
    """Return the ids of the entries of a list, as far as they have one."""
    return [entry["id"] for _, entry in entries(value, name) if isinstance(entry.get("id"), str)]


def mapping(value: Json, name: str) -> Json:
    """Return the map in the field *name*; an empty one where there is none, which is a fault of form."""
    content = value.get(name)
    return content if isinstance(content, dict) else {}


def repeated(value: Json, name: str, path: str = "") -> Iterator[Fault]:
    """Yield a fault for each entry of a list whose id an earlier one has."""
    first: dict[str, str] = {}
    for place, entry in entries(value, name, path):
        known = entry.get("id")
        if isinstance(known, str) and first.setdefault(known, place) != place:
            yield Fault(f"{place}.id", f"{first[known]} has the same id {shown(known)}; right would be one of its own")


def unknown(entry: Json, name: str, path: str, kind: str, known: list[str]) -> Iterator[Fault]:
    """Yield a fault for each reference in the field *name* (one, a list, or the keys of a map) that is not *known*."""
    path, content = beside(path, name), entry.get(name)
    places: list[tuple[str, Any]] = [(path, content)]
    if isinstance(content, dict):
        places = [(beside(path, str(key)), key) for key in content]
    elif isinstance(content, list | tuple):
        places = [(f"{path}[{index}]", item) for index, item in enumerate(content)]
    for place, reference in places:
        if isinstance(reference, str) and reference not in known:
            yield Fault(place, f"There is no {kind} {shown(reference)}; {nearest(reference, known)}")
