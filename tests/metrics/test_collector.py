"""What a day in a small hall leaves on the page that Prometheus scrapes."""

import asyncio
import shutil
import subprocess
from contextlib import suppress

import prometheus_client as prom
import pytest

from queue_server.core import commands as c
from queue_server.metrics.collector import Metrics
from tests.push.hall import MORNING, Hall
from tests.runtime.hall import Hall as Node
from tests.runtime.hall import TestedLog

CASH = {"branch": "main", "service": "cash", "tier": "standard"}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def metrics_of_a_process() -> Metrics:
    return Metrics("1.2.3", (60, 120, 300))


async def waiting_at_b(metrics: Metrics) -> float | None:
    await metrics.render()
    return value(metrics, "queue_tickets_waiting", branch="b", service="cash", tier="std")


def shown() -> tuple[Metrics, Hall]:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    metrics.ask(states=lambda: [hall.state], screens=int, queued=int)
    return metrics, hall


async def test_every_step_of_a_ticket_is_counted_once() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.open_counter()
    ticket = hall.issue()
    hall.issue()
    hall.call_next(after_ms=70_000)
    hall.do(c.StartServing, ticket=ticket)
    hall.call_next(after_ms=90_000, finish=True)
    hall.do(c.RecordNoShow, ticket=hall.state.counters["1"].ticket or "")
    assert value(metrics, "queue_tickets_issued_total", **CASH) == 2
    assert value(metrics, "queue_tickets_called_total", **CASH) == 2
    assert value(metrics, "queue_tickets_finished_total", **CASH) == 1
    assert value(metrics, "queue_tickets_no_show_total", **CASH) == 1
    assert value(metrics, "queue_service_seconds_sum", **CASH) == 90


async def test_a_wait_falls_between_the_promises() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.open_counter()
    ticket = hall.issue()
    hall.call_next(after_ms=100_000)
    hall.do(c.StartServing, ticket=ticket)
    assert value(metrics, "queue_wait_seconds_bucket", **CASH, le="60.0") == 0
    assert value(metrics, "queue_wait_seconds_bucket", **CASH, le="120.0") == 1
    assert value(metrics, "queue_wait_seconds_sum", **CASH) == 100


async def test_a_customer_called_twice_has_waited_once() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.open_counter()
    ticket = hall.issue()
    hall.call_next(after_ms=30_000)
    hall.do(c.RequeueTicket, ticket=ticket, after_ms=5_000)
    hall.call_next(after_ms=20_000)
    hall.do(c.StartServing, ticket=ticket)
    assert value(metrics, "queue_tickets_called_total", **CASH) == 2
    assert value(metrics, "queue_wait_seconds_count", **CASH) == 1
    assert value(metrics, "queue_wait_seconds_sum", **CASH) == 50


async def test_each_service_of_a_visit_is_observed_by_itself_without_the_time_parked() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.open_counter()
    ticket = hall.issue(then=("loans",))
    hall.call_next(after_ms=40_000)
    hall.do(c.StartServing, ticket=ticket, after_ms=5_000)
    hall.do(c.ParkTicket, ticket=ticket, after_ms=10_000)
    hall.do(c.UnparkTicket, ticket=ticket, after_ms=500_000)
    hall.do(c.FinishServing, ticket=ticket, after_ms=20_000)
    hall.call_next(after_ms=7_000)
    hall.do(c.StartServing, ticket=ticket)
    hall.do(c.FinishServing, ticket=ticket, after_ms=60_000)
    loans = {**CASH, "service": "loans"}
    assert [value(metrics, "queue_wait_seconds_sum", **labels) for labels in (CASH, loans)] == [40, 7]
    assert [value(metrics, "queue_service_seconds_sum", **labels) for labels in (CASH, loans)] == [30, 60]
    assert [value(metrics, "queue_service_seconds_count", **labels) for labels in (CASH, loans)] == [1, 1]
    assert [value(metrics, "queue_tickets_finished_total", **labels) for labels in (CASH, loans)] == [0, 1]
    assert [value(metrics, "queue_tickets_called_total", **labels) for labels in (CASH, loans)] == [1, 1]


async def test_what_was_given_before_a_transfer_is_observed_by_itself() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.open_counter()
    ticket = hall.issue()
    hall.call_next(after_ms=10_000)
    hall.do(c.StartServing, ticket=ticket)
    hall.do(c.TransferTicket, ticket=ticket, service="loans", after_ms=60_000)
    hall.do(c.CallTicket, counter="1", ticket=ticket, after_ms=5_000)
    hall.do(c.TransferTicket, ticket=ticket, service="cash", after_ms=1_000)
    loans = CASH | {"service": "loans"}
    assert [value(metrics, "queue_service_seconds_sum", **labels) for labels in (CASH, loans)] == [60, 0]
    hall.do(c.CallTicket, counter="1", ticket=ticket, after_ms=2_000)
    hall.do(c.StartServing, ticket=ticket)
    assert value(metrics, "queue_wait_seconds_sum", **CASH) == 10 + 5 + 2


async def test_what_was_counted_stays_counted_and_the_gauges_follow_when_a_step_is_undone() -> None:
    metrics, hall = shown()
    hall.open_counter()
    ticket = hall.issue()
    hall.call_next()
    hall.do(c.UndoStep, ticket=ticket)
    await metrics.render()
    assert value(metrics, "queue_tickets_called_total", **CASH) == 1
    assert value(metrics, "queue_tickets_waiting", **CASH) == 1
    assert value(metrics, "queue_oldest_waiting_timestamp_seconds", **CASH) == (MORNING + 2000) / 1000
    assert value(metrics, "queue_counters", branch="main", state="open") == 1
    hall.call_next()
    hall.do(c.StartServing, ticket=ticket)
    hall.do(c.FinishServing, ticket=ticket)
    hall.do(c.UndoStep, ticket=ticket)
    await metrics.render()
    assert value(metrics, "queue_tickets_finished_total", **CASH) == 1
    assert value(metrics, "queue_counters", branch="main", state="serving") == 1


async def test_who_is_parked_does_not_wait_and_waits_for_the_second_service_anew() -> None:
    metrics, hall = shown()
    hall.open_counter()
    ticket = hall.issue(then=("loans",))
    hall.call_next(after_ms=40_000)
    hall.do(c.StartServing, ticket=ticket)
    hall.do(c.ParkTicket, ticket=ticket)
    await metrics.render()
    assert value(metrics, "queue_tickets_waiting", **CASH) == 0
    assert value(metrics, "queue_counters", branch="main", state="open") == 1
    hall.do(c.UnparkTicket, ticket=ticket)
    hall.do(c.FinishServing, ticket=ticket)
    await metrics.render()
    loans = {**CASH, "service": "loans"}
    assert value(metrics, "queue_tickets_waiting", **loans) == 1
    assert value(metrics, "queue_oldest_waiting_timestamp_seconds", **loans) == hall.at / 1000


async def test_facts_of_others_and_of_a_replay_are_not_counted() -> None:
    metrics = metrics_of_a_process()
    hall = Hall(metrics)
    hall.issue()
    hall.issue(own=False)
    metrics.reloaded(hall.state)
    assert value(metrics, "queue_tickets_issued_total", **CASH) == 1


async def test_the_gauges_show_memory_at_the_scrape() -> None:
    metrics, hall = shown()
    hall.open_counter()
    hall.issue()
    hall.issue()
    hall.issue("loans", tier="gold")
    await metrics.render()
    assert value(metrics, "queue_tickets_waiting", **CASH) == 2
    assert value(metrics, "queue_tickets_waiting", branch="main", service="loans", tier="standard") == 0
    assert value(metrics, "queue_oldest_waiting_timestamp_seconds", **CASH) == (MORNING + 2000) / 1000
    assert value(metrics, "queue_counters", branch="main", state="open") == 1
    assert value(metrics, "queue_counters", branch="main", state="closed") == 2


async def test_the_oldest_has_waited_without_the_time_at_a_counter() -> None:
    metrics, hall = shown()
    hall.open_counter()
    ticket = hall.issue()
    hall.call_next(after_ms=30_000)
    hall.do(c.RequeueTicket, ticket=ticket, after_ms=500_000)
    await metrics.render()
    assert value(metrics, "queue_oldest_waiting_timestamp_seconds", **CASH) == (hall.at - 30_000) / 1000


async def test_nobody_waits_means_no_oldest() -> None:
    metrics, hall = shown()
    hall.do(c.CancelTicket, ticket=hall.issue())
    await metrics.render()
    assert value(metrics, "queue_oldest_waiting_timestamp_seconds", **CASH) is None
    assert value(metrics, "queue_tickets_waiting", **CASH) == 0


async def test_a_branch_is_shown_by_the_node_that_wrote_last() -> None:
    log, here, there = TestedLog(), metrics_of_a_process(), metrics_of_a_process()
    async with Node(log, poll_seconds=0.01) as one, Node(log, poll_seconds=0.01) as other:
        for metrics, hall in ((here, one), (there, other)):
            hall.runtime.observers.append(metrics)
            metrics.ask(hall.runtime.loaded, screens=int, queued=int)
        await one.issue("t1")
        assert await waiting_at_b(here) == 1
        await other.issue("t2")
        assert await waiting_at_b(there) == 2
        async with asyncio.timeout(5):
            while await waiting_at_b(here) is not None:
                await asyncio.sleep(0)
        await one.issue("t3")
        assert await waiting_at_b(here) == 3
        async with asyncio.timeout(5):
            while await waiting_at_b(there) is not None:
                await asyncio.sleep(0)


async def test_a_branch_read_anew_for_another_reason_stays_here() -> None:
    metrics, hall = shown()
    hall.issue()
    metrics.reloaded(hall.state)
    await metrics.render()
    assert value(metrics, "queue_tickets_waiting", **CASH) == 1


async def test_a_branch_read_at_the_start_is_shown_before_anything_happens() -> None:
    metrics, hall = shown()
    hall.observers.clear()
    hall.issue()
    await metrics.render()
    assert value(metrics, "queue_tickets_waiting", **CASH) == 1


async def test_the_rest_of_the_process() -> None:
    metrics = metrics_of_a_process()
    metrics.ask(states=tuple, screens=lambda: 7, queued=lambda: 3)
    metrics.observe_commit(0.004, 12)
    metrics.observe_commit(0.004, 0)
    page = (await metrics.render()).decode()
    assert 'queue_build_info{python="' in page
    assert 'version="1.2.3"} 1.0' in page
    assert value(metrics, "queue_screens_connected") == 7
    assert value(metrics, "queue_commands_queued") == 3
    assert value(metrics, "queue_log_commit_seconds_count") == 1
    assert value(metrics, "queue_log_batch_facts_sum") == 12
    assert "process_resident_memory_bytes" in page
    assert "python_gc_collections_total" in page


async def test_the_lag_of_the_loop_is_measured() -> None:
    metrics = metrics_of_a_process()
    task = asyncio.create_task(metrics.measure_loop(every_seconds=0))
    async with asyncio.timeout(5):
        while not value(metrics, "queue_loop_lag_seconds_count"):
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert value(metrics, "queue_loop_lag_seconds_bucket", le="5.0") is not None


def test_the_name_of_a_counter_is_taken() -> None:
    metrics = Metrics("1", (1.0,))
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        prom.Counter("queue_tickets_issued", "Once more.", registry=metrics.registry)


async def test_two_processes_in_one_test_share_nothing() -> None:
    first, second = metrics_of_a_process(), metrics_of_a_process()
    Hall(first).issue()
    assert value(second, "queue_tickets_issued_total", **CASH) is None


async def test_promtool_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing; on Debian: apt-get install prometheus")
    metrics, hall = shown()
    hall.open_counter()
    ticket = hall.issue()
    hall.issue()
    hall.call_next()
    hall.do(c.StartServing, ticket=ticket)
    hall.do(c.FinishServing, ticket=ticket)
    checked = subprocess.run([promtool, "check", "metrics"], input=await metrics.render(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
