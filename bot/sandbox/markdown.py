"""Telegram's two Markdowns, which differ from Markdown and from each other.

In MarkdownV2, eighteen characters must be escaped wherever they are plain text: one unescaped full stop, and the
message is refused. In the older Markdown nothing nests, and a single underscore swallows the rest. (After tdlib's
`parse_markdown_v2` and `parse_markdown`: the same texts, entities, refusals and byte offsets.)

    parse_markdown_v2("*a* ||b||")  ->  Text("a b", [bold 0 1, spoiler 2 1])
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.entities import FindUser, Json, Text, date_time, link, refused, sort_entities, utf16

RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!\n")
# How each entity opens, the longer mark first; its name in tdlib; its name in the Bot API.
_MARKS: Final = (
    ("```", "Pre", "pre"),
    ("`", "Code", "code"),
    ("__", "Underline", "underline"),
    ("_", "Italic", "italic"),
    ("*", "Bold", "bold"),
    ("~", "Strikethrough", "strikethrough"),
    ("||", "Spoiler", "spoiler"),
    ("![", "CustomEmoji", "custom_emoji"),
    ("[", "TextUrl", "text_link"),
)
_TYPES: Final = {name: kind for _, name, kind in _MARKS} | {"PreCode": "pre"}
_ENDS: Final = {name: mark for mark, name, _ in _MARKS} | {"PreCode": "```", "CustomEmoji": "]", "TextUrl": "]"}
_VERBATIM: Final = frozenset({"Pre", "PreCode", "Code"})
_LANGUAGE: Final = re.compile(r"([^\s`]+)(?=\s)")
_LINE_END: Final = re.compile(r"\r\n|\n\r|\n|\r")


@dataclass(slots=True)
class _Open:
    name: str
    at: int  # in the source
    offset: int  # in UTF-16 units of the result
    part: int  # how many pieces of the result came before
    language: str = ""


class _Markdown:
    """What both dialects share: a cursor over the source, and the result so far."""

    def __init__(self, text: str, user: FindUser) -> None:
        self.text = text
        self.user = user
        self.at = 0
        self.parts: list[str] = []
        self.offset = 0
        self.entities: list[Json] = []

    def byte(self, at: int) -> int:
        return len(self.text[:at].encode("utf-8", "surrogatepass"))

    def put(self, piece: str) -> None:
        self.parts.append(piece)
        self.offset += utf16(piece)

    def add(self, entity: Json | None, offset: int) -> None:
        if entity is not None and self.offset > offset:
            self.entities.append({**entity, "offset": offset, "length": self.offset - offset})

    def language(self) -> str:
        """Read the language that follows ``` at once, and the end of that line."""
        found = _LANGUAGE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        end = _LINE_END.match(self.text, self.at)
        self.at = end.end() if end else self.at
        return found.group() if found else ""

    def until_parenthesis(self, *, is_escaped: bool) -> str | None:
        """Read the URL up to `)`, without the parenthesis. None if it never ends."""
        url = ""
        while self.at < len(self.text) and self.text[self.at] != ")":
            if is_escaped and self.is_escape():
                self.at += 1
            url += self.text[self.at]
            self.at += 1
        return url if self.at < len(self.text) else None

    def is_escape(self) -> bool:
        return self.text[self.at] == "\\" and "\x00" < self.text[self.at + 1 : self.at + 2] <= "~"

    def result(self) -> Text:
        return Text("".join(self.parts), sort_entities(self.entities))


class _V2(_Markdown):
    """Keeps a stack of open entities. One may be a quotation, whose lines begin with `>`."""

    def __init__(self, text: str, user: FindUser) -> None:
        super().__init__(text, user)
        self.opened: list[_Open] = []
        self.is_line_start = True

    @property
    def is_quoting(self) -> bool:
        return any(each.name == "BlockQuote" for each in self.opened)

    def parse(self) -> Text:
        while self.at < len(self.text):
            top = self.opened[-1].name if self.opened else ""
            c = self.text[self.at]
            if self.is_escape():
                self.at += 1
                self.write(self.text[self.at])
            elif (c != "`") if top in _VERBATIM else (c not in RESERVED):
                self.write(c)
            elif c == "\n":
                self.write(c)
                self.is_line_start = True
                if self.is_quoting and not self.text.startswith(">", self.at):
                    self.end_quotation()
            elif top and self.ends(top):
                self.close(self.opened.pop())
            else:
                self.open()
        if self.is_quoting:
            self.end_quotation()
        self.expect_closed()
        return self.result()

    def write(self, c: str) -> None:
        self.put(c)
        self.at += 1
        if c != "\r":
            self.is_line_start = False

    def ends(self, name: str) -> bool:
        if name == "Italic":
            return self.text.startswith("_", self.at) and not self.text.startswith("__", self.at)
        return name in _ENDS and self.text.startswith(_ENDS[name], self.at)

    def open(self) -> None:
        begin = self.at
        if self.text.startswith(">", self.at) and self.is_line_start:
            self.at += 1
            self.is_line_start = False
            if not self.is_quoting:
                self.opened.append(_Open("BlockQuote", begin, self.offset, len(self.parts)))
            return
        for mark, name, _ in _MARKS:
            if self.text.startswith(mark, self.at):
                self.at += len(mark)
                language = self.language() if name == "Pre" else ""
                name = "PreCode" if language else name
                self.opened.append(_Open(name, begin, self.offset, len(self.parts), language))
                return
        raise refused(f"Character '{self.text[begin]}' is reserved and must be escaped with the preceding '\\'")

    def close(self, closing: _Open) -> None:
        self.at += len(_ENDS[closing.name])
        entity: Json | None = {"type": _TYPES[closing.name]}
        if closing.language:
            entity = {"type": "pre", "language": closing.language}
        elif closing.name == "TextUrl":
            url: str | None = "".join(self.parts[closing.part :])
            if self.text.startswith("(", self.at):
                self.at += 1
                begin = self.at
                url = self.until_parenthesis(is_escaped=True)
                if url is None:
                    raise refused(f"Can't find end of a URL at byte offset {self.byte(begin)}")
                self.at += 1
            entity = link(url or "", self.user)
        elif closing.name == "CustomEmoji":
            entity = self.emoji_or_time()
        self.add(entity, closing.offset)

    def emoji_or_time(self) -> Json:
        """Read `![…]`, which must be followed by tg://emoji?id= or tg://time?unix=&format=."""
        if not self.text.startswith("(", self.at):
            raise refused("Custom emoji entity must contain a tg://emoji URL")
        self.at += 1
        begin = self.at
        url = self.until_parenthesis(is_escaped=True)
        if url is None:
            raise refused(f"Can't find end of a custom emoji URL at byte offset {self.byte(begin)}")
        self.at += 1
        if not url.lower().startswith("tg:"):
            raise refused("Custom emoji URL must have scheme tg")
        parts = urlsplit("tg://" + url[3:].removeprefix("//"))
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.netloc.lower() == "time":
            return date_time(given.get("unix", ""), given.get("format", ""))
        if parts.netloc.lower() != "emoji":
            raise refused('Custom emoji URL must have host "emoji"')
        if "id" not in given:
            raise refused("Custom emoji URL must have an emoji identifier")
        if not re.fullmatch(r"-?[1-9]\d{0,18}", given["id"]):
            raise refused("Invalid custom emoji identifier specified")
        return {"type": "custom_emoji", "custom_emoji_id": given["id"]}

    def end_quotation(self) -> None:
        """End the quotation after the line's end. A spoiler mark at its very end makes it expandable."""
        kind = "blockquote"
        last = self.opened[-1]
        is_empty = "".join(self.parts[last.part :]).strip("\r\n") == ""
        if last.name == "Spoiler" and is_empty and self.opened[-2].name == "BlockQuote":
            self.opened.pop()
            kind = "expandable_blockquote"
        if self.opened[-1].name != "BlockQuote":
            self.expect_closed()
        self.add({"type": kind}, self.opened.pop().offset)

    def expect_closed(self) -> None:
        if self.opened:
            last = self.opened[-1]
            raise refused(f"Can't find end of {last.name} entity at byte offset {self.byte(last.at)}")


class _V1(_Markdown):
    """Entities never nest: each one is read to its end as soon as it begins."""

    def parse(self) -> Text:
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("_*`["):
                self.put(self.text[self.at + 1])
                self.at += 2
            elif c in "_*`[":
                self.entity(c)
            else:
                self.put(c)
                self.at += 1
        return self.result()

    def entity(self, c: str) -> None:
        begin, offset = self.at, self.offset
        mark = "```" if self.text.startswith("```", begin) else c
        self.at += len(mark)
        language = self.language() if mark == "```" else ""
        end = self.text.find("]" if c == "[" else mark, self.at)
        if end < 0:
            raise refused(f"Can't find end of the entity starting at byte offset {self.byte(begin)}")
        inner = self.text[self.at : end]
        self.put(inner)
        self.at = end + len(mark)
        entity: Json | None
        match mark:
            case "_":
                entity = {"type": "italic"}
            case "*":
                entity = {"type": "bold"}
            case "`":
                entity = {"type": "code"}
            case "```":
                entity = {"type": "pre", "language": language} if language else {"type": "pre"}
            case _ if inner:
                entity = self.linked(inner)
            case _:
                entity = None
        self.add(entity, offset)

    def linked(self, inner: str) -> Json | None:
        if not self.text.startswith("(", self.at):
            return link(inner, self.user)
        self.at += 1
        begin = self.at
        url = self.until_parenthesis(is_escaped=False)
        if url is None:
            raise refused(f"Can't find end of a URL at byte offset {self.byte(begin)}")
        self.at += 1
        return link(url, self.user)


def parse_markdown_v2(text: str, *, user: FindUser = lambda _: None) -> Text:
    """MarkdownV2 without its marks. Raises Refusal with what Telegram says after "can't parse entities: "."""
    return _V2(text, user).parse()


def parse_markdown(text: str, *, user: FindUser = lambda _: None) -> Text:
    """The older Markdown without its marks. Raises Refusal likewise."""
    return _V1(text, user).parse()
