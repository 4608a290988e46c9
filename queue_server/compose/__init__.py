"""Puts the parts together: the only place that knows which implementation stands behind each port."""

from queue_server.compose.branches import Put, put_configuration
from queue_server.compose.faults import CannotStartError, StoppedError
from queue_server.compose.parts import Addresses, apply_migrations, database, open_log, running, token_store
from queue_server.compose.pushing import serve_push
from queue_server.compose.serving import serve
from queue_server.compose.upkeep import back_up, bring_back, examine, verify_archive

__all__ = [
    "Addresses",
    "CannotStartError",
    "Put",
    "StoppedError",
    "apply_migrations",
    "back_up",
    "bring_back",
    "database",
    "examine",
    "open_log",
    "put_configuration",
    "running",
    "serve",
    "serve_push",
    "token_store",
    "verify_archive",
]
