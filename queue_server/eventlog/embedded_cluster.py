"""
The files and the process of one embedded PostgreSQL cluster.

The folder has mode 0700 and belongs to the account the engine runs as. Started by root, that account may be unable to walk to
the folder (a data folder under a private home); it then reaches it through an open descriptor of it, `/proc/self/fd/N`, which
needs no leave from the folders above.
"""

import os
import shutil
import subprocess
from pathlib import Path

from queue_server.eventlog.embedded_binaries import Account, EngineError, major_version, process_options, run_as

SUPERUSER = "queue"
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_RELAXED = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
_SETTINGS = {
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    # One file a weekday, begun anew each week.
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_checkpoints": "off",
    # A statement's text could hold what must not stand in a log.
    "log_min_error_statement": "panic",
}


class Cluster:
    """The cluster in *home*, run by the programs in *binaries* under *account* (None: whoever we are)."""

    def __init__(self, home: Path, binaries: Path, account: Account | None, *, relaxed_durability: bool = False) -> None:
        self.folder = home / "cluster"
        self._home = home
        self._binaries = binaries
        self._account = account
        self._durability = _RELAXED if relaxed_durability else _DURABLE
        self._descriptor = -1

    def open(self, password: str) -> None:
        """Make the folder and the cluster where they are missing, and see that the programs can read what is there."""
        self._home.mkdir(mode=0o700, exist_ok=True)
        self._home.chmod(0o700)
        if self._account:
            os.chown(self._home, self._account.uid, self._account.gid)
            self._descriptor = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        major = major_version(self._binaries, self._account)
        if not self.folder.exists():
            self._create(password)
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != str(major):
            raise EngineError(f"The data in {self.folder} is of PostgreSQL {made_by}, but {self._binaries} holds {major}.")

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def spawn(self, start_log: Path, settings: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the server; what it says before its own log is open goes to *start_log*."""
        self._remove_stale_locks()
        arguments: list[str | Path] = [self._binaries / "postgres", "-D", f"{self._path_inside()}/cluster"]
        for name, value in (_SETTINGS | settings | self._durability).items():
            arguments += ["-c", f"{name}={value}"]
        with start_log.open("wb") as output:
            return subprocess.Popen(arguments, stdout=output, stderr=output, **process_options(self._account, self._pass_fds()))

    def running_pid(self) -> int | None:
        """Return the process of the server that runs on this cluster, whoever started it; None when there is none."""
        try:
            pid = int(self._lock_lines()[0])
            os.kill(pid, 0)
            # The number may have been given to another process since; ours works in the cluster's folder.
            works_here = not Path("/proc/self/cwd").exists() or Path(f"/proc/{pid}/cwd").samefile(self.folder)
        except PermissionError:
            return None
        except (OSError, ValueError, IndexError):
            return None
        return pid if works_here else None

    def running_port(self) -> int:
        """Return the port that the running server's lock file names."""
        return int(self._lock_lines()[3])

    def _lock_lines(self) -> list[str]:
        return (self.folder / "postmaster.pid").read_text().splitlines()

    def last_fatal(self, start_log: Path) -> str:
        """Return why the last start failed: what the server said before its own log was open, or in it."""
        logs = sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        for path in (start_log, *logs[-1:]):
            lines = path.read_text(errors="replace").splitlines()[-200:]
            fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
            if fatal:
                return fatal[-1]
        return f"it gave no reason in {start_log}"

    def _remove_stale_locks(self) -> None:
        # PostgreSQL would take any process of that number for its predecessor, also one that is dead but not yet reaped. It has
        # a guard of its own besides, the shared memory of the folder, so a server that we failed to see is still safe.
        if self.running_pid() is None:
            for name in ("postmaster.pid", *(path.name for path in self.folder.glob(".s.PGSQL.*.lock"))):
                (self.folder / name).unlink(missing_ok=True)

    def _create(self, password: str) -> None:
        """Make the cluster under another name first: an interrupted start leaves nothing half made."""
        made, password_file = self._home / "cluster.new", self._home / "password.new"
        shutil.rmtree(made, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if self._account:
                os.fchown(descriptor, self._account.uid, self._account.gid)
            os.write(descriptor, password.encode())
        finally:
            os.close(descriptor)
        inside = self._path_inside()
        options = ["--auth=scram-sha-256", f"--pwfile={inside}/password.new", f"--username={SUPERUSER}"]
        options += ["--encoding=UTF8", "--locale=C", "--data-checksums", f"--pgdata={inside}/cluster.new"]
        answer = run_as(self._account, self._binaries / "initdb", *options, pass_fds=self._pass_fds())
        password_file.unlink()
        if answer.returncode != 0:
            raise EngineError(f"A new database could not be made in {self._home}: {_last_line(answer.stderr)}")
        made.rename(self.folder)

    def _path_inside(self) -> str:
        """How the engine's account names the folder."""
        return f"/proc/self/fd/{self._descriptor}" if self._account else str(self._home)

    def _pass_fds(self) -> tuple[int, ...]:
        return (self._descriptor,) if self._account else ()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
