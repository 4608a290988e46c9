from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.wire.instants import rfc3339

LAST = 4_102_444_800_000


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(1_795_413_600_000) == "2026-11-23T06:00:00.000Z"
    assert rfc3339(1_795_413_600_042) == "2026-11-23T06:00:00.042Z"


@given(st.integers(0, LAST))
@settings(max_examples=200)
def test_the_standard_library_reads_the_same_instant(at: int) -> None:
    assert round(datetime.fromisoformat(rfc3339(at)).timestamp() * 1000) == at
