from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.wire.instants import parse_rfc3339, rfc3339

LAST = 4_102_444_800_000


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(1_795_413_600_000) == "2026-11-23T06:00:00.000Z"
    assert rfc3339(1_795_413_600_042) == "2026-11-23T06:00:00.042Z"


@given(st.integers(0, LAST))
@settings(max_examples=200)
def test_writing_and_reading_is_the_same_instant(at: int) -> None:
    assert parse_rfc3339(rfc3339(at)) == at


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)))  # noqa: DTZ001 - naive on purpose, made UTC below
@settings(max_examples=100)
def test_it_agrees_with_the_standard_library(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert parse_rfc3339(whole.isoformat()) == round(whole.timestamp() * 1000)


def test_an_offset_is_understood_and_its_absence_refused() -> None:
    assert parse_rfc3339("2026-11-23T08:00:00+02:00") == 1_795_413_600_000
    with pytest.raises(ValueError, match="no offset"):
        parse_rfc3339("2026-11-23T08:00:00")
