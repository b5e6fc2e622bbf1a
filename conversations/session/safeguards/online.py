"""E-mails, links and the names of accounts, however their signs are written: "arroba", "[.]", "guion bajo"."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from conversations.session.reading.vocabulary import any_phrase, known_words
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import (
    NAME,
    SOMEBODY,
    Is,
    Token,
    behind_phrases,
    read_words,
    token_from,
    word_at,
)

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


class Written(NamedTuple):
    """A text as it is read for addresses and accounts."""

    text: str
    folded: str
    tokens: Sequence[Token]

    @property
    def unmarked(self) -> str:
        """Return the text without what "@" is for that leads to nobody."""
        return _INCLUSIVE.sub("a", _ROLE.sub("", self.text))


def online(text: str, folded: str, tokens: Sequence[Token], about: int) -> Online | None:
    """The kind of address or account that a text tells, or None. `about` are the meanings of all its words together."""
    if "." in text and _DEFANGED.search(text):
        text, folded = _DEFANGED.sub(".", text), _DEFANGED.sub(".", folded)
    signs = (
        _AT * ("@" in text) | _DOT * ("." in text) | _DOLLAR * ("$" in text) | _LOOSELY * bool(_LOOSE.search(folded))
    )
    return SIGNS.verdict(Written(text, folded, tokens), about | signs)


_AT, _DOT, _DOLLAR, _LOOSELY = 1 << 100, 1 << 101, 1 << 102, 1 << 103
"""The signs that a text has, as meanings of it."""


def _is_link(w: Written) -> bool:
    pages = list(_URL.finditer(w.text))
    if not pages:
        return _LINK.search(w.text) is not None
    return any(not _OFFICIAL.search(page[1].lower().removeprefix("www.")) for page in pages)


def _is_shown_as(w: Written) -> bool:
    return any(_is_shown(w.tokens, found.end()) for found in _shown_as().finditer(w.folded))


@cache
def _shown_as() -> re.Pattern[str]:
    networks, shown = any_phrase("personal.accounts"), any_phrase("personal.appears_as")
    return re.compile(rf"\b{networks}\b[^.;!?\n]{{0,60}}?(?<!\w){shown} [\"“«]?(?=\w)")


def _is_shown(tokens: Sequence[Token], end: int) -> bool:
    """ "Messenger, donde aparece como Princesa Del Sur"; not "Facebook, como Ministerio"."""
    token = word_at(tokens, token_from(tokens, end))
    if token.is_known or not token.is_capitalised:
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


class Called:
    """The words behind a network, one by one: whether one says whose account it is, or introduces its name."""

    def __init__(self, tokens: Sequence[Token], net: int) -> None:
        self.tokens, self.at = tokens, net
        owner = word_at(tokens, net - 1)
        is_profile = (owner.what | word_at(tokens, net - 2).what) & Is.PROFILE
        self.is_owned = bool(is_profile) or owner.folded in known_words("personal.his")
        self.is_introduced = False

    @property
    def token(self) -> Token:
        return self.tokens[self.at]


def _is_called(tokens: Sequence[Token], net: int) -> bool:
    called = Called(tokens, net)
    for ahead in range(net + 1, min(net + _NAME_BEHIND, len(tokens))):
        called.at = ahead
        met = NAMES.verdict(called, tokens[ahead].what)
        if isinstance(met, bool):
            return met
        if met:
            met(called)
    return False


def _introduce(c: Called) -> None:
    c.is_introduced = True


def _pass(_: Called) -> None:
    """Look at the next word."""


def _own(c: Called) -> None:
    c.is_owned = True


def _is_name_capital(c: Called) -> bool:
    is_there = c.is_owned or c.is_introduced
    return is_there and c.token.is_capitalised and not c.token.what & Is.COMMON


def _is_odd_capital(c: Called) -> bool:
    if not c.is_introduced or not c.token.is_capitalised or c.token.what & ~(NAME | Is.COINED | Is.LINK):
        return False
    behind = word_at(c.tokens, c.at + 1)
    return c.is_owned or (behind.is_capitalised and not behind.what & Is.COMMON)


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


# fmt: off
SIGNS: Table[Written, Online] = Table(
    Rule("an address", "email", _AT, lambda w: _EMAIL.search(w.unmarked),
         "rosmery.91@hotmail.com"),
    Rule("an account behind its sign", "handle", _AT, lambda w: _HANDLE.search(w.unmarked),
         "recruiter: @vip_models"),
    Rule("an address that is spelt", "email", Is.AT_SIGN | Is.MAIL_SERVICES,
         lambda w: _spelled_email().search(w.folded),
         "k.dorvil at proton dot me"),
    Rule("an address by its service", "email", Is.MAIL_SERVICES, lambda w: _mail_at_service().search(w.folded),
         "escriba a su buzón personal: flor de loto 77 en gmail"),
    Rule("a page that is spelt", "link", Is.SPELLED_DOT | Is.SPELLED_SLASH | _LOOSELY,
         lambda w: _spelled_link().search(w.folded),
         "instagram . com / lanena.rd"),
    Rule("a page", "link", _DOT, _is_link,
         "annonce sur youtu.be/dQx9abc"),
    Rule("an account that takes money", "handle", _DOLLAR, lambda w: _CASH.search(w.folded),
         "send it to $luna05"),
    Rule("an account of no network", "handle", Is.PROFILE, lambda w: _own_account().search(w.folded),
         "la prueba es un live de la cuenta lamami_caribena_ofc"),
    Rule("a sign that stands in no sentence", "handle", Is.UNDERLINED, lambda w: _underscored().search(w.folded),
         'through the handle "sirknight underscore tema"'),
    Rule("a network, and no word", "handle", Is.ACCOUNTS, lambda w: _account().search(w.folded),
         "add her snapchat lil.tiff_592"),
    Rule("a network, and a name", "handle", Is.ACCOUNTS, lambda w: is_account(w.tokens),
         "facebook: Yuleisy La Prieta"),
    Rule("a network without offices", "handle", Is.ACCOUNTS, lambda w: _is_private(w.folded),
         "snap: bigdaddycaye"),
    Rule("called so on a network", "handle", Is.ACCOUNTS, lambda w: _is_named_there(w.tokens),
         "li rele tèt li Ti Chef Lakay sou facebook"),
    Rule("quoted beside a network", "handle", Is.ACCOUNTS, lambda w: _is_quoted_there(w.tokens),
         'the Facebook account "Bossman Bartica Gold" sent the fare'),
    Rule("shown on a network", "handle", Is.ACCOUNTS, _is_shown_as,
         "le escribe por Messenger, donde aparece como Princesa Del Sur"),
)
NAMES: Table[Called, bool | Callable[[Called], None]] = Table(
    Rule("a sign before a name", _introduce, ANY, lambda c: c.token.text in ":=(" or c.token.what & Is.APPEARS,
         "facebook: Yanely la Bella Oficial"),
    Rule("the sign of an address", True, Is.AT_SIGN, lambda c: c.is_introduced,
         "his Telegram handle is at boss underscore"),
    Rule("whose it is", _own, ANY, lambda c: c.token.what & Is.PROFILE or c.token.folded in known_words("personal.his"),
         "her insta handle: brownskin dot kay"),
    Rule("a small word", _pass, ANY, lambda c: c.token.what & Is.LINK or c.token.text in "\"'“”«»",
         'su Facebook es "Yuleisy Bella"'),
    Rule("a sign, or a place", False, ANY, lambda c: not c.token.is_word or c.token.is_known,
         "su Facebook: Azua, lunita"),
    Rule("somebody's name", True, NAME | Is.COINED, _is_name_capital,
         'Tinder: "Brian, 829 luego 555'),
    Rule("a name that no list has", True, ANY, _is_odd_capital,
         "FB: Ti Cheri Bèl Flè 509, se kont viktim nan"),
    Rule("a word of no table", True, ANY,
         lambda c: c.is_owned and c.is_introduced and not c.token.what & ~(NAME | Is.COINED),
         "her insta handle: brownskin dot kay"),
    Rule("another word", False, ANY, lambda c: True,
         "face: Nena Linda Bella, ahi sale la foto"),
)
# fmt: on
