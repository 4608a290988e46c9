"""The picture of how cost grows: a column for what is varied, a row each for rate, p99 and ratio to the bare POST."""

import os
from pathlib import Path
from typing import Any

Points = list[dict[str, Any]]

TITLES = {
    "branches": "Branches\n64 clients, no screens",
    "clients": "Clients, each with one request in flight\n200 branches, no screens",
    "screens": "Connected screens\n200 branches, 64 clients",
}
OURS, BARE = ("#0b4f8a", "Ticket issued"), ("#8c8c8c", "Bare aiohttp POST")
CAPTION = (
    "A ticket is checked, decided and committed with fsync; the bare POST has no rules and stores nothing. Service, database and load"
    " generator share {processors} processors.\nLine: median of the rounds; band: lowest to highest round."
)
ROWS = (
    ("Answers per second", ((*OURS, "issues_a_second"), (*BARE, "bare_posts_a_second"))),
    ("Latency p99 in ms", ((*OURS, "issue_p99_ms"), (*BARE, "bare_p99_ms"))),
    ("Issues / bare POSTs", ((*OURS, "ratio"),)),
)


def draw(columns: dict[str, Points], path: Path) -> None:
    """Draw the points of each column; lines are medians, bands reach from the lowest to the highest round."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    plt.rcParams.update({"font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 10.5})
    figure, axes = plt.subplots(len(ROWS), len(columns), figsize=(12.5, 10), sharey="row", sharex="col", layout="constrained")
    for column, (kind, points) in enumerate(columns.items()):
        for row, (_, series) in enumerate(ROWS):
            _lines(axes[row][column], points, series)
            _frame(axes[row][column], points)
        axes[0][column].set_title(TITLES[kind], loc="left", pad=10)
        axes[-1][column].set_xlabel(f"Number of {kind}")
    for row, (label, _) in enumerate(ROWS):
        # Only when all is drawn: columns share their scale.
        axes[row][0].set_ylim(bottom=0)
        axes[row][0].set_ylabel(label)
    _inscribe(figure, axes[0][0].get_legend_handles_labels())
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _inscribe(figure: Any, legend: Any) -> None:
    figure.suptitle("Issuing tickets: how throughput and latency grow", fontsize=14, fontweight="bold", x=0.01, ha="left")
    figure.legend(*legend, loc="outside upper right", ncols=2, frameon=False)
    figure.supxlabel(CAPTION.format(processors=os.cpu_count()), fontsize=9, color="#555555", x=0.01, ha="left")


def _lines(axis: Any, points: Points, series: Any) -> None:
    for color, label, name in series:
        band = {side: [point[name][side] for point in points] for side in ("median", "low", "high")}
        places = range(len(points))
        axis.plot(places, band["median"], color=color, marker="o", markersize=4.5, linewidth=1.8, label=label)
        axis.fill_between(places, band["low"], band["high"], color=color, alpha=0.18, linewidth=0)


def _frame(axis: Any, points: Points) -> None:
    # Steps stand at equal distances: they are about doublings, from one to a thousand.
    axis.set_xticks(range(len(points)), [f"{point['at']:,}" for point in points])
    axis.margins(x=0.06)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}")
    axis.grid(visible=True, axis="y", color="#e4e4e4", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
