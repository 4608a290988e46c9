"""The description of the interface (OpenAPI 3.1), made from the same tables and types that answer the requests."""

from typing import Any

import msgspec
from msgspec import Struct

from queue_server.web.announcements import ANNOUNCE, PLACE, AnnouncementAnswer
from queue_server.web.branches import BranchesAnswer
from queue_server.web.commands import COMMANDS
from queue_server.web.problems import STATUS
from queue_server.web.reads import READS
from queue_server.wire.configuration_form import ConfigurationForm
from queue_server.wire.reading import Fault
from queue_server.wire.receipts import DayReceipt

Json = dict[str, Any]

_BRANCH = "/v1/branches/{branch}"
_PROBLEM_CODES = sorted(STATUS)
_COMMANDS = (*COMMANDS, ANNOUNCE)


class ProblemDetails(Struct, frozen=True):
    """Why a request was refused (RFC 9457); `code` is the stable name, and further members depend on it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] | None = None


def describe(version: str) -> Json:
    """Return the whole description; *version* is the program's."""
    _, schemas = msgspec.json.schema_components(_types(), ref_template="#/components/schemas/{name}")
    schemas["ProblemDetails"]["properties"]["code"] = {"type": "string", "enum": _PROBLEM_CODES}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Queue server",
            "version": version,
            "description": "Tickets, counters and calls of a branch. Instants are RFC 3339 in UTC; durations are seconds.",
        },
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types() -> list[Any]:
    types = [ConfigurationForm, BranchesAnswer, AnnouncementAnswer, ProblemDetails]
    types += [route.body for route in _COMMANDS] + [route.form for route in _COMMANDS] + [route.form for route in READS]
    return list(dict.fromkeys(types))


def _paths() -> Json:
    paths: Json = {
        "/v1/branches": {"get": _operation("The branches that this token may see", BranchesAnswer)},
        _BRANCH: {"get": _show(), "put": _put(), "parameters": [_in_path("branch")]},
        "/healthz": {"get": _open("Whether the process lives", _ANYTHING)},
        "/readyz": {"get": _open("Whether it can serve: the log answers", _ANYTHING)},
        "/openapi.json": {"get": _open("This description", _ANYTHING)},
        "/ui.json": {"get": _open("Where the screens find the push feed", _ANYTHING)},
        "/metrics": {"get": _open("Metrics for Prometheus", {"text/plain": {"schema": {"type": "string"}}})},
    }
    for command in _COMMANDS:
        operation = _operation(command.summary, command.form, status=command.status)
        required = any(field.required for field in msgspec.structs.fields(command.body))
        operation["requestBody"] = {"required": required, "content": _content(command.body)}
        operation["parameters"] = [_header("Idempotency-Key", "the same command again has no second effect", 128)]
        _place(paths, command.path)["post"] = operation
    for read in READS:
        operation = _operation(read.summary, read.form)
        asked = (*read.query, _AT_LEAST)
        operation["parameters"] = [_in_query(name, meaning) for name, meaning in asked]
        _place(paths, read.path)["get"] = operation
    announcement = _place(paths, PLACE)
    announcement["get"] = _operation("The free words of an announcement", AnnouncementAnswer)
    announcement["get"]["parameters"] = [_in_query(*_AT_LEAST)]
    announcement["delete"] = _operation("Delete the free words of an announcement", DayReceipt)
    return paths


def _place(paths: Json, path: str) -> Json:
    names = [part[1:-1] for part in f"{_BRANCH}{path}".split("/") if part.startswith("{")]
    place: Json = paths.setdefault(f"{_BRANCH}{path}", {"parameters": [_in_path(name) for name in names]})
    return place


def _show() -> Json:
    return _operation("The configuration, with its ETag", ConfigurationForm)


def _put() -> Json:
    operation = _operation("Create the branch, or replace its configuration", ConfigurationForm)
    operation["responses"]["201"] = {"description": "Created; its day is open", "content": _content(ConfigurationForm)}
    operation["requestBody"] = {"required": True, "content": _content(ConfigurationForm)}
    operation["parameters"] = [
        _header("If-Match", "the ETag of what is to be replaced", 200),
        _header("Idempotency-Key", "replacing it again with the same key has no second effect", 128),
        _in_query("effective", "now (default) or next_day"),
    ]
    return operation


def _operation(summary: str, form: type[Struct], *, status: int = 200) -> Json:
    return {
        "summary": summary,
        "responses": {
            str(status): {"description": summary, "content": _content(form)},
            "default": {"description": "A problem", "content": _content(ProblemDetails, "application/problem+json")},
        },
    }


def _open(summary: str, content: Json) -> Json:
    return {"summary": summary, "security": [], "responses": {"200": {"description": summary, "content": content}}}


_AT_LEAST = ("at_least", "{day}:{seq}: wait up to 2 s until the answer is as new")
_ANYTHING: Json = {"application/json": {"schema": {"type": "object"}}}


def _content(form: type[Struct], kind: str = "application/json") -> Json:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{form.__name__}"}}}


def _in_path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(name: str, meaning: str) -> Json:
    return {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}


def _header(name: str, meaning: str, longest: int) -> Json:
    return {"name": name, "in": "header", "description": meaning, "schema": {"type": "string", "maxLength": longest}}
