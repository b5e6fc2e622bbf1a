"""/revisar: the coordinator's queue, one report at a time: validate it, or send it back with a question.

A keyboard can be pressed for ever, and two coordinators share a queue. So each tap compares the report with the present
state: version, state, owner. The slower of two coordinators sees what the other one decided. The buttons themselves
carry the ticks, so that a tap that arrives twice ticks once and a restart loses nothing.
"""

import contextlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bot.acts.reports import reviewing
from bot.chat.exchange import Denied, Exchange, existing
from bot.screens.reports.changes import waiting_row
from bot.screens.reports.filling import phase_lines
from bot.screens.reports.lights import standing_of
from bot.screens.reports.receipts import status_label
from bot.screens.reports.review_card import named, report_card
from conversations.card import (
    LABEL_LIMIT,
    NAME_LIMIT,
    Button,
    Card,
    Line,
    bold,
    home_button,
    in_rows,
    italic,
    line,
    page_of,
)
from conversations.plan import review
from conversations.plan.messages import digest_words
from conversations.plan.model import WAITING, ActivityStatus, ValidationState
from conversations.plan.periods import period_name
from conversations.plan.review import WEEK, Answer
from conversations.routes import Route, tap
from storage.errors import Conflict
from storage.reports.reviews import OwnReport, Waiting
from storage.reports.submissions import StoredSubmission

T = TypeVar("T")

PAGE = 8
BY_AGENCY = 12
"""If at least this many reports wait, the queue offers their agencies."""
AGENCIES = 24
IN_A_ROW = 3
QUESTIONS = 8
"""Questions to tick on one screen."""
_REASONS = {f"w{at}": reason for at, reason in enumerate(review.REASONS)}
"""The reasons for returning a report, by the text of the button."""


# ------------------------------------------------------------------ the queue
def queue(ex: Exchange, page: int = 0, agency: str = "") -> None:
    """Show the waiting reports, the oldest first, restricted ones apart; or only those of one agency."""
    ex.answer(_queue_card(ex, page, agency))


def _queue_card(ex: Exchange, page: int, agency: str = "", head: Sequence[Line] = ()) -> Card:
    say = ex.say
    everything = ex.unit.reviews.queue(ex.membership.plan_id, ex.person.id)
    home = (home_button(say),)
    away = len(ex.unit.reviews.returned(ex.membership.plan_id))
    sent_back = [line(f"↩️ {say('review.away', n=away)}")] if away else []
    if not everything:
        pace = ex.unit.reviews.pace(ex.membership.plan_id, ex.now - WEEK)
        text = " " + say("coord.pace", validated=pace.validated, median_days=pace.days()) if pace.validated else ""
        lines = (*head, line(say("coord.done") + text), *sent_back)
        return Card(lines, (*waiting_row(ex), (Button(say("digest.back"), tap(Route.DIGEST, 0)),), home))
    found = [one for one in everything if not agency or one.agency_code == agency] or everything
    agency = agency if any(one.agency_code == agency for one in found) else ""
    open_ones = [one for one in found if not one.sensitive]
    order = [*open_ones, *(one for one in found if one.sensitive)]
    shown, following = page_of(order, page, PAGE)
    waiting = Counter(one.subject for one in everything)
    rows: list[tuple[Button, ...]] = [
        (_item_button(ex, one, names_period=one.subject is not None and waiting[one.subject] > 1),) for one in shown
    ]
    if following is not None:
        rows.append((Button(say("digest.page"), tap(Route.QUEUE, following, *filter(None, [agency]))),))
    rows += _rows_of_agency(ex, agency, open_ones) if agency else _agency_rows(everything, open_ones)
    return Card((*head, *_queue_lines(ex, found, agency), *sent_back), (*rows, *waiting_row(ex), home))


def _queue_lines(ex: Exchange, found: Sequence[Waiting], agency: str) -> Iterator[Line]:
    """Say how many reports wait, how many of these are restricted or the reader's own, and since when."""
    say = ex.say
    title = say("review.queue" if len(found) != 1 else "review.queue_one", n=len(found))
    yield line(bold(f"{agency} · {title}" if agency else title))
    if restricted := sum(one.sensitive for one in found):
        yield line(f"🔒 {say('review.restricted', n=restricted)}")
    if mine := sum(one.reviewer_id == ex.person.id for one in found):
        yield line(f"↩️ {say('review.mine', n=mine)}")
    oldest = min(one.submitted_at for one in found).astimezone(ex.zone).date()
    yield line(italic(say("review.oldest", date=ex.day(oldest))))


def _rows_of_agency(ex: Exchange, agency: str, open_ones: Sequence[Waiting]) -> Iterator[tuple[Button, ...]]:
    """Return the buttons of one agency: validate its ordinary reports together, and go back to all agencies."""
    if len(together := _ordinary(ex, agency, open_ones)) > 1:
        text = ex.say("review.together", n=len(together), agency=agency)
        yield (Button(text, tap(Route.VALIDATE, agency)),)
    yield (Button(ex.say("review.all_agencies"), tap(Route.QUEUE, 0)),)


def _agency_rows(everything: Sequence[Waiting], open_ones: Sequence[Waiting]) -> Iterator[tuple[Button, ...]]:
    """A button for each agency, if the queue is long or an agency has several ordinary reports."""
    if len(everything) <= BY_AGENCY and all(len(each) <= 1 for each in _by_agency(open_ones).values()):
        return
    counts = _by_agency(everything)
    buttons = [Button(f"{code} {len(some)}", tap(Route.QUEUE, 0, code)) for code, some in counts.items() if code]
    yield from in_rows(sorted(buttons, key=lambda button: button.text)[:AGENCIES], IN_A_ROW)


def _by_agency(waiting: Sequence[Waiting]) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(one.agency_code, []).append(one)
    return found


def _item_button(ex: Exchange, one: Waiting, *, names_period: bool) -> Button:
    """Return the button of one report. Of several about one activity, each names its period instead of the progress.

    The queue stays in the chat, so of a restricted report it says neither (S15).
    """
    mark = "🔒 " if one.sensitive else ""
    if one.reviewer_id == ex.person.id:
        mark = f"↩️ {mark}"
    elif one.validation_state == ValidationState.CORRECTED:
        mark = f"✏️ {mark}"
    parts = [one.agency_code, one.code or ex.unit.forms.version(one.form_version_id).title]
    if one.activity_status is not None and not one.sensitive:
        declared = ex.say(f"export.status.{one.activity_status}")
        parts.append(declared if names_period else f"{declared}, {ex.say.percent(one.progress or 0)}")
        if standing := standing_of(ex, one.subject):
            mark = f"{standing.light.shape} {mark}"
    if names_period and one.reporting_period_id is not None:
        parts.insert(2, period_name(ex.unit.plans.period_by_id(one.reporting_period_id), ex.language))
    limit = LABEL_LIMIT if names_period else NAME_LIMIT
    text = review.excerpt(f"{mark}{' · '.join(part for part in parts if part)}", limit)
    return Button(text, tap(Route.SENT_REPORT, one.id))


# ------------------------------------------------------------------ one report
def item(ex: Exchange, submission_id: int, how: str) -> None:
    """Show one report: its answers and its changes. `all` adds every answer, `see` the restricted ones (audited)."""
    sent = _submission(ex, submission_id)
    if not sent.is_current:  # an old card leads to the newer version
        sent = ex.unit.submissions.get(ex.unit.submissions.versions(sent.root_id)[-1].id)
        ex.toast = ex.say("review.superseded")
    if how in ("later", "leave"):
        _show(ex, _after(ex, sent.id) if how == "later" else None)
    else:
        card = report_card(ex, sent, is_whole=how == "all", is_seen=sent.sensitive and bool(how))
        ex.answer(card, restricted=sent.sensitive)


def _show(
    ex: Exchange,
    sent: StoredSubmission | None,
    head: Sequence[Line] = (),
    extra: Sequence[tuple[Button, ...]] = (),
) -> None:
    """Show a report, or the queue if there is none. The card of a restricted report leaves the chat again (S15)."""
    if sent is None:
        card = _queue_card(ex, 0, head=head)
        ex.answer(Card(card.lines, (*extra, *card.rows)))
    else:
        ex.answer(report_card(ex, sent, head, extra), restricted=sent.sensitive)


def _after(ex: Exchange, sent_id: int) -> StoredSubmission | None:
    """Return the report behind this one in the queue, in the order that is shown. None behind the last."""
    waiting = ex.unit.reviews.queue(ex.membership.plan_id, ex.person.id)
    order = sorted(waiting, key=lambda one: one.sensitive)
    ids = [one.id for one in order]
    position = ids.index(sent_id) + 1 if sent_id in ids else 0
    return ex.unit.submissions.get(ids[position]) if position < len(ids) else None


def _submission(ex: Exchange, submission_id: int) -> StoredSubmission:
    """A report of the person's own plan. Denied for any other plan (S3)."""
    sent = existing(ex.unit.submissions.get, submission_id)
    if sent.plan_id != ex.membership.plan_id:
        raise Denied
    return sent


def _waiting(ex: Exchange, submission_id: int) -> StoredSubmission | None:
    """A report that waits for a decision. For any other, show its state and return None."""
    sent = _submission(ex, submission_id)
    if sent.is_current and sent.validation_state in WAITING:
        return sent
    _moved(ex, sent)
    return None


def _moved(ex: Exchange, sent: StoredSubmission) -> None:
    """Show the report's state: somebody else was faster, or the button is old."""
    current = sent if sent.is_current else ex.unit.submissions.versions(sent.root_id)[-1]
    current = ex.unit.submissions.get(current.id)
    ex.toast = ex.say("review.moved")
    _show(ex, current)


# ------------------------------------------------------------------ evidence
def evidence(ex: Exchange, submission_id: int, file_id: int) -> None:
    """Send one file of a report, to this chat only, protected. A restricted file is audited."""
    sent = _submission(ex, submission_id)
    file = next((each for each in ex.unit.attachments.of_instance(sent.instance_id) if each.id == file_id), None)
    if file is None:
        raise Denied
    if sent.sensitive or file.sensitive:
        reviewing.view(ex.actor, sent, "file")
    upload = {"path": f"evidence:{file.key}", "name": file.original_name, "type": file.mime_type}
    code, _ = named(ex, sent)
    payload = {"caption": review.excerpt(f"{code} · {file.original_name}", 200), "@files": {"document": upload}}
    ex.post("sendDocument", payload | {"protect_content": True}, restricted=sent.sensitive or file.sensitive)


# ------------------------------------------------------------------ validating
def validate(ex: Exchange, what: int | str, word: str) -> None:
    """Validate one report by its number, or an agency's ordinary ones. `yes` confirms, `undo` takes it back."""
    if isinstance(what, str):
        _validate_together(ex, what, word)
        return
    if word not in ("", "yes", "undo"):
        raise Denied
    if word == "undo":
        _take_back(ex, _submission(ex, what))
        return
    sent = _waiting(ex, what)
    if sent is None:
        return
    code, title = named(ex, sent)
    if sent.activity_status == ActivityStatus.CANCELLED and word != "yes":
        rows = (
            (Button(ex.say("review.approve"), tap(Route.VALIDATE, sent.id, "yes"), "danger"),),
            (Button(ex.say("review.not_now"), tap(Route.SENT_REPORT, sent.id)),),
        )
        lines = (line(bold(code), f" · {title}"), line(ex.say("review.approve_sure")))
        ex.answer(Card(lines, rows), restricted=sent.sensitive)
        return
    following = _after(ex, sent.id)
    if _decided(ex, sent, lambda: reviewing.validate(ex.actor, sent)) is None:
        return
    head = [line(f"✅ {ex.say('review.validated', code=code)}"), line("")]
    undo = [(Button(ex.say("review.undo", code=code), tap(Route.VALIDATE, sent.id, "undo")),)]
    _show(ex, None if following is None or following.id == sent.id else following, head, undo)


def _decided(ex: Exchange, sent: StoredSubmission, decide: Callable[[], T]) -> T | None:
    """The result of `decide`. If the report is no longer theirs to decide, show its state and return None."""
    try:
        return decide()
    except OwnReport:
        ex.toast, ex.is_alert = ex.say("review.own"), True
    except Conflict:
        _moved(ex, sent)
    return None


def _take_back(ex: Exchange, sent: StoredSubmission) -> None:
    try:
        reviewing.take_back(ex.actor, sent)
    except Conflict:
        ex.toast, ex.is_alert = ex.say("review.too_late"), True
        return
    sent = ex.unit.submissions.get(sent.id)
    _show(ex, sent, [line(ex.say("review.taken_back")), line("")])


def _ordinary(ex: Exchange, agency: str, waiting: Sequence[Waiting]) -> list[Waiting]:
    """The agency's reports that can be validated together: they need no second look and are not the reader's."""
    found: list[Waiting] = []
    for one in waiting:
        if one.agency_code != agency or one.subject is None or one.reporting_period_id is None:
            continue
        before = ex.unit.submissions.latest(
            ex.membership.plan_id, one.subject, before_period_id=one.reporting_period_id
        )
        previous = before.progress if before else 0
        if review.is_ordinary(
            one.validation_state, one.activity_status, one.progress, previous, is_restricted=one.sensitive
        ) and ex.person.id not in ex.unit.reviews.senders(one.root_id):
            found.append(one)
    return found


def _validate_together(ex: Exchange, agency: str, seal: str) -> None:
    """Validate an agency's ordinary reports at once, after showing which: exactly those."""
    waiting = [one for one in ex.unit.reviews.queue(ex.membership.plan_id) if not one.sensitive]
    found = _ordinary(ex, agency, waiting)
    if not found:
        ex.toast = ex.say("review.moved")
        queue(ex)
        return
    now_seal = f"{zlib.crc32(','.join(str(one.id) for one in found).encode()):x}"
    if len(found) == 1 and seal != now_seal:
        _show(ex, ex.unit.submissions.get(found[0].id))
        return
    if seal != now_seal:
        lines = [line(bold(ex.say("review.together_sure", n=len(found), agency=agency)))]
        for one in found[:20]:
            progress = ex.say.percent(one.progress or 0)
            declared = f"{status_label(ex, one.activity_status or '')}, {progress}"
            standing = standing_of(ex, one.subject)
            beside = digest_words.light_label(standing, ex.say) if standing else ""
            lines.append(line("• ", " · ".join(filter(None, [one.code, declared, beside]))))
        if len(found) > 20:
            lines.append(line(ex.say("review.and_more", n=len(found) - 20)))
        rows = (
            (Button(ex.say("review.together_yes", n=len(found)), tap(Route.VALIDATE, agency, now_seal), "success"),),
            (Button(ex.say("review.not_now"), tap(Route.QUEUE, 0, agency)),),
        )
        ex.answer(Card(tuple(lines), rows))
        return
    done: list[str] = []
    for one in found:
        with contextlib.suppress(Conflict):  # another coordinator decided about this one at the same moment
            reviewing.validate(ex.actor, ex.unit.submissions.get(one.id))
            done.append(one.code)
    if len(done) == 1:
        text = ex.say("review.validated", code=done[0])
    else:
        text = ex.say("review.together_done", n=len(done), agency=agency)
    head = [line(f"✅ {text}"), line("")]
    ex.answer(_queue_card(ex, 0, head=head))


# ------------------------------------------------------------------ sending back
def send_back(ex: Exchange, submission_id: int, marks: str, step: int | str) -> None:
    """Choose questions, then a reason.

    `step` is a page's number, `why` to ask for a reason, or `w3` for one of them.
    """
    sent = _waiting(ex, submission_id)
    if sent is None:
        return
    if ex.person.id in ex.unit.reviews.senders(sent.root_id):
        ex.toast, ex.is_alert = ex.say("review.own"), True
        return
    if _has_locked(ex, sent):
        return
    questions = ex.house.forms.answers(ex.unit, sent, ex.language)
    ticked = review.ticked_in(marks, len(questions))
    marks = review.marks_of(ticked)
    if step == "why":
        _ask_why(ex, sent, questions, ticked)
    elif isinstance(step, str) and step in _REASONS:
        _return(ex, sent, questions, ticked, _REASONS[step])
    elif step == "" or isinstance(step, int):
        _ask_what(ex, sent, questions, ticked, step if isinstance(step, int) else 0)
    else:
        raise Denied


def _has_locked(ex: Exchange, sent: StoredSubmission) -> bool:
    """Say that nobody could answer any more because the period has locked, and show the remedy. False otherwise."""
    period = ex.unit.plans.period_by_id(sent.reporting_period_id, sent.agency_id) if sent.reporting_period_id else None
    if period is None or period.is_open(ex.today):
        return False
    name = period_name(period, ex.language)
    code = ex.unit.plans.agency_by_id(sent.agency_id).code if sent.agency_id else ""
    reopen = Button(ex.say("review.reopen", agency=code), tap(Route.REOPEN, period.code, code))
    rows = ((reopen,), (Button(ex.say("review.not_now"), tap(Route.SENT_REPORT, sent.id)),))
    ex.answer(Card((*phase_lines(ex), line(ex.say("review.locked", period_name=name))), rows))
    return True


def _ask_what(
    ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int], page: int
) -> None:
    """Show the questions with their answers. For a restricted report, show only the questions."""
    say = ex.say
    code, title = named(ex, sent)
    offered = range(min(len(questions), review.MOST_QUESTIONS))
    shown, following = page_of(offered, page, QUESTIONS)
    rows: list[tuple[Button, ...]] = []
    for at in shown:
        answer = "" if sent.sensitive else questions[at].shown or say("form.no_answer")
        text = review.excerpt(
            f"{'☑' if at in ticked else '☐'} {questions[at].label}{f': {answer}' if answer else ''}", 60
        )
        rows.append((Button(text, tap(Route.SEND_BACK, sent.id, review.marks_of(ticked ^ {at}), page)),))
    marks = review.marks_of(ticked)
    if following is not None:
        rows.append((Button(say("digest.page"), tap(Route.SEND_BACK, sent.id, marks, following)),))
    key = ("review.go_on" if len(ticked) > 1 else "review.go_on_one") if ticked else "review.go_on_all"
    rows.append((Button(say(key, n=len(ticked)), tap(Route.SEND_BACK, sent.id, marks, "why"), "primary"),))
    rows.append((Button(say("review.not_now"), tap(Route.SENT_REPORT, sent.id)),))
    card = Card((line(bold(code), f" · {title}"), line(say("review.which"))), tuple(rows))
    ex.answer(card, restricted=sent.sensitive)


def _ask_why(ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int]) -> None:
    """Choose a reason, or type it next."""
    say, marks = ex.say, review.marks_of(ticked)
    lines = [line(f"☑ {review.excerpt(questions[at].label)}") for at in sorted(ticked)]
    lines.append(line(bold(say("coord.return_why"))))
    rows = [
        (Button(say(f"review.{reason}"), tap(Route.SEND_BACK, sent.id, marks, step)),)
        for step, reason in _REASONS.items()
    ]
    rows.append((Button(say("nav.back"), tap(Route.SEND_BACK, sent.id, marks, 0)),))
    ex.ask(Card(tuple(lines), tuple(rows)), Route.SEND_BACK, sent.id, marks)


def hear_why(ex: Exchange, submission_id: int, marks: str, text: str) -> None:
    """Read the coordinator's own reason. Personal data was refused before this is called."""
    sent = _waiting(ex, submission_id)
    if sent is None:
        return
    if _has_locked(ex, sent):
        return
    questions = ex.house.forms.answers(ex.unit, sent, ex.language)
    ticked = review.ticked_in(marks, len(questions))
    if not text or len(text) > review.LONGEST_REASON:
        ex.ask(Card((line(ex.say("review.too_long", n=review.LONGEST_REASON)),)), Route.SEND_BACK, submission_id, marks)
        return
    _return(ex, sent, questions, ticked, text)


def _return(
    ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int], reason: str
) -> None:
    """Return a report to its reporter, who is notified in the same transaction. Then show the next one."""
    following = _after(ex, sent.id)
    code, _ = named(ex, sent)
    refs = [questions[at].ref for at in sorted(ticked)]

    def labels(language: str) -> list[str]:
        asked = ex.house.forms.answers(ex.unit, sent, language) if refs else ()
        return [each.label for each in asked if each.ref in refs]

    told = _decided(ex, sent, lambda: reviewing.send_back(ex.actor, sent, code, refs, reason, labels))
    if told is None:
        return
    ex.pass_on(told)
    key = "review.returned" if told else "review.returned_nobody"
    head = [line(f"↩️ {ex.say(key, code=code)}"), line("")]
    _show(ex, following, head)


# ------------------------------------------------------------------ a word without a decision
def remark(ex: Exchange, submission_id: int) -> None:
    """Ask about a waiting report without returning it. The next typed text goes to those who sent it."""
    sent = _remarkable(ex, submission_id)
    if sent is None:
        return
    code, title = named(ex, sent)
    rows = ((Button(ex.say("review.not_now"), tap(Route.SENT_REPORT, sent.id)),),)
    ex.ask(Card((line(bold(code), f" · {title}"), line(ex.say("review.remark_how"))), rows), Route.REMARK, sent.id)


def hear_remark(ex: Exchange, submission_id: int, text: str) -> None:
    """Send the question to the reporters. The report stays in the queue."""
    sent = _remarkable(ex, submission_id)
    if sent is None:
        return
    if not text or len(text) > review.LONGEST_REASON:
        ex.ask(Card((line(ex.say("review.too_long", n=review.LONGEST_REASON)),)), Route.REMARK, submission_id)
        return
    code, _ = named(ex, sent)
    told = _decided(ex, sent, lambda: reviewing.remark(ex.actor, sent, code, text))
    if told is None:
        return
    ex.pass_on(told)
    key = "review.remark_sent" if told else "review.returned_nobody"
    _show(ex, sent, [line(f"💬 {ex.say(key, code=code)}"), line("")])


def _remarkable(ex: Exchange, submission_id: int) -> StoredSubmission | None:
    """Return a waiting report if it is not restricted and not the reader's own. Otherwise show its state."""
    sent = _waiting(ex, submission_id)
    if sent is None:
        return None
    if sent.sensitive:
        raise Denied
    if ex.person.id in ex.unit.reviews.senders(sent.root_id):
        ex.toast, ex.is_alert = ex.say("review.own"), True
        return None
    return sent
