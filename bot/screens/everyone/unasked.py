"""Texts and files that come when nothing is asked. They are understood and answered, and neither kept nor logged.

A person writes to a bot as to a colleague: "hola", "ya lo mandé", a code, a voice note from the car. A menu is no
answer to that. So a text with a known meaning leads where its button would, thanks get a reaction, and for other texts
the bot offers two or three likely buttons. A phrase never does anything by itself: after "no puedo hoy" the person taps
the button that follows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

from bot.chat.exchange import Exchange
from bot.chat.permissions import REPORTERS
from bot.screens.everyone import in_words
from bot.screens.everyone.home import HOMES
from bot.screens.everyone.in_words import offer, people_to_ask, toward
from bot.screens.everyone.meanings import (
    ABOUT_ITEMS,
    ABOUT_SOMEBODY,
    AGREED,
    ANSWERED,
    ASKED,
    CHAT,
    DONE,
    GREETING,
    NOT_NOW,
    OF_AN_ITEM,
    OF_OTHERS,
    OF_REPORTERS,
    OFFERED,
    SELDOM,
    STATEMENT,
)
from bot.screens.everyone.named import (
    LIKELY,
    Asked,
    agencies_like,
    due_button,
    items_like,
    mentioned,
    named_button,
    named_like,
    unknown_code,
)
from bot.screens.people import people
from bot.screens.reports.own_reports import draft_title, is_any_open
from bot.telegram.updates import Secondhand, Unsupported
from conversations.card import Button, Card, bold, home_button, line
from conversations.dates import show_date
from conversations.plan.periods import period_name
from conversations.routes import Route, tap
from conversations.session.events import Event, Located, Offered, Typed
from conversations.session.reading.likeness import Likely, is_far_ahead, likely, surest, worth_offering
from conversations.session.reading.phrase_table import prepare, table_words
from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import (
    POLITE,
    Utterance,
    count_words,
    significant,
    understood,
)
from conversations.session.reading.wishes import is_answer, wishes
from conversations.session.safeguards.guard import Kind, is_name_alone, personal_data, refusal
from conversations.session.safeguards.names import only_names
from storage.reports.submissions import StoredSubmission

PROMISES: Final = 12
"""How many sent reports are searched for those that promised evidence."""
BARE: Final = 2
"""Words of a command at the most. What has more is a sentence, which may only sound like a command."""

ROUTES: Final = frozenset(map(str, Route))


def hear(ex: Exchange, event: Event | Secondhand | Unsupported) -> Asked | None:
    """The route that was asked for; None if it is answered already. Of an album only the first file is answered."""
    album = event.album if isinstance(event, Offered) else ""
    if album and ex.menu_for is not None and ex.menu_for[1] == album:
        return None
    ex.heard = (int(ex.now.timestamp()), album)
    if isinstance(event, Typed):
        return _read(ex, event.text)
    ex.go_below()
    match event:
        case Offered(kind="voice"):
            key = "heard.voice"
        case Offered() if promised := _promised(ex):
            _offer_likely(ex, ex.say("heard.promised"), promised)
            return None
        case Offered():
            key = "heard.file" if is_any_open(ex) else "heard.file_none"
        case Located():
            key = "heard.place"
        case Secondhand():
            key = "heard.forwarded"
        case _:
            key = "heard.other"
    _offer_likely(ex, ex.say(key))
    return None


def leaves(text: str, language: str) -> bool:
    """Whether a person who was asked for words wants to leave instead: "cancelar", "menú", and no further word."""
    meant = understood(text, language)
    return meant is not None and meant.is_all and meant.meaning in ("cancelar", "menu")


def is_statement(text: str) -> bool:
    """Whether a text has the words of a sentence, and not of a name."""
    return count_words(text) >= STATEMENT


def _read(ex: Exchange, text: str) -> Asked | None:
    """Follow a text if it is sure which route or item it means. Otherwise offer what is likely."""
    if not _build_tables.cache_info().currsize:
        ex.unit.read_first(lambda _: _build_tables())
    meant = understood(text, ex.language)
    if meant is not None and meant.meaning == AGREED and "?" in text:
        meant = replace(meant, meaning=GREETING)
    if meant is not None and meant.is_all and meant.is_whole:
        return _follow(ex, meant.meaning)
    if meant is not None and len(text.split()) > BARE and not (meant.is_sure or _leads(ex, meant.meaning)):
        meant = None
    said = [meaning for meaning in wishes(text, ex.language) if _leads(ex, meaning)]
    less_sure = _apart(ex, [*([] if meant is None or meant.is_polite else [meant.meaning]), *said])
    found = _likeliest_of(ex, likely(text, ex.language))
    is_one = len(less_sure) < 2 or (len(said) < 2 and is_far_ahead(found))
    if meant is not None and meant.is_all and is_one and (meant.is_polite or _is_likeliest(found, meant)):
        return _follow(ex, meant.meaning)
    wanted = surest(found) if is_one and count_words(text) > 1 else ""
    if ex.is_reporter and wanted and found[0].weight < ANSWERED and is_answer(text):
        wanted = ""
    if is_one and meant is not None and _is_meant(found, meant):
        wanted = meant.meaning
    if _found_people(ex, text):
        return None
    if (kind := _personal(ex, text, wanted)) is not None:
        return _refuse(ex, kind, wanted, [*less_sure, *worth_offering(found)])
    if (named := mentioned(ex, text)) is not None:
        return _named(ex, named, next(iter([*less_sure, *worth_offering(found)]), ""))
    likeliest = next(iter(worth_offering(found)), "")
    opens = likeliest in ("reportar", "buscar") and (wanted == likeliest or not is_answer(text))
    code = unknown_code(ex, text, is_about_items=opens)
    if code is not None and (meant is None or meant.meaning in (HELP, *ABOUT_ITEMS)):
        ex.go_below()
        key = "heard.not_among" if ex.membership.role in REPORTERS else "heard.no_code"
        _offer_likely(ex, ex.say(key, code=code, agency=ex.agency_code), _meant_only(ex, ["buscar"]))
        return None
    return _guess(ex, text, [wanted] if wanted else less_sure, worth_offering(found), is_sure=bool(wanted))


@cache
def _build_tables() -> None:
    """Build the tables of all phrases. It takes nearly half a second.

    They are not built at the start, because a bot to which nobody writes does without them.
    """
    prepare()


def _likeliest_of(ex: Exchange, found: Iterable[Likely]) -> list[Likely]:
    """Rank what a text may mean by who writes: nobody means what only others do, and seldom what only others may do."""
    if ex.is_reporter:
        counts = {False: SELDOM, True: 1}
        weighed = [replace(each, weight=each.weight * counts[_is_theirs(ex, each.meaning)]) for each in found]
        ranked = sorted(weighed, key=lambda each: -each.weight)
    else:
        ranked = [each for each in found if each.meaning not in OF_REPORTERS]
    kept = _apart(ex, [each.meaning for each in ranked])
    return [each for each in ranked if each.meaning in kept]


def _apart(ex: Exchange, meanings: Iterable[str]) -> list[str]:
    """Return these meanings without those that come to the same for this person as one before them."""
    once: dict[str, str] = {}
    for each in meanings:
        once.setdefault(_led_to(ex, each), each)
    return list(once.values())


def _led_to(ex: Exchange, meaning: str) -> str:
    """Return what this meaning comes to for this person: the same route, or the same offer, is the same wish."""
    if meaning in NOT_NOW:
        return NOT_NOW[0]
    is_answered = meaning in ANSWERS or meaning in TOLD
    return meaning if is_answered else next((route for route in _routes(meaning) if ex.allows(route)), meaning)


def _is_theirs(ex: Exchange, meaning: str) -> bool:
    """Whether this person may do what the meaning is first of all about. A page is an export."""
    if meaning == "page":
        return ex.allows(Route.EXPORT)
    return meaning in ANSWERS or meaning in TOLD or ex.allows(_routes(meaning)[0])


def _named(ex: Exchange, named: Asked, about: str) -> Asked | None:
    """Lead to the item or institution that a text names; or offer it beside what may be wanted of it."""
    ex.go_below()
    if ex.is_reporter or about not in OF_OTHERS:
        return named
    wanted = _meant_only(ex, [about])
    _offer_likely(ex, ex.say("heard.which") if wanted else _not_yours(ex), [*wanted, named_button(ex, *named)])
    return None


def _found_people(ex: Exchange, text: str) -> bool:
    """Search people by name, for those who may see people. True if the text was answered in this way."""
    words = significant(text)
    if not (words and ex.allows(Route.PEOPLE) and people.is_called(ex, words)):
        return False
    ex.forget_card()
    people.search(ex, " ".join(words))
    return True


def _personal(ex: Exchange, text: str, wanted: str) -> Kind | None:
    """Return the kind of personal data in a text, if it has any.

    What is surely wanted explains its small words: then what is in small letters is a name by the strict rules only if
    it can be nothing else ("yokasta"). And it explains its day ("on leave until the 15th"). A text that may be about a
    victim is always read by all of them.
    """
    known = ex.known()
    known = replace(known, words=_beside_table(known.words))
    kind = personal_data(text, strict=True, known=known, is_answer=False)
    if kind == "name" and not is_name_alone(text) and not _may_meet_victims(ex):
        kind = personal_data(text, strict=False, known=known)
    if kind is None or wanted in ("", CHAT, *ABOUT_SOMEBODY):
        return kind
    typed = [normalise(word) for word in text.split() if word[:1].islower()]
    small = {*(word.replace(" ", "'") for word in typed), *(part for word in typed for part in word.split())}
    explained = replace(known, words=known.words | (small - only_names(text)))
    kind = personal_data(text, strict=True, known=explained, is_answer=False)
    return personal_data(text, strict=False, known=known, is_answer=False) or (None if kind == "date" else kind)


def _may_meet_victims(ex: Exchange) -> bool:
    """Whether notes of an activity are read strictly: of one of this person's agency, or of those they see."""
    agency_id = ex.agency_id if ex.is_reporter else None
    return any(each.care.is_read_strictly for each in ex.unit.plans.activities(ex.membership.plan_id, agency_id))


@lru_cache(maxsize=4)
def _beside_table(words: frozenset[str]) -> frozenset[str]:
    """Words that a plan knows, and all of the table."""
    return words | table_words()


def _refuse(ex: Exchange, kind: Kind, wanted: str, likely_ones: list[str]) -> Asked | None:
    """Delete a text with personal data from the chat, and answer only the request in it (S15)."""
    if ex.typed_message_id is not None:
        ex.delete(ex.typed_message_id)
    ex.go_below()
    if not wanted or wanted in (*POLITE, CHAT) or not _leads(ex, wanted):
        _offer_likely(ex, ex.say(refusal(kind)), _meant_like(ex, likely_ones))
        return None
    ex.opening = ex.say(refusal(kind) if wanted in ABOUT_SOMEBODY else "heard.deleted")
    return _follow(ex, wanted)


def _is_meant(found: Sequence[Likely], meant: Utterance) -> bool:
    """Whether the text has this meaning. Thanks count only if nothing else is likelier; an act must be certain."""
    if meant.is_polite:
        return next((each.meaning for each in found), meant.meaning) in POLITE
    return (meant.is_sure or _is_told(meant.meaning)) and _is_likeliest(found, meant)


def _is_likeliest(found: Sequence[Likely], meant: Utterance) -> bool:
    return next(iter(worth_offering(found)), meant.meaning) == meant.meaning


def _guess(ex: Exchange, text: str, wanted: Sequence[str], ranked: Sequence[str], *, is_sure: bool) -> Asked | None:
    """Follow a title, then what is surely meant. If there is neither, say so and offer likely buttons."""
    likely_items = named_like(ex, text)
    if isinstance(likely_items, tuple):
        ex.go_below()
        return likely_items
    if is_sure and wanted[0] == CHAT:
        return _follow(ex, CHAT)
    near = [each for each in dict.fromkeys([*wanted, *ranked]) if each != CHAT]
    wanted = [each for each in wanted if each != CHAT]
    is_sure = is_sure and bool(wanted)
    if near and near[0] in ABOUT_ITEMS and not likely_items:
        is_sought = near[0] == "buscar"
        likely_items = [*(agencies_like(ex, text) if is_sought else []), *items_like(ex, text, is_sought=is_sought)]
    is_of_an_item = bool(likely_items) and near[:1] != [] and near[0] in OF_AN_ITEM
    if is_sure and not is_of_an_item and _leads(ex, wanted[0]):
        return _tell(ex, wanted[0], ranked) if _is_told(wanted[0]) else _follow(ex, wanted[0])
    ex.go_below()
    told = [each for each in wanted if each in TOLD] or [each for each in wanted[:1] if _is_told(each)]
    if not wanted and DONE in ranked[:LIKELY] and "?" not in text and is_statement(text):
        told = [DONE]
    if told and not is_sure:
        return _tell(ex, told[0], [*wanted, *ranked])
    if ex.is_reporter and not wanted and is_answer(text):
        _offer_likely(ex, ex.say("heard.answer"), _drafts(ex) + _first_due(ex, LIKELY))
        return None
    named = list(dict.fromkeys([*agencies_like(ex, text), *likely_items]))[: LIKELY - 1]
    if near and near[0] in OF_OTHERS:
        named = [*_meant_only(ex, near[:1]), *named]
    if near and not named and not _leads(ex, near[0]):
        said = _not_yours(ex)
    elif named or (wanted and near):
        said = ex.say("heard.which")
    elif ranked[:1] == [CHAT]:
        said = ex.say("heard.chat")
    else:
        said = f"{ex.say('heard.unclear')}\n{_whom_to_ask(ex)}"
    _offer_likely(ex, said, _with_draft(ex, [*named, *_meant_like(ex, near)]))
    return None


def _is_told(meaning: str) -> bool:
    """Whether this meaning is answered in words alone.

    If somebody meant something else, such an answer does no harm.
    """
    return meaning in TOLD or meaning in (HELP, MENU)


def _tell(ex: Exchange, meaning: str, others: Iterable[str]) -> Asked | None:
    """Answer in words, and offer what else was said or may be meant, because the text says more than this."""
    ex.go_below()
    beside = _meant_only(ex, [each for each in list(others)[:LIKELY] if not _is_told(each)])[: LIKELY - 1]
    if meaning not in TOLD:
        return _follow(ex, meaning)
    TOLD[meaning](ex, beside)
    return None


def _leads(ex: Exchange, meaning: str) -> bool:
    """Whether a sentence with this meaning leads this person somewhere."""
    return meaning in ANSWERS or meaning in TOLD or any(map(ex.allows, _routes(meaning)))


def _routes(meaning: str) -> tuple[Route, ...]:
    return ASKED[meaning] if meaning in ASKED else (Route(meaning),)


def _follow(ex: Exchange, meaning: str) -> Asked | None:
    """Go where this meaning leads this person."""
    answer = ANSWERS.get(meaning)
    if answer is not None:
        return answer(ex)
    ex.go_below()
    if meaning in TOLD:
        TOLD[meaning](ex, [])
        return None
    allowed = next((route for route in _routes(meaning) if ex.allows(route)), None)
    if allowed is None:
        _offer_likely(ex, _not_yours(ex))
        return None
    return allowed, ""


def _not_yours(ex: Exchange) -> str:
    return f"{ex.say('heard.not_yours')}\n{_whom_to_ask(ex)}"


def _whom_to_ask(ex: Exchange) -> str:
    return ex.say("help.person", people=people_to_ask(ex))


def search(ex: Exchange) -> None:
    """/buscar: explain what can be found. The next text is read like any text outside a form."""
    key = "search.ask_people" if ex.allows(Route.PEOPLE) else "search.ask"
    ex.offer(Card((line(bold(ex.say("home.buscar"))), line(ex.say(key))), ((home_button(ex.say),),)))


# ------------------------------------------------------------------ what is said
def _greet(ex: Exchange) -> Asked:
    ex.go_below()
    ex.opening = ex.say("heard.greeting", name=ex.person.name)
    return Route.HOME, ""


def _thanked(ex: Exchange) -> None:
    _react(ex, "🙏")


def _agreed(ex: Exchange) -> None:
    _react(ex, "👍")


def _react(ex: Exchange, emoji: str) -> None:
    if ex.typed_message_id is not None:
        ex.react(ex.typed_message_id, emoji)


def _sent(ex: Exchange) -> Asked | None:
    """Ya lo mandé: show the reports that have arrived, as proof, and those that are left."""
    if ex.membership.role not in REPORTERS:
        return _follow(ex, "historial")
    ex.go_below()
    open_ones = ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)
    known = {period.id: period for period in open_ones}
    latest = ex.unit.submissions.of_agency(ex.agency_id, limit=1)
    if latest and (period := known.get(latest[0].reporting_period_id or 0)) is not None:
        ex.opening = ex.say("heard.sent", period=period_name(period, ex.language), **_received(ex, latest[0]))
    elif open_ones:
        ex.opening = ex.say("heard.sent_none")
    return Route.DUE, ""


def _received(ex: Exchange, sent: StoredSubmission) -> dict[str, str]:
    """The values for a sentence about a report that has arrived: its code, its receipt, its day."""
    return {
        "code": (sent.subject or "").partition(":")[2] or ex.say("menu.referrals"),
        "receipt": f"{sent.receipt_number:04d}",
        "date": show_date(sent.submitted_at.astimezone(ex.zone).date().isoformat(), ex.language),
    }


def _not_today(ex: Exchange) -> None:
    if not ex.is_reporter:
        _agreed(ex)
        return
    ex.go_below()
    due = ex.due()
    text = "\n".join([ex.say("heard.not_today"), *(each.period.named_until(ex.language) for each in due[:1])])
    ways = (Route.POSTPONE, Route.DELEGATE, Route.NOTHING_NEW, Route.EXPLAIN)
    offer(ex, text, [toward(ex, route) for route in ways])


def _away(ex: Exchange) -> None:
    if not ex.allows(Route.PAUSE):
        _agreed(ex)
        return
    ex.go_below()
    buttons = [
        Button(ex.say("heard.delegate"), tap(Route.DELEGATE)),
        Button(ex.say("heard.pause"), tap(Route.PAUSE)),
        toward(ex, Route.POSTPONE),
        toward(ex, Route.LEAVE_POST),
    ]
    offer(ex, ex.say("heard.away"), buttons)


def _left(ex: Exchange, beside: list[Button]) -> None:
    """Answer "cancel that" when nothing is open: say so, and offer the draft, which can be deleted there."""
    offer(ex, ex.say("form.nothing_open"), [*(_drafts(ex) if ex.is_reporter else []), *beside])


def _on_a_page(ex: Exchange) -> Asked | None:
    """Answer a request for a PDF or something to print: lead to the plan on a page, or to other data."""
    if not ex.allows(Route.EXPORT):
        return _follow(ex, "exportar")
    ex.go_below()
    page = Button(ex.say("home.page"), tap(Route.EXPORT, "page"), "primary")
    offer(ex, ex.say("heard.page"), [page, toward(ex, Route.EXPORT), toward(ex, Route.DIGEST)])
    return None


def _not_me(ex: Exchange) -> Asked | None:
    """Answer "it is not me": of one report, for some days, or for good.

    Nobody is led straight to giving up the post.
    """
    if ex.allows(Route.PEOPLE):
        return _follow(ex, "personas")
    ex.go_below()
    if ex.membership.role in REPORTERS:
        routes = (Route.LEAVE_POST, Route.DELEGATE, Route.EXPLAIN)
        offer(ex, ex.say("heard.not_me", agency=ex.agency_code), [toward(ex, route) for route in routes])
    else:
        in_words.about(ex, [])
    return None


def _files(ex: Exchange, beside: list[Button]) -> None:
    """Answer "where do I put the photo": lead to the report that promised it, or to one that is due.

    Who says that it does not upload is answered too.
    """
    buttons = (_promised(ex) or _first_due(ex, LIKELY)) if ex.is_reporter else []
    text = ex.say("heard.files", people=people_to_ask(ex)) if buttons else ex.say("heard.files_none")
    offer(ex, text, [*buttons[:1], *beside, *buttons[1:]])


def _saved(ex: Exchange, beside: list[Button]) -> None:
    """Answer "the power went": show that the answers are kept, and lead back to them.

    Without a draft, show the last receipt.
    """
    if not ex.is_reporter:
        _offer_likely(ex, ex.say("heard.unclear"), beside)
        return
    text, drafts = ex.say("heard.saved"), _drafts(ex)
    latest = [] if drafts else ex.unit.submissions.of_agency(ex.agency_id, limit=1)
    text = "\n".join([text, *(ex.say("heard.saved_sent", **_received(ex, one)) for one in latest)])
    offer(ex, text, [*drafts, *beside, Button(ex.say("menu.history"), tap(Route.HISTORY)), *_first_due(ex)])


def _done(ex: Exchange, beside: list[Button]) -> None:
    """Answer "we held the workshop" where nothing is open: it was not kept, and belongs in one of these reports."""
    if ex.is_reporter:
        reports = _drafts(ex) + _first_due(ex, LIKELY)
        _offer_likely(ex, ex.say("heard.told"), [*reports[: LIKELY - len(beside[:1])], *beside[:1]])
    else:
        _offer_likely(ex, ex.say("heard.told_elsewhere"), beside)


def _chat(ex: Exchange) -> None:
    """Answer the dollar, the weather, what was meant for somebody at home; and offer what this person does most."""
    ex.go_below()
    _offer_likely(ex, ex.say("heard.chat"))


ANSWERS: Mapping[str, Callable[[Exchange], Asked | None]] = {
    "greeting": _greet,
    "thanks": _thanked,
    "agreed": _agreed,
    "sent": _sent,
    "not_today": _not_today,
    "away": _away,
    "not_me": _not_me,
    "page": _on_a_page,
    CHAT: _chat,
}
"""Meanings that need more than a route. Each answers by itself, or returns the route that follows."""
TOLD: Mapping[str, Callable[[Exchange, list[Button]], None]] = {
    **in_words.TOLD,
    "files": _files,
    "saved": _saved,
    "told": _done,
    "cancelar": _left,
}
"""Meanings that are answered in words, together with buttons for other meanings."""
HELP, MENU = str(Route.HELP), str(Route.HOME)
"""Meanings with a route of their own that are also answered in words."""


# ------------------------------------------------------------------ what is likely meant
def _offer_likely(ex: Exchange, text: str, named: list[Button] | None = None) -> None:
    """Answer with these words and two or three buttons: the given ones, or what this person does most."""
    rows: list[tuple[Button, ...]] = [(button,) for button in named or _likely(ex)]
    rows.append((home_button(ex.say), Button(ex.say("menu.help"), tap(Route.HELP))))
    ex.offer(Card((line(text),), tuple(rows)))


def _meant_like(ex: Exchange, meanings: Iterable[str]) -> list[Button]:
    """Buttons for the routes of these meanings that this person may take, then for what they do most."""
    return _with_draft(ex, [*_meant_only(ex, meanings), *_likely(ex)])


def _with_draft(ex: Exchange, buttons: list[Button]) -> list[Button]:
    """Return the first of these buttons, with one to go on with the draft that this person left."""
    first = list(dict.fromkeys(buttons))[:LIKELY]
    draft = [each for each in (_drafts(ex) if ex.is_reporter else []) if each not in first]
    return [*first[: LIKELY - len(draft)], *draft]


def _meant_only(ex: Exchange, meanings: Iterable[str]) -> list[Button]:
    """Return a button for each of these meanings that leads somewhere. Help and the menu come below in any case."""
    found = []
    for meaning in meanings:
        if meaning == "page" and ex.allows(Route.EXPORT):
            found.append(Button(ex.say("home.page"), tap(Route.EXPORT, "page")))
            continue
        ways = OFFERED.get(meaning) or ((Route(meaning),) if meaning in ROUTES else ())
        route = next(filter(ex.allows, ways), None)
        if route not in (None, Route.HELP, Route.HOME, Route.CANCEL):
            found.append(toward(ex, route))
    return list(dict.fromkeys(found))


def _likely(ex: Exchange) -> list[Button]:
    if not ex.is_reporter:
        first = [each for row in HOMES[ex.membership.role] for each in row if each.text and ex.allows(each.route)]
        return [Button(ex.say(each.text), tap(each.route, *each.parts)) for each in first[:1]]
    begun = _drafts(ex) or _first_due(ex)
    routes = (Route.EXPLAIN if begun else Route.DUE, Route.HISTORY)
    return [*begun, *(toward(ex, route) for route in routes if ex.allows(route))]


def _drafts(ex: Exchange) -> list[Button]:
    drafts = [each for each in ex.unit.sessions.drafts_of(ex.person.id) if each.expires_at > ex.now]
    return [Button(draft_title(ex, each), tap(Route.CONTINUE, each.id), "primary") for each in drafts[:1]]


def _first_due(ex: Exchange, most: int = 1) -> list[Button]:
    due = [report for report in ex.due() if ex.may_report(report.subject)]
    return [due_button(ex, one) for one in due[:most]]


def _promised(ex: Exchange) -> list[Button]:
    """Open reports of their agency that promised evidence: an unexpected file most likely belongs to one."""
    if ex.membership.role not in REPORTERS:
        return []
    open_ones = {each.id for each in ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)}
    found = []
    for sent in ex.unit.submissions.of_agency(ex.agency_id, limit=PROMISES):
        if sent.is_current and sent.reporting_period_id in open_ones and ex.unit.submissions.promises_evidence(sent):
            code = (sent.subject or "").partition(":")[2]
            found.append(Button(ex.say("heard.evidence", code=code), tap(Route.CORRECT, sent.id), "primary"))
    return found[:LIKELY]
