import msgspec

from queue_server.drive.invariants import Violation
from queue_server.drive.summary import Delay, Summary, TierSummary, percentile, summarise_delay, summarise_tier, table


def summary(**changes: object) -> Summary:
    made = Summary(
        branch="drive-19990203-abc",
        day="1999-02-03",
        speed=600.0,
        issued=3,
        called=2,
        served=2,
        left=1,
        no_shows=0,
        tiers={"2": summarise_tier(2, [10.0, 20.0]), "0": summarise_tier(1, [])},
        call_to_display_seconds=summarise_delay([0.010, 0.020, 0.030]),
        errors=[],
        violations=[],
        display_equals_snapshot=True,
    )
    return msgspec.structs.replace(made, **changes)


def test_the_object_has_exactly_the_fields_of_the_contract() -> None:
    made = msgspec.json.decode(msgspec.json.encode(summary(violations=[Violation("one_place", "where")])))
    assert set(made) == {
        "branch",
        "day",
        "speed",
        "issued",
        "called",
        "served",
        "left",
        "no_shows",
        "tiers",
        "call_to_display_seconds",
        "errors",
        "violations",
        "display_equals_snapshot",
    }
    assert made["tiers"]["2"] == {"tickets": 2, "mean_wait_seconds": 15.0, "p50_wait_seconds": 10.0, "p90_wait_seconds": 20.0}
    assert made["tiers"]["0"]["mean_wait_seconds"] is None
    assert made["call_to_display_seconds"] == {"p50": 0.02, "p99": 0.03}
    assert made["violations"] == [{"invariant": "one_place", "detail": "where"}]


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.9), percentile(values, 0.99), percentile([7.0], 0.5)) == (50, 90, 99, 7)
    assert percentile([], 0.5) is None


def test_only_a_run_without_errors_and_violations_is_clean() -> None:
    assert summary().is_clean
    assert not summary(errors=["lost"]).is_clean
    assert not summary(violations=[Violation("one_end", "A001")]).is_clean


def test_the_table_shows_counts_waits_and_every_fault() -> None:
    text = table(summary(errors=["kiosk: lost"], violations=[Violation("one_end", "A001 has none")]))
    for expected in ("issued 3", "15.0", "p99 30.0 ms", "kiosk: lost", "one_end: A001 has none"):
        assert expected in text
    assert "p50 - ms" in table(summary(call_to_display_seconds=Delay(None, None), tiers={"2": TierSummary(0, None, None, None)}))
