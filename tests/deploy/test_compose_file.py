"""The whole cell in compose: the file is valid, and keeps what it promises."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml  # type: ignore[import-untyped]

from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.port import LogUnavailable
from queue_server.settings import Settings
from tests.deploy.proxies import DEPLOY

Json = dict[str, Any]
SECRETS = {"POSTGRES_PASSWORD": "p-1", "GRAFANA_PASSWORD": "p-2"}


def composed(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRES_", "GRAFANA_", "QUEUE_"))}
    return subprocess.run(
        ["docker-compose", *options, "-f", DEPLOY / "compose.yaml", "config"],
        env=surroundings | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Json]:
    checked = composed(**SECRETS)
    assert checked.returncode == 0, checked.stderr
    found: dict[str, Json] = yaml.safe_load(checked.stdout)["services"]
    return found


def test_it_has_all_that_a_cell_needs(services: dict[str, Json]) -> None:
    assert services.keys() == {"proxy", "node1", "node2", "postgres", "nats", "prometheus", "grafana"}


@pytest.mark.parametrize("secret", list(SECRETS))
def test_it_does_not_start_without_passwords(secret: str) -> None:
    checked = composed(**{name: value for name, value in SECRETS.items() if name != secret})
    assert checked.returncode != 0
    assert "set it in deploy/.env" in checked.stderr


def test_every_part_is_hardened_and_bounded(services: dict[str, Json]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert "healthcheck" in service or service["image"] == "queue-server:local", f"{name}: the image of a node brings its own"
        assert re.search(r":v?\d+\.\d+\.\d+|:\d+\.\d+-bookworm$|:local$", service["image"]), name


def test_only_the_proxy_is_open_to_the_network(services: dict[str, Json]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports.keys() == {"proxy", "grafana"}
    assert all(str(port).startswith("127.0.0.1:") for port in ports["grafana"])


def test_every_setting_is_one(services: dict[str, Json]) -> None:
    known = {f"QUEUE_{name.upper()}" for name in Settings.model_fields} | {"PGPASSWORD"}
    for node in ("node1", "node2"):
        assert services[node]["environment"].keys() <= known


AWKWARD = r"p@ss/w:o?r#d %41&$HOME \n"


def test_any_password_reaches_postgres_and_nodes_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"POSTGRES_PASSWORD='{AWKWARD}'\nGRAFANA_PASSWORD='x'\n", encoding="utf-8")
    checked = composed(f"--env-file={tmp_path}/.env")
    assert checked.returncode == 0, checked.stderr
    services = yaml.safe_load(checked.stdout.replace("$$", "$"))["services"]
    told = {services["postgres"]["environment"]["POSTGRES_PASSWORD"]}
    told |= {services[node]["environment"]["PGPASSWORD"] for node in ("node1", "node2")}
    assert told == {AWKWARD}


async def test_a_node_takes_its_password_from_beside_the_address(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await asyncpg.connect(empty_database_url)
    await session.execute(f"create role awkward superuser login password '{AWKWARD}'")
    try:
        address = re.sub(r"//[^@]*@", "//awkward@", empty_database_url)
        monkeypatch.setenv("PGPASSWORD", AWKWARD)
        assert await migrate(address)
        monkeypatch.setenv("PGPASSWORD", "another")
        with pytest.raises(LogUnavailable, match="password authentication failed"):
            await migrate(address)
    finally:
        await session.execute("drop owned by awkward; drop role awkward")
        await session.close()


def test_every_file_that_is_mounted_exists(services: dict[str, Json]) -> None:
    mounts = [str(mount).split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    files = [Path(source) for source in mounts if source.startswith("/")]
    assert len(files) == 7
    assert [str(file) for file in files if not file.exists()] == []


def test_the_proxy_knows_the_nodes_by_their_addresses(services: dict[str, Json]) -> None:
    site = (DEPLOY / "compose" / "site.conf").read_text(encoding="utf-8")
    addresses = {services[node]["networks"]["back"]["ipv4_address"] for node in ("node1", "node2")}
    assert set(re.findall(r"server (\S+):8080 ", site)) == set(re.findall(r"server (\S+):8081 ", site)) == addresses


def test_its_site_differs_from_the_other_in_nothing_but_addresses() -> None:
    def without_addresses(file: Path) -> str:
        return re.sub(r"server \S+|^#.*\n", "", file.read_text(encoding="utf-8"), count=0, flags=re.MULTILINE)

    assert without_addresses(DEPLOY / "compose" / "site.conf") == without_addresses(DEPLOY / "nginx" / "site.conf")
