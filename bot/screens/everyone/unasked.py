"""Texts and files that come when nothing is asked. They are understood and answered, and neither kept nor logged.

A person writes to a bot as to a colleague: "hola", "ya lo mandé", a code, a voice note from the car. A menu is no
answer to that. So a text with a known meaning leads where its button would, thanks get a reaction, and for other texts
the bot offers two or three likely buttons. A phrase never does anything by itself: after "no puedo hoy" the person taps
the button that follows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Final

from bot.chat.exchange import Exchange
from bot.chat.permissions import REPORTERS
from bot.screens.everyone import in_words
from bot.screens.everyone.home import HOMES
from bot.screens.everyone.in_words import offer, people_to_ask, toward
from bot.screens.everyone.named import (
    LIKELY,
    Asked,
    agencies_like,
    items_like,
    mentioned,
    named_button,
    named_like,
    unknown_code,
)
from bot.screens.people import people
from bot.screens.reports.own_plans import offer_elsewhere
from bot.screens.reports.own_reports import draft_title, is_any_open
from bot.screens.reports.receipts import due_button
from bot.telegram.updates import Secondhand, Unsupported
from conversations.card import Button, Card, bold, home_button, line
from conversations.plan.periods import period_name
from conversations.routes import Route, tap
from conversations.session.events import Event, Located, Offered, Typed
from conversations.session.reading.meanings import (
    ABOUT_ITEMS,
    ABOUT_SOMEBODY,
    CHAT,
    DONE,
    HELP,
    OF_AN_ITEM,
    OF_OTHERS,
    POLITE,
    Writer,
    is_harmless,
    wish_of,
)
from conversations.session.reading.phrase_table import prepare, table_words
from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import significant
from conversations.session.reading.wishes import Reading, is_answer, is_statement, read
from conversations.session.safeguards.guard import Kind, is_name_alone, personal_data, refusal
from conversations.session.safeguards.names import only_names
from storage.reports.submissions import StoredSubmission

PROMISES: Final = 12
"""How many sent reports are searched for those that promised evidence."""


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


def _read(ex: Exchange, text: str) -> Asked | None:
    """Follow a text that says one thing. Otherwise the first step that has an answer gives it."""
    if not _build_tables.cache_info().currsize:
        ex.unit.read_first(lambda _: _build_tables())
    heard = _Heard(ex, text, read(text, ex.language, _writer(ex)))
    if heard.reading.is_all:
        return _follow(ex, heard.reading.wish)
    answers = (step(ex, heard) for step in STEPS)
    return next(answer for answer in answers if answer is not None).to


@cache
def _build_tables() -> None:
    """Build the tables of all phrases. It takes nearly half a second.

    They are not built at the start, because a bot to which nobody writes does without them.
    """
    prepare()


def _writer(ex: Exchange) -> Writer:
    return Writer(ex.allows, ex.is_reporter)


@dataclass(frozen=True)
class _Heard:
    """A text with its meaning, and with what it names in the plan."""

    ex: Exchange
    text: str
    reading: Reading

    @cached_property
    def titles(self) -> Asked | list[Button]:
        """The item whose title it says, or a button for each that it may mean."""
        return named_like(self.ex, self.text)

    @cached_property
    def items(self) -> list[Button]:
        """Buttons for what it may mean: by words of a title, or by one rare word if it is about an item."""
        first = next(iter(self.reading.near), "")
        if self.titles or first not in ABOUT_ITEMS:
            return [] if isinstance(self.titles, tuple) else self.titles
        is_sought = first == "buscar"
        agencies = agencies_like(self.ex, self.text) if is_sought else []
        return [*agencies, *items_like(self.ex, self.text, is_sought=is_sought)]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The text is answered, or answered by the route that follows."""

    to: Asked | None = None


# ------------------------------------------------------------------ the steps
def _find_people(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Search people by name, for those who may see people."""
    words = significant(heard.text)
    if not (words and ex.allows(Route.PEOPLE) and people.is_called(ex, words)):
        return None
    ex.forget_card()
    people.search(ex, " ".join(words))
    return _Answer()


def _refuse(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Delete a text with personal data from the chat, and answer only the request in it (S15)."""
    reading, wish = heard.reading, heard.reading.wish
    if (kind := _personal(ex, heard.text, wish)) is None:
        return None
    if ex.typed_message_id is not None:
        ex.delete(ex.typed_message_id)
    ex.go_below()
    if not wish or wish in (*POLITE, CHAT) or not _writer(ex).is_led_by(wish):
        _offer_likely(ex, ex.say(refusal(kind)), _meant_like(ex, [*reading.said, *reading.likely]))
        return _Answer()
    ex.opening = ex.say(refusal(kind) if wish in ABOUT_SOMEBODY else "heard.deleted")
    return _Answer(_follow(ex, wish))


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


def _lead_to_named(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Lead to the code or institution that a text names; or offer it beside what may be wanted of it."""
    if (named := mentioned(ex, heard.text)) is None:
        return None
    ex.go_below()
    about = next(iter([*heard.reading.said, *heard.reading.likely]), "")
    if ex.is_reporter or about not in OF_OTHERS:
        return _Answer(named)
    wanted = _meant_only(ex, [about])
    _offer_likely(ex, ex.say("heard.which") if wanted else _not_yours(ex), [*wanted, named_button(ex, *named)])
    return _Answer()


def _lead_elsewhere(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Offer what the text names in another plan of this person."""

    def find(there: Exchange) -> Button | None:
        named = mentioned(there, heard.text)
        return None if named is None else named_button(there, *named)

    return _Answer() if offer_elsewhere(ex, find) else None


def _refuse_code(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Say that a code leads nowhere, and to reporters not whether somebody else has it."""
    reading = heard.reading
    likeliest = next(iter(reading.likely), "")
    is_about_items = likeliest in ("reportar", "buscar") and (reading.wish == likeliest or not is_answer(heard.text))
    code = unknown_code(ex, heard.text, is_about_items=is_about_items)
    if code is None or reading.phrase not in ("", HELP, *ABOUT_ITEMS):
        return None
    ex.go_below()
    key = "heard.not_among" if ex.membership.role in REPORTERS else "heard.no_code"
    _offer_likely(ex, ex.say(key, code=code, agency=ex.agency_code), _meant_only(ex, ["buscar"]))
    return _Answer()


def _lead_to_title(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Lead to the item whose title alone has these words."""
    if not isinstance(heard.titles, tuple):
        return None
    ex.go_below()
    return _Answer(heard.titles)


def _do(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Follow what is surely wanted, unless it is wanted of an item that has to be chosen."""
    wish = heard.reading.wish
    is_of_an_item = wish in OF_AN_ITEM and bool(heard.items)
    if not wish or is_of_an_item or not _writer(ex).is_led_by(wish):
        return None
    return _Answer(_tell(ex, wish, heard.reading.likely) if is_harmless(wish) else _follow(ex, wish))


def _tell_what_was_said(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Answer in words what was said but is not sure; they do no harm. So is a statement that may tell of work done."""
    reading = heard.reading
    if reading.wish:
        return None
    told = [each for each in reading.wanted if each in TOLD] or list(filter(is_harmless, reading.wanted[:1]))
    if not reading.wanted and DONE in reading.likely[:LIKELY] and "?" not in heard.text and is_statement(heard.text):
        told = [DONE]
    return _Answer(_tell(ex, told[0], [*reading.wanted, *reading.likely])) if told else None


def _offer_questions(ex: Exchange, heard: _Heard) -> _Answer | None:
    """Say that nothing is open for what looks like an answer ("230"), and offer what may be meant to be filled."""
    if not ex.is_reporter or heard.reading.wanted or not is_answer(heard.text):
        return None
    ex.go_below()
    _offer_likely(ex, ex.say("heard.answer"), _drafts(ex) + _first_due(ex, LIKELY))
    return _Answer()


def _offer_near(ex: Exchange, heard: _Heard) -> _Answer:
    """Say what is lacking, and offer what was named and what is near."""
    ex.go_below()
    reading, near = heard.reading, heard.reading.near
    named = list(dict.fromkeys([*agencies_like(ex, heard.text), *heard.items]))[: LIKELY - 1]
    if near and near[0] in OF_OTHERS:
        named = [*_meant_only(ex, near[:1]), *named]
    if near and not named and not _writer(ex).is_led_by(near[0]):
        said = _not_yours(ex)
    elif named or reading.wanted:
        said = ex.say("heard.which")
    else:
        said = f"{ex.say('heard.unclear')}\n{_whom_to_ask(ex)}"
    _offer_likely(ex, said, _with_draft(ex, [*named, *_meant_like(ex, near)]))
    return _Answer()


STEPS: Final[tuple[Callable[[Exchange, _Heard], _Answer | None], ...]] = (
    _find_people,  # "busco a Ana Martínez"
    _refuse,  # "eso lo ve Yokasta Pérez", "una niña de 14 años"
    _lead_to_named,  # "la pre 101 por favor", "cómo va Turismo"
    _lead_elsewhere,
    _refuse_code,  # "¿qué significa ABC-77?"
    _lead_to_title,  # "la campaña en radio"
    _do,  # "oye y hasta qué día es que tengo chance de mandar lo mío"
    _tell_what_was_said,  # "se fue la luz, ¿se guardó?", "dimos el taller en Azua con la regional"
    _offer_questions,  # "20 mujeres"
    _offer_near,  # "quiero llenar lo de los bateyes", "asdfgh"
)
"""How a text that says more than one thing is answered: the first step that has an answer counts."""


def _tell(ex: Exchange, meaning: str, others: Iterable[str]) -> Asked | None:
    """Answer in words, and offer what else was said or may be meant, because the text says more than this."""
    ex.go_below()
    beside = _meant_only(ex, [each for each in list(others)[:LIKELY] if not is_harmless(each)])[: LIKELY - 1]
    if meaning not in TOLD:
        return _follow(ex, meaning)
    TOLD[meaning](ex, beside)
    return None


def _follow(ex: Exchange, meaning: str) -> Asked | None:
    """Go where this meaning leads this person."""
    answer = ANSWERS.get(meaning)
    if answer is not None:
        return answer(ex)
    ex.go_below()
    if meaning in TOLD:
        TOLD[meaning](ex, [])
        return None
    route = _writer(ex).route_of(meaning)
    if route is None:
        _offer_likely(ex, _not_yours(ex))
        return None
    return route, ""


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
        "date": ex.day(sent.submitted_at),
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
        route = next(filter(ex.allows, wish_of(meaning).button), None)
        if meaning == "page" and route is not None:
            found.append(Button(ex.say("home.page"), tap(route, "page")))
        elif route not in (None, Route.HELP, Route.HOME):
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
