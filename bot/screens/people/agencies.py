"""/instituciones: admins keep the list of the commission's members on a phone.

An agency joins by decree, changes its name with a government, and is closed; its reports stay. So nothing is deleted
here: an agency has a first and a last day. Before one is ended, the screen says what depends on it. A name or a day is
typed one at a time. A new agency is shown before it is made.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

from bot.acts.people import agencies as acts
from bot.chat.actor import Actor
from bot.chat.exchange import Denied, Exchange, number_of
from conversations.card import Button, Card, Line, bold, home_button, in_rows, italic, line, page_of
from conversations.languages import LANGUAGES, language_name, translated
from conversations.plan.model import ROLE_TYPES, Agency
from conversations.routes import ButtonTap, Route, tap
from conversations.session.reading.dates import read_date
from conversations.session.reading.results import Understood
from conversations.session.safeguards.characters import read_name
from storage.people.agencies import LONGEST_NAME, Belongings, read_code

LISTED = 9
IN_A_ROW = 3


# ------------------------------------------------------------------ looking
def agencies(ex: Exchange, page: int) -> None:
    """The list of all agencies, a page at a time, with their days and what depends on them.

    Present members come first.
    """
    say, plan_id = ex.say, ex.membership.plan_id
    found = ex.unit.plans.agencies(plan_id)
    counted = ex.unit.agencies.belongings(plan_id)
    active = sum(agency.is_active(ex.today) for agency in found)
    ordered = sorted(found, key=lambda agency: not agency.is_active(ex.today))
    shown, following = page_of(ordered, page, LISTED)
    lines: list[Line] = [line(bold(say("agencies.title", n=len(found), active=active)))]
    for agency in shown:
        lines.append(line(bold(agency.code), f" · {_stage(ex, agency)} · {_holds(ex, counted, agency)}"))
    buttons = [Button(agency.code, tap(Route.AGENCY, agency.id)) for agency in shown]
    rows = in_rows(buttons, IN_A_ROW)
    if following is not None:
        pages = -(-len(ordered) // LISTED)
        more = Button(say("agencies.page", page=(following or pages), pages=pages), tap(Route.AGENCIES, following))
        rows.append((more,))
    rows.append((Button(say("agencies.new"), tap(Route.AGENCY, "new"), "primary"),))
    rows.append((home_button(ex.say),))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _stage(ex: Exchange, agency: Agency) -> str:
    """Say in words since when or until when an agency takes part."""
    say = ex.say
    if agency.role_type == "proposed":
        return say("agencies.type.proposed")
    if agency.active_to is not None and agency.active_to <= ex.today:
        return say("agencies.ended", date=ex.day(agency.active_to))
    if agency.active_to is not None:
        return say("agencies.until", date=ex.day(agency.active_to))
    if agency.active_from is None:
        return say("agencies.always")
    return say("agencies.since" if agency.active_from <= ex.today else "agencies.from", date=ex.day(agency.active_from))


def _holds(ex: Exchange, counted: dict[int, Belongings], agency: Agency) -> str:
    held = counted.get(agency.id, Belongings())
    return ex.say("agencies.holds", activities=held.activities, people=held.people)


def agency(ex: Exchange, which: int | str, act: str, value: str, agreed: str) -> None:
    """One agency, or a change to it. `act` "new" asks for one, "create" makes it. `agreed` confirms the end of one."""
    if which == "new":
        _ask(ex, (which,), "agencies.ask_new", tap(Route.AGENCIES))
    elif isinstance(which, str):
        _create(ex)
    elif not act:
        _show_agency(ex, agency_with(ex, which))
    else:
        _act(ex, agency_with(ex, which), act, value, is_agreed=agreed == "yes")


def _show_agency(ex: Exchange, found: Agency) -> None:
    say, to = ex.say, partial(tap, Route.AGENCY, found.id)
    counted = ex.unit.agencies.belongings(ex.membership.plan_id)
    lines: list[Line] = [
        line(bold(found.code), f" · {translated(found.name, ex.language)}"),
        line(f"{say(f'agencies.type.{found.role_type}')} · {_stage(ex, found)}"),
        line(_holds(ex, counted, found)),
    ]
    others = [f"{code.upper()} {text}" for code, text in found.name.items() if code != ex.language and text]
    lines += [line(italic(text)) for text in others]
    rows: list[tuple[Button, ...]] = [
        (Button(say("agencies.name"), to("name")), Button(say("agencies.type"), to("type"))),
        (
            Button(say("agencies.begins"), to("from")),
            Button(say("agencies.people"), tap(Route.PEOPLE, f"a{found.id}", 0)),
        ),
        (
            Button(say("agencies.reactivate"), to("back"), "success")
            if found.active_to is not None
            else Button(say("agencies.end"), to("end"), "danger"),
        ),
        (Button(say("nav.back"), tap(Route.AGENCIES)), home_button(ex.say)),
    ]
    ex.answer(Card(tuple(lines), tuple(rows)))


# ------------------------------------------------------------------ changing
def _act(ex: Exchange, found: Agency, act: str, value: str, *, is_agreed: bool = False) -> None:
    say, to = ex.say, partial(tap, Route.AGENCY, found.id)
    match act, value:
        case "name", "":
            rows = [(Button(language_name(code), to("name", code)),) for code in LANGUAGES]
            _choose(ex, found, "agencies.which_name", rows)
        case "name", code if code in LANGUAGES:
            _ask(ex, (found.id, "name", code), "agencies.ask_name", to(), code=found.code)
        case "type", "":
            rows = [(Button(say(f"agencies.type.{kind}"), to("type", kind)),) for kind in ROLE_TYPES]
            _choose(ex, found, "agencies.which_type", rows)
        case "type", kind if kind in ROLE_TYPES:
            _show_agency(ex, acts.set_type(ex.actor, found, kind))
        case "from", "":
            today = (Button(say("date.today"), to("from", f"{ex.today:%Y%m%d}")),)
            _ask(ex, (found.id, "from"), "agencies.ask_from", to(), code=found.code, rows=(today,))
        case "from", day:
            _dated(ex, found, day, acts.begin)
        case "end", "":
            rows = [
                (Button(say("date.today"), to("end", f"{ex.today:%Y%m%d}")),),
                (Button(say("agencies.month_end"), to("end", f"{_next_month(ex.today):%Y%m%d}")),),
            ]
            _ask(ex, (found.id, "end"), "agencies.ask_end", to(), code=found.code, rows=tuple(rows))
        case "end", day if is_agreed:
            _dated(ex, found, day, acts.end)
        case "end", day:
            _warn_of_end(ex, found, _read_day(day))
        case "back", "":
            _show_agency(ex, acts.reactivate(ex.actor, found))
        case _:
            raise Denied


def _dated(ex: Exchange, found: Agency, day: str, change: Callable[[Actor, Agency, date], Agency]) -> None:
    """Set a first or last day, or say that it does not fit the other day."""
    try:
        changed = change(ex.actor, found, _read_day(day))
    except ValueError:
        _show_line(ex, ex.say("agencies.wrong_days"), tap(Route.AGENCY, found.id))
        return
    _show_agency(ex, changed)


def _warn_of_end(ex: Exchange, found: Agency, on: date) -> None:
    """Say what stops with the agency, before it is ended."""
    say, to = ex.say, partial(tap, Route.AGENCY, found.id)
    held = ex.unit.agencies.belongings(ex.membership.plan_id).get(found.id, Belongings())
    lines = [line(say("agencies.end_sure", code=found.code, date=ex.day(on)))]
    if held.activities:
        lines.append(line(say("agencies.end_activities", n=held.activities)))
    if held.people:
        lines.append(line(say("agencies.end_people", n=held.people)))
    lines.append(line(italic(say("agencies.in_the_plan"))))
    rows = (
        (Button(say("agencies.end_yes"), to("end", f"{on:%Y%m%d}", "yes"), "danger"),),
        (Button(say("nav.back"), to()),),
    )
    ex.answer(Card(tuple(lines), rows))


def hear(ex: Exchange, which: int | str, what: str, code: str, text: str) -> None:
    """Read the typed answer to the present question: a new agency, a name, or a day."""
    if isinstance(which, str):
        _propose(ex, text)
        return
    found = agency_with(ex, which)
    match what:
        case "name" if code in LANGUAGES:
            if not read_name(text):
                _ask(ex, (which, "name", code), "agencies.no_letter", tap(Route.AGENCY, found.id))
                return
            _show_agency(ex, acts.rename(ex.actor, found, {code: text}))
        case "from" | "end":
            match read_date(text, today=ex.today, language=ex.language, prefer="future"):
                case Understood(value):
                    _act(ex, found, what, date.fromisoformat(value).strftime("%Y%m%d"))
                case _:
                    _ask(ex, (which, what), "err.date", tap(Route.AGENCY, found.id))
        case _:
            raise Denied


def _propose(ex: Exchange, text: str) -> None:
    """Read code and name from one line and show the agency. It is kept until the button is pressed."""
    say = ex.say
    word, _, name = " ".join(text.split()).partition(" ")
    code = read_code(word)
    if code is None or not read_name(name) or len(name) > LONGEST_NAME:
        _ask(ex, ("new",), "agencies.ask_again", tap(Route.AGENCIES))
        return
    if any(agency.code.upper() == code for agency in ex.unit.plans.agencies(ex.membership.plan_id)):
        _ask(ex, ("new",), "agencies.taken", tap(Route.AGENCIES), code=code)
        return
    acts.propose(ex.actor, code, name)
    lines = (
        line(say("agencies.create_sure")),
        line(bold(code), f" · {name}"),
        line(italic(say("agencies.create_how"))),
    )
    rows = (
        (Button(say("agencies.create"), tap(Route.AGENCY, "create"), "primary"),),
        (
            Button(say("agencies.create_again"), tap(Route.AGENCY, "new")),
            Button(say("nav.back"), tap(Route.AGENCIES)),
        ),
    )
    ex.ask(Card(lines, rows), Route.AGENCY, "new")


def _create(ex: Exchange) -> None:
    proposed = acts.add_proposed(ex.actor, ex.language)
    if proposed is None:
        raise Denied
    code, made = proposed
    if made is None:
        _ask(ex, ("new",), "agencies.taken", tap(Route.AGENCIES), code=code)
    else:
        _show_agency(ex, made)


# ------------------------------------------------------------------ inside
def agency_with(ex: Exchange, id: int) -> Agency:
    """The agency of this plan that a button names. Denied for any other."""
    for found in ex.unit.plans.agencies(ex.membership.plan_id):
        if found.id == id:
            return found
    raise Denied


def _read_day(text: str) -> date:
    """Read a day as a button carries it: `20181003`."""
    number_of(text)
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        raise Denied from None


def _next_month(today: date) -> date:
    return (today.replace(day=28) + timedelta(days=4)).replace(day=1)


def _choose(ex: Exchange, found: Agency, key: str, rows: Sequence[tuple[Button, ...]]) -> None:
    back = (Button(ex.say("nav.back"), tap(Route.AGENCY, found.id)),)
    ex.answer(Card((line(ex.say(key, code=found.code)),), (*rows, back)))


def _ask(
    ex: Exchange,
    awaits: tuple[int | str, ...],
    key: str,
    back: ButtonTap,
    *,
    code: str = "",
    rows: tuple[tuple[Button, ...], ...] = (),
) -> None:
    """Ask for something that must be typed."""
    ex.ask(Card((line(ex.say(key, code=code)),), (*rows, (Button(ex.say("nav.back"), back),))), Route.AGENCY, *awaits)


def _show_line(ex: Exchange, text: str, back: ButtonTap) -> None:
    ex.answer(Card((line(text),), ((Button(ex.say("nav.back"), back),),)))
