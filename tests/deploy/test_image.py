"""What the Dockerfile promises, and how its base is pinned."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = "python:3.11.14-slim-bookworm"
DIGEST = f"sha256:{'5eed' * 16}"


def instructions() -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line) for line in text.splitlines() if line and not line.startswith("#")]


def test_two_stages_stand_on_one_base_of_a_full_version() -> None:
    lines = instructions()
    assert [line for line in lines if line.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]
    assert re.fullmatch(r"ARG BASE=python:\d+\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", lines[0])


def test_the_image_holds_no_tools_and_runs_without_rights() -> None:
    lines = instructions()
    last = lines[lines.index("FROM ${BASE}") :]
    copied = [line for line in last if line.startswith(("COPY", "ADD"))]
    assert copied == ["COPY --from=build /opt/queue-server /opt/queue-server"]
    user = next(line.split()[1] for line in last if line.startswith("USER"))
    assert re.search(rf"useradd --uid [1-9]\d{{3,}} .*{user}", " ".join(last))
    assert "/readyz" in next(line for line in last if line.startswith("HEALTHCHECK"))


def test_everything_installed_is_locked() -> None:
    installs = [line for line in instructions() if re.search(r"\bpip install\b|\bnpm (ci|install)\b", line)]
    assert len(installs) == 4
    for line in installs:
        assert re.search(r"--require-hashes|npm ci|--no-index", line), line


def test_no_password_gets_into_an_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "**/.env" in ignored


def pin(folder: Path, docker: str) -> "subprocess.CompletedProcess[str]":
    """Run `make pin`'s script on a copy, with a docker client that does what *docker* says, and no other."""
    shutil.copy(ROOT / "Dockerfile", folder)
    for name, script in (("docker", docker), ("skopeo", "exit 1")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run([ROOT / "scripts" / "pin-base"], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_digest_is_written_down_and_can_be_written_anew(tmp_path: Path) -> None:
    assert pin(tmp_path, f"echo {DIGEST}").returncode == 0
    assert f"ARG BASE={BASE}@{DIGEST}\n" in (tmp_path / "Dockerfile").read_text(encoding="utf-8")
    again = subprocess.run(
        [ROOT / "scripts" / "pin-base"], cwd=tmp_path, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False
    )
    assert again.returncode == 0
    assert (tmp_path / "Dockerfile").read_text(encoding="utf-8").count(DIGEST) == 1


@pytest.mark.parametrize("docker", ["exit 1", "echo something else"], ids=["nobody-answers", "no-digest"])
def test_where_no_registry_answers_the_version_stays_and_is_named(tmp_path: Path, docker: str) -> None:
    pinned = pin(tmp_path, docker)
    assert pinned.returncode == 1
    assert pinned.stderr.startswith("No image registry can be asked from here; the Dockerfile keeps python:")
    assert (tmp_path / "Dockerfile").read_bytes() == (ROOT / "Dockerfile").read_bytes()
