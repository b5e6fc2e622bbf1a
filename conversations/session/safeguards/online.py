"""E-mails, links and the names of accounts, however their signs are written: "arroba", "[.]", "guion bajo"."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from conversations.session.reading.vocabulary import any_phrase, known_words
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, behind_phrases, read_words

Online = Literal["email", "handle", "link"]

_NAME_BEHIND = 8
"""Tokens behind a network among which the name of an account is looked for."""
_DOMAINS = (
    "com|net|org|info|biz|io|me|do|ht|es|fr|us|uk|ca|co|ly|gl|gg|tv|to|app|link|live|online|site|xyz|example"
    "|top|club|vip|cc|pw|icu|shop|store|pro|mobi|cam|chat|sx|xxx|dating|fans"
    "|(?:be|ru|cn|mx|br|cl|pe|ve|cu|it|de)(?=/)"
)
"""Endings of pages; those of the last line are words as well, and count before a path alone."""
_OFFICIAL = re.compile(r"(?:^|\.)(?:gob|gov|gouv|edu|mil|int)(?:\.[a-z]{2})?$|(?:^|\.)(?:un|oas|iom|unicef)\.org$")
"""Pages of governments, schools and international bodies lead to no person."""

_WORD, _NAME, _LETTERS, _SIGNS, _GAP = r"\w{1,64}", r"[\w-]{1,64}", "[a-z]{1,64}", "[a-z0-9_]{1,64}", r"\W{1,8}"
"""Parts of patterns that may begin at any word: without an end they would read a long text as often as it has words."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++\s?@\s?[\w-]++\.\w")
_HANDLE = re.compile(r"(?<![^\W\d_])@\s?\w|[\w.]@\w{2,}|(?<![^\W\d_])[^\W\d_]{3,}+[0-9]++@(?!\w)|@\.\w")
_CASH = re.compile(r"(?<![\w$])\$[a-z]{3,}[0-9]+\b")
""" "$luna05": an account that takes money."""
_INCLUSIVE = re.compile(r"(?<=[^\W\d_])@(?=s?(?![\w.]))")
""" "niñ@s" names nobody."""
_URL = re.compile(
    rf"(?<![\w-])([\w-]++\.(?:{_DOMAINS}|gob|gov|gouv|edu|mil|int)(?:\.[a-z]{{2}})?)(?![\w@.-]\w)(/\S*)?",
    re.IGNORECASE,
)
"""The end of a host, from its last name on, and a path: what stands before it does not say whose page it is."""
_ROLE = re.compile(
    r"(?<![\w.@-])(?:info|contacto|contact|oai|prensa|press|denuncias|recepcion|secretaria|webmaster|office|soporte)"
    r"@(?=(?:[\w-]+\.)+(?:gob|gov|gouv|edu|mil|int)(?:\.[a-z]{2})?(?![\w.]*\w))",
    re.IGNORECASE,
)
"""The e-mail of an office of a government."""
_LOOSE = re.compile(r"w(?<!\ww) ?w ?w | \. ?[a-z]|/")
"""What each link has whose signs stand apart, unless they are said in words.

Each way begins with a character, not with a boundary, so that the others are passed over three times as fast.
"""
_LINK = re.compile(r"\bh(?:tt|xx)ps?://|\bwww\.", re.IGNORECASE)
_DEFANGED = re.compile(r"\s?[\[({]\s?\.\s?[\])}]\s?")
""" "Citas[.]com": a page as those write it who want nobody to open it."""


def online(text: str, folded: str, tokens: Sequence[Token], about: int) -> Online | None:
    """The kind of address or account that a text tells, or None. `about` are the meanings of all its words together."""
    if "." in text and _DEFANGED.search(text):
        text, folded = _DEFANGED.sub(".", text), _DEFANGED.sub(".", folded)
    if "@" in text:
        plain = _INCLUSIVE.sub("a", _ROLE.sub("", text))
        if _EMAIL.search(plain):
            return "email"
        if _HANDLE.search(plain):
            return "handle"
    if about & (Is.AT_SIGN | Is.MAIL_SERVICES) and _spelled_email().search(folded):
        return "email"
    if about & Is.MAIL_SERVICES and _mail_at_service().search(folded):
        return "email"
    if (about & (Is.SPELLED_DOT | Is.SPELLED_SLASH) or _LOOSE.search(folded)) and _spelled_link().search(folded):
        return "link"
    if "." in text and (_LINK.search(text) or _URL.search(text)):
        for page in _URL.finditer(text):
            if not _OFFICIAL.search(page[1].lower().removeprefix("www.")):
                return "link"
        if not _URL.search(text) and _LINK.search(text):
            return "link"
    if "$" in text and _CASH.search(folded):
        return "handle"
    if about & Is.PROFILE and _own_account().search(folded):
        return "handle"
    if about & Is.UNDERLINED and _underscored().search(folded):
        return "handle"
    if not about & Is.ACCOUNTS:
        return None
    if _account().search(folded) or is_account(tokens) or _is_private(folded) or _is_named_there(tokens):
        return "handle"
    if _is_quoted_there(tokens):
        return "handle"
    return "handle" if any(_is_shown(tokens, found.end()) for found in _shown_as().finditer(folded)) else None


@cache
def _shown_as() -> re.Pattern[str]:
    networks, shown = any_phrase("personal.accounts"), any_phrase("personal.appears_as")
    return re.compile(rf"\b{networks}\b[^.;!?\n]{{0,60}}?(?<!\w){shown} [\"“«]?(?=\w)")


def _is_shown(tokens: Sequence[Token], end: int) -> bool:
    """ "Messenger, donde aparece como Princesa Del Sur"; not "Facebook, como Ministerio"."""
    token = next((token for token in tokens if token.at >= end), None)
    if token is None or token.is_known or not token.is_capitalised:
        return False
    return not token.what & (Is.COMMON | Is.INSTITUTION | Is.THING | Is.PLANNED | Is.ACCOUNTS)


def _is_named_there(tokens: Sequence[Token]) -> bool:
    """ "Se hace llamar el Tigre en Facebook": the name of an account before its network. A campaign has one too."""
    nets = [at for at, token in enumerate(tokens) if token.what & Is.ACCOUNTS]
    for begin in behind_phrases("personal.calls_self", tokens):
        net = next((at for at in nets if begin + 1 < at <= begin + _NAME_BEHIND), None)
        if net is None or tokens[net - 1].folded not in known_words("personal.on_network"):
            continue
        first, _ = sentence_of(tokens, begin)
        about = 0
        for token in tokens[first:begin]:
            about |= token.what
        if about & SOMEBODY or not about & (Is.THING | Is.INSTITUTION):
            return True
    return False


def _is_quoted_there(tokens: Sequence[Token]) -> bool:
    """ "La agregó un «Kevin Mode» al face", "the Facebook account «Bossman Gold»": a name between quotes is somebody's.

    That of a campaign or a video is not.
    """
    for at, token in enumerate(tokens):
        close = next((n for n in range(at + 2, min(at + _NAME_BEHIND, len(tokens))) if tokens[n].text in '"”»'), 0)
        if token.text not in '"“«' or not close:
            continue
        within, before = tokens[at + 1 : close], tokens[max(0, at - _NAME_BEHIND) : at]
        near = [*before[-3:], *tokens[close + 1 : close + 4]]
        if (
            not any(each.what & Is.ACCOUNTS for each in near)
            or not all(map(_is_of_name, within))
            or within[0].what & _OF_WORK
        ):
            continue
        about = 0
        for each in before:
            about |= each.what
        is_called = before and before[-1].folded in known_words("personal.called_so")
        is_plain = not within[0].what & Is.COMMON
        is_owned = (
            about & Is.PROFILE
            or (is_called and is_plain)
            or (before and before[-1].folded in known_words("reading.articles"))
        )
        if is_owned and not about & _OF_WORK:
            return True
    return False


def _is_of_name(token: Token) -> bool:
    is_name = token.is_capitalised or token.is_upper or token.is_number or token.what & (NAME | Is.LINK)
    return bool(is_name) and not token.what & (Is.THING | Is.PLANNED)


_OF_WORK = Is.THING | Is.INSTITUTION | Is.PLANNED


def _is_private(folded: str) -> bool:
    """ "Snap: lunita": a network on which no office is, and a word of no table. "Roblox: charla" is a topic."""
    return any(not read_words(found[1])[0].what & ~(NAME | Is.COINED) for found in _private().finditer(folded))


@cache
def _private() -> re.Pattern[str]:
    private, appears = any_phrase("personal.private_accounts"), any_phrase("personal.appears")
    return re.compile(rf"\b{private} ?(?:[:=/] ?|{appears} )([a-z][\w.-]{{3,64}})(?=\W{{0,8}}(?:[,;.)]|$))")


@cache
def _spelled_email() -> re.Pattern[str]:
    at = rf"(?:[\[({{ ]\s{{0,8}}{any_phrase('personal.at_sign')}\s{{0,8}}[\])}} ])"
    mail, service = any_phrase("personal.mail"), any_phrase("personal.mail_services")
    dot = rf"(?:\.|[\[({{ ]\s{{0,8}}{any_phrase('personal.spelled_dot')}\s{{0,8}}[\])}} ])"
    return re.compile(
        rf"\w\s?{at}\s?{_NAME}(?: {_NAME})?\s?{dot}\s?(?:{_DOMAINS})\b|[\[({{]\s{{0,8}}at\s{{0,8}}[\])}}]|\barroba\b"
        rf"|\w\W?{at}\W?{service}\b|\w\W{{1,3}}{service}\W{{1,3}}(?:{any_phrase('personal.spelled_dot')}\W)?com\b"
        rf"|\b{_LETTERS}(?:[0-9_]|\.[a-z0-9])[a-z0-9._]{{0,64}}{_GAP}(?:\w{{1,5}}{_GAP})?{service}\b"
        rf"|\b{mail} ?(?:[:=]|{any_phrase('personal.appears')}) ?{_LETTERS}{_GAP}(?:\w{{1,5}}{_GAP})?{service}\b"
    )


@cache
def _mail_at_service() -> re.Pattern[str]:
    """ "Su buzón: flor de loto 77 en gmail": words for an address, what it is, and its service."""
    mail, service = any_phrase("personal.mail"), any_phrase("personal.mail_services")
    said = rf"(?::|=|\b{any_phrase('personal.appears')}\b)"
    return re.compile(rf"\b{mail}\b[^.;!?\n]{{0,40}}?{said}(?:\W{{1,2}}{_WORD}){{1,6}}?\W{{1,3}}{service}\b")


@cache
def _spelled_link() -> re.Pattern[str]:
    """ "instagram . com", "wa punto me barra", "t me slash": a link with separated or spelled signs."""
    dot = rf"(?: ?\. ?| ?[\[({{]? ?{any_phrase('personal.spelled_dot')} ?[\])}}]? ?| )"
    slash = rf"(?: ?/|[ ,]+{any_phrase('personal.spelled_slash')})"
    host = r"(?:www|[tm]|wa|fb|bit|tiktok|instagram|facebook|telegram|youtube|snapchat|twitter)"
    return re.compile(
        rf"\b{host}{dot}(?:{_DOMAINS}){slash}"
        rf"|\b[a-z]{_NAME} \. ?(?:com|net|org|info)\b"
        rf"|\b[a-z]{_NAME} {any_phrase('personal.spelled_dot')} (?:(?:{_DOMAINS}){slash}|(?:com|net|org|info)\b)"
        rf"|\b(?:w w w|www(?! ?\.)){dot}[a-z]"
    )


@cache
def _account() -> re.Pattern[str]:
    """The name of a network and, beside it, a word that no language has: "ig: yule_rd22", "yule_rd on snapchat"."""
    networks, dot = any_phrase("personal.accounts"), any_phrase("personal.spelled_dot")
    appears, private = any_phrase("personal.appears"), any_phrase("personal.private_accounts")
    end = r"(?=[\s,;.)]|$)"
    return re.compile(
        rf"\b{networks}\b\W{{0,3}}(?:{_WORD}\W{{1,2}}){{0,2}}"
        rf"(?:{_LETTERS}[0-9._]{{1,64}}[a-z]{{0,64}}[0-9_]{{1,64}}[a-z]{{0,64}}|{_LETTERS}_{_SIGNS}"
        rf"|{_LETTERS}[0-9]{{1,3}}\b|{_LETTERS}\.{_LETTERS}\b|{_WORD}#[0-9]{{3,}})"
        rf"|\b{_LETTERS}(?:_{_SIGNS}|[0-9]{{2,4}}){_GAP}(?:{_WORD}{_GAP}){{0,2}}{networks}\b"
        rf"|\b{networks}\b\W{{1,3}}(?:{_WORD}{_GAP}){{0,3}}{appears}{_GAP}(?:{_LETTERS} ){{1,3}}[0-9]{{1,4}}$"
        rf"|\b{networks}\b\W{{1,3}}(?:{_WORD}{_GAP}){{1,3}}?{dot} {_WORD} {dot} \w"
        rf"|\b{networks}\b(?:\W{{1,2}}{_WORD}){{0,4}}?\W{{0,3}}(?:{_LETTERS}(?:[._]{_SIGNS}|[0-9]{{2,}})|{_LETTERS}_){end}"
        rf"|\b{private} {_LETTERS}-[0-9]{{2,4}}\b"
        rf"|\b{appears} [a-z]{{2,}}[._][a-z0-9_]{{2,}}\W{{1,3}}\w{{1,3}} {networks}\b"
    )


def is_account(tokens: Sequence[Token]) -> bool:
    """Say whether a network and the name of an account there stand together, though it looks like any word.

    "Su instagram es morenita", "perfil de Facebook Yuleisy Bella". "La página de Facebook del ministerio" names nobody.
    """
    return any(token.what & Is.ACCOUNTS and _is_called(tokens, at) for at, token in enumerate(tokens))


def _is_called(tokens: Sequence[Token], at: int) -> bool:
    owner = tokens[at - 1] if at else None
    is_owned = owner is not None and (owner.what & Is.PROFILE or owner.folded in known_words("personal.his"))
    is_owned = is_owned or (at > 1 and bool(tokens[at - 2].what & Is.PROFILE))
    is_introduced = False
    for ahead in range(at + 1, min(at + _NAME_BEHIND, len(tokens))):
        token = tokens[ahead]
        if token.text in ":=(" or token.what & Is.APPEARS:
            is_introduced = True
        elif is_introduced and token.what & Is.AT_SIGN:
            return True
        elif token.what & Is.PROFILE or token.folded in known_words("personal.his"):
            is_owned = True
        elif token.what & Is.LINK or token.text in "\"'“”«»":
            continue
        elif not token.is_word or token.is_known:
            return False
        elif token.is_capitalised and token.what & (NAME | Is.COINED) and not token.what & Is.COMMON:
            return bool(is_owned or is_introduced)
        elif is_introduced and token.is_capitalised and not token.what & ~(NAME | Is.COINED | Is.LINK):
            behind = tokens[ahead + 1] if ahead + 1 < len(tokens) else None
            return bool(is_owned or (behind and behind.is_capitalised and not behind.what & Is.COMMON))
        else:
            return bool(is_owned and is_introduced and not token.what & ~(NAME | Is.COINED))
    return False


@cache
def _own_account() -> re.Pattern[str]:
    """ "His handle is bossman.rd", "usuario: yoli88": no network is named, and the word is none of a language."""
    no_file = rf"(?!{_NAME}\.(?:pdf|docx?|xlsx?|jpe?g|png|csv|txt|mp4|zip)\b)"
    word = rf"{no_file}[a-z]{{2,}}(?:[._][a-z0-9_]{{2,}}|[0-9]{{2,4}}\b)"
    return re.compile(
        rf"\b{any_phrase('personal.profile')}\b\W{{1,3}}(?:{any_phrase('personal.appears')}{_GAP})?{word}"
    )


@cache
def _underscored() -> re.Pattern[str]:
    """ "Bella guion bajo 22": a sign that stands in no sentence is said between two words."""
    return re.compile(rf"\w\W{{1,3}}{any_phrase('personal.spelled_underscore')}\W{{1,3}}\w")
