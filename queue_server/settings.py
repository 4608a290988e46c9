"""
The settings of a node, from the environment or a TOML file; nothing else reads the environment.

Every setting is one field below, with its default, its bounds and what it means. A variable is the field's name in capitals
after ``QUEUE_``; a key of the TOML file is the field's name. The environment wins over the file.
"""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "QUEUE_"
CONFIG_VARIABLE = "QUEUE_CONFIG"


class SettingsError(Exception):
    """The settings cannot be used; the message lists every fault: which, why, what would be right."""


def _setting(default: Any, meaning: str, right: str, **bounds: Any) -> Any:
    # `right` completes the sentence "right would be ..." of a fault.
    return Field(default, description=meaning, json_schema_extra={"right": right}, **bounds)


def _whole(default: int, low: int, high: int, meaning: str) -> Any:
    return _setting(default, meaning, f"a whole number from {low} to {high}", ge=low, le=high)


def _seconds(default: float, low: float, high: float, meaning: str) -> Any:
    return _setting(default, meaning, f"a number of seconds from {low:g} to {high:g}", ge=low, le=high, allow_inf_nan=False)


def _port(default: int, meaning: str) -> Any:
    return _setting(default, meaning, "a port from 1 to 65535, or 0 for any free one", ge=0, le=65535)


class Settings(BaseSettings):
    """The settings of one node. `load` makes them; in tests keywords do, and win over the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # An empty variable counts as unset: that is how a shell or a compose file takes one back.
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
        str_strip_whitespace=True,
    )

    data_dir: Path = _setting(Path("data"), "Folder of the embedded database and its files.", "the path of a folder")
    database_url: str | None = _setting(
        None,
        "PostgreSQL 15 or newer to use instead of the embedded one.",
        "an address such as postgresql://user:password@host/database",
        pattern=r"^postgres(ql)?://\S+$",
        repr=False,  # it may hold a password
    )
    postgres_bin: Path | None = _setting(
        None,
        "Folder of the PostgreSQL binaries for the embedded database.",
        "the path of a folder that holds `postgres` and `initdb`",
    )

    http_host: str = _setting(
        "127.0.0.1",
        "Address that HTTP listens on; 0.0.0.0 lets other machines in.",
        "an address of this machine, or 0.0.0.0",
        min_length=1,
    )
    http_port: int = _port(8080, "Port of HTTP: screens, API, metrics.")
    push_host: str = _setting(
        "127.0.0.1",
        "Address that the push feed listens on; 0.0.0.0 lets other machines in.",
        "an address of this machine, or 0.0.0.0",
        min_length=1,
    )
    push_port: int = _port(8081, "Port of the push feed (websockets).")
    bus_url: str | None = _setting(
        None,
        "Where nodes tell each other that something was written; unset, through the database itself. NATS for many nodes.",
        "none, or the addresses of one NATS such as nats://host:4222,nats://other:4222",
        pattern=r"^(none|(nats|tls)://[^\s,]+(,(nats|tls)://[^\s,]+)*)$",
        repr=False,  # it may hold a password
    )
    push_public_url: str | None = _setting(
        None,
        "Where screens reach the push feed when it is behind a proxy; unset, they use the push port of the host they came from.",
        "an address such as wss://queue.example.org",
        pattern=r"^wss?://[^\s?#]+$",
    )

    metrics_open: bool | None = _setting(
        None,
        "Whether /metrics answers without a token; unset, it does on loopback when no forwarding header is present.",
        "true or false, or nothing at all",
    )
    wait_buckets: Annotated[tuple[float, ...], NoDecode] = _setting(
        (5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0),
        "Edges of the wait and service histograms, in seconds; put the promises among them.",
        "rising positive numbers of seconds, such as 60,120,300",
        min_length=1,
        max_length=40,
    )

    command_queue_limit: int = _whole(2000, 1, 1_000_000, "Commands that may wait for the writer; past it the answer is 503.")
    command_timeout_seconds: float = _seconds(5, 0.1, 60, "How long a command may take before the answer is 503.")
    batch_limit: int = _whole(512, 1, 10_000, "Commands that one append to the log may carry.")

    screens_limit: int = _whole(2000, 1, 100_000, "Screens that may be connected to the push feed.")
    screen_buffer_bytes: int = _whole(
        262_144, 16_384, 16_777_216, "Bytes that may wait for one slow screen; past it the screen gets a fresh snapshot."
    )
    heartbeat_seconds: float = _seconds(5, 0.1, 10, "Time between two heartbeats of the push feed; screens give up after 15 s.")
    outlook_seconds: float = _seconds(1, 0.1, 60, "Least time between two outlooks of the push feed.")

    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "Least weight of a log line that is written.", "debug, info, warning or error"
    )
    log_format: Literal["auto", "console", "json"] = _setting(
        "auto", "Form of the log lines; auto is console on a terminal, else json.", "auto, console or json"
    )

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("wait_buckets", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [edge.strip() for edge in value.split(",")] if isinstance(value, str) else value

    @field_validator("wait_buckets")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if edges[0] <= 0 or any(high <= low for low, high in pairwise(edges)) or edges[-1] == float("inf"):
            raise ValueError("the edges do not rise from above zero")
        return edges

    @field_validator("data_dir", "postgres_bin")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        # Resolved once, at the start: a later change of the working folder must not move the data.
        return None if path is None else path.expanduser().resolve()

    @model_validator(mode="after")
    def _two_ports(self) -> "Settings":
        if self.http_port == self.push_port != 0 and self.http_host == self.push_host:
            raise ValueError(f"http_port and push_port are both {self.http_port}; give each a port of its own")
        return self


def load(config: Path | None = None) -> Settings:
    """
    Read the settings from the environment and the TOML file *config* (else the one `QUEUE_CONFIG` names).

    Raises:
        SettingsError: when anything is wrong; every fault is listed, not only the first.
    """
    from_env, faults = _environment()
    named = os.environ.get(CONFIG_VARIABLE)
    path = config or (Path(named) if named else None)
    from_file, file_faults = _file(path) if path else ({}, [])
    faults += file_faults
    try:
        # Keywords win over the environment, so what the environment has is left out of them.
        settings = Settings(**{name: value for name, value in from_file.items() if name not in from_env})
    except ValidationError as error:
        faults += [_fault(fault, from_env, from_file, path) for fault in error.errors(include_url=False)]
    else:
        if not faults:
            return settings
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    raise SettingsError("\n".join([f"The settings have {count}:", *(f"- {fault}" for fault in faults)]))


def describe() -> str:
    """List every setting with its default and meaning, for `queue-server run --help`."""
    lines = [f"settings ({PREFIX}... in the environment, or lower case and without the prefix in a TOML file):"]
    for name, field in Settings.model_fields.items():
        lines += [f"  {_variable(name)} ({_right(field)}; default: {_shown(field.default)})", f"      {field.description}"]
    lines += [
        f"  {CONFIG_VARIABLE} (the path of a TOML file)",
        "      Where the file is; --config names it too. The environment wins over it.",
    ]
    return "\n".join(lines)


def reached_at(host: str) -> str:
    """Return how an address names this machine when it listens on *host*: one that means "every interface" is none to connect to."""
    return "localhost" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host  # noqa: S104


def _environment() -> tuple[dict[str, str], list[str]]:
    given = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX) and value}
    known = {_variable(name): name for name in Settings.model_fields}
    unknown = sorted(given.keys() - known.keys() - {CONFIG_VARIABLE})
    faults = [f"{name} is not a setting{_nearest(name, [*known, CONFIG_VARIABLE])}." for name in unknown]
    return {known[name]: value for name, value in given.items() if name in known}, faults


def _file(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, [f"{path} cannot be read: {error.strerror}. Right would be: a TOML file that this user may read."]
    except ValueError as error:  # not TOML, or not UTF-8
        return {}, [f'{path} is not TOML: {error}. Right would be lines such as: data_dir = "data".']
    known = list(Settings.model_fields)
    faults = [f"{name} in {path} is not a setting{_nearest(name, known)}." for name in sorted(given.keys() - set(known))]
    return {name: value for name, value in given.items() if name in known}, faults


def _fault(error: Any, from_env: Mapping[str, Any], from_file: Mapping[str, Any], path: Path | None) -> str:
    if not error["loc"]:
        return f"{_reason(error)}."
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    where, given = (_variable(name), from_env[name]) if name in from_env else (f"{name} in {path}", from_file[name])
    value = _shown(given) if field.repr else "its value"
    return f"{where}: {value} is not accepted ({_reason(error)}). Right would be: {_right(field)}."


def _reason(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return "wrong form" if error["type"] == "string_pattern_mismatch" else text


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}" if close else "; `queue-server run --help` lists them all"


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _right(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["right"]) if isinstance(extra, dict) else ""


def _shown(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case tuple() | list():
            return ",".join(f"{edge:g}" if isinstance(edge, float) else str(edge) for edge in value)
        case _:
            return str(value)
