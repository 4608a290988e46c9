"""Identifiers: unlike each other, and of one form."""

import re

from queue_server.web.identifiers import new_identifier


def test_no_two_are_alike() -> None:
    made = [new_identifier() for _ in range(2_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{32}", identifier) for identifier in made)
