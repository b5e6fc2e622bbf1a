"""The styles that authors write into labels and hints: Markdown and a little HTML, as ODK's apps show them.

`**bold**`, `*italic*`, `# heading`, `[text](https://…)`, `<b>`, `<br>` and the like. Styles that a chat cannot show (a
colour, a size) are left out; a button has no style at all. A link shows its address as text, which the phone makes
tappable: a label may contain what somebody typed, and their words must not hide an address (S7). Source:
docs.getodk.org, "Styling prompts".
"""

import html
import re

from conversations.card import Line, Span, Style, line

_ANY = re.compile(r"[*_#\[<&\\]")
_TAGS = (
    (re.compile(r"<br\s*/?>|</(?:p|div|h[1-6]|li|tr)>", re.IGNORECASE), "\n"),
    (re.compile(r"</?(?:b|strong)(?:\s[^<>]*)?>", re.IGNORECASE), "**"),
    (re.compile(r"</?(?:i|em)(?:\s[^<>]*)?>", re.IGNORECASE), "*"),
    (re.compile(r"<li(?:\s[^<>]*)?>", re.IGNORECASE), "• "),
    (re.compile(r"<a\s[^<>]*href\s*=\s*[\"']([^\"'<>]*)[\"'][^<>]*>([^<>]*)</a>", re.IGNORECASE), r"[\2](\1)"),
    (
        re.compile(
            r"</?(?:a|center|div|font|h[1-6]|hr|img|mark|ol|p|small|span|style|sub|sup|table|td|th|tr|u|ul)(?:\s[^<>]*)?/?>",
            re.IGNORECASE,
        ),
        "",
    ),
)
_HEADING = re.compile(r"#{1,6}\s+")
_INLINE = re.compile(
    r"\\(?P<literal>[\\*_#\[\]])"
    r"|\*\*(?=\S)(?P<strong>(?:[^*\n]|\*(?!\*))+?)(?<=\S)\*\*"
    r"|__(?=\S)(?P<under>(?:[^_\n]|_(?!_))+?)(?<=\S)__"
    r"|(?<![\w*])\*(?=[^\s*])(?P<star>[^*\n]+?)(?<=\S)\*(?![\w*])"
    r"|(?<![\w_])_(?=[^\s_])(?P<line>[^_\n]+?)(?<=\S)_(?![\w_])"
    r"|\[(?P<text>[^\[\]\n]*)\]\((?P<url>[^()\s]+)\)"
)


def marked(text: str, style: Style | None = None) -> tuple[Line, ...]:
    """The lines of a text with the styles that its author wrote. Text without a style gets `style`."""
    if not _ANY.search(text):
        return tuple(line(_styled(part, style)) for part in text.split("\n"))
    return tuple(_line(part, style) for part in _without_tags(text).split("\n"))


def spoken(text: str) -> str:
    """Return the same words without a style, for a button, a list or a summary. A link becomes its text."""
    if not _ANY.search(text):
        return text
    words = (_INLINE.sub(_word, _HEADING.sub("", part, count=1)) for part in _without_tags(text).split("\n"))
    return "\n".join(words)


def _styled(text: str, style: Style | None) -> str | Span:
    return text if style is None else Span(text, style)


def _line(text: str, style: Style | None) -> Line:
    heading = _HEADING.match(text)
    if heading is not None:
        text, style = text[heading.end() :], "bold"
    spans: list[str | Span] = []
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            spans.append(_styled(text[at : found.start()], style))
        at = found.end()
        if found["url"] is not None:
            spans.append(_styled(_link(found["text"], found["url"]), style))
        elif found["literal"] is not None:
            spans.append(_styled(found["literal"], style))
        else:
            is_strong = found["strong"] is not None or found["under"] is not None
            spans.append(Span(_word(found), "bold" if is_strong else "italic"))
    if at < len(text) or not spans:
        spans.append(_styled(text[at:], style))
    return tuple(spans)


def _word(found: "re.Match[str]") -> str:
    if found["text"] is not None:
        return found["text"] or found["url"]
    inner = found["literal"] or found["strong"] or found["under"] or found["star"] or found["line"] or ""
    return inner if found["literal"] else _INLINE.sub(_word, inner)


def _link(text: str, url: str) -> str:
    return url if text.strip() in ("", url) else f"{text} ({url})"


def _without_tags(text: str) -> str:
    if "<" in text:
        for tag, instead in _TAGS:
            text = tag.sub(instead, text)
    return html.unescape(text)
