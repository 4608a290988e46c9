"""A small recorded day, written out, and the means to build others."""

from pathlib import Path

from queue_server.drive.trace import Visit

HEADER = "day,arrival,service,tier,wait_seconds,outcome,service_start,service_seconds,server\n"
ROWS = """\
1999-02-03,08:00:00,PS,2,10,served,08:00:10,50,S01
1999-02-03,08:00:05,PS,0,20,served,08:00:25,60,S02
1999-02-03,07:59:50,NW,1,5,left,,,
1999-02-03,08:10:00,NE,0,0,served,,0,S01
1999-02-03,08:40:00,PS,0,30,left,08:40:30,,
1999-02-04,09:00:00,PS,0,0,served,09:00:00,10,S01
"""


def write_trace(folder: Path, rows: str = ROWS, header: str = HEADER) -> Path:
    """Write a trace of *rows* and return its path."""
    path = folder / "days.csv"
    path.write_text(header + rows, encoding="utf-8")
    return path


def visit(arrives: float, *, starts: float | None = None, serves: float = 0.0, waits: float = 0.0, tier: str = "0") -> Visit:
    """Build one customer for cash."""
    return Visit(arrives=arrives, service="PS", tier=tier, waits=waits, starts=starts, serves=serves)
