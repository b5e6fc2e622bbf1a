"""The environment, read once: every setting of Enlace, with its default (DESIGN §2; `.env` is read too)."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from dotenv.parser import parse_stream
from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import Complaint
from conversations.languages import FIRST, LANGUAGES

Network = IPv4Network | IPv6Network
TELEGRAM = "https://api.telegram.org"


def read_settings() -> "Settings":
    """The settings, or a Complaint that names each variable that is wrong, and never its value."""
    try:
        _expect_readable(Path(".env"))
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"ENLACE_{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        )
        raise Complaint(f"The settings cannot be used: {faults}. See .env.example.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(f"The file .env cannot be read ({type(error).__name__}). See .env.example.") from None


def _expect_readable(file: Path) -> None:
    """Complaint about a line of .env that is no NAME=value: left out silently, a setting would have its default."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as lines:
        wrong = [part.original for part in parse_stream(lines) if part.error]
    if wrong:
        first = wrong[0].line + len(wrong[0].string) - len(wrong[0].string.lstrip("\n"))
        raise Complaint(f"The file .env cannot be used: line {first} is not NAME=value. See .env.example.")


def inherited_environment() -> dict[str, str]:
    """The machine's environment without any setting of ours, for a child process that gets its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENLACE_")}  # noqa: TID251


class Settings(BaseSettings):
    """Names are a contract: `ENLACE_` and the field's name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="ENLACE_",
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        validate_default=True,  # a secret that is not given may stand in its file
    )

    telegram_token_file: Path | None = None
    database_url_file: Path | None = None
    webhook_secret_file: Path | None = None
    telegram_token: SecretStr = SecretStr("")
    telegram_api: str = TELEGRAM
    database_url: str = Field(default="sqlite:///enlace.db", repr=False)
    timezone: str = "America/Santo_Domingo"
    language: str = FIRST
    webhook_url: AnyHttpUrl | None = None
    webhook_secret: SecretStr = SecretStr("")
    listen: str = "127.0.0.1:8443"
    files: Path = Path("evidence")
    keys: Path = Path("enlace-keys.json")
    send_rate: float = Field(default=29.0, ge=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    metrics: str = ""
    events_inside: str = ""
    app_url: AnyHttpUrl | None = None

    @field_validator("telegram_token", "database_url", "webhook_secret", mode="before")
    @classmethod
    def _of_its_file(cls, value: object, info: ValidationInfo) -> object:
        """Read a secret from its file, if one is named: containers and systemd hand secrets over in files."""
        name = f"{info.field_name}_file"
        file = info.data.get(name)
        if file is None:
            return value
        assert info.field_name is not None
        if value != cls.model_fields[info.field_name].default:
            raise ValueError(f"is given, and ENLACE_{name.upper()} too: leave one of them out")
        try:
            content = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"the file that ENLACE_{name.upper()} names cannot be read ({type(error).__name__})"
            ) from None
        if not content:
            raise ValueError(f"the file that ENLACE_{name.upper()} names is empty")
        return content

    @property
    def origin(self) -> str:
        """The public address of what others may call, without a path; "" where nothing is open to them."""
        return "" if self.app_url is None else str(self.app_url).rstrip("/")

    @field_validator("app_url")
    @classmethod
    def _without_path(cls, address: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if address is not None and ((address.path or "/") != "/" or address.query or address.username):
            raise ValueError("must be an address without a path, such as https://enlace.example.org")
        return address

    @property
    def secrets(self) -> list[str]:
        """The values that no log line may contain: tokens, and the password in the database's address."""
        password = urlsplit(self.database_url).password or ""
        known = [
            self.telegram_token.get_secret_value(),
            self.webhook_secret.get_secret_value(),
            password,
            unquote(password),
        ]
        return [secret for secret in known if secret]

    @field_validator("events_inside")
    @classmethod
    def _networks(cls, text: str) -> str:
        try:
            read_networks(text)
        except ValueError:
            raise ValueError("not networks separated by commas, such as 10.20.0.0/16,127.0.0.1/32") from None
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("not an IANA time zone, such as America/Santo_Domingo") from None
        return name

    @field_validator("language")
    @classmethod
    def _known_language(cls, code: str) -> str:
        if code not in LANGUAGES:
            raise ValueError(f"not one of the languages of conversations/locales: {', '.join(LANGUAGES)}")
        return code

    @field_validator("telegram_api")
    @classmethod
    def _no_trailing_slash(cls, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return address.rstrip("/")

    @field_validator("listen", "metrics")
    @classmethod
    def _address(cls, address: str, info: ValidationInfo) -> str:
        host, _, port = address.rpartition(":")
        is_nowhere = not address and info.field_name == "metrics"
        if not is_nowhere and (not host or not port.isdecimal() or not 0 <= int(port) < 65536):
            raise ValueError("must be HOST:PORT, such as 127.0.0.1:8443")
        return address


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks, separated by commas. ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address that has been validated; an IPv6 host without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
