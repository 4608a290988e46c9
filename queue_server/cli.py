"""
The command line.

`queue-server run | push | migrate | branch apply | token create | token revoke | backup | restore | doctor | drive | simulate`
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tomllib
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from queue_server import compose, errands, settings
from queue_server.access.roles import Role
from queue_server.cli_upkeep import add_upkeep
from queue_server.drive.play import run_drive
from queue_server.simulate.command import run_simulate
from queue_server.wire.constraints import ID_RIGHT, Id
from queue_server.wire.reading import Invalid

_Command = Callable[[argparse.Namespace, settings.Settings], Coroutine[Any, Any, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when not, 2 when it was asked wrongly."""
    try:
        return _act(_parser().parse_args(arguments))
    except BrokenPipeError:
        # Whoever read what it prints has seen enough; what is left must not be tried again when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _act(args: argparse.Namespace) -> int:
    if args.command == "drive":
        return run_drive(args)
    if args.command == "simulate":
        code = run_simulate(args)
        sys.stdout.flush()
        return code
    try:
        chosen = settings.load(args.config)
        _configure_logging(chosen, quiet=args.command not in {"run", "push"})
        act: _Command = args.act
        return asyncio.run(act(args, chosen))
    except settings.SettingsError as fault:
        return _say(str(fault), 2)
    except (compose.CannotStartError, compose.StoppedError) as fault:
        return _say(f"queue-server: {fault}", 1)
    except KeyboardInterrupt:
        return 130


async def _run(_args: argparse.Namespace, chosen: settings.Settings) -> int:
    await compose.serve(chosen, lambda addresses: print(_box(chosen, addresses), flush=True))
    return 0


async def _push(_args: argparse.Namespace, chosen: settings.Settings) -> int:
    def opened(addresses: compose.Addresses) -> None:
        print(f"Screens are let in at {addresses.push}; health and metrics at {addresses.http}.", flush=True)

    await compose.serve_push(chosen, opened)
    return 0


async def _migrate(args: argparse.Namespace, chosen: settings.Settings) -> int:
    applied = await errands.migrate_database(chosen)
    _show(args, {"applied": applied}, "\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")
    return 0


async def _apply_branch(args: argparse.Namespace, chosen: settings.Settings) -> int:
    try:
        content = tomllib.loads(args.file.read_text(encoding="utf-8"))
    except OSError as fault:
        return _say(f"{args.file} cannot be read: {fault.strerror}", 2)
    except ValueError as fault:  # not TOML, or not UTF-8
        return _say(f"{args.file} is not TOML: {fault}", 2)
    try:
        branch, version, done = await errands.apply_branch(chosen, content, next_day=args.next_day)
    except Invalid as invalid:
        faults = "\n".join(f"- {fault.path or 'the file'}: {fault.detail}" for fault in invalid.faults)
        return _say(f"{args.file} does not describe a branch:\n{faults}", 2)
    when = "from the next day on" if args.next_day else "now"
    said = {
        "created": f"Branch {branch} is created, version {version}, in effect now.",
        "replaced": f"Branch {branch} is configured, version {version}, in effect {when}.",
        "unchanged": f"Branch {branch} is unchanged: version {version} is the same.",
    }
    changes = {"created": done == "created", "changed": done != "unchanged"}
    _show(args, {"branch": branch, "version": version, **changes}, said[done])
    return 0


async def _create_token(args: argparse.Namespace, chosen: settings.Settings) -> int:
    try:
        token, principal, missing = await errands.make_token(chosen, Role(args.role), args.branch, args.subject)
    except ValueError as fault:
        return _say(f"--subject: {fault}", 2)
    for branch in missing:
        print(f"There is no branch {branch} yet; the token is of no use there until it is made.", file=sys.stderr)
    _show(args, {"token": token, "subject": principal.subject, "role": args.role, "branches": args.branch}, token)
    return 0


async def _revoke_token(args: argparse.Namespace, chosen: settings.Settings) -> int:
    # A command line can be read by others on the machine, and stays in the shell's history.
    stated = sys.stdin.readline().strip() if args.stated == "-" else args.stated
    if not await errands.revoke_token(chosen, stated):
        return _say("No token is revoked: this one is not known here, or has been revoked before.", 1)
    _show(args, {"revoked": True}, "The token is revoked; a running service stops accepting it within seconds.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="queue-server", description="Queue and counter management for any hall where people wait."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = _add(commands, "run", "start the service", _run)
    run.formatter_class = argparse.RawDescriptionHelpFormatter
    run.epilog = settings.describe()
    push = _add(commands, "push", "hold screens only, following what other processes write", _push)
    push.formatter_class = argparse.RawDescriptionHelpFormatter
    push.epilog = settings.describe()
    migrate = _add(commands, "migrate", "bring the database to this version's schema", _migrate)
    migrate.add_argument("--json", action="store_true", help="print one JSON object")
    branch = commands.add_parser("branch", help="branches").add_subparsers(dest="what", required=True, metavar="WHAT")
    apply_branch = _add(branch, "apply", "create or replace a branch from a TOML file", _apply_branch)
    apply_branch.add_argument("file", type=Path, metavar="FILE")
    apply_branch.add_argument("--next-day", action="store_true", help="let a change take effect when the next day opens")
    apply_branch.add_argument("--json", action="store_true", help="print one JSON object")
    token = commands.add_parser("token", help="access tokens").add_subparsers(dest="what", required=True, metavar="WHAT")
    create = _add(token, "create", "make a token and print it; it cannot be shown again", _create_token)
    create.add_argument("--role", required=True, choices=[role.value for role in Role])
    create.add_argument(
        "--branch", action="append", type=_branch_id, metavar="B", help="a branch it is for; may be repeated; without, all"
    )
    create.add_argument("--subject", metavar="S", help="who it stands for; without, a new subject")
    create.add_argument("--json", action="store_true", help="print one JSON object")
    revoke = _add(token, "revoke", "let a token no longer count", _revoke_token)
    revoke.add_argument("stated", metavar="TOKEN", help="the token, or - to read it from standard input")
    revoke.add_argument("--json", action="store_true", help="print one JSON object")
    add_upkeep(commands, _add)
    _add_drive(commands)
    _add_simulate(commands)
    return parser


def _branch_id(stated: str) -> str:
    try:
        return msgspec.convert(stated, Id)
    except msgspec.ValidationError:
        raise argparse.ArgumentTypeError(f"{stated!r} is no branch; right would be {ID_RIGHT}") from None


def _add(commands: Any, name: str, text: str, act: _Command) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML; the environment wins over it")
    command.set_defaults(act=act)
    return command


def _add_drive(commands: Any) -> None:
    text = "play a recorded day against a running server"
    drive = commands.add_parser(
        "drive", help=text, description=text[0].upper() + text[1:] + ", through its public interfaces only."
    )
    drive.add_argument("trace", type=Path, metavar="TRACE", help="a CSV of arrivals")
    drive.add_argument("--url", required=True, help="the server's HTTP address")
    drive.add_argument("--push-url", required=True, help="the address of its push feed, ws:// or wss://")
    drive.add_argument("--token", required=True, help="a token with the role admin")
    drive.add_argument("--day", required=True, help="the day of the trace, as in 1999-02-03")
    drive.add_argument("--speed", type=float, default=1.0, help="how many times faster than it was (default: 1)")
    drive.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def _add_simulate(commands: Any) -> None:
    text = "play a hall in virtual time, by the rules of the server"
    simulate = commands.add_parser(
        "simulate", help=text, description=text[0].upper() + text[1:] + "; two or more scenarios are compared."
    )
    simulate.add_argument("scenarios", type=Path, nargs="+", metavar="SCENARIO", help="a TOML file, see docs/simulation.md")
    simulate.add_argument("--trace", type=Path, metavar="CSV", help="take customers and counters from a record")
    simulate.add_argument("--json", action="store_true", help="print one JSON object")


def _configure_logging(chosen: settings.Settings, *, quiet: bool) -> None:
    """Send log lines to stderr, so that what a command prints is its data alone; a command says warnings only."""
    level = max(logging.WARNING if quiet else 0, logging.getLevelNamesMapping()[chosen.log_level.upper()])
    console = chosen.log_format == "console" or (chosen.log_format == "auto" and sys.stderr.isatty())
    # By default, where `rich` is installed, tracebacks show local variables: tokens, and what identifies customers.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = plain if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if console else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _box(chosen: settings.Settings, addresses: compose.Addresses) -> str:
    lines = [
        "The hall is open.",
        "",
        f"Kiosk     {addresses.http}/kiosk/?branch=main",
        f"Display   {addresses.http}/display/?branch=main",
        f"Counter   {addresses.http}/counter/?branch=main",
        f"API       {addresses.http}/openapi.json",
        f"Feed      {addresses.push}/v1/branches/main/feed",
        f"Metrics   {addresses.http}/metrics",
        "",
        "Each page asks for a token. In the source folder,  make links  prints the three",
        "addresses with fresh tokens; elsewhere, a token is made with",
        "  queue-server token create --role kiosk --branch main",
    ]
    if chosen.http_host == "127.0.0.1":
        lines += ["", "Only this machine is let in; QUEUE_HTTP_HOST=0.0.0.0 and QUEUE_PUSH_HOST=0.0.0.0", "open it to others."]
    width = max(map(len, lines))
    return "\n".join([f"┌{'─' * (width + 2)}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{'─' * (width + 2)}┘"])


def _show(args: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    print(json.dumps(data) if args.json else text)


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
