"""What doctor says: one line a thing it looked at, and what would be right where it is not."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """
    How bad it is.

    A warning is worth a look, and the service runs all the same; a fault keeps it, or a branch, from working. What is unseen cannot be
    told from here, neither that it is well nor that it is not.
    """

    OK = "ok"
    UNSEEN = "unseen"
    WARNING = "warning"
    FAULT = "fault"


class Finding(Struct, frozen=True):
    """What was found about *check*; *right* says what to do about it, None where nothing is to be done."""

    check: str
    level: Level
    text: str
    right: str | None = None


def fine(check: str, text: str) -> Finding:
    """Nothing is to be done."""
    return Finding(check, Level.OK, text)


def unseen(check: str, text: str, right: str) -> Finding:
    """Not to be told from here; *right* says who can."""
    return Finding(check, Level.UNSEEN, text, right)


def warning(check: str, text: str, right: str) -> Finding:
    """Worth a look."""
    return Finding(check, Level.WARNING, text, right)


def fault(check: str, text: str, right: str) -> Finding:
    """Something does not work, or would not."""
    return Finding(check, Level.FAULT, text, right)
