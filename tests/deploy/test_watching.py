"""Prometheus, Grafana and systemd accept what is written for them, and it speaks of series that exist."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from queue_server.metrics.collector import Metrics
from tests.deploy.proxies import DEPLOY
from tests.push.hall import Hall

RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "halls.json"
UNIT = DEPLOY / "queue-server.service"
_OF_OTHERS = {"up"}


@pytest.mark.parametrize(
    "what", [("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml"), ("check", "config", "prometheus.yml")]
)
def test_prometheus_accepts_its_files(what: tuple[str, ...]) -> None:
    checked = subprocess.run(["promtool", *what], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_has_a_test_of_its_own() -> None:
    tested = (RULES.parent / "rules_test.yml").read_text(encoding="utf-8")
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert {name for name in alerts if f"alertname: {name}" not in tested} == {"QueueLoopLate", "QueueScreensNearLimit"}


def asked(node: Any) -> Iterator[str]:
    """Yield every expression in a dashboard."""
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "expr")
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from asked(each)


async def test_rules_and_dashboard_ask_for_series_that_exist() -> None:
    metrics = Metrics("1.2.3", (60, 120, 300))
    hall = Hall(metrics)
    metrics.ask(states=lambda: [hall.state], screens=int, queued=int)
    page = (await metrics.render()).decode()
    families = re.findall(r"^# TYPE (\S+) (\w+)$", page, re.MULTILINE)
    exist = {name for name, kind in families if kind != "histogram"} | _OF_OTHERS
    exist |= {f"{name}_{part}" for name, kind in families if kind == "histogram" for part in ("bucket", "sum", "count")}
    exist |= {rule["record"] for rule in rules() if "record" in rule}
    expressions = [rule["expr"] for rule in rules()] + list(asked(json.loads(DASHBOARD.read_text(encoding="utf-8"))))
    for expression in expressions:
        named = set(re.findall(r"\b(?:queue|process)[_:][a-z0-9_:]+|\bup\b", expression))
        assert named, expression
        assert named <= exist, expression


def test_the_dashboard_is_laid_out_without_overlaps() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in panels
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_systemd_accepts_its_unit_and_finds_it_well_enclosed(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    # Where the service is not installed there is no program of its name.
    unit.write_text(
        UNIT.read_text(encoding="utf-8").replace("/opt/queue-server/bin/queue-server", sys.executable), encoding="utf-8"
    )
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    # Else the dashboard's process_* series are missing: see the unit.
    assert "\nProcSubset=all\n" in unit.read_text(encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)]
    enclosed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert enclosed.returncode == 0, enclosed.stdout
