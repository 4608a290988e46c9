"""What the command line says, and does not say."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
import structlog

from queue_server import cli, errands
from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import create_token, token_hash
from queue_server.compose import Addresses, Put, put_configuration
from queue_server.core.configuration import Configuration
from queue_server.eventlog.memory import MemoryLog
from queue_server.runtime.clock import LogClock
from queue_server.runtime.runtime import Runtime
from queue_server.settings import Settings
from queue_server.wire.configuration import read_configuration

SAMPLE = Path(cli.__file__).parent / "samples" / "main.toml"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryTokens:
    """Where the tokens are that the command line revokes."""
    kept = MemoryTokens()

    async def revoke(_settings: Settings, token: str) -> bool:
        return await kept.revoke(token_hash(token))

    monkeypatch.setattr(errands, "revoke_token", revoke)
    monkeypatch.setattr(cli, "_configure_logging", lambda *_args, **_options: None)
    return kept


def check(token: str) -> None:
    raise ValueError(len(token))


def test_a_traceback_on_a_terminal_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        cli._configure_logging(Settings(log_format="console"), quiet=False)
        try:
            check("qs_" + "marker")
        except ValueError:
            structlog.get_logger().exception("failed")
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert "raise ValueError(len(token))" in said
    assert "qs_marker" not in said


def test_a_token_is_revoked_by_argument_or_from_standard_input(
    store: MemoryTokens, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (asyncio.run(create_token(store, Role.KIOSK))[0] for _ in range(2))
    assert cli.main(["token", "revoke", one]) == 0
    assert "is revoked" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{other}\n"))
    assert cli.main(["token", "revoke", "-", "--json"]) == 0
    assert capsys.readouterr().out == '{"revoked": true}\n'
    for token in (one, "qs_nobody"):
        assert cli.main(["token", "revoke", token]) == 1
        said = capsys.readouterr()
        assert (said.out, "No token is revoked" in said.err, token in said.err) == ("", True, False)


@pytest.mark.parametrize(("name", "reason"), [("taken", "there is a file of that name"), ("taken/below", "Not a directory")])
def test_a_data_folder_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    (tmp_path / "taken").touch()
    monkeypatch.setattr(cli, "_configure_logging", lambda *_args, **_options: None)
    monkeypatch.setenv("QUEUE_DATA_DIR", str(tmp_path / name))
    assert cli.main(["migrate"]) == 1
    said = f"queue-server: The data folder {tmp_path / name} cannot be used ({reason}); QUEUE_DATA_DIR names another.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("branch", ["", " ", "a b", "main\n", "x" * 65])
def test_a_token_for_what_cannot_be_a_branch_is_refused(branch: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["token", "create", "--role", "kiosk", "--branch", branch])
    assert ended.value.code == 2
    assert f"--branch: {branch!r} is no branch; right would be an identifier" in capsys.readouterr().err


async def test_a_token_may_be_made_before_its_branch_but_not_unawares(tmp_path: Path) -> None:
    config = ["--role", "kiosk", "--branch", "main", "--branch", "mian", "--json"]
    environment = os.environ | {"QUEUE_DATA_DIR": str(tmp_path / "data")}
    code, said, _ = await run(environment, "branch", "apply", str(SAMPLE))
    assert (code, said) == (0, "Branch main is created, version 1, in effect now.\n")
    code, said, warned = await run(environment, "token", "create", *config)
    assert (code, json.loads(said)["branches"]) == (0, ["main", "mian"])
    assert warned == "There is no branch mian yet; the token is of no use there until it is made.\n"


async def test_a_configuration_is_applied_again_only_when_that_changes_something() -> None:
    runtime = Runtime(MemoryLog(), LogClock())
    await runtime.start()
    one = read_configuration(tomllib.loads(SAMPLE.read_text("utf-8")))
    other = msgspec.structs.replace(one, name={"en": "Other"})
    steps: list[tuple[Configuration, bool, tuple[Put, int]]] = [
        (one, False, ("created", 1)),
        (one, False, ("unchanged", 1)),
        (one, True, ("unchanged", 1)),
        (other, True, ("replaced", 2)),
        (other, True, ("unchanged", 2)),
        (other, False, ("replaced", 3)),
        (other, False, ("unchanged", 3)),
        (one, False, ("replaced", 4)),
    ]
    for configuration, next_day, answer in steps:
        assert await put_configuration(runtime, configuration, next_day=next_day) == answer
    await runtime.close()


def test_an_unchanged_configuration_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def unchanged(*_: object, **__: object) -> tuple[str, int, Put]:
        return "main", 7, "unchanged"

    monkeypatch.setattr(errands, "apply_branch", unchanged)
    monkeypatch.setattr(cli, "_configure_logging", lambda *_args, **_options: None)
    assert cli.main(["branch", "apply", str(SAMPLE)]) == 0
    assert capsys.readouterr().out == "Branch main is unchanged: version 7 is the same.\n"
    assert cli.main(["branch", "apply", str(SAMPLE), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"branch": "main", "version": 7, "created": False, "changed": False}


async def run(environment: dict[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """Run a command as a user would; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "queue_server", *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, warned = await process.communicate()
    return process.returncode, said.decode(), warned.decode()


def test_the_box_fits_a_checkout_and_an_image() -> None:
    box = cli._box(Settings(), Addresses("http://localhost:8080", "ws://localhost:8081"))
    assert "make links" in box
    assert "  queue-server token create --role kiosk --branch main" in box
    assert ".venv" not in box
    assert len({len(line) for line in box.splitlines()}) == 1
