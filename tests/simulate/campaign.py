"""All the theory with many tickets: `python -m tests.simulate.campaign` writes docs/theory.md, and fails where a figure is off."""

import argparse
import sys
import time
from pathlib import Path

from tqdm import tqdm

from tests.simulate import record
from tests.simulate.theory import POLICIES, Case, Verdict, cases, judge, overall_waits

PAGE = Path("docs/theory.md")
KEPT_SHARE = 0.005
MISSING = "The record is not part of the project (it lies beside it, at `{path}`) and was missing when this page was written.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    # Many replications rather than long ones: from eight alone, the standard error would itself be known to a quarter only.
    parser.add_argument("--tickets", type=int, default=75_000, help="that count, in each replication")
    parser.add_argument("--replications", type=int, default=32)
    parser.add_argument("--record", type=Path, default=record.RECORD, help="the recorded days")
    args = parser.parse_args()
    begun = time.perf_counter()
    judged = [(case, judge(case)) for case in tqdm(cases(args.tickets, args.replications), unit=" halls")]
    waits = overall_waits(args.tickets // 4, args.replications // 4)
    told = record.said(args.record) if args.record.exists() else MISSING.format(path=args.record)
    size = f"{args.replications} replications of {args.tickets:,} tickets, after {args.tickets // 10:,} of warm-up"
    PAGE.write_text(_page(judged, waits, told, size), encoding="utf-8")
    off = [verdict for _, verdicts in judged for verdict in verdicts if not verdict.holds()]
    off_waits = [policy for policy in POLICIES if abs(waits[policy] / waits["fifo"] - 1) > KEPT_SHARE]
    for verdict in off:
        print(f"off: {verdict.case}, {verdict.figure}: {verdict.off:+.2%}, {verdict.errors:+.1f} standard errors")  # noqa: T201
    print(f"{PAGE} written in {time.perf_counter() - begun:.0f} s; off: {len(off)} figures, {off_waits or 'no policy'}")  # noqa: T201
    return 1 if off or off_waits else 0


def _page(judged: list[tuple[Case, list[Verdict]]], waits: dict[str, float], told: str, size: str) -> str:
    rows = "\n".join(_row(case, verdict) for case, verdicts in judged for verdict in verdicts)
    kept = "\n".join(f"| `{policy}` | {wait:.2f} s | {wait / waits['fifo'] - 1:+.3%} |" for policy, wait in waits.items())
    return _TEXT.format(size=size, rows=rows, kept=kept, told=told)


def _row(case: Case, verdict: Verdict) -> str:
    is_share = verdict.figure not in case.waits
    theory, mean, error = verdict.theory, verdict.found.mean, verdict.found.error or 0.0
    figures = f"{theory:.3%} | {mean:.3%} | {error:.3%}" if is_share else f"{theory:.2f} s | {mean:.2f} s | {error:.2f} s"
    held = "yes" if verdict.holds() else "**no**"
    return f"| {case.name} | {case.source} | {verdict.figure} | {figures} | {verdict.off:+.2%} | {verdict.errors:+.1f} | {held} |"


_TEXT = """\
# The rules against theory

Written by `make theory`; the formulas and their sources are in `tests/simulate/formulas.py`. The rules that serve a branch are
played in virtual time (see [simulation.md](simulation.md)) in halls whose mean waits are known: {size}.
Serving takes 300 s on average; serving times are drawn when serving starts. A figure holds when it is within three standard errors, and within 2 %, of what theory
says.

**How this design came about.** It is the third one. The first two had each failed one figure: 8 x 200,000 tickets (Erlang A, mean wait +0.79 %, 3.5
standard errors) and 32 x 50,000 (one counter reserved, vip +3.1 %, 3.3 standard errors). After those the cases were given seeds of their own in place of a
shared one, more tickets, and in the M/M/4 cases lower loads. It has been kept since. The core as it is now gave the very figures that a variant of it had
given, and the two halls that had failed were played once more with seeds that nobody had looked at before: Erlang A -0.42 % (-1.2 standard errors), those who
leave -0.46 % (-1.5); one counter reserved vip -0.59 % (-0.7), std -0.37 % (-0.7).

| hall | theory | tier | theory says | simulated | standard error | off | in errors | holds |
|---|---|---|---|---|---|---|---|---|
{rows}

## The conservation law

With the same customers and serving times that do not depend on the tier, every policy that lets no counter idle while somebody waits
has the same number of people waiting at each moment, so by Little's law the same mean wait over all (L. Kleinrock, "A conservation law
for a wide class of queueing disciplines", Naval Research Logistics 12 (1965)). Off by at most 0.5 %: a few who were inside when
counting began or ended.

| policy | mean wait over all | off from `fifo` |
|---|---|---|
{kept}

## The recorded bank days

{told}"""


if __name__ == "__main__":
    sys.exit(main())
