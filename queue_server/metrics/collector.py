"""All series of a process in one registry of its own, and the page that Prometheus scrapes."""

import asyncio
import platform
from collections.abc import Callable, Iterable, Sequence

import prometheus_client as prom

from queue_server.core.state import BranchState
from queue_server.metrics.bus import BusSeries, Faring
from queue_server.metrics.facts import FactSeries
from queue_server.metrics.present import PresentSeries
from queue_server.runtime.commits import Commit

_COMMIT_EDGES = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BATCH_EDGES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_LAG_EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_LAG_EVERY_SECONDS = 0.25


class Metrics:
    """
    The metrics of one process: an observer of commits, a hook for the writer, and the page.

    *edges* are those of the wait and service histograms, in seconds; the promises should be among them.
    """

    def __init__(self, version: str, edges: Sequence[float]) -> None:
        # When a series began is a sample of its own for each of them: a fifth of the page that nobody reads.
        prom.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = prom.CollectorRegistry()
        self._facts = FactSeries(registry, edges)
        self._present = PresentSeries(registry)
        self._screens = prom.Gauge("queue_screens_connected", "Screens that follow the push feed now.", registry=registry)
        self._queued = prom.Gauge("queue_commands_queued", "Commands that wait for the writer now.", registry=registry)
        self._commit_seconds = prom.Histogram(
            "queue_log_commit_seconds", "Time of one append to the log.", buckets=_COMMIT_EDGES, registry=registry
        )
        self._batch_facts = prom.Histogram(
            "queue_log_batch_facts", "Facts in one append to the log.", buckets=_BATCH_EDGES, registry=registry
        )
        self._lag = prom.Histogram(
            "queue_loop_lag_seconds", "How late the event loop runs what is due.", buckets=_LAG_EDGES, registry=registry
        )
        prom.Info("queue_build", "What runs here.", registry=registry).info(
            {"version": version, "python": platform.python_version()}
        )
        prom.ProcessCollector(registry=registry)
        prom.GCCollector(registry=registry)
        self._rendering = asyncio.Lock()

    def ask(self, states: Callable[[], Iterable[BranchState]], screens: Callable[[], int], queued: Callable[[], int]) -> None:
        """Ask at each scrape for the branches in memory, the screens connected and the commands that wait for the writer."""
        self._present.states = states
        self._screens.set_function(screens)
        self._queued.set_function(queued)

    def ask_bus(self, fares: Callable[[], Faring] | None) -> None:
        """Ask at each scrape how the bus of hints fares; None: there is none."""
        if fares is not None:
            self.registry.register(BusSeries(fares))

    def committed(self, commit: Commit, state: BranchState) -> None:
        """Count what has become durable."""
        self._facts.committed(commit, state)
        self._present.committed(commit, state)

    def reloaded(self, state: BranchState) -> None:
        """Leave the gauges of the branch to whoever else has written to it; facts count where they happen."""
        self._present.reloaded(state)

    def observe_commit(self, seconds: float, facts: int) -> None:
        """Note one append of the writer: how long it took and how many facts it carried; one that only asked carried none."""
        if facts:
            self._commit_seconds.observe(seconds)
            self._batch_facts.observe(facts)

    async def render(self) -> bytes:
        """Return the page in the text format: memory is read on the loop, the text is made beside it."""
        # One at a time: a second scraper waits for its own reading instead of mixing two.
        async with self._rendering:
            self._present.read()
            return await asyncio.to_thread(prom.generate_latest, self.registry)

    async def measure_loop(self, every_seconds: float = _LAG_EVERY_SECONDS) -> None:
        """Measure how late the loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + every_seconds
            await asyncio.sleep(every_seconds)
            self._lag.observe(max(0.0, loop.time() - due))
