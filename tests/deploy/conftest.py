"""One cell for all tests here: its start costs more than what is done with it, and each test has branches of its own."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest

from tests.deploy.cell import Cell, running_cell

Result = TypeVar("Result")


@pytest.fixture(scope="package")
def cell() -> Iterator[Cell]:
    """Two nodes that share a database. What a test does to a node it mends."""
    # On a loop and a thread of its own: the tests' loops end with each of them.
    with ThreadPoolExecutor(1) as thread, asyncio.Runner() as runner:

        def run(work: Coroutine[Any, Any, Result]) -> Result:
            return thread.submit(runner.run, work).result()

        stack = AsyncExitStack()
        try:
            yield run(stack.enter_async_context(running_cell(2)))
        finally:
            run(stack.aclose())
