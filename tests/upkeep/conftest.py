"""A hall with random days, and an archive of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.upkeep.copies import execute, taken
from tests.upkeep.days import fill


@pytest.fixture
async def hall_url(database_url: str) -> str:
    await fill(database_url, seed=7)
    return database_url


@pytest.fixture
async def archive(hall_url: str, tmp_path: Path) -> Path:
    return (await taken(hall_url, tmp_path / "hall.backup"))[0]


@pytest.fixture(autouse=True)
async def no_session_is_left(engine: Any) -> AsyncIterator[None]:
    yield
    left = await execute(
        engine.dsn,
        "select count(*) from pg_stat_activity where application_name in ('queue-server backup', 'queue-server restore')",
    )
    assert left == 0
