"""Telegram's HTML and Markdowns, as tdlib parses them: what is kept, how it counts, what is refused and how."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.helpers import escape_markdown

from bot.sandbox.entities import Text, checked_url, utf16
from bot.sandbox.markup import PARSERS, formatted, found, parse_html
from bot.sandbox.refusals import Refusal


def html(text: str, limit: int = 4096) -> Text:
    return formatted(text, "HTML", None, limit)


def refusal(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        html(text)
    return caught.value.description.removeprefix("Bad Request: can't parse entities: ")


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("b", "bold"),
        ("strong", "bold"),
        ("i", "italic"),
        ("em", "italic"),
        ("u", "underline"),
        ("ins", "underline"),
        ("s", "strikethrough"),
        ("strike", "strikethrough"),
        ("del", "strikethrough"),
        ("tg-spoiler", "spoiler"),
        ("code", "code"),
        ("pre", "pre"),
        ("blockquote", "blockquote"),
        ("B", "bold"),
    ],
)
def test_every_tag_of_the_document_becomes_its_entity(tag: str, kind: str) -> None:
    """The tags are those of "Formatting options", in either case."""
    assert html(f"a <{tag}>bc</{tag}> d") == Text("a bc d", [{"type": kind, "offset": 2, "length": 2}])


def test_offsets_count_utf16_code_units() -> None:
    """An emoji is two, a letter with an accent one."""
    assert html("😀é<b>ñ👍</b>").entities == [{"type": "bold", "offset": 3, "length": 3}]


def test_a_span_must_be_a_spoiler() -> None:
    """No other class exists."""
    assert html('<span class="tg-spoiler">x</span>').entities == [{"type": "spoiler", "offset": 0, "length": 1}]
    assert refusal('ñ<span class="red">x</span>') == 'Tag "span" must have class "tg-spoiler" at byte offset 2'


def test_links_are_kept_with_scheme_and_slash() -> None:
    """A link to nowhere leaves its text without an entity; a link to a person known to the bot is a mention."""
    assert html('<a href="example.com">x</a>').entities == [
        {"type": "text_link", "url": "http://example.com/", "offset": 0, "length": 1}
    ]
    assert html('<a href="no where">x</a>').entities == []
    ana = {"id": 5, "is_bot": False, "first_name": "Ana"}
    mention = parse_html('<a href="tg://user?id=5">Ana</a>', user=lambda _: ana)
    assert mention.entities == [{"type": "text_mention", "user": ana, "offset": 0, "length": 3}]


def test_a_language_makes_pre_of_code() -> None:
    """`<pre><code class="language-…">` is one entity; a lone code keeps no language."""
    assert html('<pre><code class="language-python">x=1</code></pre>').entities == [
        {"type": "pre", "offset": 0, "length": 3, "language": "python"}
    ]
    assert html('<code class="language-python">x</code>').entities == [{"type": "code", "offset": 0, "length": 1}]


def test_dates_are_entities_that_each_phone_writes_in_its_own_zone() -> None:
    """`<tg-time unix format>`; the format is r or w?[dD]?[tT]?."""
    entity = formatted('<tg-time unix="1538553600" format="wDT">mañana</tg-time>', "HTML", None, 99, now=1538000000)
    assert entity.entities == [
        {"type": "date_time", "offset": 0, "length": 6, "unix_time": 1538553600, "date_time_format": "wDT"}
    ]
    assert "format" in refusal('<tg-time unix="1" format="Tw">x</tg-time>')
    assert refusal('<tg-time unix="soon">x</tg-time>') == "Invalid date-time specified"


def test_quotations_may_be_expandable() -> None:
    """The one attribute that needs no value."""
    assert html("<blockquote expandable>x</blockquote>").entities[0]["type"] == "expandable_blockquote"
    assert html('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>').entities == [
        {"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "5368324170671202286"}
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("é <x>y</x>", 'Unsupported start tag "x" at byte offset 3'),
        ("<b>y", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>y</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("y</b>", "Unexpected end tag at byte offset 1"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a =1>x</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=a/b>x</a>", "Unexpected end of name token at byte offset 8"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<tg-emoji emoji-id='no'>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        ("&#xD800;", "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
         "surrogate code units"),
    ],
)  # fmt: skip
def test_what_does_not_parse_is_refused_with_its_byte_offset(text: str, words: str) -> None:
    """The sentence and the offset are tdlib's."""
    assert refusal(text) == words


def test_only_four_names_and_all_numbers_stand_for_characters() -> None:
    """`&nbsp;` stays as it is written."""
    assert html("&lt;&gt;&amp;&quot;&#39;&#x20AC;&nbsp;&").text == "<>&\"'€&nbsp;&"


def test_text_is_trimmed_and_its_entities_move_along() -> None:
    """Telegram strips both ends; control characters become spaces, marks that turn text round vanish."""
    assert html("  <b> a</b>\u202e b\x07 \n") == Text("a b", [{"type": "bold", "offset": 0, "length": 1}])
    assert html(" \n ") == Text("")


def test_nothing_is_bold_inside_code() -> None:
    """Styles stop at code and begin again behind it; the same style twice is one."""
    assert html("<b>a<code>b</code>c</b>").entities == [
        {"type": "bold", "offset": 0, "length": 1},
        {"type": "code", "offset": 1, "length": 1},
        {"type": "bold", "offset": 2, "length": 1},
    ]
    assert html("<b>a<b>b</b></b>").entities == [{"type": "bold", "offset": 0, "length": 2}]
    assert html('<code><a href="a.com">x</a></code>').entities == [{"type": "code", "offset": 0, "length": 1}]


def test_the_limit_counts_what_remains_after_parsing() -> None:
    """4096 code units of text, however much markup around them."""
    assert utf16(html("<b>" + "😀" * 2048 + "</b>").text) == 4096
    with pytest.raises(Refusal, match="message is too long"):
        html("😀" * 2048 + "a")


def test_commands_addresses_and_mentions_are_found() -> None:
    """As Telegram marks them in everything that people and bots write."""
    text = "/start@enlace_demo_bot ñ https://a.do/x?y=1. a@b.com @enlace_demo_bot #citim gob.do"
    kinds = [
        (e["type"], text[e["offset"] : e["offset"] + e["length"]])
        for e in sorted(found(text), key=lambda e: e["offset"])
    ]
    assert kinds == [
        ("bot_command", "/start@enlace_demo_bot"),
        ("url", "https://a.do/x?y=1"),
        ("email", "a@b.com"),
        ("mention", "@enlace_demo_bot"),
        ("hashtag", "#citim"),
        ("url", "gob.do"),
    ]
    assert found("15/9 a/b 1.250 1,5 y/o") == []


def test_nothing_is_found_inside_a_link_or_code() -> None:
    """What is marked already is not marked again."""
    assert [entity["type"] for entity in html('<code>/start</code> <a href="a.com">b.com</a>').entities] == [
        "code",
        "text_link",
    ]


def test_entities_given_are_taken_instead_of_markup() -> None:
    """Those outside the text are left out; found ones are added."""
    text = formatted(
        "<b> /x", None, [{"type": "bold", "offset": 0, "length": 3}, {"type": "bold", "offset": 9, "length": 9}], 99
    )
    assert [(e["type"], e["offset"]) for e in text.entities] == [("bold", 0), ("bot_command", 4)]


def test_another_parse_mode_exists_nowhere() -> None:
    """HTML and the two Markdowns, in any case."""
    assert formatted("*a*", "mArKdOwNv2", None, 99).entities == [{"type": "bold", "offset": 0, "length": 1}]
    with pytest.raises(Refusal, match="unsupported parse_mode"):
        formatted("x", "BBCode", None, 99)


# -------------------------------------------------------------------- the two Markdowns
def brief(parsed: Text) -> list[tuple[str, str]]:
    """Each entity as its type and the words it covers."""
    units = parsed.text.encode("utf-16-le")
    return [
        (each["type"], units[2 * each["offset"] : 2 * (each["offset"] + each["length"])].decode("utf-16-le"))
        for each in parsed.entities
    ]


@pytest.mark.parametrize(
    ("text", "plain", "entities"),
    [
        ("*a* _b_ __c__ ~d~ ||e||", "a b c d e", [("bold", "a"), ("italic", "b"), ("underline", "c"),
         ("strikethrough", "d"), ("spoiler", "e")]),
        ("😀 *😀 _b_*", "😀 😀 b", [("bold", "😀 b"), ("italic", "b")]),
        ("___a_ b__", "a b", [("underline", "a b"), ("italic", "a")]),
        ("_a __b___", "a b", [("italic", "a b"), ("underline", "b")]),
        (r"1\.5 \* \_ \\ \é", "1.5 * _ \\ \\é", []),
        ("`a*b\\`c` d", "a*b`c d", [("code", "a*b`c")]),
        ("```py\nx = 1\n```", "x = 1\n", [("pre", "x = 1\n")]),
        ("```\n\nx```", "\nx", [("pre", "\nx")]),
        ("**", "", []),
        ("[a](b.org/x\\)) [c\\.org] [d](no url) [e](tg://user?id=501)", "a c.org d e",
         [("text_link", "a"), ("text_link", "c.org"), ("text_mention", "e")]),
        ("![👍](tg://emoji?id=5368324170671202286)", "👍", [("custom_emoji", "👍")]),
        ("![at eight](tg://time?unix=1538553600&format=wDT)", "at eight", [("date_time", "at eight")]),
        ("a\n>b *c*\n>d\ne", "a\nb c\nd\ne", [("blockquote", "b c\nd\n"), ("bold", "c")]),
        (">a\n>b||\nc", "a\nb\nc", [("expandable_blockquote", "a\nb\n")]),
        (">a\n**>b", "a\nb", [("blockquote", "a\n"), ("blockquote", "b")]),
        ("`a\n>b`", "a\n>b", [("code", "a\n>b")]),
    ],
)  # fmt: skip
def test_markdown_v2_becomes_entities(text: str, plain: str, entities: list[tuple[str, str]]) -> None:
    """Marks nest, an escaped character is itself, and what covers nothing is nothing."""
    parsed = PARSERS["markdownv2"](text, user={501: {"id": 501, "first_name": "Ana"}}.get)
    assert (parsed.text, brief(parsed)) == (plain, entities)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((f"é{c}", f"Character '{c}' is reserved and must be escaped with the preceding '\\'") for c in ")(#+-=|{.!>"),
        ("é *a", "Can't find end of Bold entity at byte offset 3"),
        ("_a *b_", "Can't find end of Italic entity at byte offset 5"),
        ("__", "Can't find end of Underline entity at byte offset 0"),
        ("||a|", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("`a", "Can't find end of Code entity at byte offset 0"),
        ("```a", "Can't find end of Pre entity at byte offset 0"),
        ("```a b", "Can't find end of PreCode entity at byte offset 0"),
        ("[a", "Can't find end of TextUrl entity at byte offset 0"),
        ("[a](b", "Can't find end of a URL at byte offset 4"),
        ("![👍]", "Custom emoji entity must contain a tg://emoji URL"),
        ("![👍](tg://emoji?id=1", "Can't find end of a custom emoji URL at byte offset 8"),
        ("![👍](https://a.org)", "Custom emoji URL must have scheme tg"),
        ("![👍](tg://sticker?id=1)", 'Custom emoji URL must have host "emoji"'),
        ("![👍](tg://emoji)", "Custom emoji URL must have an emoji identifier"),
        ("![👍](tg://emoji?id=x)", "Invalid custom emoji identifier specified"),
        ("![8](tg://time?unix=x)", "Invalid date-time specified"),
        ("![8](tg://time?unix=1&format=y)", "Invalid date-time format specified"),
        (">*a\nb*", "Can't find end of Bold entity at byte offset 1"),
    ],
)  # fmt: skip
def test_what_markdown_v2_does_not_allow_is_refused_with_its_byte_offset(text: str, words: str) -> None:
    """The sentence and the offset are tdlib's; a full stop that was not escaped is the usual one."""
    with pytest.raises(Refusal) as refused:
        formatted(text, "MarkdownV2", None, 4096)
    assert refused.value.description == f"Bad Request: can't parse entities: {words}"


@pytest.mark.parametrize(
    ("text", "plain", "entities"),
    [
        ("*a* _b_ `c`.", "a b c.", [("bold", "a"), ("italic", "b"), ("code", "c")]),
        ("*a _b*_", None, "Can't find end of the entity starting at byte offset 6"),
        ("*a_b*", "a_b", [("bold", "a_b")]),
        ("é_b", None, "Can't find end of the entity starting at byte offset 2"),
        (r"a\_b \x", r"a_b \x", []),
        ("```py\nx```", "x", [("pre", "x")]),
        ("[a](b.org) [c.org]", "a c.org", [("text_link", "a"), ("text_link", "c.org")]),
        ("[a](b", None, "Can't find end of a URL at byte offset 4"),
        ("__", "", []),
    ],
)
def test_the_older_markdown_nests_nothing(text: str, plain: str | None, entities: Any) -> None:
    """Each mark runs to its own end, whatever is between; one that has none is refused."""
    if plain is None:
        with pytest.raises(Refusal, match=entities):
            formatted(text, "Markdown", None, 4096)
    else:
        parsed = PARSERS["markdown"](text)
        assert (parsed.text, brief(parsed)) == (plain, entities)


@given(st.text())
def test_text_that_a_library_escapes_always_arrives(text: str) -> None:
    """python-telegram-bot's own escaping, for MarkdownV2: what was written is what a person reads."""
    assert formatted(escape_markdown(text, 2), "MarkdownV2", None, 4096) == formatted(text, None, None, 4096)


@given(st.text(alphabet="*_~|`[]()>!\\\n\r ab.😀"), st.sampled_from(["markdown", "markdownv2"]))
def test_any_markdown_is_parsed_or_refused(text: str, mode: str) -> None:
    """No text breaks the parsers, and no entity lies outside what they kept."""
    try:
        parsed = PARSERS[mode](text)
    except Refusal:
        return
    assert all(0 <= each["offset"] < each["offset"] + each["length"] <= utf16(parsed.text) for each in parsed.entities)


@given(st.text())
def test_escaped_text_always_arrives(text: str) -> None:
    """What a bot escapes is what a person reads, but for what Telegram strips."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html(escaped).text == formatted(text, None, None, 4096).text


@given(st.text(alphabet="<>/ab =\"'&;#x1&lt;é😀\n -pre"))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text breaks the parser, and no entity lies outside what it kept."""
    try:
        parsed = html(text)
    except Refusal:
        return
    for entity in parsed.entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= utf16(parsed.text)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("a.do", "http://a.do/"),
        ("https://a.do?x", "https://a.do?x"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("javascript:x", None),
    ],
)
def test_an_address_is_kept_or_is_none(url: str, kept: str | None) -> None:
    """Scheme before, slash behind."""
    assert checked_url(url) == kept
