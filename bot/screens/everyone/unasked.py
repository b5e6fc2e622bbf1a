"""Texts and files that come when nothing is asked. They are understood and answered, and neither kept nor logged.

A person writes to a bot as to a colleague: "hola", "ya lo mandé", a code, a voice note from the car. A menu is no
answer to that. So a text with a known meaning leads where its button would, thanks get a reaction, and for other texts
the bot offers two or three likely buttons. A phrase never does anything by itself: after "no puedo hoy" the person taps
the button that follows.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from bot.chat.contact import whom_to_ask
from bot.chat.exchange import Exchange
from bot.chat.permissions import REPORTERS
from bot.screens.everyone.home import HOMES
from bot.screens.people import people
from bot.screens.reports.own_reports import LOOKED_BACK, answered_by, draft_title
from bot.screens.reports.receipts import due_tap
from bot.telegram.updates import Secondhand, Unsupported
from conversations.card import Button, Card, bold, cut, home_button, line, paragraph
from conversations.dates import show_date
from conversations.plan.expected import DueReport, expected_reports
from conversations.plan.model import Activity
from conversations.plan.periods import period_name
from conversations.routes import Route, RouteTap, read_tap, tap
from conversations.session.events import Event, Located, Offered, Typed
from conversations.session.reading.utterances import (
    Named,
    Utterance,
    foreign_code,
    likely_meanings,
    mentioned_code,
    mentioned_names,
    significant,
    understood,
)
from conversations.session.safeguards.guard import personal_data, refusal
from storage.reports.submissions import StoredSubmission

Asked = tuple[Route, str]
"""A route, and what its button would carry."""
LIKELY: Final = 3
PROMISES: Final = 12
"""How many sent reports are searched for those that promised evidence."""
BARE: Final = 2
"""Words of a command at the most. What has more is a sentence, which may only sound like a command."""
QUOTED: Final = 24
"""Bytes of an edited message that its button can carry."""

ASKED: Mapping[str, tuple[Route, ...]] = {
    "pendientes": (Route.DUE, Route.INDICATORS, Route.PROGRESS, Route.DIGEST),
    "reportar": (Route.REPORT,),
    "historial": (Route.HISTORY, Route.QUEUE, Route.DIGEST),
    "progreso": (Route.PROGRESS, Route.DIGEST),
    "cancelar": (Route.CANCEL, Route.HOME),
    "comentarios": (Route.COMMENTS, Route.COMMENT),
    "calendario": (Route.HOLIDAYS, Route.PERIODS),
    "indicadores": (Route.INDICATORS, Route.INDICATOR_DIGEST),
    "pausar": (Route.PAUSE, Route.PREFERENCES),
    "nothing_new": (Route.NOTHING_NEW,),
}
"""For each meaning, the routes it may lead to; the first that the person may take is used. Other meanings are the
name of their route.
"""

TOLD: Final = ("files", "saved", "access", "human", "ayuda")
"""Meanings that are answered in words alone: such an answer to who meant something else costs nothing."""
CLOSE: Final = 0.8
"""How likely a meaning must be (`likely_meanings`)."""
OFFERED: Mapping[str, tuple[Route, ...]] = {
    **ASKED,
    "not_me": (Route.LEAVE_POST,),
    "sent": (Route.HISTORY, Route.QUEUE),
    "saved": (Route.HISTORY,),
    "not_today": (Route.POSTPONE,),
    "away": (Route.DELEGATE, Route.PAUSE),
    "files": (Route.DUE,),
    "human": (Route.HELP,),
    "access": (Route.HELP,),
}
"""The routes that are offered if a text only seems to have this meaning."""
NAMES: Mapping[Route, str] = {
    Route.POSTPONE: "remind.tomorrow",
    Route.NOTHING_NEW: "remind.nothing_new",
    Route.LEAVE_POST: "remind.not_me",
    Route.PAUSE: "heard.pause",
    Route.DELEGATE: "heard.delegate",
    Route.EXPLAIN: "remind.explain",
    Route.INDICATOR_DIGEST: "menu.indicators",
}
"""The labels of these routes' buttons. Other routes have their name in the command menu as the label."""


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
            key = "heard.file"
        case Located():
            key = "heard.place"
        case Secondhand():
            key = "heard.forwarded"
        case _:
            key = "heard.other"
    _offer_likely(ex, ex.say(key))
    return None


def edited(ex: Exchange, message_id: int, text: str) -> None:
    """A message that answered a sent report was edited: say so, and offer the correction.

    A short answer is quoted, and one tap puts it in; never for a restricted report. An edit of any other message is
    ignored.
    """
    for stored in ex.unit.sessions.sent_by(ex.person.id, LOOKED_BACK):
        if str(message_id) in stored.data.get("origins", {}) and ex.is_theirs(stored):
            sent = ex.unit.submissions.by_instance(stored.instance_id)
            if sent is None or not sent.is_current:
                continue
            code = (sent.subject or "").partition(":")[2] or ex.say("menu.referrals")
            values = {"code": code, "receipt": f"{sent.receipt_number:04d}", "value": text.strip()}
            is_short = text.isprintable() and 0 < len(text.strip().encode()) <= QUOTED
            ex.go_below()
            if is_short and sent.reporting_period_id and answered_by(ex, sent, message_id):
                to = tap(Route.CORRECT, sent.id, message_id, text.strip())
                yes = Button(ex.say("heard.edited_yes", **values), to, "primary")
                _offer(ex, ex.say("heard.edited_to", **values), [yes, _correct(ex, sent.id)])
            else:
                _offer(ex, ex.say("heard.edited", **values), [_correct(ex, sent.id)])
            return


def _correct(ex: Exchange, submission_id: int) -> Button:
    return Button(ex.say("form.correct"), tap(Route.CORRECT, submission_id))


def leaves(text: str, language: str) -> bool:
    """Whether a person who was asked for words wants to leave instead: "cancelar", "menú", and no further word."""
    meant = understood(text, language)
    return meant is not None and meant.is_all and meant.meaning in ("cancelar", "menu")


def _read(ex: Exchange, text: str) -> Asked | None:
    """Follow a text if it is sure which route or item it means. Otherwise offer what is likely."""
    meant = understood(text, ex.language)
    if meant is not None and len(text.split()) > BARE and not _leads(ex, meant.meaning):
        meant = None
    if meant is not None and meant.is_all:
        return _follow(ex, meant.meaning)
    less_sure = [] if meant is None or meant.is_polite else [meant.meaning]
    if _found_people(ex, text) or _refused(ex, text, less_sure):
        return None
    if (found := _mentioned(ex, text)) is not None:
        ex.go_below()
        return found
    if meant is not None and _is_meant(ex, text, meant):
        return _follow(ex, meant.meaning)
    return _guess(ex, text, less_sure)


def _found_people(ex: Exchange, text: str) -> bool:
    """Search people by name, for those who may see people. True if the text was answered in this way."""
    words = significant(text)
    if not (words and ex.allows(Route.PEOPLE) and people.is_called(ex, words)):
        return False
    ex.forget_card()
    people.search(ex, " ".join(words))
    return True


def _refused(ex: Exchange, text: str, meant: list[str]) -> bool:
    """Delete a text with personal data from the chat, and answer only the request in it (S15). False if it has none."""
    kind = personal_data(text, strict=True, known=ex.known())
    if kind is None:
        return False
    if ex.typed_message_id is not None:
        ex.delete(ex.typed_message_id)
    ex.go_below()
    _offer_likely(ex, ex.say(refusal(kind)), _meant_like(ex, [*meant, *likely_meanings(text, ex.language)]))
    return True


def _is_meant(ex: Exchange, text: str, meant: Utterance) -> bool:
    """Thanks are only thanks if the text says nothing else. A meaning that acts must be sure."""
    if meant.is_polite:
        return not likely_meanings(text, ex.language, CLOSE)
    return meant.is_sure or meant.meaning in TOLD


def _guess(ex: Exchange, text: str, less_likely: list[str]) -> Asked | None:
    """Look for a title, then for a similar meaning. If there is neither, say so and offer likely buttons."""
    ex.go_below()
    likely = _named_like(ex, text)
    if isinstance(likely, tuple):
        return likely
    if (told := next(iter(likely_meanings(text, ex.language, CLOSE)), "")) in TOLD:
        return _follow(ex, told)
    if (code := _code_of_others(ex, text)) is not None:
        _offer_likely(ex, ex.say("heard.not_among", code=code, agency=ex.agency_code))
    else:
        near = [*likely_meanings(text, ex.language), *less_likely]
        known = [*likely[: LIKELY - 1], *_meant_like(ex, near)][:LIKELY]
        asked = whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)
        unclear = f"{ex.say('heard.unclear')}\n{ex.say('help.person', people=asked)}"
        _offer_likely(ex, ex.say("heard.which") if likely else unclear, known)
    return None


def _leads(ex: Exchange, meaning: str) -> bool:
    """Whether a sentence with this meaning leads this person somewhere. Nothing is open that could be left."""
    return meaning in ANSWERS or (meaning != "cancelar" and any(map(ex.allows, _routes(meaning))))


def _routes(meaning: str) -> tuple[Route, ...]:
    return ASKED[meaning] if meaning in ASKED else (Route(meaning),)


def _follow(ex: Exchange, meaning: str) -> Asked | None:
    """Go where this meaning leads this person."""
    answer = ANSWERS.get(meaning)
    if answer is not None:
        return answer(ex)
    ex.go_below()
    allowed = next((route for route in _routes(meaning) if ex.allows(route)), None)
    if allowed is None:
        _offer_likely(ex, ex.say("heard.not_yours"))
        return None
    return allowed, ""


def search(ex: Exchange) -> None:
    """/buscar: explain what can be found. The next text is read like any text at rest."""
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
    text = ex.say("heard.not_today")
    if due:
        period = due[0].period
        text = f"{text}\n{period_name(period, ex.language)}{ex.say.colon}{period.until(ex.language)}."
    buttons = [
        Button(ex.say("remind.tomorrow"), tap(Route.POSTPONE)),
        Button(ex.say("remind.nothing_new"), tap(Route.NOTHING_NEW)),
        Button(ex.say("remind.explain"), tap(Route.EXPLAIN)),
    ]
    _offer(ex, text, buttons)


def _away(ex: Exchange) -> None:
    if ex.membership.role not in REPORTERS:
        _agreed(ex)
        return
    ex.go_below()
    buttons = [
        Button(ex.say("heard.delegate"), tap(Route.DELEGATE)),
        Button(ex.say("heard.pause"), tap(Route.PAUSE)),
        Button(ex.say("remind.not_me"), tap(Route.LEAVE_POST)),
    ]
    _offer(ex, ex.say("heard.away"), buttons)


def _not_me(ex: Exchange) -> None:
    """ "It is not me": of one report, for some days, or for good; nobody is led straight to giving up the post."""
    ex.go_below()
    buttons = [
        Button(ex.say("heard.delegate"), tap(Route.DELEGATE)),
        Button(ex.say("remind.explain"), tap(Route.EXPLAIN)),
        Button(ex.say("remind.not_me"), tap(Route.LEAVE_POST)),
    ]
    _offer(ex, ex.say("heard.not_me"), buttons)


def _files(ex: Exchange) -> None:
    """ "Where do I put the photo": in the report that promised it, or in one that is due."""
    ex.go_below()
    buttons = (_promised(ex) or _first_due(ex, LIKELY)) if ex.is_reporter else []
    _offer(ex, ex.say("heard.files" if buttons else "heard.files_none"), buttons)


def _saved(ex: Exchange) -> None:
    """ "The power went": show that the answers are kept, and lead back to them.

    Without a draft, show the last receipt.
    """
    if not ex.is_reporter:
        _offer_likely(ex, ex.say("heard.unclear"))
        return
    ex.go_below()
    text, drafts = ex.say("heard.saved"), _drafts(ex)
    latest = [] if drafts else ex.unit.submissions.of_agency(ex.agency_id, limit=1)
    text = "\n".join([text, *(ex.say("heard.saved_sent", **_received(ex, one)) for one in latest)])
    _offer(ex, text, [*drafts, Button(ex.say("menu.history"), tap(Route.HISTORY)), *_first_due(ex)])


def _access(ex: Exchange) -> None:
    """ "I have another phone": there is no password, and who gives another link."""
    ex.go_below()
    _offer(ex, ex.say("heard.access", people=whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)), [])


def _wants_somebody(ex: Exchange) -> None:
    ex.go_below()
    asked = whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)
    _offer(ex, ex.say("heard.person", people=asked), [Button(ex.say("remind.explain"), tap(Route.EXPLAIN))])


ANSWERS: Mapping[str, Callable[[Exchange], Asked | None]] = {
    "greeting": _greet,
    "thanks": _thanked,
    "agreed": _agreed,
    "sent": _sent,
    "not_today": _not_today,
    "away": _away,
    "not_me": _not_me,
    "files": _files,
    "saved": _saved,
    "access": _access,
    "human": _wants_somebody,
}
"""Meanings that need more than a route. Each answers by itself, or returns the route that follows."""


def _offer(ex: Exchange, text: str, buttons: list[Button]) -> None:
    """Answer with these words, the buttons that this person may use, and the way to the menu."""
    rows = [(each,) for each in buttons if isinstance(to := read_tap(each.tap), RouteTap) and ex.allows(to.route)]
    ex.offer(Card(paragraph(text), (*rows, (home_button(ex.say),))))


# ------------------------------------------------------------------ what is named
def _mentioned(ex: Exchange, text: str) -> Asked | None:
    """Where a code in the text leads, among everything that the person may see."""
    shown = ex.agency_code if ex.membership.role in REPORTERS else None
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    of = None if shown is None else ex.agency_id
    activities, indicators = plans.activities(plan_id, of), plans.indicators(plan_id, of)
    code = mentioned_code(text, [*(each.code for each in activities), *(each.code for each in indicators)])
    if code is not None:
        return _toward(ex, code, "a" if any(each.code == code for each in activities) else "i")
    agencies = [each for each in plans.agencies(plan_id, on=ex.today) if shown in (None, each.code)]
    named = mentioned_code(text, [each.code for each in agencies])
    if named is None and shown is None:
        sure = mentioned_names(text, [Named(each.code, tuple(each.name.values())) for each in agencies])
        named = sure.codes[0] if sure.is_sure else None
    return None if named is None else (Route.AGENCY_DIGEST, "" if shown else named)


def _code_of_others(ex: Exchange, text: str) -> str | None:
    """A code in the text of a reporter that does not belong to them: another agency has it, or nobody."""
    if ex.membership.role not in REPORTERS:
        return None
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    known = [each.code for each in plans.activities(plan_id)] + [each.code for each in plans.indicators(plan_id)]
    return foreign_code(text, known)


def _toward(ex: Exchange, code: str, kind: str) -> Asked:
    """Lead to the person's own report about the item, to begin, continue or correct it.

    Otherwise to the plan's page of it.
    """
    if ex.is_reporter:
        due = next((report for report in ex.due() if report.code == code), None)
        if due is not None and ex.may_report(due.subject):
            return Route.REPORT, f"{kind}.{code}.{due.period.code}"
        plans, plan_id = ex.unit.plans, ex.membership.plan_id
        if kind == "a" and ex.membership.role in REPORTERS:
            activity, ended = plans.activity(plan_id, code), plans.ended(plan_id)
            for period in reversed(plans.open_periods(plan_id, ex.today, ex.agency_id)):
                if expected_reports([activity], period, ended):
                    return Route.REPORT, f"{kind}.{code}.{period.code}"
    if kind == "a" and ex.membership.role not in REPORTERS:
        return Route.ACTIVITY, code
    return Route.PLAN, f"{kind}.{code}"


def _named_like(ex: Exchange, text: str) -> Asked | list[Button]:
    """Where the words of a title lead if they fit one item; otherwise a button for each that may be meant."""
    due = [report for report in ex.due() if ex.may_report(report.subject)] if ex.is_reporter else []
    found = mentioned_names(text, [Named(one.code, _titles(one)) for one in due], LIKELY)
    if found.is_sure:
        wanted = next(one for one in due if one.code == found.codes[0])
        return Route.REPORT, f"{'i' if wanted.is_indicator else 'a'}.{wanted.code}.{wanted.period.code}"
    if found.codes:
        return [_due_button(ex, next(one for one in due if one.code == code)) for code in found.codes]
    of = ex.agency_id if ex.membership.role in REPORTERS else None
    activities = {each.code: each for each in ex.unit.plans.activities(ex.membership.plan_id, of)}
    found = mentioned_names(
        text,
        [Named(code, (*each.name.values(), *each.short_name.values())) for code, each in activities.items()],
        LIKELY,
    )
    if found.is_sure:
        return _toward(ex, found.codes[0], "a")
    buttons = []
    for code in found.codes:
        route, carried = _toward(ex, code, "a")
        buttons.append(Button(cut(f"{code} · {activities[code].title(ex.language)}"), tap(route, *carried.split("."))))
    return buttons


def _titles(report: DueReport) -> tuple[str, ...]:
    short = report.item.short_name.values() if isinstance(report.item, Activity) else ()
    return (*report.item.name.values(), *short)


# ------------------------------------------------------------------ what is likely meant
def _offer_likely(ex: Exchange, text: str, named: list[Button] | None = None) -> None:
    """Say this, with two or three buttons: the given ones, or what this person does most."""
    rows: list[tuple[Button, ...]] = [(button,) for button in named or _likely(ex)]
    rows.append((home_button(ex.say), Button(ex.say("menu.help"), tap(Route.HELP))))
    ex.offer(Card((line(text),), tuple(rows)))


def _meant_like(ex: Exchange, meanings: Iterable[str]) -> list[Button]:
    """Buttons for the routes of these meanings that this person may take, then for what they do most."""
    routes = [next(filter(ex.allows, OFFERED.get(each) or (Route(each),)), None) for each in meanings]
    wanted = dict.fromkeys(route for route in routes if route not in (None, Route.HELP, Route.HOME, Route.CANCEL))
    known = dict.fromkeys([*(_toward_route(ex, route) for route in wanted), *_likely(ex)])
    return list(known)[:LIKELY]


def _toward_route(ex: Exchange, route: Route) -> Button:
    return Button(cut(ex.say(NAMES.get(route, f"command.{route}"))), tap(route))


def _likely(ex: Exchange) -> list[Button]:
    if not ex.is_reporter:
        first = [each for row in HOMES[ex.membership.role] for each in row if each.text and ex.allows(each.route)]
        return [Button(ex.say(each.text), tap(each.route, *each.parts)) for each in first[:1]]
    begun = _drafts(ex) or _first_due(ex)
    routes = (Route.EXPLAIN if begun else Route.DUE, Route.HISTORY)
    return [*begun, *(_toward_route(ex, route) for route in routes if ex.allows(route))]


def _drafts(ex: Exchange) -> list[Button]:
    drafts = [each for each in ex.unit.sessions.drafts_of(ex.person.id) if each.expires_at > ex.now]
    return [Button(draft_title(ex, each), tap(Route.CONTINUE, each.id), "primary") for each in drafts[:1]]


def _first_due(ex: Exchange, most: int = 1) -> list[Button]:
    due = [report for report in ex.due() if ex.may_report(report.subject)]
    return [_due_button(ex, one) for one in due[:most]]


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


def _due_button(ex: Exchange, report: DueReport) -> Button:
    return Button(cut(f"{report.code} · {report.item.title(ex.language)}"), due_tap(report))
