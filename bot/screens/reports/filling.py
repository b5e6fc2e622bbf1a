"""Fill a form in the chat: apply one event, and carry out each of its effects.

The conversation itself is `conversations.session.engine.step`. Here its effects meet the database and the chat, in the
unit of one update.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, assert_never
from zlib import crc32

from bot.acts.reports import reports
from bot.acts.reports.reports import Reporter
from bot.chat.contact import whom_to_ask
from bot.chat.exchange import Denied, Exchange
from bot.chat.form_cache import SENT_AS
from bot.screens.reports.receipts import receipt_card
from conversations.card import Button, Card, Line, Medium, bold, home_button, line, line_card
from conversations.dates import last_day
from conversations.plan.periods import PlanPhase, ReportingPeriod, period_name, plan_phase
from conversations.routes import Route, tap
from conversations.session import engine
from conversations.session.cards.session_card import answered_card, session_card
from conversations.session.cards.view import form_title
from conversations.session.effects import (
    Added,
    Answered,
    Ask,
    Effect,
    Fetch,
    Leave,
    Notice,
    Reject,
    Removed,
    Stale,
    Submit,
    Withhold,
)
from conversations.session.events import Corrected, Event, Fetched, FetchFailed, Resumed, Tap
from conversations.session.questions import PLACES
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.xforms.bundle import kind_of
from conversations.xforms.form import Form
from storage.errors import PlanClosed
from storage.reports.sessions import StoredSession

OFTEN = 3
"""After this many equal complaints, another way is offered."""
_AGAIN = "again"
_WITHOUT_A_MESSAGE = (Tap, Corrected, Fetched, FetchFailed, Resumed)
"""The events that bring no new message into the chat."""
_MEDIA_SHOWN = 10
"""The most files sent before one card. More would push it out of sight."""


def reporter_of(ex: Exchange) -> Reporter:
    """Return the person of this exchange as a reporter, for acts on reports."""
    return Reporter(
        ex.actor,
        ex.person.id,
        ex.membership.agency_id,
        ex.agency_code,
        ex.language,
        ex.person.form_language,
        ex.house.forms,
        ex.house.new_instance_id,
    )


def show_first(ex: Exchange, stored: StoredSession, form: Form, begun: Step, *, anew: bool = False) -> None:
    """Show the first card of a session that was just opened, after its pictures."""
    ex.filling = stored.id
    card = session_card(form, begun.session, begun.instance, now=ex.now)
    files = _files_of(ex, card, stored.form_version_id)
    _show_files(ex, files, restricted=stored.sensitive)
    ex.show(card, anew=anew or bool(files), session=(stored.id, begun.session.turn), restricted=stored.sensitive)
    ex.stand(stored.id)


def apply(ex: Exchange, stored: StoredSession, event: Event, *, anew: bool = False) -> None:
    """Apply an event to a session and show the result. Refused if the session's period has locked."""
    ex.visit.stand_in(stored.plan_id)
    if not ex.is_theirs(stored) or not ex.may_report(stored.subject):
        raise Denied
    if ex.is_over:
        raise PlanClosed
    if ex.now >= stored.expires_at:
        refuse_locked(ex, stored)
        return
    ex.filling = stored.id
    form = ex.house.forms.version(ex.unit, stored.form_version_id)
    session = Session.from_json(stored.data)
    was_place = _asks_place(form, session)
    taken = engine.step(form, session, event, now=ex.now, known=ex.known)
    found = _carry_out(ex, stored, session, taken.effects, is_typed=not isinstance(event, _WITHOUT_A_MESSAGE))
    anew = anew or found.goes_below
    if found.is_submitted:
        submit(ex, stored, form, taken, anew=was_place)
        return
    stored = reports.save(ex.unit, stored, taken.session, ex.now)
    if found.has_left:
        leave(ex, stored, taken, form)
        return
    if found.is_stale:
        if isinstance(event, Fetched | FetchFailed):
            return
        ex.toast = ex.say("form.stale")
        anew = not _is_looked_at(ex)
        found.is_shown = True
    mark, times = _again(ex, found.complaints)
    if times >= OFTEN:
        asked = whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)
        found.notices.append(ex.say("form.another_way", people=asked))
    if found.is_shown:
        # While a file is on its way nobody reads the question: an album does not repeat its pictures with each file.
        is_new = (taken.session.at != session.at and not taken.session.fetching) or isinstance(event, Resumed)
        _draw(ex, stored, form, taken, found, anew=anew, was_place=was_place, is_new=is_new)
    ex.stand(stored.id, awaits=mark)


def take_unseen(ex: Exchange, stored: StoredSession, event: Fetched | FetchFailed) -> None:
    """Keep what arrives for a draft that its owner is not looking at, without a message: the draft shows it later."""
    if not ex.may_report(stored.subject) or ex.now >= stored.expires_at:
        return
    form = ex.house.forms.version(ex.unit, stored.form_version_id)
    session = Session.from_json(stored.data)
    taken = engine.step(form, session, event, now=ex.now)
    for effect in taken.effects:
        if isinstance(effect, Fetch):
            reports.fetch(ex.unit, stored, session, effect, ex.chat_id, ex.telegram_id, ex.now)
    if taken.session != session:
        reports.save(ex.unit, stored, taken.session, ex.now)


class _Outcome:
    """What the effects of one event require of the next card."""

    answered: Answered | None = None
    is_shown: bool = False
    goes_below: bool = False
    """The next card is a new message, because something was typed or sent after the present one."""
    is_stale: bool = False
    is_submitted: bool = False
    has_left: bool = False

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.complaints: list[str] = []


def _carry_out(
    ex: Exchange, stored: StoredSession, session: Session, effects: Sequence[Effect], *, is_typed: bool
) -> _Outcome:
    """Carry out the effects that happen at once (delete, fetch, move files), and collect the others."""
    found = _Outcome()
    for effect in effects:
        match effect:
            case Ask(below):
                found.is_shown = True
                found.goes_below |= below and is_typed
            case Answered():
                found.answered = effect
            case Reject(message):
                found.notices.append(message)
                found.complaints.append(message)
                found.is_shown = True
                found.goes_below |= is_typed
            case Notice("file.first_of_album" as key):
                ex.notice(ex.say(key))  # in a line of its own, because the card changes as soon as the file has arrived
                found.is_shown = found.goes_below = True
            case Notice(key, values):
                found.notices.append(ex.say(key, **dict(values)))
                found.is_shown = True
            case Stale():
                found.is_stale = True
            case Withhold(origin):
                ex.delete(origin)
            case Fetch():
                reports.fetch(ex.unit, stored, session, effect, ex.chat_id, ex.telegram_id, ex.now)
            case Submit():
                found.is_submitted = True
            case Leave():
                found.has_left = True
            case Added():
                pass  # the card says it
            case Removed(ref):
                reports.move_files(ex.unit, stored, ref)
            case _:
                assert_never(effect)
    return found


def _again(ex: Exchange, complaints: list[str]) -> tuple[str, int]:
    """Return a mark of the complaint for the chat to keep, and how many times in a row it was shown.

    Both are blank without a complaint. The mark has a checksum instead of the words, which may quote an answer.
    """
    if not complaints:
        return "", 0
    head = f"{_AGAIN}:{crc32(complaints[0].encode()):08x}."
    before = ex.visit.chat.awaits
    times = 1 + (int(before.removeprefix(head)) if before.startswith(head) else 0)
    return f"{head}{times}", times


def _draw(
    ex: Exchange,
    stored: StoredSession,
    form: Form,
    taken: Step,
    found: _Outcome,
    *,
    anew: bool,
    was_place: bool,
    is_new: bool,
) -> None:
    """Draw the next card. If it is sent below, the card before it shrinks to its answer or is deleted.

    With `is_new`, the pictures and recordings of the question are sent first.
    """
    restricted, answered = stored.sensitive, found.answered
    card = session_card(form, taken.session, taken.instance, now=ex.now, notices=found.notices)
    files = _files_of(ex, card, stored.form_version_id) if is_new else []
    anew = anew or bool(files)
    if was_place and card.asks_place and answered is None:
        ex.drop_card()  # the next point of a line: the new card has the same keyboard
        anew = True
    elif was_place:
        # The card had a reply keyboard: it cannot be edited, and its keyboard must be removed.
        ex.drop_card()
        done = answered_card(taken.session, taken.instance, answered) if answered else Card((line("👌"),))
        ex.release_keyboard(done, restricted=restricted)
        anew = True
    elif anew and answered is not None:
        ex.shrink(answered_card(taken.session, taken.instance, answered), restricted=restricted)
    elif anew:
        ex.drop_card()
    _show_files(ex, files, restricted=restricted)
    ex.show(card, anew=anew, session=(stored.id, taken.session.turn), restricted=restricted)


def _files_of(ex: Exchange, card: Card, form_version_id: int) -> list[tuple[Medium, Path]]:
    """The files of a card, among those that were published with the form."""
    if not card.media:
        return []
    files = ex.house.forms.media(ex.unit, form_version_id)
    return [(medium, files[medium.name]) for medium in card.media if medium.name in files][:_MEDIA_SHOWN]


def _show_files(ex: Exchange, files: Sequence[tuple[Medium, Path]], *, restricted: bool) -> None:
    """Send the pictures and recordings of a card before it."""
    for medium, path in files:
        shown_as = SENT_AS[kind_of(medium.name)]
        payload: dict[str, Any] = {
            shown_as: "attach://file",
            "@files": {"file": {"path": str(path), "name": medium.name}},
        }
        if medium.caption:
            payload["caption"] = medium.caption[:1000]
        ex.post(f"send{shown_as.capitalize()}", payload, restricted=restricted)


def _asks_place(form: Form, session: Session) -> bool:
    return session.at.rpartition("/")[2] in _places_of(form)


@lru_cache(maxsize=256)
def _places_of(form: Form) -> frozenset[str]:
    """The names of the questions that ask for a place."""
    return frozenset(question.name for question in form.questions if question.type in PLACES)


def _is_looked_at(ex: Exchange) -> bool:
    """Whether the tapped message is the present card of this chat."""
    card_id = ex.visit.chat.card_id
    return card_id is not None and ex.unit.outbox.card_message_id(card_id) == ex.tapped_message_id


# ------------------------------------------------------------------ leaving and sending
def leave(ex: Exchange, stored: StoredSession, taken: Step, form: Form) -> None:
    """Leave the form. The draft stays, and the chat is free. A correction that has changed nothing is deleted."""
    session = taken.session
    if reports.changes_nothing(ex.unit, stored, form, taken):
        _keep_as_sent(ex, stored)
        return
    if _asks_place(form, session):
        ex.drop_card()
        ex.release_keyboard(Card((line("👌"),)))
    ex.filling = None
    title = str(session.about.get("code") or form_title(form, session.about, ex.language))
    until = last_day(stored.expires_at, ex.zone, ex.language)
    rows = (
        (Button(ex.say("form.continue"), tap(Route.CONTINUE, stored.id), "primary"),),
        (
            Button(ex.say("form.discard"), tap(Route.DISCARD, stored.id)),
            home_button(ex.say),
        ),
    )
    ex.answer(Card((line(ex.say("form.left", title=title, date=until)),), rows))


def submit(ex: Exchange, stored: StoredSession, form: Form, taken: Step, *, anew: bool = False) -> None:
    """Store the submission and show its receipt. Submitting an instance again gives the same receipt (G6)."""
    if reports.changes_nothing(ex.unit, stored, form, taken):
        _keep_as_sent(ex, stored, anew=anew)
        return
    sent, news = reports.send(reporter_of(ex), stored, form, taken)
    ex.pass_on(news)
    ex.filling = None

    def say() -> None:
        ex.clean_chat(stored.id)  # the present card is deleted with the others
        receipt = receipt_card(ex, sent, taken.session, form)
        ex.answer(receipt, anew=anew, kind="receipt", sealed=stored.sensitive, is_last=True)

    ex.say_last(say, stored.id)


def _keep_as_sent(ex: Exchange, stored: StoredSession, *, anew: bool = False) -> None:
    """Throw away a correction that equals what was sent."""
    reports.discard_draft(ex.unit, stored)
    ex.filling = None
    ex.clean_chat()
    ex.answer(line_card(ex.say("receipt.unchanged"), ex.say), anew=anew)


# ------------------------------------------------------------------ what cannot be filled now
def refuse_locked(ex: Exchange, stored: StoredSession) -> None:
    """Say that the period has locked. The draft stays for a reopened period; nothing can be answered or sent."""
    if stored.reporting_period_id is not None:
        show_locked(ex, ex.unit.plans.period_by_id(stored.reporting_period_id), anew=not ex.has_card)
        return
    ex.answer(line_card(ex.say("form.expired"), ex.say), anew=not ex.has_card)


def show_locked(ex: Exchange, period: ReportingPeriod, *, anew: bool) -> None:
    """Say that the period has locked or is not open yet. For a locked one, the person can ask to have it reopened."""
    text = ex.say("receipt.locked", period_name=period_name(period, ex.language))
    ask = (Button(ex.say("reopening.ask"), tap(Route.ASK_REOPENING, period.code)),)
    home = (home_button(ex.say),)
    has_locked = period.stage(ex.today) == "locked"
    ex.answer(Card((*phase_lines(ex), line(text)), (ask, home) if has_locked else (home,)), anew=anew)


def phase_lines(ex: Exchange) -> tuple[Line, ...]:
    """Say that the plan has not begun or is over, and the way out. Nothing while it is under way."""
    plan = ex.unit.plans.by_id(ex.membership.plan_id)
    phase = plan_phase(plan.starts_on, ex.unit.plans.periods(plan.id), ex.today)
    if plan.closes_on is not None:
        return (line(bold(ex.say("ending.over" if ex.is_over else "ending.until", date=ex.day(plan.closes_on)))),)
    if phase is PlanPhase.UNDER_WAY:
        return ()
    day = plan.starts_on if phase is PlanPhase.AHEAD else plan.ends_on
    told = ex.say(f"menu.plan_{phase}", date=ex.day(day))
    way = ex.say(f"menu.plan_{phase}_way") if ex.allows(Route.PERIODS) else ex.say(f"menu.plan_{phase}_ask")
    return line(bold(told)), line(way)
