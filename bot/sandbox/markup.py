"""Text as Telegram stores it: plain, with entities that are counted in UTF-16.

With one unescaped `<`, the message is refused. With one emoji before a bold word, every offset counted in characters is
wrong. So the sandbox parses as Telegram does (after tdlib's `parse_html`; the tags and the date format are those of the
Bot API document, "Formatting options"), refuses in the same words with the same byte offsets, and counts in UTF-16 code
units.

    formatted("a <b>€</b>", "HTML", None, 4096)  ->  Text("a €", [{"type": "bold", "offset": 2, "length": 1}])
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.sandbox.entities import (
    DOMAIN,
    HOST,
    ORDER,
    FindUser,
    Json,
    Text,
    date_time,
    link,
    refused,
    sort_entities,
    utf16,
)
from bot.sandbox.markdown import parse_markdown, parse_markdown_v2
from bot.sandbox.refusals import Refusal, bad_request

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
ENTITIES_LIMIT: Final = 100
DATE_TIME_HORIZON: Final = 1098 * 86400  # a date_time entity may lie this far ahead

SIMPLE_TAGS: Final[Mapping[str, str]] = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
TAGS: Final = frozenset(SIMPLE_TAGS) | {"a", "tg-emoji", "tg-time", "pre", "code", "blockquote"}

_STYLES: Final = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_SEALED: Final = frozenset({"pre", "code"})

_NAMED_CHARACTERS: Final[Mapping[str, str]] = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_CHARACTER: Final = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-zA-Z]+));?")
_SPACES: Final = " \t\r\n\0\v"
# Control characters become spaces; \r, the marks that turn text round and two combining lines are dropped.
_DROPPED: Final = dict.fromkeys([0x0D, *range(0x2028, 0x202F), 0x0333, 0x033F])
_CLEANED: Final = {**{code: " " for code in range(0x20) if code not in (0x0A, 0x0D)}, **_DROPPED}


def formatted(
    text: str,
    parse_mode: str | None,
    entities: list[Json] | None,
    limit: int,
    *,
    user: FindUser = lambda _: None,
    now: float = 0.0,
    too_long: str = "message is too long",
) -> Text:
    """Return what Telegram keeps of a text: parsed, cleaned and trimmed, with its links and commands found.

    Given entities and a parse mode exclude each other; the parse mode wins, as at Telegram. `user` finds the person
    whom a `tg://user?id=` link names. Raises Refusal for markup that does not parse and for more than `limit` code
    units. The caller must refuse an empty result if it may not be empty: a caption may, a message may not.
    """
    mode = (parse_mode or "").lower()
    if mode in ("", "none"):
        parsed = Text(text, _given(entities or [], utf16(text)))
    elif mode in PARSERS:
        try:
            parsed = PARSERS[mode](text, user=user)
        except Refusal as refusal:
            raise bad_request(f"can't parse entities: {refusal.description}") from None
    else:
        raise bad_request("unsupported parse_mode")
    for entity in parsed.entities:
        if entity["type"] == "date_time" and not 0 <= entity["unix_time"] <= now + DATE_TIME_HORIZON:
            raise bad_request("can't parse entities: invalid date-time specified")
    parsed = _trimmed(parsed)
    if utf16(parsed.text) > limit:
        raise bad_request(too_long)
    settled = _settled(parsed.entities)
    settled = sort_entities([*settled, *found(parsed.text, settled)])
    return Text(parsed.text, settled[:ENTITIES_LIMIT])


class _Reader:
    """A cursor over the text. Positions are characters, or bytes where Telegram reports bytes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take_while(self, fits: Callable[[str], bool]) -> str:
        start = self.at
        while self.at < len(self.text) and fits(self.text[self.at]):
            self.at += 1
        return self.text[start : self.at]

    def skip_spaces(self) -> None:
        self.take_while(lambda c: c in _SPACES)

    def byte(self, at: int) -> int:
        return len(self.text[:at].encode("utf-8", "surrogatepass"))

    def character(self) -> str | None:
        """Read the character that `&…;` means. None, and nothing is read, if it is plain text."""
        found_reference = _CHARACTER.match(self.text, self.at)
        if found_reference is None:
            return None
        hexadecimal, decimal, name = found_reference.groups()
        if name is not None:
            result = _NAMED_CHARACTERS.get(name)
        else:
            code = int(hexadecimal, 16) if hexadecimal else int(decimal)
            digits_end = found_reference.end() - found_reference.group().endswith(";")
            result = chr(code) if 0 < code < 0x10FFFF and digits_end - self.at < 10 else None
        if result is not None:
            self.at = found_reference.end()
        return result


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    format: str
    offset: int
    start: int


def parse_html(text: str, *, user: FindUser = lambda _: None) -> Text:
    """Telegram's HTML without its tags. Entities are in the order in which they closed, then sorted.

    Raises Refusal with what Telegram says after "can't parse entities: ".
    """
    if "<" not in text and "&" not in text:
        return Text(text)
    reader, plain, offset, entities = _Reader(text), [""], 0, list[Json]()
    opened: list[_Open] = []
    while reader.at < len(text):
        character = reader.peek()
        if character == "&":
            decoded = reader.character()
            if decoded is None:
                decoded = character
                reader.at += 1
            plain.append(decoded)
            offset += utf16(decoded)
        elif character != "<":
            run = reader.take_while(lambda c: c not in "<&")
            plain.append(run)
            offset += utf16(run)
        elif text.startswith("</", reader.at):
            closing = _end_tag(reader, opened)
            if offset > closing.offset:
                inner = "".join(plain)
                _close(closing, offset, _from_utf16(inner, closing.offset), entities, user)
        else:
            opened.append(_start_tag(reader, offset))
    if opened:
        raise refused(f'Can\'t find end tag corresponding to start tag "{opened[-1].tag}"')
    whole = "".join(plain)
    if any(0xD800 <= ord(c) <= 0xDFFF for c in whole):
        try:
            whole = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise refused(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
                "surrogate code units"
            ) from None
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return Text(whole, sort_entities(entities))


PARSERS: Final[Mapping[str, Callable[..., Text]]] = {
    "html": parse_html,
    "markdownv2": parse_markdown_v2,
    "markdown": parse_markdown,
}


def _start_tag(reader: _Reader, offset: int) -> _Open:
    begin = reader.at
    where = reader.byte(begin)
    reader.at += 1
    tag = reader.take_while(lambda c: c not in _SPACES and c != ">").lower()
    if not reader.peek():
        raise refused(f"Unclosed start tag at byte offset {where}")
    if tag not in TAGS:
        raise refused(f'Unsupported start tag "{tag}" at byte offset {where}')
    argument, date_format = "", ""
    while reader.peek() != ">":
        reader.skip_spaces()
        if reader.peek() == ">":
            break
        name = reader.take_while(lambda c: c not in _SPACES and c not in "=>")
        if not name:
            if not reader.peek():
                raise refused(f'Unclosed start tag "{tag}" at byte offset {where}')
            raise refused(f'Empty attribute name in the tag "{tag}" at byte offset {where}')
        reader.skip_spaces()
        if reader.peek() != "=":
            if not reader.peek():
                raise refused(f'Unclosed start tag "{tag}" at byte offset {where}')
            if tag == "blockquote" and name == "expandable":
                argument = "expandable"
                continue
            raise refused(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" at byte offset {where}'
            )
        reader.at += 1
        reader.skip_spaces()
        value = _attribute_value(reader, tag, where)
        match tag, name:
            case ("a", "href") | ("tg-emoji", "emoji-id") | ("tg-time", "unix"):
                argument = value
            case ("tg-time", "format"):
                date_format = value
            case ("code", "class") if value.startswith("language-"):
                argument = value.removeprefix("language-")
            case ("span", "class") if value.startswith("tg-"):
                argument = value.removeprefix("tg-")
            case ("blockquote", "expandable"):
                argument = "expandable"
            case _:
                pass
    if tag == "span" and argument != "spoiler":
        raise refused(f'Tag "span" must have class "tg-spoiler" at byte offset {where}')
    reader.at += 1
    return _Open(tag, argument, date_format, offset, begin)


def _attribute_value(reader: _Reader, tag: str, where: int) -> str:
    if not reader.peek():
        raise refused(f'Unclosed start tag "{tag}" at byte offset {where}')
    quote = reader.peek()
    if quote not in "'\"":
        token = reader.byte(reader.at)
        value = reader.take_while(lambda c: (c.isascii() and c.isalnum()) or c in ".-").lower()
        if reader.peek() and reader.peek() not in _SPACES and reader.peek() != ">":
            raise refused(f"Unexpected end of name token at byte offset {token}")
    else:
        reader.at += 1
        parts: list[str] = []
        while reader.peek() and reader.peek() != quote:
            decoded = reader.character() if reader.peek() == "&" else None
            if decoded is None:
                decoded = reader.peek()
                reader.at += 1
            parts.append(decoded)
        reader.at += 1
        value = "".join(parts)
    if not reader.peek():
        raise refused(f"Unclosed start tag at byte offset {where}")
    return value


def _end_tag(reader: _Reader, opened: list[_Open]) -> _Open:
    where = reader.byte(reader.at)
    if not opened:
        raise refused(f"Unexpected end tag at byte offset {where}")
    reader.at += 2
    tag = reader.take_while(lambda c: c not in _SPACES and c != ">").lower()
    reader.skip_spaces()
    if reader.peek() != ">":
        raise refused(f"Unclosed end tag at byte offset {where}")
    reader.at += 1
    expected = opened[-1].tag
    if tag and tag != expected:
        raise refused(f'Unmatched end tag at byte offset {where}, expected "</{expected}>", found "</{tag}>"')
    return opened.pop()


def _close(closing: _Open, end: int, inner: str, entities: list[Json], user: FindUser) -> None:
    place: Json = {"offset": closing.offset, "length": end - closing.offset}
    last = entities[-1] if entities else {}
    is_same_place = (last.get("offset"), last.get("length")) == (place["offset"], place["length"])
    match closing.tag:
        case "a":
            entity = link(closing.argument or inner, user)
            if entity is not None:
                entities.append({**entity, **place})
        case "pre":
            if is_same_place and last["type"] == "code" and last.get("language"):
                last["type"] = "pre"
            else:
                entities.append({"type": "pre", **place})
        case "code":
            if is_same_place and last["type"] == "pre" and closing.argument:
                last["language"] = closing.argument
            else:
                language = {"language": closing.argument} if closing.argument else {}
                entities.append({"type": "code", **place, **language})
        case "blockquote":
            entities.append({"type": f"{closing.argument}_blockquote" if closing.argument else "blockquote", **place})
        case "tg-emoji":
            if not re.fullmatch(r"-?\d{1,19}", closing.argument) or int(closing.argument) == 0:
                raise refused("Invalid custom emoji identifier specified")
            entities.append({"type": "custom_emoji", **place, "custom_emoji_id": closing.argument})
        case "tg-time":
            entities.append({**date_time(closing.argument, closing.format), **place})
        case _:
            entities.append({"type": SIMPLE_TAGS[closing.tag], **place})


_BARE_URL: Final = re.compile(
    rf"(?<![\w@/.])(?:(?:https?|ftp)://{HOST}|{DOMAIN})(?::\d{{1,5}})?(?:[/?#][^\s<>\"]*)?", re.IGNORECASE
)


def _given(entities: Iterable[Json], length: int) -> list[Json]:
    kept = []
    for entity in entities:
        if entity["offset"] < 0 or entity["length"] <= 0 or entity["offset"] + entity["length"] > length:
            continue  # Telegram leaves out what lies outside the text
        if entity["type"] in ("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"):
            continue  # found again below, whatever the bot says
        if entity["type"] not in ORDER:
            raise bad_request(f'can\'t parse MessageEntity: unsupported type "{entity["type"]}"')
        kept.append(dict(entity))
    return kept


def _from_utf16(text: str, offset: int) -> str:
    if text.isascii():
        return text[offset:]
    return text.encode("utf-16-le", "surrogatepass")[2 * offset :].decode("utf-16-le", "surrogatepass")


def _trimmed(parsed: Text) -> Text:
    """The text without what Telegram strips; offsets are moved along."""
    text = parsed.text
    if any(ord(c) in _CLEANED for c in text):
        units: list[int] = []  # where each UTF-16 unit of the old text is in the new one
        clean: list[str] = []
        at = 0
        for c in text:
            new = c.translate(_CLEANED)
            units.extend([at] * utf16(c))
            clean.append(new)
            at += utf16(new)
        units.append(at)
        moved = []
        for entity in parsed.entities:
            start, end = units[entity["offset"]], units[entity["offset"] + entity["length"]]
            moved.append({**entity, "offset": start, "length": end - start})
        parsed = Text("".join(clean), [entity for entity in moved if entity["length"] > 0])
        text = parsed.text
    bare = text.strip(" \n\t")
    if bare == text:
        return parsed
    lead, length = utf16(text[: len(text) - len(text.lstrip(" \n\t"))]), utf16(bare)
    kept = []
    for entity in parsed.entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, length)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return Text(bare, kept)


def _end(entity: Json) -> int:
    return int(entity["offset"]) + int(entity["length"])


def _settled(entities: list[Json]) -> list[Json]:
    """Entities that may stand together: no style in or around code, none twice over the same letters."""
    sealed = [entity for entity in entities if entity["type"] in _SEALED]
    result: list[Json] = []
    for entity in sort_entities(entities):
        pieces = [entity]
        if entity["type"] in _STYLES:
            for code in sealed:
                pieces = [part for piece in pieces for part in _outside(piece, code)]
        elif entity["type"] not in _SEALED and any(_holds(code, entity) for code in sealed):
            continue
        for piece in pieces:
            if not any(other["type"] == piece["type"] and _holds(other, piece) for other in result):
                result.append(piece)
    return result


def _holds(outer: Json, inner: Json) -> bool:
    return bool(outer["offset"] <= inner["offset"] and _end(inner) <= _end(outer))


def _outside(entity: Json, code: Json) -> list[Json]:
    start, end = entity["offset"], _end(entity)
    pieces = [(start, min(end, code["offset"])), (max(start, _end(code)), end)]
    return [{**entity, "offset": a, "length": b - a} for a, b in pieces if b > a]


# What people and bots write without markup. Telegram's server finds it in this order.
_FOUND: Final = (
    ("url", _BARE_URL),
    ("email", re.compile(rf"(?<![\w.])[a-z0-9_+.-]{{1,64}}@{DOMAIN}", re.IGNORECASE)),
    ("mention", re.compile(r"(?<![\w/])@[a-zA-Z][a-zA-Z0-9_]{2,31}(?!\w)")),
    ("bot_command", re.compile(r"(?<![\w/<>@])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>@])")),
    ("hashtag", re.compile(r"(?<![\w/])#(?!\d+(?!\w))\w{1,256}")),
    ("phone_number", re.compile(r"(?<![\w+])\+\d{10,15}(?!\w)")),
)
# fmt: off
_COMMON_ENDS: Final = frozenset((
    "com", "org", "net", "edu", "gov", "int", "mil", "info", "biz", "do", "ht", "es", "mx", "us", "uk", "fr", "de",
    "eu", "io", "me", "app", "dev", "cat", "pr", "cu", "co", "ar", "cl", "pe", "br", "ca", "ch",
))
# fmt: on


def _is_address(words: str, next_character: str) -> bool:
    """Whether these words are a link. Without a scheme, the host must end like one, and "@" must not follow."""
    if "://" in words:
        return True
    end_of_host = re.split(r"[:/?#]", words)[0].rpartition(".")[2].lower()
    return end_of_host in _COMMON_ENDS and next_character != "@"


def found(text: str, marked: Iterable[Json] = ()) -> list[Json]:
    """Addresses, mentions, commands, hashtags and telephone numbers in a text, outside of links and code."""
    if not any(c in text for c in "@/#+."):
        return []
    closed = ("pre", "code", "text_link", "text_mention")
    taken = [(entity["offset"], _end(entity)) for entity in marked if entity["type"] in closed]
    result: list[Json] = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            words = match.group()
            if kind == "url":
                words = words.rstrip(".,;:!?)'\"»…")
                if not _is_address(words, text[match.end() : match.end() + 1]):
                    continue
            start = utf16(text[: match.start()])
            end = start + utf16(words)
            if all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                result.append({"type": kind, "offset": start, "length": end - start})
    return result
