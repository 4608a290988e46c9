"""
Reading what came from outside as a form, with every fault and its place.

msgspec decodes fast and stops at the first fault; when it has found one, the value is walked here field by field, so that whoever
has to correct it gets the whole list. What would be right stands beside the field, as `right` of its constraint.
"""

import re
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T")

FAULTS_TOLD = 100
_SHOWN = 60
_AT = re.compile(r" - at `[^`]*`$")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Fault(Struct, frozen=True):
    """One thing that is wrong: where ("tiers[1].target_seconds", "" is the whole), what, and what would be right."""

    path: str
    detail: str


class Invalid(Exception):  # noqa: N818 - an answer to whoever sent it
    """What was sent cannot be used; `faults` is the whole list, cut at a hundred."""

    def __init__(self, faults: list[Fault]) -> None:
        """Take the faults in the order in which they were found."""
        super().__init__("; ".join(f"{fault.path}: {fault.detail}" if fault.path else fault.detail for fault in faults))
        self.faults = faults[:FAULTS_TOLD]


def read(value: Any, form: type[T]) -> T:
    """
    Return *value* (JSON or TOML, decoded) as *form*.

    Raises:
        Invalid: with every fault.
    """
    try:
        return msgspec.convert(value, form)
    except (msgspec.ValidationError, RecursionError) as error:
        # The walk sees all that msgspec sees; should it ever miss something, msgspec's own word is told.
        raise Invalid(faults_in(value, form) or [Fault("", _said(error))]) from None


def faults_in(value: Any, form: Any, path: str = "", *, shows: bool = False) -> list[Fault]:
    """
    Return everything that keeps *value* from being a *form*; *path* is where it stands.

    With *shows* each fault says what was sent. That is for a configuration: the body of a command may hold what nobody else should read.
    """
    kind, constraint = (get_args(form)[0], form) if get_origin(form) is Annotated else (form, form)
    if get_origin(kind) in (Union, UnionType):
        return _in_union(value, form, kind, path, shows)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _in_struct(value, kind, path, shows)
    inner: list[Fault] = []
    if get_origin(kind) in (tuple, list) and isinstance(value, list | tuple):
        item_form = get_args(kind)[0]
        for index, item in enumerate(value):
            inner += faults_in(item, item_form, f"{path}[{index}]", shows=shows)
    elif get_origin(kind) is dict and isinstance(value, dict):
        for key, item in value.items():
            inner += _in_entry(key, item, get_args(kind), path, shows)
    return inner or _as_leaf(value, form, constraint, path, shows)


def beside(path: str, name: str) -> str:
    """Return the path of the field *name* of what stands at *path*; a name from outside is cut to what may be shown."""
    shown = name if _PLAIN_KEY.fullmatch(name) else ascii(name[:32])
    return f"{path}.{shown}" if path else shown


def nearest(name: str, known: list[str]) -> str:
    """Return what would be right instead of *name*, which is not one of *known*."""
    close = get_close_matches(name[:64], known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"right would be: {', '.join(dict.fromkeys(known))}" if known else "there are none"


def _in_struct(value: Any, form: type[Struct], path: str, shows: bool) -> list[Fault]:
    if not isinstance(value, dict):
        return [Fault(path, f"{_found(value, shows)}Expected an object, got {_kind(value)}{_right(form)}")]
    fields = {field.encode_name: field for field in msgspec.structs.fields(form)}
    faults = [
        Fault(beside(path, str(name)), f"There is no such field; {nearest(str(name), list(fields))}")
        for name in value
        if name not in fields
    ]
    for name, field in fields.items():
        if name in value:
            faults += faults_in(value[name], field.type, beside(path, name), shows=shows)
        elif field.required:
            faults.append(Fault(beside(path, name), f"This field is missing{_right(field.type)}"))
    return faults


def _in_entry(key: Any, item: Any, kinds: tuple[Any, ...], path: str, shows: bool) -> list[Fault]:
    place = beside(path, str(key))
    return _as_leaf(key, kinds[0], kinds[0], place, shows) + faults_in(item, kinds[1], place, shows=shows)


def _in_union(value: Any, form: Any, kind: Any, path: str, shows: bool) -> list[Fault]:
    for part in get_args(kind):
        base = get_args(part)[0] if get_origin(part) is Annotated else part
        is_struct = isinstance(base, type) and issubclass(base, Struct) and isinstance(value, dict)
        is_list = get_origin(base) in (tuple, list) and isinstance(value, list | tuple)
        is_map = get_origin(base) is dict and isinstance(value, dict)
        if is_struct or is_list or is_map:
            return faults_in(value, part, path, shows=shows)
    parts = [part for part in get_args(kind) if part is not NoneType]
    return _as_leaf(value, form, parts[0] if len(parts) == 1 else form, path, shows)


def _as_leaf(value: Any, form: Any, constraint: Any, path: str, shows: bool) -> list[Fault]:
    try:
        msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        return [Fault(path, f"{_found(value, shows)}{_said(error)}{_right(constraint)}")]
    return []


def _found(value: Any, shows: bool) -> str:
    return f"{shown(value)} does not fit. " if shows else ""


def shown(value: Any) -> str:
    """Show what was sent in a sentence, cut where it is long."""
    text = ascii(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else _plain(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _plain(value: Any) -> str:
    try:
        return msgspec.json.encode(value)[: _SHOWN + 1].decode("ascii", "backslashreplace")
    except (TypeError, ValueError, RecursionError):
        # A date of TOML has a form in JSON, other things that nobody can send do not matter.
        return "this"


def _right(form: Any) -> str:
    right = _what_is_right(form)
    return f"; right would be {right}" if right else ""


def _what_is_right(form: Any) -> str:
    """Return in words what fits *form*; "" where nothing better can be said than what was wrong."""
    if get_origin(form) is Annotated:
        stated = [meta.extra.get("right", "") for meta in form.__metadata__ if isinstance(meta, Meta) and meta.extra]
        return "".join(map(str, stated)) or _what_is_right(get_args(form)[0])
    if get_origin(form) is Literal:
        return " or ".join(get_args(form))
    if get_origin(form) in (Union, UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(_what_is_right, get_args(form)))))
    if isinstance(form, type) and issubclass(form, Struct):
        return f"an object with {' and '.join(form.__struct_encode_fields__)}"
    return _PLAINLY_RIGHT.get(get_origin(form) or form, "")


_PLAINLY_RIGHT = {bool: "true or false", list: "a list", tuple: "a list", dict: "an object", NoneType: "null"}


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "It is nested too deeply"
    said = _AT.sub("", str(error))
    # A regular expression helps nobody; `right` says it in words.
    return "It has the wrong form" if "matching regex" in said else said


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "something else"
