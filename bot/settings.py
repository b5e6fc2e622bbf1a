"""Every setting of Enlace with its default, read once from the environment and from `.env`."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import Complaint
from conversations.languages import FIRST, LANGUAGES

Network = IPv4Network | IPv6Network
TELEGRAM = "https://api.telegram.org"
LONGEST_SECRET = 4096
"""Characters in a file with one secret."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where receivers of events are called: on which ports, and in which networks besides the public internet."""

    inside: tuple[Network, ...] = ()
    ports: Collection[int] = (443, 80, 8443)


def inherited_environment() -> dict[str, str]:
    """The machine's environment without any setting of ours, for a child process that gets its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENLACE_")}  # noqa: TID251


# ------------------------------------------------------------------ what a setting must be
# ValueError: what the text should have been. pydantic's own sentences say the rest; none shows the text.
def _origin(address: HttpUrl) -> HttpUrl:
    if address.path != "/" or address.query or address.username:
        raise ValueError("must be an address without a path, such as https://enlace.example.org")
    return address


def _known_zone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not an IANA time zone, such as America/Santo_Domingo") from None
    return name


def _known_language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"not one of the languages of conversations/locales: {', '.join(LANGUAGES)}")
    return code


def _api_address(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if "@" in address:  # errors name the address
        raise ValueError("must be an address without a name and a password")
    return address.rstrip("/")


def _token(token: SecretStr) -> SecretStr:
    """Refuse what cannot be a part of an address: it would fail in the middle of one, with the text in the error.

    A local server of the Bot API may have tokens of another shape, so only their characters are checked.
    """
    if not re.fullmatch(r"[A-Za-z0-9:._~-]*", token.get_secret_value()):
        raise ValueError("must be a number, a colon, and letters, as BotFather gives it")
    return token


def _database_address(text: str) -> str:
    """Refuse what is read in two ways: what follows the first @ would be taken for the host, and shown."""
    try:
        parts = urlsplit(text)
        is_one = parts.netloc.count("@") <= 1 and parts.port != 0
    except ValueError:  # whose message shows the text
        is_one = False
    if not is_one:
        raise ValueError("must be postgresql+psycopg://NAME:PASSWORD@HOST:PORT/DATABASE; an @ in a password is %40")
    return text


def _address(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8443")
    return address


def _whole(text: object) -> object:
    """Refuse an address that a library would repair: a space in it, or the port 0."""
    if isinstance(text, str) and (" " in text or text.partition("://")[2].partition("/")[0].endswith(":0")):
        raise ValueError("must be an address that begins with http:// or https://")
    return text


def _parts(text: object) -> object:
    """Return the parts of a text, which commas separate; anything else as it is."""
    return [part.strip() for part in text.split(",")] if isinstance(text, str) else text


def _filled(text: object) -> object:
    """Return the parts of a text that are not empty; anything else as it is."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


WebAddress = Annotated[HttpUrl, BeforeValidator(_whole)]
Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(gt=0, lt=65536)]
_SECRET = Field(default=SecretStr(""), validate_default=True)
"""No secret was given, unless it stands in its file."""


SEND_RATE: Final = 29.0
"""Messages a second to all chats together, a little below what Telegram allows a bot."""


class Settings(BaseModel):
    """Names are a contract: `ENLACE_` and the field's name in capitals."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    telegram_token_file: Path | None = None
    database_url_file: Path | None = None
    webhook_secret_file: Path | None = None
    telegram_token: Annotated[SecretStr, AfterValidator(_token)] = _SECRET
    telegram_api: Annotated[str, AfterValidator(_api_address)] = TELEGRAM
    database_url: Annotated[str, AfterValidator(_database_address)] = Field(
        default="sqlite:///enlace.db", repr=False, validate_default=True
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = "America/Santo_Domingo"
    language: Annotated[str, AfterValidator(_known_language)] = FIRST
    webhook_url: WebAddress | None = None
    webhook_secret: SecretStr = _SECRET
    listen: Address = "127.0.0.1:8443"
    files: Path = Path("evidence")
    keys: Path = Path("enlace-keys.json")
    send_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = SEND_RATE
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    metrics: Address | None = None
    events_inside: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_filled)] = ()
    events_ports: Annotated[tuple[Port, ...], NoDecode, BeforeValidator(_parts)] = (443, 80, 8443)
    app_url: Annotated[WebAddress, AfterValidator(_origin)] | None = None

    @field_validator("telegram_token", "database_url", "webhook_secret", mode="before")
    @classmethod
    def _in_its_file(cls, given: Any, info: ValidationInfo) -> Any:
        """Read a secret from its file, if one is named: containers and systemd provide secrets in files."""
        file = info.data.get(f"{info.field_name}_file")
        if file is None:
            return given
        variable = f"ENLACE_{info.field_name}_FILE".upper()
        if given is not cls.model_fields[str(info.field_name)].default:  # not equal: the default may be given too
            raise ValueError(f"is given, and {variable} too: leave one of them out")
        return _secret_in(file, variable)

    @property
    def origin(self) -> str:
        """The public address of the data door, without a path; "" if no door is open."""
        return "" if self.app_url is None else str(self.app_url).rstrip("/")

    @property
    def reach(self) -> Reach:
        """The addresses and ports where receivers of events are called."""
        return Reach(self.events_inside, self.events_ports)

    @property
    def secrets(self) -> list[str]:
        """The values that no log line may contain: tokens, and the password in the database's address."""
        address = urlsplit(self.database_url)
        password = address.password or ""
        known = [
            self.telegram_token.get_secret_value(),
            self.webhook_secret.get_secret_value(),
            password,
            unquote(password),
            *parse_qs(address.query).get("password", ()),
        ]
        return [secret for secret in known if secret]


class _Environment(Settings, BaseSettings):
    """The settings as the environment tells them, and `.env` where it is silent. An empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix="ENLACE_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        validate_default=False,
    )


def read_settings() -> Settings:
    """The settings, or a Complaint that names each variable that is wrong, and never its value."""
    try:
        _expect_variables(Path(".env"))
        return _Environment()
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(f"The file .env cannot be read ({type(error).__name__}). See .env.example.") from None
    except ValidationError as error:
        faults = {
            f"ENLACE_{fault['loc'][0]}".upper(): fault["msg"].removeprefix("Value error, ")
            for fault in error.errors(include_url=False, include_input=False)
        }
        listed = "; ".join(f"{variable}: {what}" for variable, what in faults.items())
        raise Complaint(f"The settings cannot be used: {listed}. See .env.example.") from None


def _expect_variables(file: Path) -> None:
    """Complaint about a line of .env that is not NAME=value, because it would be ignored silently."""
    from dotenv.parser import parse_stream  # a server has its settings in the environment

    if not file.is_file():
        return
    with file.open(encoding="utf-8") as lines:
        wrong = [part.original for part in parse_stream(lines) if part.error]
    if wrong:
        first = wrong[0].line + len(wrong[0].string) - len(wrong[0].string.lstrip("\n"))
        raise Complaint(f"The file .env cannot be used: line {first} is not NAME=value. See .env.example.")


def _secret_in(file: Path, variable: str) -> str:
    """Read the one line of a file that this variable names. ValueError if it is no secret."""
    try:
        with file.open(encoding="utf-8-sig") as text:  # editors begin a file with a mark of its encoding
            content = text.read(LONGEST_SECRET + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file that {variable} names cannot be read ({type(error).__name__})") from None
    if not content:
        raise ValueError(f"the file that {variable} names is empty")
    if len(content.splitlines()) > 1 or len(content) > LONGEST_SECRET:
        raise ValueError(f"the file that {variable} names holds more than one line")
    return content


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address that has been validated; an IPv6 host without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
