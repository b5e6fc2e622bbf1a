"""The letter after two periods without closing: the bot drafts it for the head of the institution, a person sends it.

A machine must not write to a minister in somebody's place (docs/domain.md#reminders). So the bot counts, proposes a
phone call first, and shows a text to copy. The coordinator decides whether it is sent, and on which letterhead.
"""

from bot.acts.calendar.letters import put_off as put_letter_off
from bot.chat.exchange import Exchange, existing
from bot.schedule.agenda import agenda_within, lacking, outlook_of, passed_by, with_letters
from bot.schedule.job import Moment
from conversations.card import Button, Card, Line, bold, home_button, in_rows, line, page_of, paragraph
from conversations.languages import translated
from conversations.plan.calendar.agenda_rows import Scope, put_off
from conversations.plan.figures.plenary import PLENARY
from conversations.plan.model import AGENCY_ROLES, Agency
from conversations.plan.periods import ReportingPeriod, period_name
from conversations.routes import Route, tap

ACTS = (("draft", "escalate.draft"), ("call", "escalate.call"), ("later", "escalate.later"))
PAGE = "p"
"""Stands in place of a code for a page of the list. No agency has this code."""
LISTED = 8
CODES = 12
"""Activities named in a letter. The others are a number."""


def escalate(ex: Exchange, code: str, act: int | str) -> None:
    """Options for an agency that has let periods pass: see the draft, call first, or leave it for now.

    Without a code, the list of such agencies.
    """
    if not code or code == PAGE:
        _list(ex, act if isinstance(act, int) else 0)
        return
    agency = existing(ex.unit.plans.agency, ex.membership.plan_id, code)
    say, home = ex.say, (home_button(ex.say),)
    passed = passed_by(ex.unit, ex.membership.plan_id, code, ex.today)
    if len(passed) < 2:
        ex.answer_line(say("escalate.none", agency=code))
    elif act == "draft":
        back = (Button(say("escalate.call"), tap(Route.LETTERS, code, "call")),)
        ex.answer(Card((*paragraph(_letter(ex, agency, passed)), line(""), line(say("escalate.copy"))), (back, home)))
    elif act == "call":
        names = [
            who.name
            for who in ex.unit.recipients.all(ex.membership.plan_id)
            if who.agency_code == code and who.role in AGENCY_ROLES
        ]
        text = (
            say("escalate.who", agency=code, names=", ".join(names)) if names else say("escalate.nobody", agency=code)
        )
        ex.answer(Card((line(text),), ((Button(say("escalate.draft"), tap(Route.LETTERS, code, "draft")),), home)))
    elif act == "later":
        put_letter_off(ex.actor, code, passed)
        ex.answer_line(say("escalate.postponed", agency=code))
    else:
        rows = ((Button(say(key), tap(Route.LETTERS, code, name)),) for name, key in ACTS)
        ex.answer(Card((line(say("coord.escalate", agency=code, n=len(passed))),), (*rows, home)))


def _list(ex: Exchange, page: int) -> None:
    """The agencies that may get a letter, those with most unclosed periods first. Letters put off are included."""
    say, passed = ex.say, with_letters(ex.unit, ex.membership.plan_id, ex.today)
    off = put_off(passed, ex.unit.agendas.letters(ex.membership.plan_id))
    home = (home_button(say),)
    shown, following = page_of(list(passed), page, LISTED)
    key = "escalate.all" if len(passed) > 1 else "escalate.all_one" if passed else "escalate.all_none"
    lines: list[Line] = [line(bold(say(key, n=len(passed))))]
    for code in shown:
        n = len(passed[code])
        remarks = [say("digest.passed" if n < PLENARY else "remind.to_plenary", n=n)]
        if code in off:
            remarks.append(say("escalate.put_off"))
        lines.append(line(f"• {code} · ", " · ".join(remarks)))
    buttons = [Button(say("escalate.open", agency=code), tap(Route.LETTERS, code)) for code in shown]
    rows = in_rows(buttons, 2)
    if following is not None:
        rows.append((Button(say("menu.more"), tap(Route.LETTERS, PAGE, following)),))
    ex.answer(Card(tuple(lines), (*rows, home)))


def _letter(ex: Exchange, agency: Agency, passed: tuple[ReportingPeriod, ...]) -> str:
    """Write the letter: facts and an offer, no adjectives. Activities are named by code, never by their text."""
    plan_id, say = ex.membership.plan_id, ex.say
    moment = Moment(plan_id, ex.now, ex.today)
    agenda = agenda_within(ex.unit, moment, outlook_of(ex.unit, moment), Scope({agency.code}))
    codes = [left.item.code for left in agenda.left.get(agency.code, ()) if left.period.is_open(ex.today)]
    named = ", ".join(codes[:CODES])
    has_all = not lacking(ex.unit, plan_id, agency.code, passed)
    key = "escalate.letter_left" if len(codes) > 1 else "escalate.letter_left_one" if codes else "escalate.letter"
    return say(
        key,
        name=translated(agency.name, ex.language),
        n=len(passed),
        periods=", ".join(period_name(period, ex.language) for period in passed),
        came=say("escalate.all_came") if has_all else "",
        left=len(codes),
        codes=named if len(codes) <= CODES else f"{named}, {say('remind.more', n=len(codes) - CODES)}",
        sender=ex.person.name,
    )
