"""The environment: what is wrong is one sentence that names the variable, never its value."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from bot.errors import Complaint
from bot.settings import Settings, read_settings

TOKEN = "7000000001:AAExample"


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without .env, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ENLACE_{name.upper()}", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("telegram_token", TOKEN),
        ("webhook_secret", "a-long-word"),
        ("database_url", "postgresql+psycopg://enlace:p%40ss@db/enlace"),
    ],
)
def test_a_secret_may_stand_in_a_file(alone: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str) -> None:
    """As containers and systemd credentials hand it over, with the line end that an editor leaves."""
    (alone / "secret").write_text(content + "\n", "utf-8")
    monkeypatch.setenv(f"ENLACE_{name.upper()}_FILE", str(alone / "secret"))
    settings = read_settings()
    found = getattr(settings, name)
    assert (found if isinstance(found, str) else found.get_secret_value()) == content
    assert content not in repr(settings)


def test_a_secret_is_read_past_the_mark_that_an_editor_writes(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' editors begin a file with a byte order mark."""
    (alone / "secret").write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    monkeypatch.setenv("ENLACE_TELEGRAM_TOKEN_FILE", str(alone / "secret"))
    assert read_settings().telegram_token.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TELEGRAM_TOKEN", "7:canary token"),
        ("TELEGRAM_TOKEN", '"7:canary"'),
        ("TELEGRAM_TOKEN", "7:../canary?x#y"),
        ("TELEGRAM_API", "http://somebody:canary@127.0.0.1:9"),
        ("DATABASE_URL", "postgresql://enlace:p@canary@db/enlace"),
        ("DATABASE_URL", "postgresql://enlace:canary@db:99x/enlace"),
        ("DATABASE_URL", "postgresql://enlace:canary@[::1/enlace"),
    ],
)
def test_what_would_show_a_secret_where_it_fails_is_refused(
    alone: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """An error names the host that was not found, or the address that was not reached: a part of the secret."""
    monkeypatch.setenv(f"ENLACE_{variable}", value)
    with pytest.raises(Complaint, match=f"ENLACE_{variable}: must be") as complaint:
        read_settings()
    assert "canary" not in str(complaint.value)


@pytest.mark.parametrize(
    ("content", "environment", "said"),
    [
        (f"{TOKEN}\n7:other", {}, "ENLACE_TELEGRAM_TOKEN_FILE names holds more than one line"),
        (TOKEN * 1000, {}, "ENLACE_TELEGRAM_TOKEN_FILE names holds more than one line"),
        (None, {}, "ENLACE_TELEGRAM_TOKEN_FILE names cannot be read (FileNotFoundError)"),
        (" \n", {}, "ENLACE_TELEGRAM_TOKEN_FILE names is empty"),
        (TOKEN, {"ENLACE_TELEGRAM_TOKEN": "7:other"}, "ENLACE_TELEGRAM_TOKEN_FILE too: leave one of them out"),
    ],
    ids=["two lines", "long", "missing", "empty", "twice"],
)
def test_a_file_of_no_use_is_named(
    alone: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, environment: dict[str, str], said: str
) -> None:
    """The bot does not start with another token than somebody meant."""
    if content is not None:
        (alone / "secret").write_text(content, "utf-8")
    for name, value in environment.items() | {("ENLACE_TELEGRAM_TOKEN_FILE", str(alone / "secret"))}:
        monkeypatch.setenv(name, value)
    with pytest.raises(Complaint) as complaint:
        read_settings()
    assert said in str(complaint.value)
    assert TOKEN not in str(complaint.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EVENTS_PORTS", "443,"),
        ("EVENTS_PORTS", "443,canary"),
        ("EVENTS_PORTS", "0"),
        ("EVENTS_INSIDE", "10.20.0.1/16"),
        ("WEBHOOK_URL", "https://example.org:0/canary"),
        ("WEBHOOK_URL", "https://example.org/a canary"),
        ("WEBHOOK_URL", "ftp://example.org/canary"),
        ("APP_URL", "https://example.org/canary"),
        ("SEND_RATE", "inf"),
        ("LOG_FORMAT", "canary"),
        ("METRICS", "canary"),
    ],
)
def test_what_is_no_such_setting_is_named_and_not_repaired(
    alone: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The sentence names the variable, and shows nothing of its value."""
    monkeypatch.setenv(f"ENLACE_{variable}", value)
    with pytest.raises(Complaint, match=f"cannot be used: ENLACE_{variable}: ") as complaint:
        read_settings()
    assert "canary" not in str(complaint.value)


def test_networks_may_end_with_a_comma(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As lists do that somebody shortens."""
    monkeypatch.setenv("ENLACE_EVENTS_INSIDE", "10.20.0.0/16, 127.0.0.1/32,")
    assert read_settings().reach.inside == (ip_network("10.20.0.0/16"), ip_network("127.0.0.1/32"))


def test_the_database_that_is_used_without_a_setting_may_not_be_given_beside_a_file(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the default, and was given all the same."""
    (alone / "secret").write_text("postgresql+psycopg://db/enlace", "utf-8")
    monkeypatch.setenv("ENLACE_DATABASE_URL_FILE", str(alone / "secret"))
    monkeypatch.setenv("ENLACE_DATABASE_URL", "sqlite:///enlace.db")
    with pytest.raises(Complaint, match="leave one of them out"):
        read_settings()


def test_the_password_of_the_database_is_kept_out_of_logs(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands in the address, and as the server is told it."""
    monkeypatch.setenv("ENLACE_DATABASE_URL", "postgresql+psycopg://enlace:p%40ssword@db/enlace")
    assert {"p%40ssword", "p@ssword"} <= set(read_settings().secrets)
    monkeypatch.setenv("ENLACE_DATABASE_URL", "postgresql+psycopg:///enlace?host=/run&password=p%40ssword")
    assert "p@ssword" in read_settings().secrets
