import os
from pathlib import Path

import pytest

from queue_server.settings import Settings, SettingsError, describe, load, reached_at


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QUEUE_")]:
        monkeypatch.delenv(name)


def load_with(environ: dict[str, str], config: Path | None = None) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        return load(config)


def faults(environ: dict[str, str], config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_with(environ, config)
    first, *rest = str(caught.value).splitlines()
    assert first == ("The settings have 1 fault:" if len(rest) == 1 else f"The settings have {len(rest)} faults:")
    return rest


def test_defaults_are_safe_and_data_dir_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert (settings.http_host, settings.http_port, settings.push_port) == ("127.0.0.1", 8080, 8081)
    assert settings.data_dir == tmp_path / "data"
    assert {60, 120, 300, 600, 900, 1200, 1800} <= set(settings.wait_buckets)


def test_environment_wins_over_file(tmp_path: Path) -> None:
    config = tmp_path / "queue.toml"
    config.write_text('http_port = 9000\npush_port = 9001\nwait_buckets = [10, 20.5]\nlog_level = "debug"\n')
    settings = load_with({"QUEUE_CONFIG": str(config), "QUEUE_HTTP_PORT": "9100", "QUEUE_LOG_LEVEL": "WARNING"})
    assert (settings.http_port, settings.push_port) == (9100, 9001)
    assert list(settings.wait_buckets) == [10, 20.5]
    assert settings.log_level == "warning"


def test_named_file_wins_over_queue_config(tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    named.write_text("http_port = 9000\n")
    assert load_with({"QUEUE_CONFIG": str(tmp_path / "absent.toml")}, named).http_port == 9000


def test_keywords_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_HTTP_PORT", "9200")
    assert load().http_port == 9200
    assert Settings(http_port=0).http_port == 0


def test_lists_and_switches_from_the_environment() -> None:
    settings = load_with({"QUEUE_WAIT_BUCKETS": "1, 2.5,60", "QUEUE_METRICS_OPEN": "true", "QUEUE_PUSH_PUBLIC_URL": ""})
    assert list(settings.wait_buckets) == [1, 2.5, 60]
    assert settings.metrics_open is True
    assert settings.push_public_url is None


def test_every_fault_is_listed_with_what_would_be_right(tmp_path: Path) -> None:
    config = tmp_path / "queue.toml"
    config.write_text('batch_limit = 0\nlog_level = "loud"\nhtp_port = 1\n')
    found = faults({"QUEUE_HTTP_PORT": "eighty", "QUEUE_DATA_DIRR": "x", "QUEUE_OUTLOOK_SECONDS": "nan"}, config)
    assert len(found) == 6
    text = "\n".join(found)
    assert "QUEUE_DATA_DIRR is not a setting; did you mean QUEUE_DATA_DIR." in text
    assert f"htp_port in {config} is not a setting; did you mean http_port." in text
    assert "QUEUE_HTTP_PORT: eighty is not accepted (should be a valid integer" in text
    assert "Right would be: a port from 1 to 65535, or 0 for any free one." in text
    assert f"batch_limit in {config}: 0 is not accepted (should be greater than or equal to 1)" in text
    assert "Right would be: debug, info, warning or error." in text
    assert "QUEUE_OUTLOOK_SECONDS: nan" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUEUE_WAIT_BUCKETS", "60,30"),
        ("QUEUE_WAIT_BUCKETS", "0,30"),
        ("QUEUE_WAIT_BUCKETS", "30,inf"),
        ("QUEUE_WAIT_BUCKETS", "30,,60"),
        ("QUEUE_HTTP_PORT", "65536"),
        ("QUEUE_HTTP_HOST", " "),
        ("QUEUE_METRICS_OPEN", "perhaps"),
        ("QUEUE_PUSH_PUBLIC_URL", "http://queue.example.org"),
        ("QUEUE_HEARTBEAT_SECONDS", "0"),
        ("QUEUE_BUS_URL", "redis://localhost"),
    ],
)
def test_bad_value_is_one_fault_in_one_line(name: str, value: str) -> None:
    (fault,) = faults({name: value})
    assert fault.startswith(f"- {name}")
    assert "pydantic" not in fault


def test_two_servers_on_one_port_is_a_fault() -> None:
    assert faults({"QUEUE_HTTP_PORT": "9000", "QUEUE_PUSH_PORT": "9000"}) == [
        "- http_port and push_port are both 9000; give each a port of its own."
    ]
    assert load_with({"QUEUE_HTTP_PORT": "0", "QUEUE_PUSH_PORT": "0"}).push_port == 0


def test_password_is_never_shown() -> None:
    url = "postgresql://queue:s3cret@db/queue"
    assert "s3cret" not in repr(load_with({"QUEUE_DATABASE_URL": url}))
    (fault,) = faults({"QUEUE_DATABASE_URL": "mysql://queue:s3cret@db/queue"})
    assert "s3cret" not in fault
    assert "postgresql://" in fault


@pytest.mark.parametrize("content", [b"http_port = = 1", b'data_dir = "\xff"'])
def test_file_that_is_not_toml(tmp_path: Path, content: bytes) -> None:
    config = tmp_path / "queue.toml"
    config.write_bytes(content)
    (fault,) = faults({}, config)
    assert "is not TOML" in fault


def test_file_that_is_not_there(tmp_path: Path) -> None:
    (fault,) = faults({"QUEUE_CONFIG": str(tmp_path / "absent.toml")})
    assert "cannot be read: No such file" in fault


def test_describe_names_every_setting() -> None:
    text = describe()
    assert all(f"QUEUE_{name.upper()} " in text for name in Settings.model_fields)
    assert "None" not in text
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("::", "localhost"), ("::1", "[::1]"), ("hall", "hall")],  # noqa: S104
)
def test_an_address_to_connect_to_is_made_of_one_to_listen_on(host: str, name: str) -> None:
    assert reached_at(host) == name
