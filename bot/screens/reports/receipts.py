"""The receipt of a sent report, and what to report next."""

from bot.chat.exchange import Exchange
from bot.screens.reports.closing import to_close
from conversations.card import Button, Card, bold, cut, home_button, italic, line
from conversations.languages import translated
from conversations.plan.expected import DueReport
from conversations.plan.messages.reminders import close_button
from conversations.plan.model import judge_of
from conversations.plan.periods import period_name, period_names
from conversations.routes import ButtonTap, Route, tap
from conversations.session.cards.view import form_title
from conversations.session.session import Session
from conversations.xforms.form import Form
from storage.reports.submissions import StoredSubmission


def receipt_card(ex: Exchange, sent: StoredSubmission, session: Session, form: Form) -> Card:
    """The receipt: number, time, activity and status; then the next step.

    A receipt stays in the chat. So one of a restricted report has no title, status or progress (S15).
    """
    say, language = ex.say, ex.language
    period = ex.unit.plans.period_by_id(sent.reporting_period_id) if sent.reporting_period_id else None
    number = f"{sent.receipt_number:04d}"
    key = "receipt.title" if sent.version == 1 else "receipt.corrected"
    about = session.about
    lines = [line(bold(say(key, receipt=number, version=sent.version)))]
    if not about.get("code"):
        lines.append(line(bold(form_title(form, session.about, language))))
    else:
        name = "🔒" if sent.sensitive else translated(about["name"], language)
        lines.append(line(bold(str(about["code"])), f" · {name}"))
    if sent.activity_status is not None and not sent.sensitive:
        lines.append(line(f"{status_label(ex, sent.activity_status)}, {ex.say.percent(sent.progress or 0)}"))
    at, of = sent.submitted_at.astimezone(ex.zone), period_name(period, language) if period else ""
    when = say("receipt.when", date=ex.day(sent.submitted_at), time=f"{at:%H:%M}", period=of)
    lines.append(line(italic(when.rstrip(" ·"))))
    is_judged = judge_of(sent.subject) is not None
    due = [] if is_judged else [report for report in ex.due() if not report.is_indicator]
    lines.append(line(""))
    rows: list[tuple[Button, ...]] = []
    if is_judged:
        rows.append((Button(say("evaluation.title"), tap(Route.EVALUATE), "primary"),))
    elif due:
        lines.append(line(say("receipt.left", remaining=len(due))))
        rows.append((Button(say("receipt.next", code=due[0].code), due_tap(due[0]), "primary"),))
    elif sent.subject and (
        closes := to_close(ex, ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id))
    ):
        lines.append(line(say("receipt.last", period_name=period_names(closes, language), agency=ex.agency_code)))
        rows.append((close_button(closes, say, is_asked=True),))
    rows.append((Button(say("form.correct"), tap(Route.CORRECT, sent.id)), home_button(say, anew=True)))
    return Card(tuple(lines), tuple(rows))


def status_label(ex: Exchange, status: str) -> str:
    """Return an activity status with its shape.

    The plan's code list names it in this language; otherwise the bot does.
    """
    for code in ex.unit.plans.code_list(ex.membership.plan_id, "activity_status"):
        if code.code == status:
            worded = code.label.get(ex.language) or ex.say(f"export.status.{status}")
            return f"{code.attributes.get('emoji', '')} {worded}".strip()
    return status


def due_tap(due: DueReport) -> ButtonTap:
    kind = "i" if due.is_indicator else "a"
    return tap(Route.REPORT, kind, due.code, due.period.code)


def due_button(ex: Exchange, due: DueReport) -> Button:
    return Button(cut(f"{due.code} · {due.item.title(ex.language)}"), due_tap(due))
