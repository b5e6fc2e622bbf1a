"""Forms in the chat: opening a session, applying an event to it, and what each effect becomes.

The conversation itself is `conversations.engine.step`; here its effects meet the database and the chat, inside
the unit of one update.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path, PurePath
from typing import Any, assert_never
from zoneinfo import ZoneInfo

import structlog

from bot.exchange import Denied, Exchange
from bot.returns import asked_again, tell_reviewer
from bot.shelf import SENT_AS
from conversations import engine, safeguards
from conversations.bundle import kind_of
from conversations.cards import Button, Card, Line, Medium, answered_card, bold, form_title, italic, line, session_card
from conversations.effects import (
    Added,
    Answered,
    Ask,
    Fetch,
    Leave,
    Notice,
    Reject,
    Removed,
    Stale,
    Submit,
    Withhold,
)
from conversations.engine import Step, show_date
from conversations.events import Corrected, Event, Fetched, FetchFailed, Resumed, Tap, Typed
from conversations.form import Form
from conversations.instance import Instance
from conversations.nodes import LAST_SAVED
from conversations.plan import Activity, DueReport, Indicator, ReportingPeriod, period_name
from conversations.repeats import renumbered
from conversations.reports import profile
from conversations.review import state_of_correction
from conversations.session import Session
from conversations.wording import LANGUAGES, wording
from storage.errors import Conflict, NotFound
from storage.forms import StoredForm
from storage.sessions import StoredSession
from storage.settings import DRAFT_DAYS
from storage.submissions import StoredSubmission

logger = structlog.get_logger(__name__)

_MEDIA_SHOWN = 10
"""Files before one card: more of them would bury it."""
"""How long a form that no reporting period bounds may stay a draft."""
_LOOKED_BACK = 50
"""Submissions of a person among which the last one of a form is looked for."""

FORM_OF = {"activity": "activity_report", "indicator": "indicator_update", "agency": "incident_free_text"}


@dataclass(frozen=True, slots=True)
class Report:
    """What a session is to be about."""

    form_id: str
    item: Activity | Indicator | None
    period: ReportingPeriod

    @property
    def subject(self) -> str | None:
        return self.item.subject if self.item else None

    @property
    def is_restricted(self) -> bool:
        return self.item.is_restricted if self.item else profile(self.form_id).always_sensitive


# ------------------------------------------------------------------ opening
def open_report(ex: Exchange, report: Report, *, anew: bool = False) -> None:
    """Begin this report, or say who has it: an own draft is resumed, another's can be taken over, a sent one corrected.

    Denied if the item is another agency's, and to a contributor for all but indicators. One report a subject and
    period, whatever happens at the same time.
    """
    if (report.item is not None and report.item.agency_code != ex.agency_code) or not ex.may_report(report.subject):
        raise Denied
    if not report.period.is_open(ex.today):
        _show_locked(ex, report.period, anew=anew)
        return
    membership, unit = ex.membership, ex.unit
    version = unit.forms.current(membership.plan_id, report.form_id)
    if version is None:
        raise NotFound(f"form {report.form_id}")
    if report.subject is not None:
        holder = unit.sessions.holder(membership.plan_id, version.form_key, report.subject, report.period.id)
        if holder is not None:
            _meet_holder(ex, holder, report, anew=anew)
            return
        sent = unit.submissions.current(membership.plan_id, version.form_key, report.subject, report.period.id)
        if sent is not None and sent.validation_state != "returned":
            _offer_correction(ex, sent, report, anew=anew)
            return
        if sent is not None:
            correct(ex, sent, anew=anew)
            return
    elif draft := _own_draft(ex, version.form_key, report.period.id):
        resume(ex, draft, anew=anew)
        return
    form = ex.house.forms.version(unit, version.id)
    previous = _previous(ex, version.form_key, report)
    filled = _filled(ex, report, previous)
    begun = engine.begin(
        form,
        instance_id=ex.house.new_instance_id(),
        language=ex.language,
        timezone=ex.house.timezone,
        now=ex.now,
        values=filled,
        previous=previous,
        about=_about(report, ex),
        restricted=report.is_restricted,
        username=ex.person.name,
        last_saved=last_saved(ex, form, version.form_key),
    )
    if unlisted := _unlisted(begun.instance, filled):
        # The plan has moved on and the form has not: asking without what it is about would report nothing.
        logger.error("form.disagrees", form_id=form.form_id, version=form.version, questions=unlisted)
        ex.show(_notice_card(ex, ex.say("form.disagrees")), anew=anew)
        ex.stand(None)
        return
    _open(ex, begun, form, version.form_key, version.id, report, anew=anew)


def _unlisted(instance: Instance, filled: Mapping[str, str]) -> list[str]:
    """The questions whose own choices do not have what the bot fills in from the plan."""
    names = {question.name for question in instance.form.questions if question.type == "select_one"}
    return [
        name
        for name, value in filled.items()
        if name in names and value not in {choice.value for choice in instance.choices(instance.node(name))}
    ]


def correct(ex: Exchange, sent: StoredSubmission, *, anew: bool = True) -> None:
    """Open a correction of a submission of one's own agency, at its review: a new version, nothing overwritten (G6).

    Of one that was returned just the questions that the coordinator asked about; everything else stays as it was sent.
    """
    if sent.agency_id != ex.agency_id or sent.plan_id != ex.membership.plan_id or not ex.may_report(sent.subject):
        raise Denied
    unit = ex.unit
    if not sent.is_current:
        ex.show(_notice_card(ex, ex.say("form.edit_unknown")), anew=anew)
        return
    if sent.reporting_period_id is None:
        _correct_free(ex, sent, anew=anew)
        return
    period = unit.plans.period_by_id(sent.reporting_period_id, ex.agency_id)
    report = Report(unit.forms.version(sent.form_version_id).form_id, _item(ex, sent.subject), period)
    if not period.is_open(ex.today):
        _show_locked(ex, period, anew=anew)
        return
    if sent.subject is not None and (
        holder := unit.sessions.holder(sent.plan_id, sent.form_id, sent.subject, sent.reporting_period_id)
    ):
        _meet_holder(ex, holder, report, anew=anew)
        return
    form = ex.house.forms.version(unit, sent.form_version_id)
    answers = unit.submissions.answers(sent)
    only, asked = asked_again(ex, sent)
    filled = {name: value for name, value in _by_name(answers).items() if name in profile(form.form_id).filled}
    begun = engine.begin(
        form,
        instance_id=ex.house.new_instance_id(),
        language=ex.language,
        timezone=ex.house.timezone,
        now=ex.now,
        values=filled,
        about=_about(report, ex) | ({"asked": asked} if asked else {}),
        restricted=report.is_restricted,
        username=ex.person.name,
        answers=answers,
        only=only,
    )
    unit.attachments.copy(sent.instance_id, begun.session.instance_id, ex.now)
    _open(ex, begun, form, sent.form_id, sent.form_version_id, report, supersedes_id=sent.id, anew=anew)


def _correct_free(ex: Exchange, sent: StoredSubmission, *, anew: bool) -> None:
    """Correct what no reporting period bounds: at any time, one correction at a time."""
    unit = ex.unit
    holder = unit.sessions.correcting(sent.id)
    if holder is not None and holder.expires_at > ex.now:
        _meet_holder(ex, holder, None, anew=anew)
        return
    if holder is not None:
        unit.sessions.close(holder.id, "expired")
    version = unit.forms.version(sent.form_version_id)
    begun = begin_free(ex, version, answers=unit.submissions.answers(sent), corrected=sent)
    unit.attachments.copy(sent.instance_id, begun.session.instance_id, ex.now)
    open_free(ex, begun, version, supersedes_id=sent.id, anew=anew)


def begin_free(
    ex: Exchange,
    version: StoredForm,
    *,
    answers: Mapping[str, str] | None = None,
    corrected: StoredSubmission | None = None,
) -> Step:
    """A session of a form that is no report of the plan; with `answers` at its review."""
    form = ex.house.forms.version(ex.unit, version.id)
    only, asked = asked_again(ex, corrected) if corrected else ([], "")
    about = {"agency": ex.agency_code, "title": dict.fromkeys(LANGUAGES, version.title or version.form_id)}
    return engine.begin(
        form,
        instance_id=ex.house.new_instance_id(),
        language=ex.language,
        timezone=ex.house.timezone,
        now=ex.now,
        about=about | ({"asked": asked} if asked else {}),
        username=ex.person.name,
        answers=answers,
        only=only,
        last_saved=last_saved(ex, form, version.form_key, corrected=corrected),
    )


def open_free(
    ex: Exchange, begun: Step, version: StoredForm, *, supersedes_id: int | None = None, anew: bool = False
) -> None:
    """Store what `begin_free` began, and show its first card."""
    form = ex.house.forms.version(ex.unit, version.id)
    stored = ex.unit.sessions.open(
        plan_id=ex.membership.plan_id,
        person_id=ex.person.id,
        agency_id=ex.agency_id,
        form_id=version.form_key,
        form_version_id=version.id,
        instance_id=begun.session.instance_id,
        supersedes_id=supersedes_id,
        sensitive=any(question.extras.get("sensitive") == "yes" for question in form.questions),
        data=begun.session.to_json(),
        now=ex.now,
        expires_at=ex.now + timedelta(days=ex.unit.settings.number(ex.membership.plan_id, DRAFT_DAYS)),
    )
    show_first(ex, stored, form, begun, anew=anew)


def resume(ex: Exchange, stored: StoredSession, *, anew: bool = False) -> None:
    """Back to a draft: the same question, nothing re-asked."""
    if stored.person_id != ex.person.id or stored.state != "open" or not ex.may_report(stored.subject):
        raise Denied
    session = Session.from_json(stored.data)
    if session.language != ex.language:
        session = replace(session, language=ex.language)
        stored = replace(stored, data=session.to_json())
    apply(ex, stored, Resumed(), anew=anew or not ex.has_card)


def take_over(ex: Exchange, stored: StoredSession) -> None:
    """A colleague of the same agency goes on with this draft; who had it is told."""
    if stored.agency_id != ex.agency_id or stored.state != "open" or not ex.may_report(stored.subject):
        raise Denied
    before = ex.unit.people.by_id(stored.person_id)
    taken = ex.unit.sessions.reassign(stored.id, ex.person.id)
    if before.membership_in(stored.plan_id) is not None:  # whoever has left has nothing to do with it any more
        about = Session.from_json(taken.data).about
        code = about.get("code") or about.get("title", {}).get(before.language, "")
        text = _in(before.language, "form.taken_from_you", name=ex.person.name, code=code)
        ex.post("sendMessage", {"text": text}, kind="notice", chat_id=before.telegram_id)
    resume(ex, taken)


def _open(
    ex: Exchange,
    begun: Step,
    form: Form,
    form_id: int,
    form_version_id: int,
    report: Report,
    *,
    supersedes_id: int | None = None,
    anew: bool,
) -> None:
    sensitive = report.is_restricted or any(q.extras.get("sensitive") == "yes" for q in form.questions)
    try:
        stored = ex.unit.sessions.open(
            plan_id=ex.membership.plan_id,
            person_id=ex.person.id,
            agency_id=ex.agency_id,
            form_id=form_id,
            form_version_id=form_version_id,
            instance_id=begun.session.instance_id,
            subject=report.subject,
            reporting_period_id=report.period.id,
            supersedes_id=supersedes_id,
            sensitive=sensitive,
            data=begun.session.to_json(),
            now=ex.now,
            expires_at=_locks_at(ex, report.period),
        )
    except Conflict:
        holder = ex.unit.sessions.holder(ex.membership.plan_id, form_id, report.subject or "", report.period.id)
        if holder is None:
            raise
        _meet_holder(ex, holder, report, anew=anew)
        return
    show_first(ex, stored, form, begun, anew=anew)


def show_first(ex: Exchange, stored: StoredSession, form: Form, begun: Step, *, anew: bool = False) -> None:
    """The first card of a session that has just been opened; its pictures go before it."""
    card = session_card(form, begun.session, begun.instance, now=ex.now)
    anew = _show_media(ex, card, stored.form_version_id, sensitive=stored.sensitive) or anew
    ex.show(card, anew=anew, session=(stored.id, begun.session.turn), sensitive=stored.sensitive)
    ex.stand(stored.id)


def _meet_holder(ex: Exchange, holder: StoredSession, report: Report | None, *, anew: bool) -> None:
    if holder.person_id == ex.person.id:
        resume(ex, holder, anew=anew)
        return
    name = ex.unit.people.by_id(holder.person_id).name
    when = show_date(holder.touched_at.astimezone(ex.zone).date().isoformat(), ex.language)
    rows = (
        (Button(ex.say("form.take_over"), f"command:tomar:{holder.id}", "primary"),),
        (Button(ex.say("menu.home"), "command:menu:"),),
    )
    ex.show(Card((*_heading(report, ex), line(""), line(ex.say("form.held", name=name, date=when))), rows), anew=anew)
    ex.stand(None)


def _offer_correction(ex: Exchange, sent: StoredSubmission, report: Report, *, anew: bool) -> None:
    text = ex.say(
        "form.already_sent",
        code=report.item.code if report.item else "",
        period=period_name(report.period, ex.language),
    )
    rows = (
        (Button(ex.say("form.correct"), f"command:corregir:{sent.id}", "primary"),),
        (Button(ex.say("menu.home"), "command:menu:"),),
    )
    ex.show(Card((*_heading(report, ex), line(""), line(text)), rows), anew=anew)
    ex.stand(None)


def _own_draft(ex: Exchange, form_id: int, period_id: int) -> StoredSession | None:
    for draft in ex.unit.sessions.drafts_of(ex.person.id):
        if draft.form_id == form_id and draft.reporting_period_id == period_id:
            return draft
    return None


def _refuse_locked(ex: Exchange, stored: StoredSession) -> None:
    """The draft stays as it is, for a reopened period; nothing can be answered or sent."""
    if stored.reporting_period_id is not None:
        _show_locked(ex, ex.unit.plans.period_by_id(stored.reporting_period_id), anew=not ex.has_card)
        return
    ex.show(_notice_card(ex, ex.say("form.expired")), anew=not ex.has_card)
    ex.stand(None)


def _show_locked(ex: Exchange, period: ReportingPeriod, *, anew: bool) -> None:
    """It has locked, or not opened yet; what has locked the agency may ask to have reopened."""
    text = ex.say("receipt.locked", period_name=period_name(period, ex.language))
    ask = (Button(ex.say("reopening.ask"), f"command:reapertura:{period.code}"),)
    home = (Button(ex.say("menu.home"), "command:menu:"),)
    has_locked = period.stage(ex.today) == "locked"
    ex.show(Card((line(text),), (ask, home) if has_locked else (home,)), anew=anew)
    ex.stand(None)


def show_nothing_left(ex: Exchange) -> None:
    """Nothing can be reported or closed now. Whoever let a period lock is not up to date, and may ask for it; who has

    closed a later one is.
    """
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    is_agencys = not ex.membership.is_contributor
    passed = ex.unit.schedule.passed(plan_id, ex.agency_code, ex.today) if is_agencys else ()
    later = [p for p in plans.periods(plan_id) if passed and p.end_on > passed[-1].end_on and p.opens_on <= ex.today]
    if any(plans.is_closed(ex.agency_id, period.id) for period in later):
        passed = ()
    rows = [(Button(ex.say("menu.home"), "command:menu:"),)]
    text = ex.say("menu.nothing")
    if passed:
        text = ex.say("menu.lapsed", period_name=period_name(passed[-1], ex.language), agency=ex.agency_code)
        rows.insert(0, (Button(ex.say("reopening.ask"), f"command:reapertura:{passed[-1].code}"),))
    ex.show(Card((line(text),), tuple(rows)))
    ex.stand(None)


# ------------------------------------------------------------------ one event
def apply(ex: Exchange, stored: StoredSession, event: Event, *, anew: bool = False) -> None:
    """Apply an event to a session and say what came of it; a session whose period has locked takes no more."""
    if not ex.is_theirs(stored) or not ex.may_report(stored.subject):
        raise Denied
    if ex.now >= stored.expires_at:
        _refuse_locked(ex, stored)
        return
    form = ex.house.forms.version(ex.unit, stored.form_version_id)
    session = Session.from_json(stored.data)
    was_place = _asks_place(form, session)
    taken = engine.step(form, session, event, now=ex.now)
    is_typed = not isinstance(event, Tap | Corrected | Fetched | FetchFailed | Resumed)
    notices: list[str] = []
    answered: Answered | None = None
    is_submitted = has_left = is_shown = is_stale = False
    for effect in taken.effects:
        match effect:
            case Ask(below):
                is_shown = True
                anew = anew or (below and is_typed)
            case Answered():
                answered = effect
            case Reject(message):
                notices.append(message)
                is_shown = True
                anew = anew or is_typed
            case Notice("file.first_of_album" as key):
                ex.notice(ex.say(key))  # a line of its own: the card changes as soon as the file is there
                is_shown = anew = True
            case Notice(key, values):
                notices.append(ex.say(key, **dict(values)))
                is_shown = True
            case Stale():
                is_stale = True
            case Withhold(origin):
                ex.delete(origin)
            case Fetch():
                _fetch(ex, stored, effect, is_restricted=session.restricted)
            case Submit():
                is_submitted = True
            case Leave():
                has_left = True
            case Added():
                pass  # the card tells
            case Removed(ref):
                _move_files(ex, stored, ref)
            case _:
                assert_never(effect)
    if is_submitted:
        submit(ex, stored, form, taken, anew=was_place)
        return
    if taken.session != session or stored.data != session.to_json():
        stored = ex.unit.sessions.save(replace(stored, data=taken.session.to_json()), ex.now)
    if has_left:
        leave(ex, stored, taken.session, form)
        return
    if is_stale:
        if isinstance(event, Fetched | FetchFailed):
            return
        ex.toast = ex.say("form.stale")
        anew = not _is_looked_at(ex)
        is_shown = True
    if is_shown:
        is_new = taken.session.at != session.at or isinstance(event, Resumed)
        _draw(ex, stored, form, taken, notices, answered, anew=anew, was_place=was_place, is_new=is_new)
    ex.stand(stored.id)


def _draw(
    ex: Exchange,
    stored: StoredSession,
    form: Form,
    taken: Step,
    notices: list[str],
    answered: Answered | None,
    *,
    anew: bool,
    was_place: bool,
    is_new: bool,
) -> None:
    """The next card; when it goes below, the one before shrinks to its answer or goes.

    Pictures and recordings of a new question (`is_new`) go before it.
    """
    sensitive = stored.sensitive
    card = session_card(form, taken.session, taken.instance, now=ex.now, notices=notices)
    anew = anew or (is_new and bool(_files_of(ex, card, stored.form_version_id)))
    if was_place and card.asks_place and answered is None:
        ex.drop_card()  # the next point of a line: the new card brings the same keyboard
        anew = True
    elif was_place:
        # The card had a reply keyboard: it cannot be edited, and its keyboard has to be taken away.
        ex.drop_card()
        done = answered_card(answered.label, answered.shown) if answered else Card((line("👌"),))
        ex.release_keyboard(done, sensitive=sensitive)
        anew = True
    elif anew and answered is not None:
        ex.shrink(answered_card(answered.label, answered.shown), sensitive=sensitive)
    elif anew:
        ex.drop_card()
    if is_new:
        _show_media(ex, card, stored.form_version_id, sensitive=sensitive)
    ex.show(card, anew=anew, session=(stored.id, taken.session.turn), sensitive=sensitive)


def _files_of(ex: Exchange, card: Card, form_version_id: int) -> list[tuple[Medium, Path]]:
    """What a card's media are, of those that were published with the form."""
    if not card.media:
        return []
    files = ex.house.forms.media(ex.unit, form_version_id)
    return [(medium, files[medium.name]) for medium in card.media if medium.name in files][:_MEDIA_SHOWN]


def _show_media(ex: Exchange, card: Card, form_version_id: int, *, sensitive: bool) -> bool:
    """Send what is to be looked at or heard with a card, before it; False if there is nothing."""
    found = _files_of(ex, card, form_version_id)
    for medium, path in found:
        shown_as = SENT_AS[kind_of(medium.name)]
        payload: dict[str, Any] = {
            shown_as: "attach://file",
            "@files": {"file": {"path": str(path), "name": medium.name}},
        }
        if medium.caption:
            payload["caption"] = medium.caption[:1000]
        ex.post(f"send{shown_as.capitalize()}", payload, sensitive=sensitive)
    return bool(found)


def _move_files(ex: Exchange, stored: StoredSession, gone: str) -> None:
    """Files of an instance that was removed go with it; those of the instances behind it are renumbered with them."""
    repeat, _, number = gone.removesuffix("]").rpartition("[")
    moves: dict[str, str] = {}
    for attachment in ex.unit.attachments.of_instance(stored.instance_id):
        ref = renumbered(attachment.ref, repeat, int(number))
        if ref is None:
            ex.unit.attachments.remove(stored.instance_id, attachment.ref)
        elif ref != attachment.ref:
            moves[attachment.ref] = ref
    # The second becomes the first before the third becomes the second.
    ordered = sorted(moves, key=lambda ref: int(ref[len(repeat) + 1 :].partition("]")[0]))
    ex.unit.attachments.move(stored.instance_id, {ref: moves[ref] for ref in ordered})


def _asks_place(form: Form, session: Session) -> bool:
    name = session.at.rpartition("/")[2]
    return any(q.type in engine.PLACES and q.name == name for q in form.questions)


def _is_looked_at(ex: Exchange) -> bool:
    """Whether the tapped message is the card this chat looks at."""
    card_id = ex.visit.chat.card_id
    return card_id is not None and ex.unit.outbox.card_message_id(card_id) == ex.tapped_message_id


def _fetch(ex: Exchange, stored: StoredSession, fetch: Fetch, *, is_restricted: bool) -> None:
    ex.unit.jobs.add(
        "fetch_file",
        {
            "session_id": stored.id,
            "telegram_id": ex.telegram_id,
            "file_id": fetch.file_id,
            "unique_id": fetch.unique_id,
            "ref": fetch.ref,
            "name": _file_name(fetch.name, is_sensitive=stored.sensitive),
            "mime_type": fetch.mime_type,
            "accept": fetch.accept,
            "max_pixels": fetch.max_pixels,
            "is_compressed": fetch.is_compressed,
            "is_sensitive": stored.sensitive,
            "is_restricted": is_restricted,
        },
        chat_id=ex.chat_id,
        now=ex.now,
    )


def _file_name(name: str, *, is_sensitive: bool) -> str:
    """The name to keep. It may say what the content does: of what is sealed, or names somebody, only its kind stays."""
    if is_sensitive or safeguards.personal_data(name, strict=False):
        return f"archivo{PurePath(name).suffix[:8]}"
    return name


# ------------------------------------------------------------------ nothing new
NOT_STARTED = {"status": "not_started", "progress": "0", "reached": "no", "evidence_type": "none"}
"""What "nothing new" means of an activity that was never reported on."""


def is_begun(ex: Exchange, report: Report) -> bool:
    """Whether somebody has a draft of it."""
    assert report.subject is not None
    version = ex.unit.forms.current(ex.membership.plan_id, report.form_id)
    return version is not None and bool(
        ex.unit.sessions.holder(ex.membership.plan_id, version.form_key, report.subject, report.period.id)
    )


def report_nothing_new(ex: Exchange, report: Report, reason: str) -> StoredSubmission | None:
    """A report all the same, and sent (DOMAIN §2.3): as the previous one, its next step too, with the reason's code.

    Where nobody has named a next step before, the reason stands there.

    Filled through the form like any other. None, and nothing is stored, where the form asks for more than that,
    somebody has begun the report, or it has been sent.
    """
    assert report.subject is not None
    unit, plan_id = ex.unit, ex.membership.plan_id
    version = unit.forms.current(plan_id, report.form_id)
    if version is None or is_begun(ex, report):
        return None
    if unit.submissions.current(plan_id, version.form_key, report.subject, report.period.id):
        return None
    form = ex.house.forms.version(unit, version.id)
    previous = _previous(ex, version.form_key, report)
    begun = taken = engine.begin(
        form,
        instance_id=ex.house.new_instance_id(),
        language=ex.language,
        timezone=ex.house.timezone,
        now=ex.now,
        values=_filled(ex, report, previous),
        previous=previous,
        about=_about(report, ex),
        restricted=report.is_restricted,
    )
    ways = profile(report.form_id)
    told = ex.say(f"nothing.reason.{reason}")
    answers = {**NOT_STARTED, **{name: previous.get(name) or told for name in ways.same_asks}}
    for _ in range(len(form.questions)):
        question = taken.instance.node(taken.session.at).question
        if engine.is_sending(question):
            ways_on = taken.instance.choices(taken.instance.node(taken.session.at))
            position = next((at for at, choice in enumerate(ways_on) if choice.value == "send"), None)
            turn = taken.session.turn
            send = Tap(turn, "send") if position is None else Tap(turn, "pick", str(position))
            taken = engine.step(form, taken.session, send, now=ex.now)
            break
        event: Event
        if previous and question.name == ways.same_at:
            event = Tap(taken.session.turn, "same")
        elif question.name in answers:
            event = Typed(answers[question.name], 1)
        else:
            return None
        taken = engine.step(form, taken.session, event, now=ex.now)
    if not any(isinstance(effect, Submit) for effect in taken.effects):
        return None
    sensitive = report.is_restricted or any(q.extras.get("sensitive") == "yes" for q in form.questions)
    names = _by_name(taken.instance.answers())
    return unit.submissions.add(
        plan_id=plan_id,
        form_id=version.form_key,
        form_version_id=version.id,
        instance_id=begun.session.instance_id,
        person_id=ex.person.id,
        agency_id=ex.agency_id,
        subject=report.subject,
        reporting_period_id=report.period.id,
        answers=taken.instance.answers(),
        sensitive=sensitive,
        language=ex.language,
        activity_status=names.get("status"),
        progress=_percent(names),
        zero_reason=reason,
        started_at=ex.now,
        now=ex.now,
    )


# ------------------------------------------------------------------ leaving and sending
def leave(ex: Exchange, stored: StoredSession, session: Session, form: Form) -> None:
    """The draft stays; the chat is free."""
    if _asks_place(form, session):
        ex.drop_card()
        ex.release_keyboard(Card((line("👌"),)))
    title = str(session.about.get("code") or form_title(form, session.about, ex.language))
    until = show_date(stored.expires_at.astimezone(ex.zone).date().isoformat(), ex.language)
    rows = (
        (Button(ex.say("form.continue"), f"command:continuar:{stored.id}", "primary"),),
        (
            Button(ex.say("form.discard"), f"command:descartar:{stored.id}"),
            Button(ex.say("menu.home"), "command:menu:"),
        ),
    )
    ex.show(Card((line(ex.say("form.left", title=title, date=until)),), rows))
    ex.stand(None)


def submit(ex: Exchange, stored: StoredSession, form: Form, taken: Step, *, anew: bool = False) -> None:
    """Store the submission and show its receipt. Submitting an instance again gives the same receipt (G6)."""
    answers = taken.instance.answers()
    names = _by_name(answers)
    if any(question.type in engine.UPLOADS for question in form.questions):
        # A photo whose question fell away is no part of what is sent.
        for attachment in ex.unit.attachments.of_instance(stored.instance_id):
            if attachment.file_name != answers.get(attachment.ref):
                ex.unit.attachments.remove(stored.instance_id, attachment.ref)
    corrected = ex.unit.submissions.get(stored.supersedes_id) if stored.supersedes_id else None
    if corrected is not None and taken.session.only:
        # What was not asked about stays as it was sent, down to when the form was filled.
        answers |= engine.filled_when(form, ex.unit.submissions.answers(corrected))
    try:
        sent = _add(ex, stored, answers, names, corrected)
    except Conflict:
        # Somebody else's report stands for this subject and period: ours could only be a correction of it.
        ex.unit.sessions.close(stored.id, "cancelled")
        raise
    ex.unit.sessions.close(stored.id, "submitted")
    if corrected is not None and corrected.validation_state == "returned":
        tell_reviewer(ex, sent, str(taken.session.about.get("code") or form_title(form, taken.session.about, "es")))
    ex.show(
        receipt_card(ex, sent, taken.session, form), anew=anew, kind="receipt", sensitive=stored.sensitive, is_last=True
    )
    ex.stand(None)


def _add(
    ex: Exchange,
    stored: StoredSession,
    answers: dict[str, str],
    names: Mapping[str, str],
    corrected: StoredSubmission | None,
) -> StoredSubmission:
    return ex.unit.submissions.add(
        plan_id=stored.plan_id,
        form_id=stored.form_id,
        form_version_id=stored.form_version_id,
        instance_id=stored.instance_id,
        person_id=ex.person.id,
        agency_id=stored.agency_id,
        subject=stored.subject,
        reporting_period_id=stored.reporting_period_id,
        supersedes_id=stored.supersedes_id,
        validation_state=state_of_correction(corrected.validation_state) if corrected else "submitted",
        answers=answers,
        sensitive=stored.sensitive,
        language=ex.language,
        activity_status=names.get("status") if stored.subject and stored.subject.startswith("activity:") else None,
        progress=_percent(names),
        started_at=stored.opened_at,
        now=ex.now,
    )


def _percent(names: Mapping[str, str]) -> int | None:
    progress = names.get("progress_final", "")
    return int(float(progress)) if progress.replace(".", "", 1).isdigit() else None


def receipt_card(ex: Exchange, sent: StoredSubmission, session: Session, form: Form) -> Card:
    """Number, time and what was sent; then what is next."""
    say, language = ex.say, ex.language
    period = ex.unit.plans.period_by_id(sent.reporting_period_id) if sent.reporting_period_id else None
    number = f"{sent.receipt_number:04d}"
    key = "receipt.title" if sent.version == 1 else "receipt.corrected"
    about = session.about
    lines = [line(bold(say(key, receipt=number, version=sent.version)))]
    if not about.get("code"):
        lines.append(line(bold(form_title(form, session.about, language))))
    else:
        name = about["name"].get(language) or about["name"].get("es", "")
        lines.append(line(bold(str(about["code"])), f" · {name}"))
    if sent.activity_status is not None:
        lines.append(line(f"{status_label(ex, sent.activity_status)}, {sent.progress or 0}%"))
    at = sent.submitted_at.astimezone(ex.zone)
    lines.append(
        line(
            italic(
                say(
                    "receipt.when",
                    date=show_date(at.date().isoformat(), language),
                    time=f"{at:%H:%M}",
                    period=period_name(period, language) if period else "",
                ).rstrip(" ·")
            )
        )
    )
    due = ex.unit.plans.due(sent.plan_id, ex.agency_id, ex.today)
    due = tuple(report for report in due if not report.is_indicator)
    lines.append(line(""))
    rows: list[tuple[Button, ...]] = []
    if due:
        lines.append(line(say("receipt.left", remaining=len(due))))
        rows.append((Button(say("receipt.next", code=due[0].code), due_tap(due[0]), "primary"),))
    elif period is not None and sent.subject and not ex.unit.plans.is_closed(ex.agency_id, period.id):
        text = say("receipt.last", period_name=period_name(period, language), agency=ex.agency_code)
        lines.append(line(text))
        rows.append((Button(say("menu.close"), "command:cerrar:", "success"),))
    rows.append(
        (Button(say("form.correct"), f"command:corregir:{sent.id}"), Button(say("menu.home"), "command:menu:new"))
    )
    return Card(tuple(lines), tuple(rows))


def status_label(ex: Exchange, status: str) -> str:
    """An activity status as the plan's code list words it, with its shape."""
    for code in ex.unit.plans.code_list(ex.membership.plan_id, "activity_status"):
        if code.code == status:
            return f"{code.attributes.get('emoji', '')} {code.text(ex.language)}".strip()
    return status


def due_tap(due: DueReport) -> str:
    kind = "i" if due.is_indicator else "a"
    return f"command:reportar:{kind}.{due.code}.{due.period.code}"


# ------------------------------------------------------------------ what a report begins with
def _filled(ex: Exchange, report: Report, previous: Mapping[str, str]) -> dict[str, str]:
    """What the bot answers from the plan (DESIGN §4): agency, item, period, previous progress, restriction."""
    values = {"agency": ex.agency_code, "period": report.period.code}
    if isinstance(report.item, Activity):
        values |= {
            "activity": report.item.code,
            "prev_progress": previous.get("progress_final") or previous.get("progress") or "0",
            "restricted": "yes" if report.is_restricted else "no",
        }
    elif report.item is not None:
        values["indicator"] = report.item.code
    return values


def _about(report: Report, ex: Exchange) -> dict[str, object]:
    titles = {language: _in(language, f"form_title.{report.form_id}") for language in LANGUAGES}
    about: dict[str, object] = {"period": report.period.code, "agency": ex.agency_code, "title": titles}
    if report.item is not None:
        about |= {"code": report.item.code, "name": _names(report.item)}
    if isinstance(report.item, Activity):
        about["due_on"] = report.item.due_on.isoformat()
    return about


def _names(item: Activity | Indicator) -> dict[str, str]:
    short = item.short_name if isinstance(item, Activity) else {}
    return {
        language: text for language in ("es", "en", "ht") if (text := short.get(language) or item.name.get(language))
    }


def _heading(report: Report | None, ex: Exchange) -> tuple[Line, ...]:
    if report is None or report.item is None:
        return ()
    return (
        line(bold(report.item.code), f" · {_names(report.item).get(ex.language) or report.item.title(ex.language)}"),
    )


def _previous(ex: Exchange, form_id: int, report: Report) -> dict[str, str]:
    """The answers of the latest report on the same subject for an earlier period, by question name."""
    if report.subject is None:
        return {}
    latest = ex.unit.submissions.latest(
        ex.membership.plan_id, report.subject, before_period_id=report.period.id, form_id=form_id
    )
    if latest is None:
        return {}
    return _by_name(ex.unit.submissions.answers(latest))


def last_saved(ex: Exchange, form: Form, form_id: int, *, corrected: StoredSubmission | None = None) -> dict[str, str]:
    """What `${last-saved#…}` reads: the answers this person sent last with this form. Asked only for such forms.

    For a correction: what had been sent last before what it corrects, which is what that was calculated from.
    """
    if LAST_SAVED not in form.instances:
        return {}
    before = None if corrected is None else corrected.id
    sent = ex.unit.submissions.of_person(ex.person.id, limit=_LOOKED_BACK, before=before)
    latest = next((each for each in sent if each.form_id == form_id), None)
    return {} if latest is None else ex.unit.submissions.answers(latest)


def _by_name(answers: Mapping[str, str]) -> dict[str, str]:
    return {ref.rpartition("/")[2]: value for ref, value in answers.items() if "[" not in ref}


def _item(ex: Exchange, subject: str | None) -> Activity | Indicator | None:
    kind, _, code = (subject or "").partition(":")
    if kind == "activity":
        return ex.unit.plans.activity(ex.membership.plan_id, code)
    if kind == "indicator":
        return ex.unit.plans.indicator(ex.membership.plan_id, code)
    return None


def find_report(ex: Exchange, argument: str) -> Report:
    """The report a button names: `a.PRE-101.201809`. Denied for what does not exist: the button was not ours."""
    kind, _, rest = argument.partition(".")
    code, _, period_code = rest.rpartition(".")
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    try:
        period = plans.period(plan_id, period_code, ex.agency_id)
        if kind == "a":
            return Report(FORM_OF["activity"], plans.activity(plan_id, code), period)
        if kind == "i":
            return Report(FORM_OF["indicator"], plans.indicator(plan_id, code), period)
    except NotFound:
        pass
    raise Denied


def _locks_at(ex: Exchange, period: ReportingPeriod) -> datetime:
    """The first minute of the lock day, in the plan's zone: until then the draft can be sent."""
    return datetime.combine(period.locks_on, time(), ZoneInfo(ex.house.timezone))


def _notice_card(ex: Exchange, text: str) -> Card:
    return Card((line(text),), ((Button(ex.say("menu.home"), "command:menu:"),),))


def _in(language: str, key: str, **values: object) -> str:
    return wording(language)(key, **values)
