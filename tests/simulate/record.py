"""The recorded bank days beside their simulation."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from msgspec import Struct
from msgspec.structs import replace

from queue_server.simulate.reading import scenario_from
from queue_server.simulate.recorded import recorded
from queue_server.simulate.replication import replicate
from queue_server.simulate.scenario import Scenario
from queue_server.simulate.tally import Sample
from queue_server.simulate.trace import read_trace, recorded_samples

RECORD = Path("../shared/data/real_bank_days.csv")
TIERS = {"2": "2 (priority)", "1": "1 (regular)", "0": "0 (unknown)"}
OWN_RULE = {"name": "ageing", "rates": dict.fromkeys(TIERS, 1.0), "head_start_seconds": {"2": 90}}


class Replay(Struct, frozen=True):
    """One way to play the record: each tier's figures and those of all."""

    name: str
    tiers: dict[str, Sample]
    mean_wait: float


def replays(path: Path) -> list[Replay]:
    """Return what was recorded, and the simulations: as recorded, without the head start, and with one counter fewer."""
    rows = read_trace(path)
    scenario = recorded(_scenario(OWN_RULE), rows)
    fewer = replace(scenario, counters=tuple(counter for counter in scenario.counters if counter.id != "2"))
    told = [row.waited_ms for row in rows if not row.has_left]
    return [
        Replay("recorded", recorded_samples(scenario, rows), fmean(told) / 1000),
        _played("simulated", scenario),
        _played("simulated, no head start", recorded(_scenario("fifo"), rows)),
        _played("simulated, one counter fewer", fewer),
    ]


def _scenario(policy: object) -> Scenario:
    return scenario_from({"hall": {"policy": policy}, "tier": [{"id": tier} for tier in TIERS]}, "record", recorded=True)


def _played(name: str, scenario: Scenario) -> Replay:
    outcome = replicate(scenario, 0)
    return Replay(name, outcome.tiers, outcome.overall.mean_wait or 0.0)


def answered_at_once(path: Path) -> tuple[int, int]:
    """Return how many were served without a wait, and how many of these are of a known tier."""
    tiers = [row.tier for row in read_trace(path) if not row.has_left and row.waited_ms == 0]
    return len(tiers), sum(tier != "0" for tier in tiers)


def pauses(path: Path) -> Sequence[float]:
    """Return the seconds from the end of one customer to the start of the next by the same server, where the next was waiting already."""
    served: dict[tuple[str, str], list[tuple[int, int, int, float]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["server"] and row["service_start"] and row["outcome"] == "served":
                hours, minutes, seconds = map(int, row["service_start"].split(":"))
                start = hours * 3600 + minutes * 60 + seconds
                served[row["day"], row["server"]].append(
                    (start, start + int(row["service_seconds"]), int(row["wait_seconds"]), start - int(row["wait_seconds"]))
                )
    return sorted(
        following[0] - one[1]
        for calls in served.values()
        for one, following in pairwise(sorted(calls))
        if following[2] > 0 and following[3] < one[1]
    )


def said(path: Path) -> str:
    """Return the section of the page."""
    found = replays(path)
    at_once, known = answered_at_once(path)
    gaps = pauses(path)
    head = "| tier | " + " | ".join(replay.name for replay in found) + " |"
    lines = [head, "|---" * (len(found) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(_cell(replay.tiers[tier]) for replay in found) + " |" for tier, name in TIERS.items()]
    lines.append("| all served | " + " | ".join(f"{replay.mean_wait:.1f} s" for replay in found) + " |")
    return _TEXT.format(
        table="\n".join(lines),
        at_once=at_once,
        known=known,
        gaps=len(gaps),
        median=median(gaps),
        mean=fmean(gaps),
        real=found[0].mean_wait,
        own=found[1].mean_wait,
        fewer=found[3].mean_wait,
    )


def _cell(sample: Sample) -> str:
    mean, waited = sample.mean_wait or 0.0, sample.waited_share or 1.0
    return f"{mean:.1f} s, {mean / waited:.1f} s, {waited:.0%}, {sample.left_share or 0:.0%}"


_TEXT = """\
Two weeks of a real bank's service line (17,168 customers) under its own rule: tier 2 joins with 90 s credited, and otherwise whoever
came first. As many counters are open in each half hour as served at once at its busiest moment. Each cell gives the mean wait of those
served, the mean of those of them who waited at all, how many of them waited, and how many left.

{table}

What differs, and why:

- **The record waits longer than the hall needs to** ({real:.1f} s against {own:.1f} s). The simulated counters call in the moment
  in which they are free. The recorded ones did not: where the next customer was waiting already, the same server took {mean:.1f} s
  on average (median {median:.0f} s, {gaps:,} times) from the end of one to the start of the next, and longer breaks within a half hour are not
  in the record at all. A server who is there for a part of a half hour counts here for all of it. With one counter fewer in
  every half hour the simulation gives {fewer:.1f} s: the real hall lies within one counter of the simulated one.
- **The recorded tiers are not what they seem.** Of {at_once:,} customers who were answered at once only {known} have a known tier: it
  became known mostly from those who had to wait. So tiers 1 and 2 are made of people who met a queue, and 'unknown' of people
  who came in a lull: their recorded means are nearly means *given a wait*, and 'unknown' waits least in the simulation too,
  which has its lulls where the record has them. The second figure of each cell, of those who waited, is the fairer comparison.
- **The rule works as recorded.** Tier 2 waits less than tier 1 in both, and without the head start the simulation makes it wait
  longer than tier 1.
- **Fewer leave**, since waits are shorter; those who are reached before their recorded patience ends are served here, for a time drawn
  from those recorded for the same service.
"""
