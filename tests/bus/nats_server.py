"""A real nats-server, started and ended by a test."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.running import free_ports


class NatsServer:
    """A server on a port of its own; the port stays when it is started again."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        # The wheel puts it beside the interpreter; Debian's package onto the path.
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
        assert program, "nats-server is missing; make setup brings it"
        self._process = subprocess.Popen(
            [program, "--addr", "127.0.0.1", "--port", str(self.port)], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "Server is ready" in line:
                return
        raise AssertionError("".join(said))

    def freeze(self) -> None:
        """Stop it in its tracks; its connections stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, frozen or not."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
