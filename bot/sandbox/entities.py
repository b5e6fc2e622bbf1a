"""Texts with entities, in any markup: how entities are counted, sorted and linked.

Telegram counts in UTF-16 code units. It lists entities by their beginning, the longer first. (After tdlib's
`MessageEntity` and `LinkManager`.)
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from bot.sandbox.refusals import Refusal

Json = dict[str, Any]
FindUser = Callable[[int], Json | None]

# If two entities begin and end together, Telegram lists them in this order.
ORDER: Final = (
    "blockquote",
    "expandable_blockquote",
    "pre",
    "code",
    "text_link",
    "text_mention",
    "date_time",
    "custom_emoji",
    "spoiler",
    "strikethrough",
    "underline",
    "bold",
    "italic",
)


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text and its entities, sorted as Telegram sorts them."""

    text: str
    entities: list[Json] = field(default_factory=list)


def utf16(text: str) -> int:
    """The number of UTF-16 code units: Telegram's unit for every offset, length and limit."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def refused(words: str) -> Refusal:
    """Return the refusal with these words after "can't parse entities: "."""
    return Refusal(400, words)


def sort_entities(entities: Iterable[Json]) -> list[Json]:
    """Sort by the beginning, the longer first. At the same place, use Telegram's order."""

    def rank(entity: Json) -> tuple[int, int, int]:
        kind = entity["type"]
        return entity["offset"], -entity["length"], ORDER.index(kind) if kind in ORDER else -1

    return sorted(entities, key=rank)


DOMAIN: Final = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
HOST: Final = rf"(?:{DOMAIN}|localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})"
_URL: Final = re.compile(
    rf"(?:(https?|ftp|tonsite)://)?(?:[^\s/@]*@)?({HOST})(:\d{{1,5}})?(?:([/?#])\S*)?", re.IGNORECASE
)
_DATE_TIME_FORMAT: Final = re.compile(r"r|w?[dD]?[tT]?")
_USER_LINK: Final = re.compile(r"tg:(?://)?user/?\?id=(\d{1,18})", re.IGNORECASE)


def checked_url(url: str) -> str | None:
    """The URL as Telegram keeps it (with a scheme, and a slash after the host); None if it is no URL."""
    url = url.strip()
    if re.match(r"(tg|ton):", url, re.IGNORECASE):
        return url
    fits = _URL.fullmatch(url)
    if fits is None:
        return None
    whole = url if fits.group(1) else f"http://{url}"
    return whole if fits.group(4) else f"{whole}/"


def link(url: str, user: FindUser) -> Json | None:
    """The entity of a link, without its place; None if it is no URL, or names no known person."""
    mention = _USER_LINK.fullmatch(url)
    if mention is not None:
        person = user(int(mention.group(1)))
        return None if person is None else {"type": "text_mention", "user": person}
    checked = checked_url(url)
    return None if checked is None else {"type": "text_link", "url": checked}


def date_time(unix: str, written: str) -> Json:
    """The entity of a moment, without its place. `written` is how the phone writes it."""
    if not re.fullmatch(r"\d{1,19}", unix):
        raise refused("Invalid date-time specified")
    if not _DATE_TIME_FORMAT.fullmatch(written):
        raise refused("Invalid date-time format specified")
    return {"type": "date_time", "unix_time": int(unix), **({"date_time_format": written} if written else {})}
