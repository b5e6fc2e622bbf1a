"""/periodo: the state of every reporting period; move its days for everybody, or reopen one for one agency.

A coordinator decides this on the phone while somebody waits. So an agency's request arrives as a message with one
button that grants it, and a reopening ends by itself (docs/domain.md#reopening).
"""

from functools import partial

from bot.acts.plan.periods import (
    ASKED,
    GRANTED,
    LONGEST_REASON,
    REASONS,
    REOPENED_DAYS,
    ask_reopening,
    end_reopening,
    expected_agencies,
    moves,
    reason_in_words,
    reopen_for,
    set_days,
    standing_of,
)
from bot.chat.exchange import Denied, Exchange, existing
from conversations.card import Button, Card, Line, bold, home_button, in_rows, italic, line, page_of
from conversations.plan.model import Agency
from conversations.plan.periods import ONE_DAY, ReportingPeriod, period_name
from conversations.routes import Route, tap
from conversations.wording import Wording
from storage.plan.periods import StoredReopening

LISTED = 8
AHEAD = 2
"""How many periods that have not opened yet are shown."""
_SHAPES = {"ahead": "⚪", "open": "🟢", "grace": "🟡", "late": "🟠", "locked": "🔒"}


# ------------------------------------------------------------------ looking
def periods(ex: Exchange, which: str) -> None:
    """Show the periods, the latest first; or one of them: its days, who has closed it, and for whom it is reopened."""
    found = ex.unit.plans.periods(ex.membership.plan_id)
    if which and not which.startswith("p"):
        _show_period(ex, _period(ex, which))
        return
    say = ex.say
    ahead = [period for period in found if period.opens_on > ex.today][:AHEAD]
    known = [*(period for period in found if period.opens_on <= ex.today), *ahead][::-1]
    shown, following = page_of(known, _page(which.removeprefix("p")), LISTED)
    rows = [(Button(_named(ex, period), tap(Route.PERIODS, period.code)),) for period in shown]
    if following is not None:
        rows.append((Button(say("menu.more"), tap(Route.PERIODS, f"p{following}")),))
    lines: list[Line] = [line(bold(say("periods.title" if known else "periods.none")))]
    lines.append(line(italic(" · ".join(f"{_SHAPES[stage]} {say(f'periods.stage.{stage}')}" for stage in _SHAPES))))
    for asked in ex.unit.periods.reopenings(ex.membership.plan_id, ex.today):
        lines.append(line(_about(ex, asked, next(p for p in found if p.id == asked.period_id))))
    ex.answer(Card(tuple(lines), (*rows, (home_button(ex.say),))))


def _named(ex: Exchange, period: ReportingPeriod) -> str:
    """The shape of a period's stage, and its name."""
    return f"{_SHAPES[period.stage(ex.today)]} {period_name(period, ex.language)}"


def _show_period(ex: Exchange, period: ReportingPeriod) -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    stage = period.stage(ex.today)
    lines: list[Line] = [
        line(bold(_named(ex, period)), f" · {say(f'periods.stage.{stage}')}"),
        *_days(ex, period),
    ]
    if period.is_moved:
        lines.append(line(italic(say("periods.moved"))))
    expected = expected_agencies(ex.actor, period)
    if expected and stage != "ahead":
        closed = ex.unit.closings.closed_agencies(period.id)
        missing = [agency.code for agency in expected if agency.id not in closed]
        lines.append(line(""))
        # No count: of a closing every screen has the same number, and a period is a part of one.
        lines.append(line(say("periods.missing", codes=", ".join(missing)) if missing else say("periods.closed")))
    rows: list[tuple[Button, ...]] = []
    for one in ex.unit.periods.reopenings(plan_id, ex.today):
        if one.period_id != period.id:
            continue
        lines.append(line(_about(ex, one, period)))
        to = partial(tap, Route.REOPEN, period.code, one.agency_code)
        if one.is_asked:
            grant = Button(say("reopening.grant", agency=one.agency_code, n=GRANTED), to(GRANTED, ASKED), "primary")
            rows.append((grant, Button(say("reopening.refuse"), to("no"))))
        else:
            rows.append((Button(say("reopening.end", agency=one.agency_code), to("end")),))
    if stage == "locked":
        rows.append((Button(say("reopening.one"), tap(Route.REOPEN, period.code)),))
    rows.append((Button(say("periods.move"), tap(Route.MOVE_PERIOD, period.code)),))
    rows.append((Button(say("nav.back"), tap(Route.PERIODS)), home_button(ex.say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


# ------------------------------------------------------------------ for one agency
def reopen(ex: Exchange, code: str, agency_code: str, days: str, reason: str) -> None:
    """Reopen a locked period: ask for the agency, the days and the reason. Then notify its people (`admin.reopen`)."""
    if not agency_code:
        _choose_agency(ex, _period(ex, code))
        return
    agency = _agency(ex, agency_code)
    period = _period(ex, code, agency)
    standing = standing_of(ex.actor, period, agency)
    if days in ("no", "end"):
        _end(ex, period, agency, standing, days)
        return
    if period.stage(ex.today) != "locked":
        key = "reopening.is_open" if period.is_reopened else "reopening.not_locked"
        name, last = period_name(period, ex.language), ex.day(period.last_on)
        ex.answer_line(ex.say(key, period_name=name, agency=agency.code, date=last))
        return
    if not days:
        _choose_days(ex, period, agency)
        return
    if days not in map(str, REOPENED_DAYS):
        raise Denied
    if reason == ASKED and standing is not None and standing.is_asked:
        _grant(ex, period, agency, int(days), standing.reason)
    elif reason in REASONS:
        _grant(ex, period, agency, int(days), reason)
    else:
        _choose_reason(ex, ex.say("reopening.why_grant", agency=agency.code), Route.REOPEN, code, agency.code, days)


def reopen_because(ex: Exchange, code: str, agency_code: str, days: int, text: str) -> None:
    """Read the typed reason for reopening a period."""
    agency = _agency(ex, agency_code)
    period = _period(ex, code, agency)
    if period.stage(ex.today) != "locked" or days not in REOPENED_DAYS:
        _show_period(ex, _period(ex, code))
        return
    if len(text) > LONGEST_REASON:
        _choose_reason(ex, ex.say("reopening.too_long", n=LONGEST_REASON), Route.REOPEN, code, agency_code, str(days))
        return
    _grant(ex, period, agency, days, text)


def ask(ex: Exchange, code: str, reason: str) -> None:
    """Pedir reapertura: ask why. The coordination gets a message with one button that grants it."""
    period = _period(ex, code, _agency(ex, ex.agency_code))
    if period.stage(ex.today) != "locked":
        ex.answer_line(ex.say("reopening.go_on", period_name=period_name(period, ex.language)))
        return
    if reason in REASONS:
        _ask(ex, period, reason)
    else:
        text = ex.say("reopening.why_ask", period_name=period_name(period, ex.language))
        _choose_reason(ex, text, Route.ASK_REOPENING, period.code)


def ask_because(ex: Exchange, code: str, text: str) -> None:
    """Read the agency's typed reason for asking."""
    period = _period(ex, code, _agency(ex, ex.agency_code))
    if period.stage(ex.today) != "locked":
        ex.answer_line(ex.say("reopening.go_on", period_name=period_name(period, ex.language)))
    elif len(text) > LONGEST_REASON:
        _choose_reason(ex, ex.say("reopening.too_long", n=LONGEST_REASON), Route.ASK_REOPENING, period.code)
    else:
        _ask(ex, period, text)


def _ask(ex: Exchange, period: ReportingPeriod, reason: str) -> None:
    name = period_name(period, ex.language)
    news = ask_reopening(ex.actor, ex.agency_id, ex.agency_code, period, reason)
    if news is None:
        ex.answer_line(ex.say("reopening.asked_before", period_name=name))
        return
    ex.answer_line(ex.say("reopening.asked", period_name=name))
    ex.pass_on(news)


def _grant(ex: Exchange, period: ReportingPeriod, agency: Agency, days: int, reason: str) -> None:
    last, news = reopen_for(ex.actor, period, agency, days, reason)
    ex.pass_on(news)
    values = {"period_name": period_name(period, ex.language), "agency": agency.code, "date": ex.day(last)}
    told = ex.say("reopening.agency_told" if news else "reopening.nobody_told", agency=agency.code)
    look = Button(ex.say("reopening.look"), tap(Route.PERIODS, period.code))
    ex.answer(Card((line(ex.say("reopening.done", **values)), line(told)), ((look,), (home_button(ex.say),))))


def _end(ex: Exchange, period: ReportingPeriod, agency: Agency, standing: StoredReopening | None, how: str) -> None:
    """Refuse a request, or lock a reopened period again. The agency is notified either way."""
    if standing is None or standing.is_asked != (how == "no"):
        _show_period(ex, _period(ex, period.code))  # somebody else was faster
        return
    ex.pass_on(end_reopening(ex.actor, period, agency, standing))
    _show_period(ex, _period(ex, period.code))


def _choose_agency(ex: Exchange, period: ReportingPeriod) -> None:
    """Choose an agency: first those that have not closed the period, last those that had nothing to report in it."""
    closed = ex.unit.closings.closed_agencies(period.id)
    expected = {agency.id for agency in expected_agencies(ex.actor, period)}
    marks = ("⚪ ", "✅ ", "")

    def place(agency: Agency) -> int:
        return 2 if agency.id not in expected else 1 if agency.id in closed else 0

    agencies = sorted(ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today), key=place)
    buttons = [Button(f"{marks[place(one)]}{one.code}", tap(Route.REOPEN, period.code, one.code)) for one in agencies]
    text = ex.say("reopening.which", period_name=period_name(period, ex.language))
    back = (Button(ex.say("nav.back"), tap(Route.PERIODS, period.code)),)
    ex.answer(Card((line(text),), (*in_rows(buttons, 3), back)))


def _choose_days(ex: Exchange, period: ReportingPeriod, agency: Agency) -> None:
    say, to = ex.say, partial(tap, Route.REOPEN, period.code, agency.code)
    buttons = [
        Button(say("reopening.days" if n > 1 else "reopening.day", n=n), to(n), "primary" if n == GRANTED else "")
        for n in REOPENED_DAYS
    ]
    text = say("admin.reopen", period_name=period_name(period, ex.language), agency=agency.code)
    rows = (tuple(buttons), (Button(say("reopening.cancel"), tap(Route.PERIODS, period.code)),))
    ex.answer(Card((line(text),), rows))


def _choose_reason(ex: Exchange, text: str, route: Route, *parts: str) -> None:
    """Choose a reason by a button, or type it."""
    rows = [(Button(ex.say(f"reopening.reason.{reason}"), tap(route, *parts, reason)),) for reason in REASONS]
    lines = (line(text), line(italic(ex.say("reopening.or_type"))))
    ex.ask(Card(lines, (*rows, (home_button(ex.say),))), route, *parts)


# ------------------------------------------------------------------ for everybody
def move(ex: Exchange, code: str, act: str, agreed: str) -> None:
    """Open or lock a period earlier or later for all agencies. Shows the new days and asks once."""
    period, say = _period(ex, code), ex.say
    acts = {name: (_label(say, name), moved) for name, moved in moves(ex.actor, period).items()}
    back = (Button(say("nav.back"), tap(Route.PERIODS, period.code)),)
    if act not in acts:
        rows = [(Button(label, tap(Route.MOVE_PERIOD, period.code, name)),) for name, (label, _) in acts.items()]
        lines = [line(bold(period_name(period, ex.language))), *_days(ex, period)]
        ex.answer(Card(tuple(lines), (*rows, back)))
        return
    _, moved = acts[act]
    if agreed != _stamp(moved):  # not asked yet, or its days have changed since
        lines = [line(bold(say("periods.sure", period_name=period_name(period, ex.language)))), *_days(ex, moved)]
        lines.append(line(italic(say("periods.ladder_follows"))))
        if act == "lock":
            lines.append(line(italic(say("periods.lock_is_told"))))
        yes = Button(say("periods.yes"), tap(Route.MOVE_PERIOD, period.code, act, _stamp(moved)), "primary")
        ex.answer(Card(tuple(lines), ((yes,), back)))
        return
    ex.pass_on(set_days(ex.actor, moved))
    _show_period(ex, _period(ex, code))


def _label(say: Wording, move: str) -> str:
    if move.startswith("more"):
        days = int(move.removeprefix("more"))
        return say("periods.more" if days > 1 else "periods.more_one", n=days)
    return say("periods.open" if move == "open" else "periods.lock")


def _stamp(period: ReportingPeriod) -> str:
    return f"{period.opens_on:%y%m%d}{period.due_on:%y%m%d}{period.locks_on:%y%m%d}"


# ------------------------------------------------------------------ inside
def _period(ex: Exchange, code: str, agency: Agency | None = None) -> ReportingPeriod:
    return existing(ex.unit.plans.period, ex.membership.plan_id, code, agency.id if agency else None)


def _agency(ex: Exchange, code: str) -> Agency:
    return existing(ex.unit.plans.agency, ex.membership.plan_id, code)


def _days(ex: Exchange, period: ReportingPeriod) -> list[Line]:
    days = {"opens": period.opens_on, "due": period.due_on, "grace": period.grace_until_on, "locks": period.locks_on}
    return [line(ex.say(f"periods.{name}", date=ex.day(day))) for name, day in days.items()]


def _about(ex: Exchange, one: StoredReopening, period: ReportingPeriod) -> str:
    name, reason = period_name(period, ex.language), reason_in_words(ex.say, one.reason)
    values = {"agency": one.agency_code, "period_name": name, "reason": reason}
    if one.until_on is None:
        return ex.say("reopening.is_asked", **values)
    return ex.say("reopening.holds", **values, date=ex.day(one.until_on - ONE_DAY))


def _page(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Denied
    return int(text)
