"""Acts on reports: begin, correct, take over, send, and report "nothing new".

The conversation itself is `conversations.session.engine`. This module gives it what the plan and earlier reports say,
and stores its result. There is one report for each subject and period, whatever happens at the same time: the database
refuses a second one with Conflict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import PurePath
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from bot.acts.reports import reviewing
from bot.acts.reports.coverage import unlisted_in
from bot.acts.reports.items import Item, names_of, until_in_words
from bot.chat.actor import Actor, Notification
from bot.chat.form_cache import FormCache
from conversations.card import Line
from conversations.languages import FIRST, LANGUAGES
from conversations.plan.model import Activity, Care, Judged, judge_of
from conversations.plan.periods import ReportingPeriod
from conversations.plan.review import difference_lines, differences, state_of_correction
from conversations.session import engine
from conversations.session.cards.view import form_title
from conversations.session.effects import Fetch, Reject, Submit
from conversations.session.engine import Given
from conversations.session.events import Event, Tap, Typed
from conversations.session.profiles import profile
from conversations.session.questions import UPLOADS, is_sending
from conversations.session.repeats import address, renumbered
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.wording import Wording, wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from conversations.xforms.nodes import LAST_SAVED
from storage.errors import Conflict
from storage.plan.settings import DRAFT_DAYS
from storage.reports.forms import StoredForm
from storage.reports.sessions import NewSession, StoredSession
from storage.reports.submissions import NewSubmission, StoredSubmission
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

_LOOKED_BACK = 50
"""How many of a person's submissions are searched for the last one of a form."""


class Reporter(NamedTuple):
    """The person who reports, their agency and language, and the cache that gives the forms.

    `form_language` is the language of the forms, if the bot itself does not speak it.
    """

    actor: Actor
    person_id: int
    agency_id: int | None
    agency_code: str
    language: str
    form_language: str
    forms: FormCache
    new_instance_id: Callable[[], str]

    @property
    def unit(self) -> UnitOfWork:
        return self.actor.unit


@dataclass(frozen=True, slots=True)
class Report:
    """The item and the period that a session reports on."""

    form_id: str
    item: Item | None
    period: ReportingPeriod

    @property
    def subject(self) -> str | None:
        return self.item.subject if self.item else None

    @property
    def care(self) -> Care:
        return self.item.care if self.item else Care(profile(self.form_id).always_sensitive)

    def is_open(self, today: date) -> bool:
        """Whether it may be sent on that day. A plan that ends is judged as a whole, also before its last period."""
        return self.period.is_open(today) or (isinstance(self.item, Judged) and today < self.period.locks_on)


# ------------------------------------------------------------------ begun
def begin(who: Reporter, report: Report, version: StoredForm) -> Step | None:
    """Begin a session of this report, with the answers that the bot fills in.

    None if the form's lists do not have the item: the plan has changed and the form has not. It is logged.
    """
    form = who.forms.version(who.unit, version.id)
    previous = _previous(who, version.form_key, report)
    begun, unlisted = _begin(who, report, form, previous, _last_saved(who, form, version.form_key))
    if unlisted:
        logger.error("form.disagrees", form_id=form.form_id, version=form.version, questions=unlisted)
        return None
    return begun


def _begin(
    who: Reporter, report: Report, form: Form, previous: Mapping[str, str], last_saved: Mapping[str, str]
) -> tuple[Step, Sequence[str]]:
    """The first step of a session of this report, and the questions whose choices lack the answer of the bot."""
    filled = _filled(who, report, previous)
    given = Given(
        asked_in=who.form_language,
        values=filled,
        previous=previous,
        about=_about(report, who),
        restricted=report.care.is_restricted,
        strict=report.care.is_read_strictly,
        last_saved=last_saved,
    )
    begun = engine.begin(form, _filling(who), given)
    return begun, unlisted_in(begun.instance, filled)


def begin_correction(
    who: Reporter, sent: StoredSubmission, report: Report, meant: tuple[str, str] | None = None
) -> Step:
    """A session with the sent answers, each to be tapped; of a returned report only the questions that were asked.

    `meant` is a ref and the text typed for it after sending: that answer is filled in, and the review says so. The
    submission's files are copied: the correction is a new version, and nothing is overwritten (G6).
    """
    unit = who.unit
    form = who.forms.version(unit, sent.form_version_id)
    answers = unit.submissions.answers(sent)
    only, asked = reviewing.asked_again(unit, sent, wording(who.language))
    filled = {name: value for name, value in _by_name(answers).items() if name in profile(form.form_id).filled}
    given = Given(
        asked_in=who.form_language,
        values=filled,
        about=_about(report, who) | ({"asked": asked} if asked else {}),
        restricted=report.care.is_restricted,
        strict=report.care.is_read_strictly,
        answers=answers,
        only=only,
    )
    begun = engine.begin(form, _filling(who), given)
    unit.attachments.copy(sent.instance_id, begun.session.instance_id, who.actor.now)
    return begun if meant is None else _answered(who, form, begun, *meant)


def _answered(who: Reporter, form: Form, begun: Step, ref: str, text: str) -> Step:
    """The correction with this answer, as if it had been typed there; unchanged if the form does not accept it."""
    if ref not in begun.instance.asked():
        return begun
    there = Tap(begun.session.turn, "edit", address(begun.instance, begun.instance.node(ref)))
    opened = engine.step(form, begun.session, there, now=who.actor.now)
    if opened.session.at != ref:
        return begun
    taken = engine.step(form, opened.session, Typed(text, 0), now=who.actor.now)
    return opened if any(isinstance(effect, Reject) for effect in taken.effects) else taken


def begin_free(who: Reporter, version: StoredForm, *, corrected: StoredSubmission | None = None) -> Step:
    """A session of a form that belongs to no report; for a correction, with the sent answers, at its review."""
    unit = who.unit
    form = who.forms.version(unit, version.id)
    only, asked = reviewing.asked_again(unit, corrected, wording(who.language)) if corrected else ([], "")
    about = {"agency": who.agency_code, "title": dict.fromkeys(LANGUAGES, version.title or version.form_id)}
    given = Given(
        asked_in=who.form_language,
        about=about | ({"asked": asked} if asked else {}),
        answers=unit.submissions.answers(corrected) if corrected else {},
        only=only,
        last_saved=_last_saved(who, form, version.form_key, corrected=corrected),
    )
    begun = engine.begin(form, _filling(who), given)
    if corrected is not None:
        unit.attachments.copy(corrected.instance_id, begun.session.instance_id, who.actor.now)
    return begun


def store(
    who: Reporter, begun: Step, version: StoredForm, report: Report | None, *, supersedes_id: int | None = None
) -> StoredSession:
    """Store a session that was begun. `report` is None for a free form. Conflict if somebody else has this report."""
    is_sensitive = _is_sensitive(who.forms.version(who.unit, version.id))
    if report is None:
        expires_at = who.actor.now + timedelta(days=who.unit.settings.number(who.actor.plan_id, DRAFT_DAYS))
    else:
        expires_at = _locks_at(report.period, who.actor.timezone)
    return who.unit.sessions.open(
        NewSession(
            plan_id=who.actor.plan_id,
            person_id=who.person_id,
            agency_id=who.agency_id,
            form_id=version.form_key,
            form_version_id=version.id,
            instance_id=begun.session.instance_id,
            subject=report.subject if report else None,
            reporting_period_id=report.period.id if report else None,
            supersedes_id=supersedes_id,
            sensitive=is_sensitive or (report is not None and report.care.is_restricted),
            data=begun.session.to_json(),
            expires_at=expires_at,
        ),
        who.actor.now,
    )


@lru_cache(maxsize=256)
def _is_sensitive(form: Form) -> bool:
    """Whether the answers of a form are sealed, because one of its questions says so."""
    return any(question.extras.get("sensitive") == "yes" for question in form.questions)


def _locks_at(period: ReportingPeriod, timezone: str) -> datetime:
    """The first minute of the lock day, in the plan's zone. Until then the draft can be sent."""
    return datetime.combine(period.locks_on, time(), ZoneInfo(timezone))


def take_over(who: Reporter, stored: StoredSession) -> tuple[StoredSession, list[Notification]]:
    """A colleague of the same agency continues this draft. Return it, with the notification for its former owner."""
    before = who.unit.people.by_id(stored.person_id)
    taken = who.unit.sessions.reassign(stored.id, who.person_id)
    if before.membership_in(stored.plan_id) is None:  # a person who has left is not notified
        return taken, []
    about = Session.from_json(taken.data).about
    code = about.get("code") or about.get("title", {}).get(before.language, "")
    text = wording(before.language)("form.taken_from_you", name=who.actor.name, code=code)
    return taken, [Notification(before.telegram_id, {"text": text})]


def move_files(unit: UnitOfWork, stored: StoredSession, gone: str) -> None:
    """Remove the files of a removed instance, and renumber the files of the instances behind it."""
    repeat, _, number = gone.removesuffix("]").rpartition("[")
    moves: dict[str, str] = {}
    for attachment in unit.attachments.of_instance(stored.instance_id):
        ref = renumbered(attachment.ref, repeat, int(number))
        if ref is None:
            unit.attachments.remove(stored.instance_id, attachment.ref)
        elif ref != attachment.ref:
            moves[attachment.ref] = ref
    # The second becomes the first before the third becomes the second.
    ordered = sorted(moves, key=lambda ref: int(ref[len(repeat) + 1 :].partition("]")[0]))
    unit.attachments.move(stored.instance_id, {ref: moves[ref] for ref in ordered})


def save(unit: UnitOfWork, stored: StoredSession, session: Session, now: datetime) -> StoredSession:
    """Store the present state of a draft, if it has changed. Conflict if it was changed since it was read."""
    data = session.to_json()
    return stored if data == stored.data else unit.sessions.save(stored, now, data=data)


def discard_draft(unit: UnitOfWork, stored: StoredSession) -> None:
    """Delete a draft for its owner. Sent reports stay."""
    unit.sessions.close(stored.id, "cancelled")


def expire_draft(unit: UnitOfWork, stored: StoredSession) -> None:
    """Expire a draft whose period has locked, if the schedule has not done so yet."""
    unit.sessions.close(stored.id, "expired")


# ------------------------------------------------------------------ its files
FETCH: Final = "fetch_file"


def fetch(
    unit: UnitOfWork,
    stored: StoredSession,
    session: Session,
    wanted: Fetch,
    chat_id: int,
    telegram_id: int,
    now: datetime,
) -> None:
    """Have a worker download a file that answers a question of this draft."""
    payload = {
        "session_id": stored.id,
        "telegram_id": telegram_id,
        "file_id": wanted.file_id,
        "unique_id": wanted.unique_id,
        "ref": wanted.ref,
        "name": _file_name(wanted.name, is_sensitive=stored.sensitive),
        "mime_type": wanted.mime_type,
        "accept": wanted.accept,
        "max_pixels": wanted.max_pixels,
        "is_compressed": wanted.is_compressed,
        "is_sensitive": stored.sensitive,
        "is_restricted": session.restricted,
    }
    unit.jobs.add(FETCH, payload, now, chat_id=chat_id)


def _file_name(name: str, *, is_sensitive: bool) -> str:
    """The name to keep. A name may reveal the content: sealed files keep only the suffix. Other names were checked."""
    if is_sensitive:
        return f"archivo{PurePath(name).suffix[:8]}"
    return name


# ------------------------------------------------------------------ sent
def changes_nothing(unit: UnitOfWork, stored: StoredSession, form: Form, taken: Step) -> bool:
    """Whether a correction equals what was sent before. Then no new version is needed.

    A returned report is sent again even if it is unchanged, because sending it is an answer to the coordinator.
    """
    if stored.supersedes_id is None:
        return False
    corrected = unit.submissions.get(stored.supersedes_id)
    if corrected.validation_state == "returned" or not corrected.is_current:
        return False
    old, new = unit.submissions.answers(corrected), taken.instance.answers()
    passed_over = engine.filled_when(form, old).keys() | engine.filled_when(form, new).keys()
    passed_over |= {question.path for question in form.questions if is_sending(question)}

    def answered(values: Mapping[str, str]) -> dict[str, str]:
        """The answers of the person: without what the phone fills in (ODK XForms, "meta"), and without "send"."""
        return {ref: value for ref, value in values.items() if ref not in passed_over and "/meta/" not in ref}

    return answered(old) == answered(new)


def send(who: Reporter, stored: StoredSession, form: Form, taken: Step) -> tuple[StoredSubmission, list[Notification]]:
    """Store the submission. Return it, with the notification for the coordinator who had returned the report.

    Sending an instance a second time changes nothing (G6). The caller deletes what the draft has left in the chat
    (`Exchange.clean_chat`).
    """
    unit = who.unit
    answers = taken.instance.answers()
    names = _by_name(answers)
    may_have_files = _may_have_files(form)
    if may_have_files:
        # A photo whose question is no longer relevant is not sent.
        for attachment in unit.attachments.of_instance(stored.instance_id):
            if attachment.file_name != answers.get(attachment.ref):
                unit.attachments.remove(stored.instance_id, attachment.ref)
    corrected = unit.submissions.get(stored.supersedes_id) if stored.supersedes_id else None
    if corrected is not None and taken.session.only:
        # Answers that were not asked again stay as they were sent, also the time of filling.
        answers |= engine.filled_when(form, unit.submissions.answers(corrected))
    try:
        sent = _add(who, stored, answers, names, corrected, may_have_files=may_have_files)
    except Conflict:
        # Somebody else's report is current for this subject and period: ours could only correct it.
        unit.sessions.close(stored.id, "cancelled")
        raise
    unit.sessions.end(stored.id, "submitted")
    if corrected is None or corrected.validation_state != "returned":
        return sent, []
    code = str(taken.session.about.get("code") or form_title(form, taken.session.about, FIRST))

    def changes(say: Wording) -> list[Line]:
        before, after = (who.forms.answers(unit, each, say.language) for each in (corrected, sent))
        return difference_lines(differences(before, after), say)

    return sent, reviewing.reviewer_told(unit, sent, code, who.agency_code, changes=changes)


@lru_cache(maxsize=256)
def _may_have_files(form: Form) -> bool:
    return any(question.type in UPLOADS for question in form.questions)


def _add(
    who: Reporter,
    stored: StoredSession,
    answers: dict[str, str],
    names: Mapping[str, str],
    corrected: StoredSubmission | None,
    *,
    may_have_files: bool,
) -> StoredSubmission:
    return who.unit.submissions.add(
        NewSubmission(
            plan_id=stored.plan_id,
            form_id=stored.form_id,
            form_version_id=stored.form_version_id,
            instance_id=stored.instance_id,
            person_id=who.person_id,
            agency_id=stored.agency_id,
            subject=stored.subject,
            reporting_period_id=stored.reporting_period_id,
            supersedes_id=stored.supersedes_id,
            validation_state=_state(stored.subject, corrected),
            answers=answers,
            sensitive=stored.sensitive,
            language=who.language,
            activity_status=names.get("status") if stored.subject and stored.subject.startswith("activity:") else None,
            progress=_percent(names),
            may_have_files=may_have_files,
            started_at=stored.opened_at,
        ),
        who.actor.now,
    )


def _state(subject: str | None, corrected: StoredSubmission | None) -> str:
    """Return the state of what is sent. A judgement counts as it is: nobody validates what somebody else thinks."""
    if judge_of(subject) is not None:
        return "validated"
    return state_of_correction(corrected.validation_state) if corrected else "submitted"


def _percent(names: Mapping[str, str]) -> int | None:
    progress = names.get("progress_final", "")
    return int(float(progress)) if progress.replace(".", "", 1).isdigit() else None


# ------------------------------------------------------------------ nothing new
NOT_STARTED = {"status": "not_started", "progress": "0", "reached": "no", "evidence_type": "none"}
"""The values of "nothing new" for an activity that was never reported."""


def is_begun(who: Reporter, report: Report) -> bool:
    """Whether somebody has a draft of it."""
    assert report.subject is not None
    version = who.unit.forms.current(who.actor.plan_id, report.form_id)
    return version is not None and bool(
        who.unit.sessions.holder(who.actor.plan_id, version.form_key, report.subject, report.period.id)
    )


class NothingNew(NamedTuple):
    """A report without news: it `repeats` the one before, or says of an activity that it has not begun."""

    submission: NewSubmission
    repeats: bool


def report_nothing_new(who: Reporter, report: Report, reason: str) -> StoredSubmission | None:
    """Send a report that repeats the previous one, with its next step and the reason's code (docs/domain.md#rates).

    Without a next step in earlier reports, the reason stands in its place. The report is filled through the form like
    any other. None, and nothing is stored, if the form asks for more, or if somebody has begun or sent the report.
    """
    new = without_news(who, report, reason)
    return None if new is None else who.unit.submissions.add(new.submission, who.actor.now)


def without_news(who: Reporter, report: Report, reason: str) -> NothingNew | None:
    """Return what `report_nothing_new` would send. Nothing is stored."""
    assert report.subject is not None
    unit, plan_id = who.unit, who.actor.plan_id
    version = unit.forms.current(plan_id, report.form_id)
    if version is None or is_begun(who, report):
        return None
    if unit.submissions.current(plan_id, version.form_key, report.subject, report.period.id):
        return None
    form = who.forms.version(unit, version.id)
    previous = _previous(who, version.form_key, report)
    begun, unlisted = _begin(who, report, form, previous, {})
    ways = profile(report.form_id)
    told = wording(who.language)(f"nothing.reason.{reason}")
    answers = {**NOT_STARTED, **{name: previous.get(name) or told for name in ways.same_asks}}
    same_at = ways.same_at if previous else None
    taken = None if unlisted else _filled_to_the_end(form, begun, answers, same_at, who.actor.now)
    if taken is None:
        return None
    names = _by_name(taken.instance.answers())
    submission = NewSubmission(
        plan_id=plan_id,
        form_id=version.form_key,
        form_version_id=version.id,
        instance_id=begun.session.instance_id,
        person_id=who.person_id,
        agency_id=who.agency_id,
        subject=report.subject,
        reporting_period_id=report.period.id,
        answers=taken.instance.answers(),
        sensitive=report.care.is_restricted or _is_sensitive(form),
        language=who.language,
        activity_status=names.get("status"),
        progress=_percent(names),
        zero_reason=reason,
        started_at=who.actor.now,
    )
    return NothingNew(submission, repeats=bool(previous))


def _filled_to_the_end(
    form: Form, begun: Step, answers: Mapping[str, str], same_at: str | None, now: datetime
) -> Step | None:
    """Fill the form with these answers, by question name, and send it. None if it asks for more.

    At the question `same_at`, everything is answered as in the previous report.
    """
    taken = begun
    for _ in range(len(form.questions)):
        question = taken.instance.node(taken.session.at).question
        if is_sending(question):
            taken = engine.step(form, taken.session, _tap_that_sends(taken), now=now)
            return taken if any(isinstance(effect, Submit) for effect in taken.effects) else None
        event: Event
        if question.name == same_at:
            event = Tap(taken.session.turn, "same")
        elif question.name in answers:
            event = Typed(answers[question.name], 1)
        else:
            return None
        taken = engine.step(form, taken.session, event, now=now)
    return taken if any(isinstance(effect, Submit) for effect in taken.effects) else None


def _tap_that_sends(taken: Step) -> Tap:
    """The button of the form's own last question that sends it, or the engine's."""
    choices = taken.instance.choices(taken.instance.node(taken.session.at))
    position = next((at for at, choice in enumerate(choices) if choice.value == "send"), None)
    turn = taken.session.turn
    return Tap(turn, "send") if position is None else Tap(turn, "pick", str(position))


# ------------------------------------------------------------------ what a report begins with
def _filling(who: Reporter) -> Filling:
    actor = who.actor
    return Filling(who.new_instance_id(), actor.now, actor.timezone, who.language, username=actor.name)


def _filled(who: Reporter, report: Report, previous: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that the bot takes from the plan (docs/domain.md#a-report): agency, item, period, earlier
    progress, restriction.
    """
    values = {"agency": who.agency_code, "period": report.period.code}
    if isinstance(report.item, Activity):
        values |= {
            "activity": report.item.code,
            "prev_progress": previous.get("progress_final") or previous.get("progress") or "0",
            "restricted": "yes" if report.care.is_restricted else "no",
        }
    elif isinstance(report.item, Judged):
        values |= {"objective": report.item.code, "answerer": report.item.answerer}
    elif report.item is not None:
        values["indicator"] = report.item.code
    return values


def _about(report: Report, who: Reporter) -> dict[str, object]:
    about: dict[str, object] = {"period": report.period.code, "agency": who.agency_code}
    about |= {"title": _titles(report.form_id), "until": until_in_words(report.subject, report.period)}
    if report.item is not None:
        about |= {"code": report.item.code, "name": names_of(report.item)}
    if isinstance(report.item, Activity) and report.item.due_on:
        about["due_on"] = report.item.due_on.isoformat()
    return about


@lru_cache(maxsize=64)
def _titles(form_id: str) -> Mapping[str, str]:
    return {language: wording(language)(f"form_title.{form_id}") for language in LANGUAGES}


def _previous(who: Reporter, form_id: int, report: Report) -> dict[str, str]:
    """The latest earlier report on the same subject: answers by question name."""
    if report.subject is None:
        return {}
    latest = who.unit.submissions.latest(
        who.actor.plan_id, report.subject, before_period_id=report.period.id, form_id=form_id
    )
    if latest is None:
        return {}
    return _by_name(who.unit.submissions.answers(latest))


def _last_saved(
    who: Reporter, form: Form, form_id: int, *, corrected: StoredSubmission | None = None
) -> dict[str, str]:
    """The values of `${last-saved#…}`: the answers that this person sent last with this form.

    They are read only for forms that use them. A correction gets the answers that were sent last before the submission
    that it corrects, because that submission was calculated from them.
    """
    if LAST_SAVED not in form.instances:
        return {}
    before = None if corrected is None else corrected.id
    sent = who.unit.submissions.of_person(who.person_id, limit=_LOOKED_BACK, before=before)
    latest = next((each for each in sent if each.form_id == form_id), None)
    return {} if latest is None else who.unit.submissions.answers(latest)


def _by_name(answers: Mapping[str, str]) -> dict[str, str]:
    return {ref.rpartition("/")[2]: value for ref, value in answers.items() if "[" not in ref}
