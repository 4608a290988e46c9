"""The customers of a record are played; what is wrong with it is told with its line."""

import json
from pathlib import Path

import pytest

from queue_server.cli import main
from queue_server.simulate.reading import scenario_from
from queue_server.simulate.recorded import recorded
from queue_server.simulate.scenario import DAY_MS, Scenario
from queue_server.simulate.tables import ScenarioError
from queue_server.simulate.trace import Row, read_trace

HOUR = 3_600_000
SCENARIO = """
[hall]
policy = "strict"
[[tier]]
id = "vip"
target_seconds = 300
[[tier]]
id = "std"
[run]
replications = 4
"""
HEADER = "day,arrival,service,tier,wait_seconds,outcome,service_start,service_seconds,server\n"
ROWS = """\
1999-02-01,09:00:00,PS,std,0,served,09:00:00,600,S01
1999-02-01,09:01:00,PS,std,560,served,09:10:20,60,S01
1999-02-01,09:02:00,PS,vip,470,served,,0,S01
1999-02-01,09:03:00,NW,std,30,left,09:03:30,,
1999-02-02,09:00:00,PS,std,0,served,09:00:00,60,S02
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "strict.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def rows_of(tmp_path: Path, text: str) -> list[Row]:
    trace = tmp_path / "days.csv"
    trace.write_bytes(text.encode())
    return read_trace(trace)


def hall(**changes: object) -> Scenario:
    tiers = [{"id": "vip"}, {"id": "std"}]
    return scenario_from({"hall": {"policy": "strict"}, "tier": tiers, **changes}, "hall", recorded=True)


def test_a_record_is_played(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "days.csv"
    trace.write_text(HEADER + ROWS, encoding="utf-8")
    assert main(["simulate", str(scenario), "--trace", str(trace), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recorded"]["vip"]["mean_wait_seconds"] == 470
    assert told["recorded"]["std"]["left_share"] == 0.25
    # One counter at that hour; vip goes before the one who came first, and the one who leaves leaves.
    assert told["tiers"]["vip"]["mean_wait_seconds"] == 480
    assert told["tiers"]["std"]["mean_wait_seconds"] == pytest.approx(540 / 3, abs=1e-3)
    assert told["tiers"]["std"]["left_share"] == 0.25
    # A record is played once: more replications would count the same customers again.
    assert told["overall"]["tickets"] == 5
    assert told["overall"]["half_width_95"] is None
    assert main(["simulate", str(scenario), "--trace", str(trace)]) == 0
    assert "vip recorded" in capsys.readouterr().out


def test_faults_of_a_record_are_told_with_their_line(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "days.csv"
    trace.write_text(HEADER + ROWS.replace("NW,std,30,left", "NW,std,soon,gone"), encoding="utf-8")
    assert main(["simulate", str(scenario), "--trace", str(trace)]) == 2
    told = capsys.readouterr().err
    assert "line 5: outcome is 'gone'" in told
    assert "line 5: wait_seconds is 'soon'" in told
    trace.write_text(HEADER + ROWS.replace("vip", "gold"), encoding="utf-8")
    assert main(["simulate", str(scenario), "--trace", str(trace)]) == 2
    assert "tier 'gold'" in capsys.readouterr().err
    trace.write_text("a,b\n", encoding="utf-8")
    assert main(["simulate", str(scenario), "--trace", str(trace)]) == 2
    assert "lacks the columns day" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (",600,", ",inf,", "service_seconds is 'inf'; it should be a number of seconds from 0 to 86400, a day, or empty"),
        (",600,", ",1e400,", "service_seconds is '1e400'; it should be a number of seconds"),
        (",600,", ",nan,", "service_seconds is 'nan'; it should be a number of seconds"),
        (",600,", ",-600,", "service_seconds is '-600'; it should be a number of seconds"),
        ("std,0,", "std,-1,", "wait_seconds is '-1'; it should be a number of seconds"),
        ("01,09:00:00,", "01,99:99:99,", "arrival is '99:99:99'; it should be a time of day as 09:30:00"),
        ("01,09:00:00,", "01,-5:00:00,", "arrival is '-5:00:00'; it should be a time of day as 09:30:00"),
        ("served,09:00:00", "served,24:00:00", "service_start is '24:00:00'; it should be a time of day as 09:30:00, or empty"),
        ("PS,", "  ,", "service is '  '; it should be the name of a service"),
        (",std,", ",,", "tier is ''; it should be the name of a tier"),
        ("1999-02-01", "yesterday", "day is 'yesterday'; it should be a date as 1999-02-01"),
    ],
)
def test_a_field_that_cannot_be_is_told(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        rows_of(tmp_path, HEADER + ROWS.replace(right, wrong, 1))
    assert len(refused.value.faults) == 1
    assert f"line 2: {said}" in refused.value.faults[0]


def test_a_short_line_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"line 2: outcome is None; it should be served or left"):
        rows_of(tmp_path, HEADER + "1999-02-01,09:00:00,PS,std\n")


def test_a_file_may_begin_with_the_mark_of_a_spreadsheet(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "\ufeff" + HEADER + ROWS) == rows_of(tmp_path, HEADER + ROWS)


def test_without_counters_those_of_the_record_serve(tmp_path: Path) -> None:
    counters = recorded(hall(), rows_of(tmp_path, HEADER + ROWS)).counters
    assert [(counter.id, counter.shifts) for counter in counters] == [
        ("1", ((9 * HOUR, 19 * HOUR // 2), (DAY_MS + 9 * HOUR, DAY_MS + 19 * HOUR // 2)))
    ]


def test_counters_of_its_own_serve_instead_on_every_day_of_the_record(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, HEADER + ROWS)
    assert [counter.id for counter in recorded(hall(hall={"policy": "strict", "counters": 3}), rows).counters] == ["1", "2", "3"]
    shift = {"from": "09:00", "to": "10:00"}
    (counter,) = recorded(hall(counter=[{"shift": [shift]}]), rows).counters
    assert counter.shifts == tuple((day * DAY_MS + 9 * HOUR, day * DAY_MS + 10 * HOUR) for day in (0, 1, 2))


def test_one_counter_more_than_the_record_had(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, more = tmp_path / "days.csv", tmp_path / "more.toml"
    trace.write_text(HEADER + ROWS, encoding="utf-8")
    more.write_text(
        SCENARIO + '[[counter]]\nrecorded = true\n[[counter]]\n[[counter.shift]]\nfrom = "09:00"\nto = "09:10"\n', encoding="utf-8"
    )
    assert main(["simulate", str(scenario), str(more), "--trace", str(trace), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scenarios"]["strict"]["tiers"]["vip"]["mean_wait_seconds"] == 480
    # The second counter takes the one who came at 09:01 and has a minute to go when vip comes.
    assert told["scenarios"]["more"]["tiers"]["vip"]["mean_wait_seconds"] == 0
    vip = next(entry for entry in told["differences"] if entry["tier"] == "vip")
    assert (vip["mean_wait_seconds"], vip["half_width_95"]) == (-480, None)


def test_the_counters_of_the_record_take_names_that_are_free(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, HEADER + ROWS)
    names = [counter.id for counter in recorded(hall(counter=[{"recorded": True}, {"id": "2"}, {}]), rows).counters]
    assert sorted(names) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        (
            {"profile": {"services": ["PZ"]}},
            "counter 1 may call the service 'PZ', which the record does not have; one of NW, PS",
        ),
        ({"profile": {"services": ["PS"]}}, "the record brings std for NW, whom no counter may call"),
        ({"profile": {"tiers": ["vip"]}}, "the record brings std for NW, whom no counter may call"),
    ],
)
def test_counters_that_do_not_suit_the_record_are_told(tmp_path: Path, counter: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        recorded(hall(counter=[counter]), rows_of(tmp_path, HEADER + ROWS))
    assert said in refused.value.faults[0]


def test_more_counters_reserved_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"hall\.reserve keeps 1 of 1 counters; it should be fewer"):
        recorded(hall(hall={"policy": "strict", "reserve": {"vip": 1}}), rows_of(tmp_path, HEADER + ROWS))
