"""/periodo: where every reporting period stands, its days moved for everybody, and one reopened for one agency.

A coordinator decides such things on the phone, with somebody waiting on the line: so what an agency asks for arrives
as a message with one button that grants it, and what is granted ends by itself (DOMAIN §4.4, §5.3).
"""

from datetime import date, timedelta

from bot.exchange import Denied, Exchange
from bot.hands import Hand, News, told
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.due import ONE_DAY, closed_early, extended, opened_early, working_day_from
from conversations.engine import show_date
from conversations.plan import AGENCY_ROLES, Agency, ReportingPeriod, Role, expected_reports, period_name
from conversations.wording import Wording, wording
from storage.errors import NotFound
from storage.periods import StoredReopening

LISTED = 8
AHEAD = 2
"""Periods shown that have not opened yet."""
DAYS = (1, 3, 7)
"""For how long a period may be reopened; the one in the middle is what is granted by one tap."""
GRANTED = 3
MORE = (1, 3, 5)
"""Days by which everybody's may be put off."""
REASONS = ("correction", "missing", "trouble")
"""Why, in a tap; catalogue keys `reopening.reason.…`. Anything else is typed."""
ASKED = "asked"
"""Stands for the reason that the agency gave."""
LONGEST_REASON = 200
_SHAPES = {"ahead": "⚪", "open": "🟢", "grace": "🟡", "late": "🟠", "locked": "🔒"}


# ------------------------------------------------------------------ looking
def periods(ex: Exchange, argument: str) -> None:
    """The periods, latest first, then one of them: its days, who has closed it, whom it is reopened for."""
    found = ex.unit.plans.periods(ex.membership.plan_id)
    if argument and not argument.startswith("p"):
        _show(ex, _period(ex, argument))
        return
    say = ex.say
    ahead = [period for period in found if period.opens_on > ex.today][:AHEAD]
    known = [*(period for period in found if period.opens_on <= ex.today), *ahead][::-1]
    pages = max(1, -(-len(known) // LISTED))
    page = _page(argument.removeprefix("p")) % pages
    rows = [
        (
            Button(
                f"{_SHAPES[period.stage(ex.today)]} {period_name(period, ex.language)}",
                f"command:periodo:{period.code}",
            ),
        )
        for period in known[page * LISTED : (page + 1) * LISTED]
    ]
    if pages > 1:
        rows.append((Button(say("menu.more"), f"command:periodo:p{page + 1}"),))
    lines: list[Line] = [line(bold(say("periods.title" if known else "periods.none")))]
    lines.append(line(italic(" · ".join(f"{_SHAPES[stage]} {say(f'periods.stage.{stage}')}" for stage in _SHAPES))))
    for asked in ex.unit.periods.reopenings(ex.membership.plan_id, ex.today):
        lines.append(line(_about(ex, asked, next(p for p in found if p.id == asked.period_id))))
    ex.show(Card(tuple(lines), (*rows, _home(ex))))
    ex.stand(None)


def _show(ex: Exchange, period: ReportingPeriod) -> None:
    say, plans, plan_id = ex.say, ex.unit.plans, ex.membership.plan_id
    stage = period.stage(ex.today)
    lines: list[Line] = [
        line(bold(f"{_SHAPES[stage]} {period_name(period, ex.language)}"), f" · {say(f'periods.stage.{stage}')}"),
        *_days(ex, period),
    ]
    if period.is_moved:
        lines.append(line(italic(say("periods.moved"))))
    expected = _expected(ex.hand, period)
    if expected and stage != "ahead":
        closed = plans.closed_agencies(period.id)
        missing = [agency.code for agency in expected if agency.id not in closed]
        lines.append(line(""))
        lines.append(line(say("periods.closed", n=len(expected) - len(missing), total=len(expected))))
        if missing:
            lines.append(line(say("periods.missing", codes=", ".join(missing))))
    rows: list[tuple[Button, ...]] = []
    for one in ex.unit.periods.reopenings(plan_id, ex.today):
        if one.period_id != period.id:
            continue
        lines.append(line(_about(ex, one, period)))
        tap = f"command:reabrir:{period.code}.{one.agency_code}"
        if one.is_asked:
            grant = Button(
                say("reopening.grant", agency=one.agency_code, n=GRANTED), f"{tap}.{GRANTED}.{ASKED}", "primary"
            )
            rows.append((grant, Button(say("reopening.refuse"), f"{tap}.no")))
        else:
            rows.append((Button(say("reopening.end", agency=one.agency_code), f"{tap}.end"),))
    if stage == "locked":
        rows.append((Button(say("reopening.one"), f"command:reabrir:{period.code}"),))
    rows.append((Button(say("periods.move"), f"command:plazos:{period.code}"),))
    rows.append((Button(say("nav.back"), "command:periodo:"), *_home(ex)))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


# ------------------------------------------------------------------ for one agency
def reopen(ex: Exchange, argument: str) -> None:
    """A locked period again for one agency: which, for how long, why; then its people are told (`admin.reopen`)."""
    code, agency_code, days, reason = ([*argument.split(".", 3), "", "", ""])[:4]
    if not agency_code:
        _choose_agency(ex, _period(ex, code))
        return
    agency = _agency(ex, agency_code)
    period = _period(ex, code, agency)
    standing = standing_of(ex.hand, period, agency)
    if days in ("no", "end"):
        _end(ex, period, agency, standing, days)
        return
    if period.stage(ex.today) != "locked":
        key = "reopening.is_open" if period.is_reopened else "reopening.not_locked"
        _say(ex, ex.say(key, period_name=period_name(period, ex.language), agency=agency.code, date=_last(ex, period)))
        return
    if not days:
        _choose_days(ex, period, agency)
        return
    if days not in map(str, DAYS):
        raise Denied
    if reason == ASKED and standing is not None and standing.is_asked:
        _grant(ex, period, agency, int(days), standing.reason)
    elif reason in REASONS:
        _grant(ex, period, agency, int(days), reason)
    else:
        _choose_reason(ex, f"reabrir:{code}.{agency.code}.{days}", ex.say("reopening.why_grant", agency=agency.code))


def reopen_because(ex: Exchange, argument: str, text: str) -> None:
    """The reason in somebody's own words."""
    code, agency_code, days = ([*argument.split("."), "", ""])[:3]
    agency = _agency(ex, agency_code)
    period = _period(ex, code, agency)
    if period.stage(ex.today) != "locked" or days not in map(str, DAYS):
        _show(ex, _period(ex, code))
        return
    if len(text) > LONGEST_REASON:
        _choose_reason(ex, f"reabrir:{argument}", ex.say("reopening.too_long", n=LONGEST_REASON))
        return
    _grant(ex, period, agency, int(days), text)


def ask(ex: Exchange, argument: str) -> None:
    """Pedir reapertura: why, and the coordination has it as a message with one button that grants it."""
    code, _, reason = argument.partition(".")
    period = _period(ex, code, _agency(ex, ex.agency_code))
    if period.stage(ex.today) != "locked":
        _say(ex, ex.say("reopening.go_on", period_name=period_name(period, ex.language)))
        return
    if reason in REASONS:
        _ask(ex, period, reason)
    else:
        _choose_reason(
            ex, f"reapertura:{period.code}", ex.say("reopening.why_ask", period_name=period_name(period, ex.language))
        )


def ask_because(ex: Exchange, argument: str, text: str) -> None:
    """The reason in the agency's own words."""
    period = _period(ex, argument, _agency(ex, ex.agency_code))
    if period.stage(ex.today) != "locked":
        _say(ex, ex.say("reopening.go_on", period_name=period_name(period, ex.language)))
    elif len(text) > LONGEST_REASON:
        _choose_reason(ex, f"reapertura:{period.code}", ex.say("reopening.too_long", n=LONGEST_REASON))
    else:
        _ask(ex, period, text)


def _ask(ex: Exchange, period: ReportingPeriod, reason: str) -> None:
    plan_id, people = ex.membership.plan_id, ex.unit.people
    asked = ex.unit.periods.ask(plan_id, ex.agency_id, period, reason, now=ex.now, by=ex.person.id, today=ex.today)
    name = period_name(period, ex.language)
    if asked is None:
        _say(ex, ex.say("reopening.asked_before", period_name=name))
        return
    _say(ex, ex.say("reopening.asked", period_name=name))
    for one in people.with_role(plan_id, Role.COORDINATOR) or people.with_role(plan_id, Role.ADMIN):
        say = wording(one.language)
        tap = f"command:reabrir:{period.code}.{ex.agency_code}"
        rows = (
            (Button(say("reopening.grant", agency=ex.agency_code, n=GRANTED), f"{tap}.{GRANTED}.{ASKED}", "primary"),),
            (
                Button(say("reopening.refuse"), f"{tap}.no"),
                Button(say("reopening.look"), f"command:periodo:{period.code}"),
            ),
        )
        text = say("reopening.request", agency=ex.agency_code, period_name=period_name(period, one.language))
        ex.tell(one.telegram_id, Card((line(text), line(say("reopening.because", reason=_reason(say, reason)))), rows))


def _grant(ex: Exchange, period: ReportingPeriod, agency: Agency, days: int, reason: str) -> None:
    last, news = reopen_for(ex.hand, period, agency, days, reason)
    ex.pass_on(news)
    lines = [
        line(
            ex.say(
                "reopening.done",
                period_name=period_name(period, ex.language),
                agency=agency.code,
                date=show_date(last.isoformat(), ex.language),
            )
        ),
        line(ex.say("reopening.agency_told" if news else "reopening.nobody_told", agency=agency.code)),
    ]
    ex.show(Card(tuple(lines), ((Button(ex.say("reopening.look"), f"command:periodo:{period.code}"),), _home(ex))))
    ex.stand(None)


def reopen_for(hand: Hand, period: ReportingPeriod, agency: Agency, days: int, reason: str) -> tuple[date, list[News]]:
    """Open for this agency alone until a working day, so many days from today; that day, and what its people hear."""
    unit, plan_id = hand.unit, hand.plan_id
    last = working_day_from(hand.today + timedelta(days=days), unit.schedule.holidays(plan_id))
    unit.periods.reopen(plan_id, agency.id, period, last + ONE_DAY, reason=reason, now=hand.now, by=hand.person_id)
    due = unit.plans.due(plan_id, agency.id, hand.today)
    has_left = any(one.period.id == period.id and not one.is_indicator for one in due)
    news: list[News] = []
    for one in unit.people.of_agency(plan_id, agency.id):
        if one.memberships[0].role in AGENCY_ROLES:
            say = wording(one.language)
            text = say(
                "reopening.told",
                period_name=period_name(period, one.language),
                agency=agency.code,
                date=show_date(last.isoformat(), one.language),
            )
            start = Button(say("remind.start"), "command:pendientes:", "primary")
            look = Button(say("menu.history"), "command:historial:")
            because = line(say("reopening.because", reason=_reason(say, reason)))
            rows = ((start, look) if has_left else (look,),)
            news.append(told(one.telegram_id, Card((line(text), because), rows)))
    return last, news


def _end(ex: Exchange, period: ReportingPeriod, agency: Agency, standing: StoredReopening | None, how: str) -> None:
    """Refuse what was asked, or lock again what is reopened; the agency is told either way."""
    if standing is None or standing.is_asked != (how == "no"):
        _show(ex, _period(ex, period.code))  # somebody was faster
        return
    ex.pass_on(end_reopening(ex.hand, period, agency, standing))
    _show(ex, _period(ex, period.code))


def end_reopening(hand: Hand, period: ReportingPeriod, agency: Agency, standing: StoredReopening) -> list[News]:
    """Locked again for the agency, or what it asked for refused; what its people hear of it."""
    hand.unit.periods.end(standing, now=hand.now, by=hand.person_id)
    key = "reopening.refused" if standing.is_asked else "reopening.ended"
    return [
        told(
            one.telegram_id,
            Card((line(wording(one.language)(key, period_name=period_name(period, one.language))),)),
        )
        for one in hand.unit.people.of_agency(hand.plan_id, agency.id)
        if one.memberships[0].role in AGENCY_ROLES
    ]


def _choose_agency(ex: Exchange, period: ReportingPeriod) -> None:
    """Those that have not closed it first; last those of which it expects nothing."""
    closed, expected = ex.unit.plans.closed_agencies(period.id), {agency.id for agency in _expected(ex.hand, period)}
    marks = ("⚪ ", "✅ ", "")

    def place(agency: Agency) -> int:
        return 2 if agency.id not in expected else 1 if agency.id in closed else 0

    agencies = sorted(ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today), key=place)
    buttons = [
        Button(f"{marks[place(one)]}{one.code}", f"command:reabrir:{period.code}.{one.code}") for one in agencies
    ]
    threes = [tuple(buttons[at : at + 3]) for at in range(0, len(buttons), 3)]
    text = ex.say("reopening.which", period_name=period_name(period, ex.language))
    ex.show(Card((line(text),), (*threes, (Button(ex.say("nav.back"), f"command:periodo:{period.code}"),))))
    ex.stand(None)


def _choose_days(ex: Exchange, period: ReportingPeriod, agency: Agency) -> None:
    say, tap = ex.say, f"command:reabrir:{period.code}.{agency.code}"
    buttons = [
        Button(
            say("reopening.days" if n > 1 else "reopening.day", n=n), f"{tap}.{n}", "primary" if n == GRANTED else ""
        )
        for n in DAYS
    ]
    text = say("admin.reopen", period_name=period_name(period, ex.language), agency=agency.code)
    rows = (tuple(buttons), (Button(say("reopening.cancel"), f"command:periodo:{period.code}"),))
    ex.show(Card((line(text),), rows))
    ex.stand(None)


def _choose_reason(ex: Exchange, awaits: str, text: str) -> None:
    """In a tap, or in one's own words."""
    rows = [(Button(ex.say(f"reopening.reason.{reason}"), f"command:{awaits}.{reason}"),) for reason in REASONS]
    ex.show(Card((line(text), line(italic(ex.say("reopening.or_type")))), (*rows, _home(ex))))
    ex.stand(None, awaits=awaits)


# ------------------------------------------------------------------ for everybody
def move(ex: Exchange, argument: str) -> None:
    """Open or lock a period earlier or later for all agencies: what would be, one question, done."""
    code, act, agreed = ([*argument.split("."), "", ""])[:3]
    period, say = _period(ex, code), ex.say
    acts = {name: (_label(say, name), moved) for name, moved in moves(ex.hand, period).items()}
    back = (Button(say("nav.back"), f"command:periodo:{period.code}"),)
    if act not in acts:
        rows = [(Button(label, f"command:plazos:{period.code}.{name}"),) for name, (label, _) in acts.items()]
        lines = [line(bold(period_name(period, ex.language))), *_days(ex, period)]
        ex.show(Card(tuple(lines), (*rows, back)))
        ex.stand(None)
        return
    _, moved = acts[act]
    if agreed != _stamp(moved):  # not asked yet, or its days have changed since
        lines = [line(bold(say("periods.sure", period_name=period_name(period, ex.language)))), *_days(ex, moved)]
        lines.append(line(italic(say("periods.ladder_follows"))))
        if act == "lock":
            lines.append(line(italic(say("periods.lock_is_told"))))
        yes = Button(say("periods.yes"), f"command:plazos:{period.code}.{act}.{_stamp(moved)}", "primary")
        ex.show(Card(tuple(lines), ((yes,), back)))
        ex.stand(None)
        return
    ex.pass_on(set_days(ex.hand, moved))
    _show(ex, _period(ex, code))


def set_days(hand: Hand, moved: ReportingPeriod) -> list[News]:
    """Its days for everybody.

    Of one that is closed at the end of today, who has not closed it hears that at once: they were told another day, and
    the ladder has no other word for them before it is over.
    """
    unit = hand.unit
    unit.periods.set_days(moved, now=hand.now, by=hand.person_id)
    if moved.locks_on != hand.today + ONE_DAY:
        return []
    closed, expected = unit.plans.closed_agencies(moved.id), _expected(hand, moved)
    return [
        told(who.telegram_id, _last_day(moved, who.language))
        for agency in expected
        if agency.id not in closed
        for who in unit.people.of_agency(hand.plan_id, agency.id)
        if who.memberships[0].role in AGENCY_ROLES
    ]


def _last_day(period: ReportingPeriod, language: str) -> Card:
    say = wording(language)
    text = say("periods.last_day", period_name=period_name(period, language))
    return Card((line(text),), ((Button(say("remind.start"), "command:pendientes:", "primary"),),))


def moves(hand: Hand, period: ReportingPeriod) -> dict[str, ReportingPeriod]:
    """What may be done to it today, `open`, `more3` or `lock`, and what it would be then."""
    stage = period.stage(hand.today)
    if stage == "ahead":
        return {"open": opened_early(period, hand.today)}
    holidays = hand.unit.schedule.holidays(hand.plan_id)
    found = {f"more{days}": extended(period, days, hand.today, holidays) for days in MORE}
    if stage != "locked" and period.locks_on > hand.today + ONE_DAY:
        found["lock"] = closed_early(period, hand.today)
    return found


def _label(say: Wording, move: str) -> str:
    if move.startswith("more"):
        days = int(move.removeprefix("more"))
        return say("periods.more" if days > 1 else "periods.more_one", n=days)
    return say("periods.open" if move == "open" else "periods.lock")


def _stamp(period: ReportingPeriod) -> str:
    return f"{period.opens_on:%y%m%d}{period.due_on:%y%m%d}{period.locks_on:%y%m%d}"


# ------------------------------------------------------------------ inside
def _period(ex: Exchange, code: str, agency: Agency | None = None) -> ReportingPeriod:
    try:
        return ex.unit.plans.period(ex.membership.plan_id, code, agency.id if agency else None)
    except NotFound:
        raise Denied from None


def _agency(ex: Exchange, code: str) -> Agency:
    try:
        return ex.unit.plans.agency(ex.membership.plan_id, code)
    except NotFound:
        raise Denied from None


def standing_of(hand: Hand, period: ReportingPeriod, agency: Agency) -> StoredReopening | None:
    """What is asked for or holds for this agency now."""
    found = hand.unit.periods.reopenings(hand.plan_id, hand.today)
    return next((one for one in found if (one.period_id, one.agency_id) == (period.id, agency.id)), None)


def _expected(hand: Hand, period: ReportingPeriod) -> list[Agency]:
    plans, plan_id = hand.unit.plans, hand.plan_id
    due = expected_reports(plans.activities(plan_id, include_retired=True), period, plans.ended(plan_id))
    codes = {report.activity.agency_code for report in due}
    return [agency for agency in plans.agencies(plan_id) if agency.code in codes]


def _days(ex: Exchange, period: ReportingPeriod) -> list[Line]:
    days = {"opens": period.opens_on, "due": period.due_on, "grace": period.grace_until_on, "locks": period.locks_on}
    return [line(ex.say(f"periods.{name}", date=show_date(day.isoformat(), ex.language))) for name, day in days.items()]


def _about(ex: Exchange, one: StoredReopening, period: ReportingPeriod) -> str:
    values = {
        "agency": one.agency_code,
        "period_name": period_name(period, ex.language),
        "reason": _reason(ex.say, one.reason),
    }
    if one.until_on is None:
        return ex.say("reopening.is_asked", **values)
    return ex.say("reopening.holds", **values, date=show_date((one.until_on - ONE_DAY).isoformat(), ex.language))


def _reason(say: Wording, reason: str) -> str:
    return say(f"reopening.reason.{reason}") if reason in REASONS else reason


def _last(ex: Exchange, period: ReportingPeriod) -> str:
    return show_date((period.locks_on - ONE_DAY).isoformat(), ex.language)


def _page(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Denied
    return int(text)


def _home(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("menu.home"), "command:menu:"),)


def _say(ex: Exchange, text: str) -> None:
    ex.show(Card((line(text),), (_home(ex),)))
    ex.stand(None)
