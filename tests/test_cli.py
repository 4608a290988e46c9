"""What the command line says, and does not say."""

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from queue_server import cli, errands
from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import create_token, token_hash
from queue_server.compose import Addresses
from queue_server.settings import Settings


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
    sample = str(Path(cli.__file__).parent / "samples" / "main.toml")
    code, said, _ = await run(environment, "branch", "apply", sample)
    assert (code, said) == (0, "Branch main is created, version 1, in effect now.\n")
    code, said, warned = await run(environment, "token", "create", *config)
    assert (code, json.loads(said)["branches"]) == (0, ["main", "mian"])
    assert warned == "There is no branch mian yet; the token is of no use there until it is made.\n"


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
