"""The card of one report for a coordinator: what it declares, the light beside it, what has changed, and the acts that
apply now.
"""

from collections.abc import Sequence

from bot.acts.reports import reviewing
from bot.chat.exchange import Exchange
from bot.screens.reports.lights import light_lines
from bot.screens.reports.receipts import status_label
from conversations.card import NAME_LIMIT, Button, Card, Line, home_button, line
from conversations.plan import review
from conversations.plan.model import WAITING, ActivityStatus
from conversations.plan.periods import ReportingPeriod, period_name
from conversations.plan.review import Answer, Reviewed
from conversations.routes import Route, tap
from conversations.session.profiles import profile
from storage.reports.submissions import StoredSubmission

FILES = 8
SHOWN_WORDS = 3


def report_card(
    ex: Exchange,
    sent: StoredSubmission,
    head: Sequence[Line] = (),
    extra: Sequence[tuple[Button, ...]] = (),
    *,
    is_whole: bool = False,
    is_seen: bool = False,
) -> Card:
    """Show the report and the buttons that apply now. If it does not wait for review, show its state."""
    say = ex.say
    is_hidden = sent.sensitive and not is_seen
    if sent.sensitive and not is_hidden:
        reviewing.view(ex.actor, sent)
    form = ex.house.forms.version(ex.unit, sent.form_version_id)
    found = _read(ex, sent, is_hidden=is_hidden)
    lines = [*head, *review.report_lines(found, profile(form.form_id), say, is_whole=is_whole)]
    rows: list[tuple[Button, ...]] = []
    is_waiting = sent.is_current and sent.validation_state in WAITING
    if is_hidden:
        rows.append((Button(say("review.see"), tap(Route.SENT_REPORT, sent.id, "see")),))
    elif not is_whole:
        rows.append((Button(say("review.all"), tap(Route.SENT_REPORT, sent.id, "all")),))
    if not is_hidden:
        for file in ex.unit.attachments.of_instance(sent.instance_id)[:FILES]:
            text = review.excerpt(f"📎 {file.original_name}", NAME_LIMIT)
            rows.append((Button(text, tap(Route.SENT_FILE, sent.id, file.id)),))
    if not is_waiting:
        lines += [line(""), line(_where_it_is(ex, sent))]
    elif ex.person.id in ex.unit.reviews.senders(sent.root_id):
        lines += [line(""), line(say("review.own"))]
    elif not is_hidden:
        rows.append((Button(say("review.validate"), tap(Route.VALIDATE, sent.id), "success"),))
        rows.append(
            (
                Button(say("review.return"), tap(Route.SEND_BACK, sent.id)),
                Button(say("review.later"), tap(Route.SENT_REPORT, sent.id, "later")),
            )
        )
        if not sent.sensitive:
            rows.append((Button(say("review.remark"), tap(Route.REMARK, sent.id)),))
    if is_hidden:
        rows.append((Button(say("review.later"), tap(Route.SENT_REPORT, sent.id, "later")),))
    if sent.sensitive and not is_hidden:
        back: tuple[Button, ...] = (Button(say("review.back"), tap(Route.SENT_REPORT, sent.id, "leave")),)
    else:
        back = (Button(say("review.back"), tap(Route.QUEUE, 0)), home_button(say))
    return Card(tuple(lines), (*rows, *extra, back))


def _read(ex: Exchange, sent: StoredSubmission, *, is_hidden: bool) -> Reviewed:
    """Read everything that the card tells this reader."""
    say, language, unit = ex.say, ex.language, ex.unit
    form = ex.house.forms.version(unit, sent.form_version_id)
    known = profile(form.form_id)
    code, title = named(ex, sent)
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
    sender = unit.people.by_id(sent.person_id)
    membership = sender.membership_in(sent.plan_id)
    role = say(f"role.{membership.role}") if membership else say("review.gone")
    return Reviewed(
        agency=unit.plans.agency_by_id(sent.agency_id).code if sent.agency_id else "",
        code=code,
        title=title,
        period=period_name(period, language) if period else "",
        sender=f"{role}{say.colon}{sender.name}",
        sent_on=ex.day(sent.submitted_at),
        receipt=sent.receipt_number,
        version=sent.version,
        state=say(f"history.{sent.validation_state}"),
        status=status_label(ex, sent.activity_status) if sent.activity_status else "",
        light=tuple(light_lines(ex, sent.subject)) if sent.activity_status else (),
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
        words=() if is_hidden else _words(ex, sent),
        zero_reason=sent.zero_reason or "",
        is_restricted=sent.sensitive,
        is_hidden=is_hidden,
    )


def _words(ex: Exchange, sent: StoredSubmission) -> tuple[str, ...]:
    """Return what both sides wrote about this version since it was last returned, without names."""
    senders, found = ex.unit.reviews.senders(sent.root_id), list[str]()
    for one in ex.unit.reviews.of_chain(sent.root_id):
        if one.submission_id != sent.id:
            continue
        if one.decision in ("answered", "remarked"):
            is_theirs = one.decision == "answered" or one.person_id in senders
            key = "review.replied" if is_theirs else "review.asked"
            found.append(ex.say(key, text=ex.unit.reviews.reason(one), reason=ex.unit.reviews.reason(one)))
        elif one.decision == "returned":
            found.clear()
    return tuple(found[-SHOWN_WORDS:])


def named(ex: Exchange, sent: StoredSubmission) -> tuple[str, str]:
    """Return the code and title of a report's item. For a report about no item of the plan, return the form's title."""
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
    """Say what became of a report that no longer waits or has a newer version, and by whom."""
    if not sent.is_current:
        return ex.say("review.superseded")
    chain = ex.unit.reviews.of_chain(sent.root_id)
    state = ex.say(f"history.{sent.validation_state}")
    if not chain:
        return ex.say("review.stands", state=state)
    who = ex.unit.people.by_id(chain[-1].person_id).name
    on = ex.day(chain[-1].decided_at)
    return ex.say("review.decided", state=state, name=who, date=on)
