"""Print the addresses of the three screens of a branch, each with a fresh token."""

import json
import subprocess
import sys
from pathlib import Path

from queue_server.settings import load, reached_at

ROLES = {"kiosk": "kiosk", "display": "display", "counter": "staff"}


def main(branch: str = "main") -> None:
    """Make a token a screen and print where to open it."""
    settings = load()
    host = reached_at(settings.http_host)
    for page, role in ROLES.items():
        # The fragment of an address is never sent, so no proxy or log sees the token.
        print(f"{page:8} http://{host}:{settings.http_port}/{page}/?branch={branch}#token={token(role, branch)}")


def token(role: str, branch: str) -> str:
    """Ask the command line for a token; it works beside a running service."""
    command = [str(Path(sys.executable).with_name("queue-server")), "token", "create", "--role", role, "--branch", branch, "--json"]
    made = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return str(json.loads(made.stdout)["token"])


if __name__ == "__main__":
    main(*sys.argv[1:])
