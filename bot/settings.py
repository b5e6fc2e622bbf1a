"""Every setting of Enlace with its default, read once from the environment and from `.env` (DESIGN §2)."""

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

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


def read_settings() -> "Settings":
    """The settings, or a Complaint that names each variable that is wrong, and never its value."""
    try:
        file = Path(".env")
        stored = _stored(file) if file.is_file() else {}
        given = {name.upper(): text for name, text in stored.items() if text}
        given |= {name.upper(): text for name, text in os.environ.items() if text}  # noqa: TID251
        return settings_from(given)
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(f"The file .env cannot be read ({type(error).__name__}). See .env.example.") from None


def _stored(file: Path) -> Mapping[str, str | None]:
    """Read the variables in .env.

    Complaint about a line that is not NAME=value, because it would be ignored silently.
    """
    from dotenv import dotenv_values  # a server has its settings in the environment
    from dotenv.parser import parse_stream

    with file.open(encoding="utf-8") as lines:
        wrong = [part.original for part in parse_stream(lines) if part.error]
    if wrong:
        first = wrong[0].line + len(wrong[0].string) - len(wrong[0].string.lstrip("\n"))
        raise Complaint(f"The file .env cannot be used: line {first} is not NAME=value. See .env.example.")
    return dotenv_values(file, encoding="utf-8")


def inherited_environment() -> dict[str, str]:
    """The machine's environment without any setting of ours, for a child process that gets its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENLACE_")}  # noqa: TID251


class SecretStr:
    """A text that no log, no error and no `repr` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "SecretStr(**)"


# ------------------------------------------------------------------ how a variable is read
# Each takes the text of a variable and returns the setting. ValueError: what the text should have been.
def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isascii()
    except ValueError:  # whose message shows the text
        is_one = False
    if not is_one or " " in text:
        raise ValueError("must be an address that begins with http:// or https://")
    return urlunsplit(parts._replace(path=parts.path or "/"))


def _origin(text: str) -> str:
    address = _web_address(text)
    parts = urlsplit(address)
    if parts.path != "/" or parts.query or parts.username:
        raise ValueError("must be an address without a path, such as https://enlace.example.org")
    return address


def _networks(text: str) -> str:
    try:
        read_networks(text)
    except ValueError:
        raise ValueError("not networks separated by commas, such as 10.20.0.0/16,127.0.0.1/32") from None
    return text


def _ports(text: str) -> str:
    if not all(0 < port < 65536 for port in _numbers(text)):
        raise ValueError("not ports separated by commas, such as 443,8443")
    return text


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


def _token(text: str) -> SecretStr:
    """Refuse what cannot be a part of an address: it would fail in the middle of one, with the text in the error.

    A local server of the Bot API may have tokens of another shape, so only their characters are checked.
    """
    if not re.fullmatch(r"[A-Za-z0-9:._~-]+", text):
        raise ValueError("must be a number, a colon, and letters, as BotFather gives it")
    return SecretStr(text)


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


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise ValueError("must be a number, 0 or more")
    return rate


def _one_of(*known: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return text

    return read


def _set(default: Any, read: Callable[[str], object] = str, **options: Any) -> Any:
    """A setting, its default, and how its variable is read."""
    return field(default=default, metadata={"read": read}, **options)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Names are a contract: `ENLACE_` and the field's name in capitals."""

    telegram_token_file: Path | None = _set(None, Path)
    database_url_file: Path | None = _set(None, Path)
    webhook_secret_file: Path | None = _set(None, Path)
    telegram_token: SecretStr = _set(SecretStr(""), _token)
    telegram_api: str = _set(TELEGRAM, _api_address)
    database_url: str = _set("sqlite:///enlace.db", _database_address, repr=False)
    timezone: str = _set("America/Santo_Domingo", _known_zone)
    language: str = _set(FIRST, _known_language)
    webhook_url: str | None = _set(None, _web_address)
    webhook_secret: SecretStr = _set(SecretStr(""), SecretStr)
    listen: str = _set("127.0.0.1:8443", _address)
    files: Path = _set(Path("evidence"), Path)
    keys: Path = _set(Path("enlace-keys.json"), Path)
    send_rate: float = _set(29.0, _rate)
    log_level: str = _set("INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    log_format: Literal["console", "json"] = _set("console", _one_of("console", "json"))
    metrics: str = _set("", _address)
    events_inside: str = _set("", _networks)
    events_ports: str = _set(",".join(map(str, Reach().ports)), _ports)
    app_url: str | None = _set(None, _origin)

    @property
    def origin(self) -> str:
        """The public address of the data door, without a path; "" if no door is open."""
        return "" if self.app_url is None else self.app_url.rstrip("/")

    @property
    def reach(self) -> Reach:
        """The addresses and ports where receivers of events are called."""
        return Reach(read_networks(self.events_inside), _numbers(self.events_ports))

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


def settings_from(given: Mapping[str, str]) -> Settings:
    """Make the settings from these variables. An empty variable counts as absent.

    One Complaint names every variable that is wrong.
    """
    texts = {name.upper(): text for name, text in given.items() if text}
    found: dict[str, Any] = {}
    faults = []
    for setting in fields(Settings):
        variable = f"ENLACE_{setting.name.upper()}"
        try:
            text = _in_its_file(variable, texts) if f"{variable}_FILE" in texts else texts.get(variable)
            if text is not None:
                found[setting.name] = setting.metadata["read"](text)
        except ValueError as error:
            faults.append(f"{variable}: {error}")
    if faults:
        raise Complaint(f"The settings cannot be used: {'; '.join(faults)}. See .env.example.")
    return Settings(**found)


def _in_its_file(variable: str, texts: Mapping[str, str]) -> str:
    """Read a secret from its file: containers and systemd provide secrets in files."""
    name = f"{variable}_FILE"
    if variable in texts:
        raise ValueError(f"is given, and {name} too: leave one of them out")
    try:
        with Path(texts[name]).open(encoding="utf-8-sig") as file:  # editors begin a file with a mark of its encoding
            content = file.read(LONGEST_SECRET + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file that {name} names cannot be read ({type(error).__name__})") from None
    if not content:
        raise ValueError(f"the file that {name} names is empty")
    if len(content.splitlines()) > 1 or len(content) > LONGEST_SECRET:
        raise ValueError(f"the file that {name} names holds more than one line")
    return content


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks, separated by commas. ValueError if one is not a network."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[int, ...]:
    """Return numbers, separated by commas; 0 for what is none."""
    return tuple(int(part) if part.strip().isdecimal() else 0 for part in text.split(","))


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address that has been validated; an IPv6 host without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
