"""Reading a table of a TOML file so that everything that is wrong with it is found at once: which key, what it is, what would be right."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, TypeGuard

_SHOWN = 60


class ScenarioError(Exception):
    """A scenario or record that cannot be played; `faults` is everything that is wrong, a line each."""

    def __init__(self, faults: list[str]) -> None:
        """Take the faults in the order in which they were found."""
        super().__init__("; ".join(faults))
        self.faults = faults


class Table:
    """
    One table while it is read.

    A value that is wrong is noted in *faults*, shared by all tables of the file, and something harmless stands in for it, so that
    reading goes on. `close` notes the keys that nobody asked for.
    """

    def __init__(self, value: object, path: str, faults: list[str]) -> None:
        """Begin to read *value*, which stands at *path*."""
        self.path = path
        self.faults = faults
        self._value: dict[str, Any] = value if isinstance(value, dict) else {}
        self._asked: list[str] = []
        if not isinstance(value, dict):
            self.faults.append(f"{path} is {shown(value)}; it should be a table")

    def wrong(self, key: str, right: str) -> None:
        """Note that *key* should be *right*."""
        said = f"is {shown(self._value[key])}" if key in self._value else "is missing"
        self.faults.append(f"{self._at(key)} {said}; it should be {right}")

    def has(self, key: str) -> bool:
        """Say whether *key* is there; it counts as asked for."""
        self._asked.append(key)
        return key in self._value

    def raw(self, key: str) -> Any:
        """Return whatever stands at *key*; None when it is missing."""
        return self._value[key] if self.has(key) else None

    def number(
        self, key: str, right: str = "a number above 0", *, low: float = 0.0, may_be_low: bool = False, default: float | None = None
    ) -> float:
        """Return a number above *low*, or equal to it where that may be; *default* when missing, if there is one."""
        if not self.has(key) and default is not None:
            return default
        value = self._value.get(key)
        if _is_number(value) and (value > low or (may_be_low and value == low)) and value < 1e12:
            return float(value)
        self.wrong(key, right)
        return 1.0

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from *low* to *high*; *default* when missing, if there is one."""
        if not self.has(key) and default is not None:
            return default
        value = self._value.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.wrong(key, f"a whole number from {low} to {high}")
        return low

    def text(self, key: str, known: Collection[str] | None = None, default: str | None = None) -> str:
        """Return a text, one of *known* where these are given; *default* when missing, if there is one."""
        if not self.has(key) and default is not None:
            return default
        value = self._value.get(key)
        if isinstance(value, str) and value and (known is None or value in known):
            return value
        self.wrong(key, "a text" if known is None else " or ".join(known) or "one that there is")
        return next(iter(known), "") if known else ""

    def new_id(self, taken: Collection[str]) -> str:
        """Return the text at `id`, which is none of *taken*."""
        new = self.text("id")
        if new in taken:
            self.wrong("id", "a name that no other one has")
        return new

    def texts(self, key: str, known: Collection[str] | None) -> tuple[str, ...] | None:
        """Return a list of some of *known* (None: of any texts); None when it is missing."""
        if not self.has(key):
            return None
        value = self._value[key]
        if isinstance(value, list) and value and all(_is_one_of(item, known) for item in value):
            return tuple(value)
        self.wrong(key, "a list of texts" if known is None else f"a list of some of {', '.join(known)}")
        return None

    def flag(self, key: str) -> bool:
        """Return whether *key* is true; false when it is missing."""
        value = self.raw(key) if self.has(key) else False
        if not isinstance(value, bool):
            self.wrong(key, "true or false")
        return value is True

    def entries(self, key: str, known: Collection[str]) -> "Table":
        """Return the table at *key* (an empty one when it is missing), whose keys must be some of *known*."""
        inner = Table(self._value.get(key, {}) if self.has(key) else {}, self._at(key), self.faults)
        inner._asked.extend(known)
        inner.close()
        return inner

    def table(self, key: str) -> "Table":
        """Return the table at *key*."""
        if not self.has(key):
            self.wrong(key, "a table")
            return Table({}, self._at(key), [])
        return Table(self._value[key], self._at(key), self.faults)

    def tables(self, key: str, right: str | None = None) -> Iterator["Table"]:
        """Yield the tables of the list at *key*; an empty or missing list is a fault when *right* says what should be there."""
        value = self.raw(key)
        if (value is None or value == []) and right is not None:
            self.wrong(key, right)
        elif value is not None and not isinstance(value, list):
            self.wrong(key, f"a list of tables, [[{key}]]")
        else:
            for index, item in enumerate(value or []):
                yield Table(item, f"{self._at(key)}[{index}]", self.faults)

    def names(self) -> list[str]:
        """Return the keys that are there."""
        return list(self._value)

    def close(self) -> None:
        """Note every key that was not asked for."""
        for key in self._value:
            if key not in self._asked:
                self.faults.append(f"{self._at(key)} is unknown; {one_of(self._asked, key)}")

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def one_of(known: Collection[str], value: object) -> str:
    """Say what would be right instead of *value*."""
    close = get_close_matches(value, known, n=1) if isinstance(value, str) else []
    if close:
        return f"did you mean {close[0]}?"
    return f"one of {', '.join(dict.fromkeys(known))}" if known else "there are none"


def shown(value: object) -> str:
    """Show a value in a sentence, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _is_one_of(item: object, known: Collection[str] | None) -> bool:
    return isinstance(item, str) and item != "" and (known is None or item in known)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
