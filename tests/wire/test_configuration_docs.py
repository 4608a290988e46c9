"""What the documentation says of a configuration: its example is one, and it names every key with its default."""

import json
import re
import tomllib
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest
from msgspec import NODEFAULT, Struct

from queue_server.core.configuration import Preference
from queue_server.runtime.calendar import timetable
from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.configuration_form import ConfigurationForm
from queue_server.wire.policy_form import CapConfiguration, PolicyConfiguration

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "configuration.md").read_text("utf-8")
EXAMPLE = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.partition("## Tiers")[0], re.MULTILINE)

SAID_IN_WORDS = {"languages", "default_tier"}


def forms(kind: Any) -> set[type[Struct]]:
    """Every form within *kind*; those of the rules of calling have a page of their own."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        if kind in {PolicyConfiguration, CapConfiguration}:
            return set()
        return {kind}.union(*(forms(field.type) for field in msgspec.structs.fields(kind)))
    if get_origin(kind) in {Annotated, tuple, dict, list, Union, UnionType}:
        return set().union(*map(forms, get_args(kind)))
    return set()


def test_the_worked_example_is_a_branch() -> None:
    (text,) = EXAMPLE
    rules = read_configuration(tomllib.loads(text), "central")
    assert read_configuration(json.loads(msgspec.json.encode(configuration_form(rules)))) == rules
    payday = timetable(rules, "2026-11-30")
    assert payday.windows is not None
    assert len(payday.windows) == 2, "a lunch break"
    assert payday.service_target_ms == {"cash": {"gold": 900_000, "standard": 2_400_000}}
    assert list(payday.services) == ["loans"]
    assert list(payday.arrivals) == ["elderly_hour"]
    assert timetable(rules, "2026-12-25").windows == ()
    assert rules.elastic[0].back_waiting < (rules.elastic[0].waiting or 0)
    assert rules.profiles[2].preference == {"cash": Preference.FIRST}


@pytest.mark.parametrize("form", sorted(forms(ConfigurationForm), key=repr))
def test_every_key_is_explained(form: type[Struct]) -> None:
    for field in msgspec.structs.fields(form):
        assert re.search(rf"`{field.encode_name}`|[{{,] ?{field.encode_name} =", PAGE), f"{field.encode_name} of {form.__name__}"


def test_the_defaults_of_the_branch_are_as_they_are_told() -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(ConfigurationForm)}
    assert sorted(name for name, _ in ROWS) == sorted(fields)
    for name, told in ROWS:
        if name in SAID_IN_WORDS:
            continue
        field = fields[name]
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        said = "required" if default is NODEFAULT else f"`{json.dumps(msgspec.to_builtins(default))}`"
        assert told == said, name


def test_the_pages_list_links_to_it() -> None:
    assert "(configuration.md)" in (DOCS / "README.md").read_text("utf-8")
