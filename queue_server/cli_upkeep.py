"""The commands that keep an installation whole: `queue-server backup | restore | doctor`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from queue_server import compose
from queue_server.settings import Settings
from queue_server.upkeep.findings import Finding, Level
from queue_server.upkeep.manifest import Manifest

_SHOWN = {Level.OK: "OK", Level.UNSEEN: "UNSEEN", Level.WARNING: "WARNING", Level.FAULT: "FAULT"}


def add_upkeep(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to *commands* by *add*, which gives each what all commands have."""
    backup = add(commands, "backup", "copy everything into one file, beside a running server", _back_up)
    backup.add_argument(
        "file", type=Path, metavar="FILE", help="where to; it holds secrets and is made readable by its owner alone"
    )
    restore = add(commands, "restore", "fill an empty database from a backup, all of it or nothing", _restore)
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--verify", action="store_true", help="fold every branch and compare it with its state at the backup")
    restore.add_argument("--dry-run", action="store_true", help="verify the file alone, touching no database")
    restore.add_argument("--replace", action="store_true", help="delete what the database holds; needs --yes")
    restore.add_argument("--yes", action="store_true", help="confirm --replace")
    doctor = add(commands, "doctor", "look at everything that could go wrong, and say what would be right", _examine)
    for command in (backup, restore, doctor):
        command.add_argument("--json", action="store_true", help="print one JSON object")


async def _back_up(args: argparse.Namespace, chosen: Settings) -> int:
    manifest = await compose.back_up(chosen, args.file)
    for mark in manifest.branches:
        if mark.fault is not None:
            print(f"Branch {mark.branch_id} is in the backup, but cannot be read: {mark.fault}.", file=sys.stderr)
    size = args.file.stat().st_size
    _show(
        args,
        {"file": str(args.file), "bytes": size, **_described(manifest)},
        f"{args.file} ({size:,} bytes) holds {_counted(manifest)}.",
    )
    return 0


async def _restore(args: argparse.Namespace, chosen: Settings) -> int:
    if args.replace != args.yes:
        print("--replace deletes what the database holds, and only together with --yes.", file=sys.stderr)
        return 2
    if args.dry_run:
        manifest, verified = compose.verify_archive(args.file)
        text = f"{args.file} is whole: it holds {_counted(manifest)}. Nothing was restored."
        _show(args, {"restored": False, "verified": verified, **_described(manifest)}, text)
        return 0
    manifest, restored = await compose.bring_back(chosen, args.file, replace=args.replace, verify=args.verify)
    proven = "" if restored.verified is None else " Every branch stands where it stood."
    text = f"{args.file} is restored: {_counted(manifest)}.{proven} The history has a new name: every screen begins anew, tokens stay good."
    data = {"restored": True, "verified": restored.verified, **_described(manifest), "epoch": restored.epoch}
    _show(args, data | {"migrations": restored.migrations}, text)
    return 0


async def _examine(args: argparse.Namespace, chosen: Settings) -> int:
    findings = await compose.examine(chosen)
    is_well = all(finding.level is not Level.FAULT for finding in findings)
    _show(args, {"ok": is_well, "findings": findings}, "\n".join(map(_line, findings)))
    return 0 if is_well else 1


def _line(finding: Finding) -> str:
    line = f"{_SHOWN[finding.level]:<8} {finding.check:<13} {finding.text}"
    return line if finding.right is None else f"{line}\n{'':23}right would be: {finding.right}"


def _counted(manifest: Manifest) -> str:
    return f"{_many(len(manifest.branches), 'branch', 'branches')} with {_many(manifest.facts, 'fact', 'facts')}, as of {manifest.made_at}"


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at,
        "version": manifest.version,
        "schema": len(manifest.schema),
        "epoch": manifest.epoch,
        "branches": manifest.branches,
        "rows": {part.table: part.rows for part in manifest.parts},
    }


def _show(args: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    print(json.dumps(msgspec.to_builtins(data)) if args.json else text)
