"""Answers of the runtime that are not the core's: what a client can do about them is said by the interface that shows them."""

# ruff: noqa: N818 - each is an answer to whoever asked, named as one


class UnknownBranch(Exception):
    """There is no such branch."""


class Overloaded(Exception):
    """More commands are waiting to be decided than the limit allows; none was taken."""


class Unsettled(Exception):
    """The log did not answer in time: whether the command had an effect is unknown, repeating its key will tell."""


class NotYet(Exception):
    """The branch has not come as far as the reader asked for."""


class KeyReused(Exception):
    """The key was used before, with another request."""


class DamagedStream(Exception):
    """The stored facts of a branch are not whole; somebody has to look at the database."""


class Spoiled(Exception):
    """Deciding the command failed in a way that is a fault of the program; nothing was stored."""
