"""/revisar: what waits for the coordinator, one report at a time, validated or sent back with a question.

A keyboard stays clickable for ever and two coordinators share a queue, so every tap looks at the report as it stands
now: the version it was drawn for, its state, whose it is. Whoever was slower is shown where it is. What was ticked
travels in the buttons themselves, so that a tap that arrives twice ticks once and nothing is forgotten by a restart.
"""

import contextlib
import zlib
from collections.abc import Sequence

from bot.exchange import Denied, Exchange, number_of
from bot.reporting import status_label
from bot.returns import tell_reporter
from conversations import review
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.engine import show_date
from conversations.plan import ActivityStatus, ReportingPeriod, ValidationState, period_name
from conversations.reports import profile
from conversations.review import WEEK, Answer, Reviewed
from storage.errors import Conflict, NotFound
from storage.reviews import OwnReport, StoredDecision, Waiting
from storage.submissions import StoredSubmission

PAGE = 8
BY_AGENCY = 12
"""Reports from which on the queue offers its agencies."""
AGENCIES = 24
IN_A_ROW = 3
FILES = 8
BUTTON = 40
QUESTIONS = 8
"""Questions to tick on one screen."""


# ------------------------------------------------------------------ the queue
def queue(ex: Exchange, argument: str) -> None:
    """What waits, oldest first, restricted apart; `argument` is a page, and after a dot an agency."""
    page, _, agency = argument.partition(".")
    ex.show(_queue_card(ex, number_of(page or "0"), agency))
    ex.stand(None)


def _queue_card(ex: Exchange, page: int, agency: str = "", head: Sequence[Line] = ()) -> Card:
    say = ex.say
    everything = ex.unit.reviews.queue(ex.membership.plan_id, ex.person.id)
    home = (Button(say("menu.home"), "command:menu:"),)
    away = len(ex.unit.reviews.returned(ex.membership.plan_id))
    sent_back = [line(f"↩️ {say('review.away', n=away)}")] if away else []
    if not everything:
        pace = ex.unit.reviews.pace(ex.membership.plan_id, ex.now - WEEK)
        text = say("coord.done", validated=pace.validated, median_days=pace.days())
        return Card((*head, line(text), *sent_back), ((Button(say("digest.back"), "command:resumen:0"),), home))
    found = [one for one in everything if not agency or one.agency_code == agency] or everything
    agency = agency if any(one.agency_code == agency for one in found) else ""
    open_ones = [one for one in found if not one.sensitive]
    order = [*open_ones, *(one for one in found if one.sensitive)]
    pages = -(-len(order) // PAGE)
    page %= pages
    title = say("review.queue" if len(found) != 1 else "review.queue_one", n=len(found))
    lines: list[Line] = [*head, line(bold(f"{agency} · {title}" if agency else title))]
    if restricted := len(order) - len(open_ones):
        lines.append(line(f"🔒 {say('review.restricted', n=restricted)}"))
    if mine := sum(one.reviewer_id == ex.person.id for one in found):
        lines.append(line(f"↩️ {say('review.mine', n=mine)}"))
    oldest = min(one.submitted_at for one in found).astimezone(ex.zone).date()
    lines.append(line(italic(say("review.oldest", date=show_date(oldest.isoformat(), ex.language)))))
    lines += sent_back
    rows: list[tuple[Button, ...]] = [(_item_button(ex, one),) for one in order[page * PAGE : (page + 1) * PAGE]]
    filtered = f".{agency}" if agency else ""
    if pages > 1:
        rows.append((Button(say("digest.page"), f"command:revisar:{page + 1}{filtered}"),))
    if agency:
        if len(together := _ordinary(ex, agency, open_ones)) > 1:
            text = say("review.together", n=len(together), agency=agency)
            rows.append((Button(text, f"command:validar:{agency}"),))
        rows.append((Button(say("review.all_agencies"), "command:revisar:0"),))
    elif len(everything) > BY_AGENCY or any(len(each) > 1 for each in _by_agency(open_ones).values()):
        counts = _by_agency(everything)
        buttons = [Button(f"{code} {len(some)}", f"command:revisar:0.{code}") for code, some in counts.items() if code]
        buttons = sorted(buttons, key=lambda button: button.text)[:AGENCIES]
        rows += [tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW)]
    return Card(tuple(lines), (*rows, home))


def _by_agency(waiting: Sequence[Waiting]) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(one.agency_code, []).append(one)
    return found


def _item_button(ex: Exchange, one: Waiting) -> Button:
    mark = "🔒 " if one.sensitive else ""
    if one.reviewer_id == ex.person.id:
        mark = f"↩️ {mark}"
    elif one.validation_state == ValidationState.CORRECTED:
        mark = f"✏️ {mark}"
    parts = [one.agency_code, one.code or ex.unit.forms.version(one.form_version_id).title]
    if one.activity_status is not None:
        parts.append(f"{_shape(ex, one.activity_status)} {one.progress or 0}%")
    text = review.cut(f"{mark}{' · '.join(part for part in parts if part)}", BUTTON)
    return Button(text, f"command:revision:{one.id}")


def _shape(ex: Exchange, status: str) -> str:
    return status_label(ex, status).partition(" ")[0]


# ------------------------------------------------------------------ one report
def item(ex: Exchange, argument: str) -> None:
    """One report: what it says and what changed. `.all` adds every answer, `.see` what is restricted (audited)."""
    number, _, how = argument.partition(".")
    sent = _submission(ex, number)
    if how not in ("", "all", "see", "later", "leave"):
        raise Denied
    if how in ("later", "leave"):
        _leave(ex, sent)
        following = _after(ex, sent.id) if how == "later" else None
        ex.show(_report_card(ex, following) if following else _queue_card(ex, 0))
    elif sent.sensitive and how:
        _leave(ex, sent)
        card_id = ex.show(_report_card(ex, sent, is_whole=how == "all", is_seen=True), sensitive=True)
        if card_id is not None:
            ex.unsay_later(card_id)
    else:
        ex.show(_report_card(ex, sent, is_whole=how == "all"), sensitive=sent.sensitive)
    ex.stand(None)


def _leave(ex: Exchange, sent: StoredSubmission) -> None:
    """What was read of a restricted report goes from the chat with the next tap; the next card stands below."""
    if sent.sensitive:
        ex.drop_card()


def _after(ex: Exchange, sent_id: int) -> StoredSubmission | None:
    """The report behind this one in the queue, in the order in which it is shown; None behind the last."""
    waiting = ex.unit.reviews.queue(ex.membership.plan_id, ex.person.id)
    order = sorted(waiting, key=lambda one: one.sensitive)
    ids = [one.id for one in order]
    position = ids.index(sent_id) + 1 if sent_id in ids else 0
    return ex.unit.submissions.get(ids[position]) if position < len(ids) else None


def _report_card(
    ex: Exchange,
    sent: StoredSubmission,
    head: Sequence[Line] = (),
    extra: Sequence[tuple[Button, ...]] = (),
    *,
    is_whole: bool = False,
    is_seen: bool = False,
) -> Card:
    """The report, and what can be done with it as things stand; of what does not wait, where it stands."""
    say = ex.say
    is_hidden = sent.sensitive and not is_seen
    if sent.sensitive and not is_hidden:
        ex.unit.reviews.viewed(sent, ex.person.id, ex.now)
    form = ex.house.forms.version(ex.unit, sent.form_version_id)
    found = _read(ex, sent, is_hidden=is_hidden)
    lines = [*head, *review.report_lines(found, profile(form.form_id), say, is_whole=is_whole)]
    rows: list[tuple[Button, ...]] = []
    is_waiting = sent.is_current and sent.validation_state in review.WAITING
    if is_hidden:
        rows.append((Button(say("review.see"), f"command:revision:{sent.id}.see"),))
    elif not is_whole:
        rows.append((Button(say("review.all"), f"command:revision:{sent.id}.all"),))
    if not is_hidden:
        for file in ex.unit.attachments.of_instance(sent.instance_id)[:FILES]:
            text = review.cut(f"📎 {file.original_name}", BUTTON)
            rows.append((Button(text, f"command:prueba:{sent.id}.{file.id}"),))
    if not is_waiting:
        lines += [line(""), line(_where_it_is(ex, sent))]
    elif ex.person.id in ex.unit.reviews.senders(sent.root_id):
        lines += [line(""), line(say("review.own"))]
    elif not is_hidden:
        rows.append((Button(say("review.validate"), f"command:validar:{sent.id}", "success"),))
        rows.append(
            (
                Button(say("review.return"), f"command:devolver:{sent.id}"),
                Button(say("review.later"), f"command:revision:{sent.id}.later"),
            )
        )
    if is_hidden:
        rows.append((Button(say("review.later"), f"command:revision:{sent.id}.later"),))
    if sent.sensitive and not is_hidden:
        back: tuple[Button, ...] = (Button(say("review.back"), f"command:revision:{sent.id}.leave"),)
    else:
        back = (Button(say("review.back"), "command:revisar:0"), Button(say("menu.home"), "command:menu:"))
    return Card(tuple(lines), (*rows, *extra, back))


def _read(ex: Exchange, sent: StoredSubmission, *, is_hidden: bool) -> Reviewed:
    """Everything the card tells, read for this reader."""
    say, language, unit = ex.say, ex.language, ex.unit
    form = ex.house.forms.version(unit, sent.form_version_id)
    known = profile(form.form_id)
    code, title = _named(ex, sent)
    period = _period(ex, sent)
    previous = None
    if sent.subject is not None and period is not None:
        previous = unit.submissions.latest(sent.plan_id, sent.subject, before_period_id=period.id, form_id=sent.form_id)
    answers: tuple[Answer, ...] = ()
    since_last: tuple[review.Difference, ...] = ()
    since_version: tuple[review.Difference, ...] = ()
    if not is_hidden:
        answers = ex.house.forms.answers(unit, sent, language)
        if sent.version > 1:
            before = next(v for v in unit.submissions.versions(sent.root_id) if v.version == sent.version - 1)
            since_version = review.differences(ex.house.forms.answers(unit, before, language), answers)
        if previous is not None:
            old = ex.house.forms.answers(unit, previous, language)
            since_last = review.differences(old, answers, but=review.not_compared(known) | {"status", "progress"})
    asked = unit.reviews.asked(sent.root_id)
    reply = _reply_to(ex, sent, asked)
    sender = unit.people.by_id(sent.person_id)
    membership = sender.membership_in(sent.plan_id)
    role = say(f"role.{membership.role}") if membership else say("review.gone")
    return Reviewed(
        agency=unit.plans.agency_by_id(sent.agency_id).code if sent.agency_id else "",
        code=code,
        title=title,
        period=period_name(period, language) if period else "",
        sender=f"{role}: {sender.name}",
        sent_on=show_date(sent.submitted_at.astimezone(ex.zone).date().isoformat(), language),
        receipt=sent.receipt_number,
        version=sent.version,
        state=say(f"history.{sent.validation_state}"),
        status=status_label(ex, sent.activity_status) if sent.activity_status else "",
        is_cancellation=sent.activity_status == ActivityStatus.CANCELLED,
        progress=sent.progress,
        previous_progress=previous.progress if previous else None,
        previous_period=period_name(before_period, language)
        if previous and (before_period := _period(ex, previous))
        else "",
        answers=answers,
        since_last=since_last,
        since_version=since_version,
        asked=review.why(unit.reviews.reason(asked), say) if asked and not is_hidden else "",
        reply=unit.reviews.reason(reply) if reply and not is_hidden else "",
        zero_reason=sent.zero_reason or "",
        is_restricted=sent.sensitive,
        is_hidden=is_hidden,
    )


def _reply_to(ex: Exchange, sent: StoredSubmission, asked: StoredDecision | None) -> StoredDecision | None:
    """The reporter's word on this version, as long as nothing has been decided since."""
    if asked is None:
        return None
    chain = ex.unit.reviews.of_chain(sent.root_id)
    return chain[-1] if chain[-1].decision == "answered" and chain[-1].submission_id == sent.id else None


def _named(ex: Exchange, sent: StoredSubmission) -> tuple[str, str]:
    """Code and title of what it is about; of a form that is about nothing in the plan, the form's."""
    kind, _, code = (sent.subject or "").partition(":")
    if kind == "activity":
        return code, ex.unit.plans.activity(sent.plan_id, code).title(ex.language)
    if kind == "indicator":
        return code, ex.unit.plans.indicator(sent.plan_id, code).title(ex.language)
    version = ex.unit.forms.version(sent.form_version_id)
    key = f"form_title.{version.form_id}"
    return (ex.say(key) if key in ex.say else version.title), ""


def _period(ex: Exchange, sent: StoredSubmission) -> ReportingPeriod | None:
    return ex.unit.plans.period_by_id(sent.reporting_period_id) if sent.reporting_period_id else None


def _where_it_is(ex: Exchange, sent: StoredSubmission) -> str:
    """Of a report that no longer waits, or that has a newer version: what became of it, and by whom."""
    if not sent.is_current:
        return ex.say("review.superseded")
    chain = ex.unit.reviews.of_chain(sent.root_id)
    state = ex.say(f"history.{sent.validation_state}")
    if not chain:
        return ex.say("review.stands", state=state)
    who = ex.unit.people.by_id(chain[-1].person_id).name
    on = show_date(chain[-1].decided_at.astimezone(ex.zone).date().isoformat(), ex.language)
    return ex.say("review.decided", state=state, name=who, date=on)


def _submission(ex: Exchange, number: str) -> StoredSubmission:
    """A report of one's own plan. Denied for any other (S3)."""
    try:
        sent = ex.unit.submissions.get(number_of(number))
    except NotFound:
        raise Denied from None
    if sent.plan_id != ex.membership.plan_id:
        raise Denied
    return sent


def _waiting(ex: Exchange, number: str) -> StoredSubmission | None:
    """A report that waits for a decision; of any other it is shown where it stands, and None."""
    sent = _submission(ex, number)
    if sent.is_current and sent.validation_state in review.WAITING:
        return sent
    _moved(ex, sent)
    return None


def _moved(ex: Exchange, sent: StoredSubmission) -> None:
    """Somebody was faster, or the button is old: the report as it stands."""
    current = sent if sent.is_current else ex.unit.submissions.versions(sent.root_id)[-1]
    current = ex.unit.submissions.get(current.id)
    ex.toast = ex.say("review.moved")
    _leave(ex, sent)
    ex.show(_report_card(ex, current), sensitive=current.sensitive)
    ex.stand(None)


# ------------------------------------------------------------------ evidence
def evidence(ex: Exchange, argument: str) -> None:
    """One file of a report, below: into this chat alone, and not to be passed on. A restricted one is audited."""
    number, _, file_number = argument.partition(".")
    sent, wanted = _submission(ex, number), number_of(file_number)
    file = next((each for each in ex.unit.attachments.of_instance(sent.instance_id) if each.id == wanted), None)
    if file is None:
        raise Denied
    if sent.sensitive or file.sensitive:
        ex.unit.reviews.viewed(sent, ex.person.id, ex.now, "file")
    upload = {"path": f"evidence:{file.key}", "name": file.original_name, "type": file.mime_type}
    code, _ = _named(ex, sent)
    payload = {"caption": review.cut(f"{code} · {file.original_name}", 200), "@files": {"document": upload}}
    card_id = None
    if sent.sensitive or file.sensitive:
        card_id = ex.unit.outbox.new_card(ex.chat_id)
        ex.unsay_later(card_id)
    ex.post("sendDocument", payload | {"protect_content": True}, card_id=card_id, sensitive=sent.sensitive)


# ------------------------------------------------------------------ validating
def validate(ex: Exchange, argument: str) -> None:
    """One report, by its number; `.yes` for what asks twice, `.undo` to take it back; or an agency's ordinary ones."""
    number, _, word = argument.partition(".")
    if not number.isdecimal():
        _validate_together(ex, number, word)
        return
    if word not in ("", "yes", "undo"):
        raise Denied
    if word == "undo":
        _take_back(ex, _submission(ex, number))
        return
    sent = _waiting(ex, number)
    if sent is None:
        return
    code, title = _named(ex, sent)
    if sent.activity_status == ActivityStatus.CANCELLED and word != "yes":
        _leave(ex, sent)
        rows = (
            (Button(ex.say("review.approve"), f"command:validar:{sent.id}.yes", "danger"),),
            (Button(ex.say("review.not_now"), f"command:revision:{sent.id}"),),
        )
        ex.show(Card((line(bold(code), f" · {title}"), line(ex.say("review.approve_sure"))), rows))
        ex.stand(None)
        return
    following = _after(ex, sent.id)
    if not _decide(ex, sent, "validated"):
        return
    _leave(ex, sent)
    head = [line(f"✅ {ex.say('review.validated', code=code)}"), line("")]
    undo = [(Button(ex.say("review.undo", code=code), f"command:validar:{sent.id}.undo"),)]
    if following is None or following.id == sent.id:
        card = _queue_card(ex, 0, head=head)
        card = Card(card.lines, (*undo, *card.rows))
    else:
        card = _report_card(ex, following, head, undo)
    ex.show(card)
    ex.stand(None)


def _decide(ex: Exchange, sent: StoredSubmission, decision: str, **how: object) -> StoredDecision | None:
    """The decision; None, and who was slower sees where the report stands, if it no longer is theirs to make."""
    try:
        return ex.unit.reviews.decide(sent, decision, ex.person.id, ex.now, **how)  # type: ignore[arg-type]
    except OwnReport:
        ex.toast, ex.is_alert = ex.say("review.own"), True
    except Conflict:
        _moved(ex, sent)
    return None


def _take_back(ex: Exchange, sent: StoredSubmission) -> None:
    try:
        ex.unit.reviews.take_back(sent, ex.person.id, ex.now)
    except Conflict:
        ex.toast, ex.is_alert = ex.say("review.too_late"), True
        return
    sent = ex.unit.submissions.get(sent.id)
    ex.show(_report_card(ex, sent, [line(ex.say("review.taken_back")), line("")]), sensitive=sent.sensitive)
    ex.stand(None)


def _ordinary(ex: Exchange, agency: str, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those of an agency that may be validated together: nothing in them asks for a second look, none is one's own."""
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
    """An agency's ordinary reports in one go, after having been shown which; those and no others."""
    waiting = [one for one in ex.unit.reviews.queue(ex.membership.plan_id) if not one.sensitive]
    found = _ordinary(ex, agency, waiting)
    if not found:
        ex.toast = ex.say("review.moved")
        queue(ex, "")
        return
    now_seal = f"{zlib.crc32(','.join(str(one.id) for one in found).encode()):x}"
    if seal != now_seal:
        lines = [line(bold(ex.say("review.together_sure", n=len(found), agency=agency)))]
        for one in found[:20]:
            lines.append(line(f"• {one.code} · {status_label(ex, one.activity_status or '')}, {one.progress or 0}%"))
        if len(found) > 20:
            lines.append(line(ex.say("review.and_more", n=len(found) - 20)))
        rows = (
            (Button(ex.say("review.together_yes", n=len(found)), f"command:validar:{agency}.{now_seal}", "success"),),
            (Button(ex.say("review.not_now"), f"command:revisar:0.{agency}"),),
        )
        ex.show(Card(tuple(lines), rows))
        ex.stand(None)
        return
    done = 0
    for one in found:
        with contextlib.suppress(Conflict):  # another coordinator decided about this one at the same moment
            ex.unit.reviews.decide(ex.unit.submissions.get(one.id), "validated", ex.person.id, ex.now)
            done += 1
    head = [line(f"✅ {ex.say('review.together_done', n=done, agency=agency)}"), line("")]
    ex.show(_queue_card(ex, 0, head=head))
    ex.stand(None)


# ------------------------------------------------------------------ sending back
def send_back(ex: Exchange, argument: str) -> None:
    """Which questions, then why: `ID.MARKS.PAGE` ticks, `ID.MARKS.why` asks for a reason, `ID.MARKS.wN` is one."""
    number, marks, step = ([*argument.split("."), "", ""])[:3]
    sent = _waiting(ex, number)
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
    if not step:
        _leave(ex, sent)
    if step == "why":
        _ask_why(ex, sent, questions, ticked)
    elif step.startswith("w") and step[1:].isdecimal() and int(step[1:]) < len(review.REASONS):
        _return(ex, sent, questions, ticked, review.REASONS[int(step[1:])])
    else:
        _ask_what(ex, sent, questions, ticked, number_of(step or "0"))


def _has_locked(ex: Exchange, sent: StoredSubmission) -> bool:
    """Whether nobody could answer any more; then the remedy is shown."""
    period = ex.unit.plans.period_by_id(sent.reporting_period_id, sent.agency_id) if sent.reporting_period_id else None
    if period is None or period.is_open(ex.today):
        return False
    name = period_name(period, ex.language)
    code = ex.unit.plans.agency_by_id(sent.agency_id).code if sent.agency_id else ""
    reopen = Button(ex.say("review.reopen", agency=code), f"command:reabrir:{period.code}.{code}")
    rows = ((reopen,), (Button(ex.say("review.not_now"), f"command:revision:{sent.id}"),))
    ex.show(Card((line(ex.say("review.locked", period_name=name)),), rows))
    ex.stand(None)
    return True


def _ask_what(
    ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int], page: int
) -> None:
    """The questions with what was answered; of a restricted report the questions alone."""
    say = ex.say
    code, title = _named(ex, sent)
    offered = range(min(len(questions), review.MOST_QUESTIONS))
    pages = max(1, -(-len(offered) // QUESTIONS))
    page %= pages
    rows: list[tuple[Button, ...]] = []
    for at in offered[page * QUESTIONS : (page + 1) * QUESTIONS]:
        answer = "" if sent.sensitive else questions[at].shown or say("review.blank")
        text = review.cut(f"{'☑' if at in ticked else '☐'} {questions[at].label}{f': {answer}' if answer else ''}", 60)
        rows.append((Button(text, f"command:devolver:{sent.id}.{review.marks_of(ticked ^ {at})}.{page}"),))
    marks = review.marks_of(ticked)
    if pages > 1:
        rows.append((Button(say("digest.page"), f"command:devolver:{sent.id}.{marks}.{page + 1}"),))
    key = ("review.go_on" if len(ticked) > 1 else "review.go_on_one") if ticked else "review.go_on_all"
    rows.append((Button(say(key, n=len(ticked)), f"command:devolver:{sent.id}.{marks}.why", "primary"),))
    rows.append((Button(say("review.not_now"), f"command:revision:{sent.id}"),))
    ex.show(Card((line(bold(code), f" · {title}"), line(say("review.which"))), tuple(rows)))
    ex.stand(None)


def _ask_why(ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int]) -> None:
    """A reason: tapped, or typed next."""
    say, marks = ex.say, review.marks_of(ticked)
    lines = [line(f"☑ {review.cut(questions[at].label)}") for at in sorted(ticked)]
    lines.append(line(bold(say("coord.return_why"))))
    rows = [
        (Button(say(f"review.{reason}"), f"command:devolver:{sent.id}.{marks}.w{at}"),)
        for at, reason in enumerate(review.REASONS)
    ]
    rows.append((Button(say("nav.back"), f"command:devolver:{sent.id}.{marks}.0"),))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits=f"devolver:{sent.id}.{marks}")


def hear_why(ex: Exchange, argument: str, text: str) -> None:
    """The reason in the coordinator's own words; personal data has been refused before it gets here."""
    number, _, marks = argument.partition(".")
    sent = _waiting(ex, number)
    if sent is None:
        return
    if sent.sensitive and ex.refuses(text):
        return
    if _has_locked(ex, sent):
        return
    questions = ex.house.forms.answers(ex.unit, sent, ex.language)
    ticked = review.ticked_in(marks, len(questions))
    if not text or len(text) > review.LONGEST_REASON:
        ex.show(Card((line(ex.say("review.too_long", n=review.LONGEST_REASON)),)))
        ex.stand(None, awaits=f"devolver:{argument}")
        return
    _return(ex, sent, questions, ticked, text)


def _return(
    ex: Exchange, sent: StoredSubmission, questions: Sequence[Answer], ticked: frozenset[int], reason: str
) -> None:
    """Back to who reported, who is told in the same transaction; then the next one."""
    following = _after(ex, sent.id)
    asked = _decide(ex, sent, "returned", questions=[questions[at].ref for at in sorted(ticked)], reason=reason)
    if asked is None:
        return
    code, _ = _named(ex, sent)
    told = tell_reporter(ex, sent, asked, code)
    key = "review.returned" if told else "review.returned_nobody"
    head = [line(f"↩️ {ex.say(key, code=code)}"), line("")]
    ex.show(_report_card(ex, following, head) if following else _queue_card(ex, 0, head=head))
    ex.stand(None)
