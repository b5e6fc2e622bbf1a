"""The digest in the chat: the week, its picture, and in the same message every agency down to its evidence.

A coordinator reads it between two meetings. So everything it names is one tap away, and so is the way back. A button
proves nothing (S3): each tap reads role, plan and agency again in its own unit, and a forged button finds nothing that
its reader may not see.

The text is a message with buttons, edited in place. The picture is a separate message above it, because a photo's
caption ends at 1 024 characters and a digest does not. The outbox holds the picture's content, not a file. It is drawn
when it is sent (`bot.workers.picture`): no update waits for Pillow, nothing is left on disk, and after a crash it is
drawn again.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import TypeVar

from bot.acts.people.agencies import ask_for_focal_point
from bot.chat.exchange import Denied, Exchange
from bot.chat.permissions import REPORTERS
from bot.schedule.digests import VIEWS, WEEK, Shown, View, digest_card, ladder_of, picture_of, shape_of
from bot.schedule.job import Moment
from bot.screens.reports.changes import originals_of, propose_row
from bot.screens.reports.filling import phase_lines
from bot.screens.reports.receipts import status_label
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, page_of
from conversations.languages import translated
from conversations.plan.figures.monitoring import WORST_FIRST, ActivityStanding, AgencyStanding, Standing
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.messages import digest_words, digests
from conversations.plan.messages.changes import beside
from conversations.plan.messages.digest_words import with_remark
from conversations.plan.messages.entering import vacancy_remark
from conversations.plan.model import Role
from conversations.plan.periods import period_name
from conversations.routes import Route, tap
from conversations.wording import Wording
from storage.calendar.figures import Figures
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")

ACTIVITIES = 12


# ------------------------------------------------------------------ handlers
def summary(ex: Exchange, page: int | None, length: str = "") -> None:
    """/resumen: show the week to coordinators, the month's card to readers, and their own agency to everybody else.

    As a command, it is sent below with its picture. With a `page` it is edited in place. With the `length` "whole" it
    is the whole one: the week is a few lines without it. If the plan is over or has not begun, it says that first.
    """
    if ex.membership.role in REPORTERS:
        agency(ex)
        return
    found = standing_for(ex)
    role = Role(ex.membership.role)
    shown = Shown(page or 0, is_whole=length == "whole")
    moment = _moment(ex)
    ladder = cache(lambda: _read(ex, lambda unit: ladder_of(unit, moment)()))
    card = digest_card(ex.unit, ex.membership.plan_id, role, found, ex.language, shown, ladder)
    card = _with_phase(ex, card)
    if page is not None:
        show_in_place(ex, card)
        return
    ex.forget_card()
    if picture := picture_of(ex.unit, ex.membership.plan_id, role, found, ex.language):
        ex.post("sendPhoto", picture)
    ex.answer(card)


def agency(ex: Exchange, code: str = "", page: int = 0) -> None:
    """Show one agency: whether it closed, who reports for it, and its activities, the worst first."""
    is_own = ex.membership.role in REPORTERS
    if is_own:
        if code not in ("", ex.agency_code):
            raise Denied
        code = ex.agency_code
    found = standing_for(ex)
    one = found.agency(code)
    if one is None:
        if code and not is_own:
            raise Denied
        ex.answer_line(ex.say("digest.no_reports"))
        return
    card = _agency_card(one, found, view_of(ex), ex.say, page, is_own=is_own)
    if is_own and not ex.query_id:
        ex.answer(_with_phase(ex, card))
    else:
        show_in_place(ex, card)


def activity(ex: Exchange, code: str) -> None:
    """Show one activity: its light with the reason, its last report, and its evidence."""
    one, found = _activity(ex, code)
    sent = None
    if one.last is not None:
        sent = ex.unit.submissions.get(one.last.submission_id)
    show_in_place(ex, _activity_card(ex, one, found, sent))


def evidence(ex: Exchange, code: str, file_id: int) -> None:
    """Send one file of an activity's last report. Denied for a restricted one, and to roles that read no answers."""
    one, _found = _activity(ex, code)
    if one.last is None or not view_of(ex).is_answers or one.activity.is_restricted:
        raise Denied
    sent = ex.unit.submissions.get(one.last.submission_id)
    for file in ex.unit.attachments.of_instance(sent.instance_id):
        if file.id == file_id and not file.sensitive:
            upload = {"path": f"evidence:{file.key}", "name": file.original_name, "type": file.mime_type}
            payload = {"caption": cut(f"{one.code} · {file.original_name}", 200), "@files": {"document": upload}}
            ex.post("sendDocument", payload | {"protect_content": True})
            return
    raise Denied


def decision(ex: Exchange, number: int) -> None:
    """Show the items that wait for a decision, one at a time."""
    found, say = standing_for(ex), ex.say
    rows = [(Button(say("digest.back"), tap(Route.DIGEST, 0)),)]
    if len(plenary_items(found)) > 1:
        rows.insert(0, (Button(say("digest.next"), tap(Route.DECISION, number + 1)),))
    show_in_place(ex, Card(digests.decision_card(found, number, ex.language), tuple(rows)))


def indicators(ex: Exchange, page: int) -> None:
    """Show indicators and their targets.

    The figures are those that anybody may see, because the chat can be shown around.
    """
    say, plan_id = ex.say, ex.membership.plan_id
    found = Figures(ex.unit).indicators(plan_id, ex.now, ex.unit.plans.zone(plan_id))
    rows = [(Button(say("digest.back"), tap(Route.DIGEST, 0)),)]
    if digests.indicator_pages(found) > 1:
        rows.insert(0, (Button(say("digest.page"), tap(Route.INDICATOR_DIGEST, page + 1)),))
    show_in_place(ex, Card(digests.indicators_card(found, page, ex.language), tuple(rows)))


def vacancy(ex: Exchange, agency: str) -> None:
    """Ask the admins to name a focal point, since only they can make the link. Once a day for each agency."""
    found = standing_for(ex)
    one = found.agency(agency)
    if one is None or one.focal_points:
        raise Denied
    ex.pass_on(ask_for_focal_point(ex.actor, one.code, found.today))
    ex.toast = ex.say("digest.vacancy_told", agency=one.code)


def vacancies(ex: Exchange) -> list[str]:
    """Return the agencies' codes that the week counts as without a focal point, to the people who name one."""
    return [agency.code for agency in digests.vacancies(standing_for(ex))]


def _agency_card(
    one: AgencyStanding, found: Standing, view: View, say: Wording, page: int, *, is_own: bool = False
) -> Card:
    name = translated(one.agency.name, say.language)
    lines: list[Line] = [line(bold(say("digest.agency", agency=one.code, name=name)))]
    if one.is_expected:
        month = digest_words.closing_name(found.closing, say)
        if one.closed_at is None:
            text = say("digest.not_closed", period_name=month, reported=one.reported, expected=one.expected)
        else:
            key = "digest.closed_on_time" if one.is_on_time else "digest.closed_late"
            text = say(key, period_name=month, date=digest_words.day(one.closed_at, found, say))
        lines.append(line(f"{text[0].upper()}{text[1:]}"))
    lines.append(line(digest_words.light_counts(one.activities, say)))
    lines.append(line(italic(say("digest.light_meaning"))))
    if not view.is_public:
        if not one.focal_points:
            lines.append(line("👤 ", with_remark(say("digest.no_focal_point"), vacancy_remark(one, found, say))))
        if one.unreachable:
            names = one.unreachable
            lines.append(line("🚫 ", *digest_words.counted_list("digest.unreachable", names, say, len(names))))
    order = sorted(one.activities, key=lambda each: (WORST_FIRST.index(each.light), each.code))
    shown, following = page_of(order, page, ACTIVITIES)
    rows: list[tuple[Button, ...]] = []
    for each in shown:
        if each.last is not None:
            status = say("digest.progress", status=digest_words.declared(each, say), progress=each.last.progress)
            lines.append(line(f"{shape_of(each)} {each.code}{say.colon}{status}{_owes(each, found.today, say)}"))
        text = f"{shape_of(each)} {digest_words.title(each.activity, say, is_public=view.is_public)}"
        rows.append((Button(cut(text), tap(Route.ACTIVITY, each.code)),))
    if following is not None:
        rows.append((Button(say("digest.page"), tap(Route.AGENCY_DIGEST, one.code, following)),))
    rows.append((home_button(say),) if is_own else (Button(say("digest.back"), tap(Route.DIGEST, 0, "whole")),))
    return Card(tuple(lines), tuple(rows))


def _owes(each: ActivityStanding, today: date, say: Wording) -> str:
    """The light of a completed activity, which has another shape, and why: the agency's own shape counts it."""
    why = digest_words.why(each, today, say) if each.is_completed else []
    return f" · {each.light.shape} {', '.join(why)}" if why else ""


def _activity_card(ex: Exchange, one: ActivityStanding, found: Standing, sent: StoredSubmission | None) -> Card:
    say, view = ex.say, view_of(ex)
    is_hidden = one.activity.is_restricted or (sent is not None and sent.sensitive)
    head = digest_words.title(one.activity, say, is_public=view.is_public)
    lines: list[Line] = [line(bold(f"{one.activity.agency_code} · {head}"))]
    dates = digest_words.dates(one.activity, say)
    lines.append(line(italic(beside(dates, "date", originals_of(ex, one.activity), say))))
    lines.append(line(digest_words.light_label(one, say)))
    if why := digest_words.why(one, found.today, say):
        lines.append(line(say("digest.why", what=", ".join(why))))
    lines.append(line(""))
    rows: list[tuple[Button, ...]] = []
    if one.last is None or sent is None:
        lines.append(line(say("digest.no_validated" if view.only_validated else "digest.no_reports")))
    else:
        period = next(p for p in found.periods if p.id == one.last.period_id)
        name, on = period_name(period, say.language), digest_words.day(one.last.sent_at, found, say)
        state = say(f"history.{one.last.state}")
        lines.append(line(italic(say("digest.reported_on", period_name=name, date=on, state=state))))
        status = status_label(ex, one.last.status)
        lines.append(line(bold(say("digest.progress", status=status, progress=one.last.progress))))
        if reasons := digest_words.reason(one, found, say):
            lines.append(line(say("digest.held_back", what=reasons)))
        if is_hidden:
            lines.append(line(say("history.hidden" if view.is_answers else "digest.reserved")))
        elif view.is_answers:
            lines += ex.house.forms.summary(ex.unit, sent, ex.language)
        if not is_hidden:
            rows += _files(ex, one, found, sent, lines)
    if ex.membership.role == Role.OBSERVER:
        rows.append((Button(say("command.comentar"), tap(Route.COMMENT, one.code)),))
    rows += propose_row(ex, one.activity)
    code = one.activity.agency_code
    rows.append((Button(say("digest.back_to", agency=code), tap(Route.AGENCY_DIGEST, code)),))
    return Card(tuple(lines), tuple(rows))


def _files(
    ex: Exchange, one: ActivityStanding, found: Standing, sent: StoredSubmission, lines: list[Line]
) -> list[tuple[Button, ...]]:
    """Return a button for each file; add a line to `lines` if there is none."""
    say = ex.say
    files = [file for file in ex.unit.attachments.of_instance(sent.instance_id) if not file.sensitive]
    if not files:
        if one.last is not None and one.last.promises_evidence:
            date = digest_words.day(one.last.sent_at, found, say)
            lines.append(line(say("digest.evidence_later", date=date)))
        else:
            lines.append(line(say("digest.evidence_none")))
        return []
    if not view_of(ex).is_answers:
        lines.append(line(say("digest.evidence_there", n=len(files))))
        return []
    return [
        (Button(cut(f"📎 {file.original_name}"), tap(Route.EVIDENCE, one.code, file.id)),)
        for file in files[:ACTIVITIES]
    ]


# ------------------------------------------------------------------ inside
def _moment(ex: Exchange) -> Moment:
    return Moment(ex.membership.plan_id, ex.now, ex.today)


def _with_phase(ex: Exchange, card: Card) -> Card:
    return card._replace(lines=(*phase_lines(ex), *card.lines))


def view_of(ex: Exchange) -> View:
    """Return the parts of the plan that this person sees."""
    return VIEWS[ex.membership.role]


def standing_for(ex: Exchange) -> Standing:
    """Return the state of the plan."""
    plan_id, only_validated, now = ex.membership.plan_id, view_of(ex).only_validated, ex.now

    def count(unit: UnitOfWork) -> Standing:
        zone = unit.plans.zone(plan_id)
        return Figures(unit).standing(plan_id, now, now - WEEK, zone, only_validated=only_validated)

    return _read(ex, count)


def _read(ex: Exchange, read: Callable[[UnitOfWork], T]) -> T:
    """Return what `read` finds. For a large plan it runs beside the writer, so that no other answer waits."""
    is_large = Figures(ex.unit).is_large(ex.membership.plan_id)
    return ex.unit.read_first(read) if is_large else read(ex.unit)


def _activity(ex: Exchange, code: str) -> tuple[ActivityStanding, Standing]:
    """Return the activity with this code. Denied if it is not in the plan, or not of the person's own agency (S3)."""
    found = standing_for(ex)
    one = next((each for each in found.activities if each.code == code), None)
    if one is None or (ex.membership.role in REPORTERS and one.activity.agency_code != ex.agency_code):
        raise Denied
    return one, found


def show_in_place(ex: Exchange, card: Card) -> None:
    """Edit the message whose button was pressed, the present card or an older digest. Otherwise send the card below."""
    if ex.return_to_tapped():
        ex.show(card)
        return
    ex.answer(card)
