"""The end of a plan, under /plan: an admin closes it, another one agrees, and everybody reads its balance.

What is said before the tap is what the tap does: the last period, until when late reports come in, what waits for a
review and what is open. Afterwards the plan is read, searched, exported and verified, and nothing of it is written.
"""

from datetime import date, timedelta

from bot.acts.plan import ending as acts
from bot.chat.exchange import Denied, Exchange
from bot.schedule import digests
from bot.screens.reports.evaluating import asked
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line
from conversations.languages import translated
from conversations.plan.messages.balance import balance_lines
from conversations.plan.messages.digest_words import title
from conversations.routes import Route, awaiting, tap

LISTED = 6
"""Activities on one screen."""


def balance(ex: Exchange) -> None:
    """Show what of the plan was done, area by area, with the pages that a commission is given."""
    say, plan_id = ex.say, ex.membership.plan_id
    areas = [(area.code, translated(area.name, ex.language)) for area in ex.unit.plans.strategic_areas(plan_id)]
    lines = [line(italic(say("balance.title"))), *balance_lines(acts.balance_of(ex.actor), areas, ex.language)]
    lines.append(line(italic(say("balance.method"))))
    rows: list[tuple[Button, ...]] = []
    if ex.allows(Route.EXPORT):
        rows.append((Button(say("balance.pages"), tap(Route.EXPORT, "page", "balance")),))
    if asked(ex) is not None:
        rows.append((Button(say("evaluation.title"), tap(Route.EVALUATE)),))
    rows.append((Button(say("nav.back"), tap(Route.PLAN)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def end_plan(ex: Exchange, act: str, value: str, page: int) -> None:
    """Show where the plan stands with its end, or do the act of a button."""
    if ex.is_over:
        show_closed(ex)
        return
    match act:
        case "until":
            _ask_once(ex, _day(ex, value))
        case "yes":
            is_closed, news = acts.close_plan(ex.actor, _day(ex, value))
            ex.pass_on(news)
            _show(ex, ex.say("ending.done" if is_closed else "ending.sent"))
        case "agree":
            ex.return_to_tapped()
            agreed = acts.agree(ex.actor)
            if agreed is not None:
                ex.pass_on(agreed[1])
            _show(ex, ex.say("ending.done" if agreed else "ending.settled"))
        case "keep":
            ex.return_to_tapped()
            told = acts.keep_open(ex.actor)
            ex.pass_on(told or ())
            _show(ex, ex.say("ending.stays" if told is not None else "ending.settled"))
        case "open":
            _list_open(ex, page)
        case "drop":
            _ask_reason(ex, value)
        case "carry":
            acts.drop(ex.actor, value, "")
            _list_open(ex, page)
        case _:
            _show(ex)


def hear_reason(ex: Exchange, code: str, text: str) -> None:
    """Read why an activity is not carried on."""
    if len(text) > acts.LONGEST_REASON:
        _ask_reason(ex, code, is_again=True)
        return
    acts.drop(ex.actor, code, text)
    _list_open(ex, 0)


def show_closed(ex: Exchange) -> None:
    """Say that the plan has been closed: what was asked for would write something of it."""
    rows = ((Button(ex.say("balance.title"), tap(Route.BALANCE)),), (home_button(ex.say),))
    ex.answer(Card((line(ex.say("ending.over", date=ex.day(_closes_on(ex)))),), rows))


# ------------------------------------------------------------------ screens
def _show(ex: Exchange, news: str = "") -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    plan, asked = ex.unit.plans.by_id(plan_id), ex.unit.endings.asked(plan_id, ex.now)
    lines: list[Line] = [line(bold(say("ending.title"))), *([line(news)] if news else ())]
    rows: list[tuple[Button, ...]] = []
    if plan.closes_on is not None:
        lines.append(line(say("ending.until", date=ex.day(plan.closes_on))))
        rows.append((Button(say("ending.take_back"), tap(Route.END_PLAN, "keep"), "danger"),))
    elif asked is not None:
        lines.append(line(say("ending.waits", date=ex.day(asked.closes_on))))
        own = asked.asked_by_id == ex.person.id
        rows += [(Button(say("ending.withdraw"), tap(Route.END_PLAN, "keep")),)] if own else [
            (Button(say("ending.agree"), tap(Route.END_PLAN, "agree"), "success"),
             Button(say("ending.refuse"), tap(Route.END_PLAN, "keep"), "danger"))]  # fmt: skip
    else:
        lines.append(line(say("ending.ask_until")))
        days = [(n, ex.today + timedelta(days=n)) for n in acts.LATE_DAYS]
        made = [Button(say("ending.days", n=n), tap(Route.END_PLAN, "until", day)) for n, day in days]
        rows += [tuple(made[:2]), tuple(made[2:])]
    lines += _what_is_open(ex)
    rows.append(
        (Button(say("ending.open"), tap(Route.END_PLAN, "open")), Button(say("balance.title"), tap(Route.BALANCE)))
    )
    rows.append((Button(say("nav.back"), tap(Route.PLAN)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _what_is_open(ex: Exchange) -> list[Line]:
    """Say what the end finds unfinished: activities, and reports that nobody has reviewed."""
    found = acts.balance_of(ex.actor)
    left, dropped = acts.open_activities(found), ex.unit.endings.dropped(ex.membership.plan_id)
    n = sum(code in dropped for code in left)
    lines = [line(ex.say("ending.left", n=len(left), carried=len(left) - n, dropped=n))]
    if waiting := found.found.queue.count:
        lines.append(line(ex.say("ending.unreviewed", n=waiting)))
    return lines


def _ask_once(ex: Exchange, closes_on: date) -> None:
    say = ex.say
    lines = [
        line(bold(say("ending.sure", date=ex.day(closes_on)))),
        *_what_is_open(ex),
        line(say("ending.forever")),
    ]
    yes = Button(say("ending.close"), tap(Route.END_PLAN, "yes", closes_on), "danger")
    ex.answer(Card(tuple(lines), ((yes,), (Button(say("nav.back"), tap(Route.END_PLAN)),))))


def _list_open(ex: Exchange, page: int) -> None:
    """List what is neither done nor cancelled: it is carried on, unless somebody says why not."""
    say, dropped = ex.say, ex.unit.endings.dropped(ex.membership.plan_id)
    found = acts.balance_of(ex.actor)
    left = set(acts.open_activities(found))
    listed = [each.activity for each, _ in found.activities if each.code in left]
    pages = max(1, -(-len(listed) // LISTED))
    lines: list[Line] = [
        line(bold(say("ending.open"))),
        line(italic(say("ending.open_how" if listed else "ending.none_open"))),
    ]
    rows: list[tuple[Button, ...]] = []
    is_public = digests.VIEWS[ex.membership.role].is_public
    for activity in listed[page % pages * LISTED :][:LISTED]:
        code = activity.code
        if code in dropped:
            mark = say("ending.dropped", why=dropped[code])
            button = Button(cut(say("ending.carry", code=code)), tap(Route.END_PLAN, "carry", code, page))
        else:
            mark = say("ending.carried")
            button = Button(cut(say("ending.drop", code=code)), tap(Route.END_PLAN, "drop", code))
        lines.append(line(f"• {activity.agency_code} · {title(activity, say, is_public=is_public)}{say.colon}{mark}"))
        rows.append((button,))
    if pages > 1:
        rows.append((Button(say("menu.more"), tap(Route.END_PLAN, "open", "-", (page + 1) % pages)),))
    rows.append((Button(say("nav.back"), tap(Route.END_PLAN)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _ask_reason(ex: Exchange, code: str, *, is_again: bool = False) -> None:
    say = ex.say
    lines = [line(say("ending.why", code=code)), line(italic(say("reopening.too_long", n=acts.LONGEST_REASON)))]
    ex.show(Card(tuple(lines if is_again else lines[:1]), ((Button(say("nav.back"), tap(Route.END_PLAN, "open")),),)))
    ex.stand(None, awaits=awaiting(Route.END_PLAN, code))


# ------------------------------------------------------------------ inside
def _day(ex: Exchange, value: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise Denied from None
    if found < ex.today:
        raise Denied  # a button of an earlier day
    return found


def _closes_on(ex: Exchange) -> date:
    if ex.membership.plan_closes_on is None:
        raise Denied
    return ex.membership.plan_closes_on
