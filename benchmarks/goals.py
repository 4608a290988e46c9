"""What each figure is to reach: the floor below which it fails, and the goal."""

from typing import Any

from msgspec import Struct

Path = tuple[str, ...]


class Goal(Struct, frozen=True):
    """
    One line of the table of figures.

    *path* leads to the value in the result named *result*: a number, a spread whose median counts, or things to be counted; "*" adds up
    all that is there. Without *floor* and *goal* a figure is stated, not judged.
    """

    figure: str
    result: str
    path: Path
    floor: float | None = None
    goal: float | None = None
    larger_is_better: bool = False
    unit: str = ""

    def meets(self, value: float, bound: float) -> bool:
        """Tell whether *value* is at least as good as *bound*."""
        return value >= bound if self.larger_is_better else value <= bound

    def verdict(self, value: float) -> str:
        """Return what *value* has reached."""
        if self.floor is None or self.goal is None:
            return "stated"
        if self.meets(value, self.goal):
            return "goal"
        return "floor" if self.meets(value, self.floor) else "MISSED"


def more(figure: str, where: tuple[str, Path], floor: float, goal: float, unit: str = "") -> Goal:
    """Return a goal of which more is better."""
    return Goal(figure, *where, floor, goal, larger_is_better=True, unit=unit)


def less(figure: str, where: tuple[str, Path], floor: float, goal: float, unit: str = "") -> Goal:
    """Return a goal of which less is better."""
    return Goal(figure, *where, floor, goal, unit=unit)


def _recovery(fault: str) -> tuple[str, Path]:
    return "recovery", ("every_branch_seconds", fault)


GOALS = (
    more("kills", ("kill9", ("kinds", "*", "kills")), 200, 200),
    less("acknowledged facts lost, doubled or wrong over these", ("kill9", ("kinds", "*", "breaches")), 0, 0),
    more("commands in histories at 3 nodes", ("faults_histories", ("totals", "commands")), 100_000, 100_000),
    less("tickets called twice", ("faults_histories", ("tickets_called_twice",)), 0, 0),
    less("numbers given twice", ("faults_histories", ("numbers_given_twice",)), 0, 0),
    more("histories checked", ("faults_histories", ("histories",)), 20, 100),
    more("commands of each", ("faults_histories", ("commands_each",)), 5000, 10_000),
    less("violations", ("faults_histories", ("violations",)), 0, 0),
    less("screens that did not come to the truth", ("faults_histories", ("screens_stuck",)), 0, 0),
    more("durable issue / bare aiohttp POST", ("issue_throughput", ("ratio",)), 0.55, 0.70),
    more("durable issue / single-row commits", ("issue_throughput", ("ratio_to_commits",)), 2.5, 4),
    less("p50 of an unloaded issue / (bare POST + commit)", ("issue_latency", ("ratio",)), 1.5, 1.2),
    more("feed deliveries / loop with a prebuilt frame", ("feed_throughput", ("ratio",)), 0.50, 0.75),
    less("p99 commit to screen, 5 % stalled / none", ("feed_stalled", ("ratio",)), 1.5, 1.25),
    less("1,000 screens reconnect: all live", ("feed_reconnect", ("all_live_seconds",)), 5, 3, "s"),
    less("1,000 screens reconnect: issue p99 / normal", ("feed_reconnect", ("ratio",)), 3, 2),
    Goal("screens that one node holds", "capacity", ("held",)),
    less("silent database peer, commands in flight", _recovery("silent, commands in flight"), 15, 8, "s"),
    less("silent database peer while idle", _recovery("silent while idle"), 15, 8, "s"),
    less("silent backend of the writer", _recovery("silent backend"), 15, 8, "s"),
    less("service killed, back to serving", _recovery("service killed"), 5, 3, "s"),
    less("database killed, back to serving", _recovery("database killed"), 5, 3, "s"),
    less("load of a branch's day of 5,000 facts", ("branch_load", ("load_ms",)), 100, 40, "ms"),
    less("longest pause of the loop while loading", ("branch_load", ("longest_pause_ms",)), 10, 5, "ms"),
    less("memory of 1,000 branches with 100 open tickets", ("memory", ("resident_mib",)), 400, 200, "MiB"),
    *(
        less(f"append with the fence / plain insert, {size} branches", ("fence", ("sizes", size, "ratio")), 1.6, 1.3)
        for size in ("8", "32", "64")
    ),
    less("SIGTERM with 200 sockets: ended, all caught up", ("stopping", ("whole_seconds",)), 5, 2, "s"),
    Goal("two nodes on two cores / one node", "two_nodes", ("ratio",)),
    less("choosing among 10,000 / among 100, worst policy", ("choosing", ("worst_ratio",)), 2, 2),
    *(
        more(f"simulator / ciw, {hall}", ("simulate_speed", ("halls", hall, "ratio_to_ciw")), 1, 1)
        for hall in ("4 counters, 75% busy", "10 counters, 90% busy", "10 counters, 90% busy, patience")
    ),
)


def found(figures: Any, path: Path) -> Any:
    """Return what lies at *path* in *figures*; KeyError when there is nothing."""
    for place, name in enumerate(path):
        if name == "*":
            return sum(amount(found(each, path[place + 1 :])) for each in figures.values())
        figures = figures[name]
    return figures


def amount(value: Any) -> float:
    """Return the number that *value* stands for: itself, the median of a spread, or how many there are."""
    if isinstance(value, dict):
        return float(value["median"]) if "median" in value else float(sum(value.values()))
    return float(len(value)) if isinstance(value, list) else float(value)
