"""/instituciones: the commission's members as its admins keep them, from a phone.

An agency joins by decree, changes its name with a government, and is closed; its reports stay. So nothing here
deletes: an agency has a first and a last day, and ending one says first what hangs on it. What is typed (a name, a
day) is asked for one at a time; a new agency is shown before it is made.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from bot.exchange import Denied, Exchange, number_of
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.engine import show_date
from conversations.plan import Agency, translated
from conversations.reading import Understood, read_date
from conversations.wording import LANGUAGES
from storage.agencies import LONGEST_NAME, ROLE_TYPES, Belongings, read_code
from storage.errors import Conflict

LISTED = 9
IN_A_ROW = 3


# ------------------------------------------------------------------ looking
def agencies(ex: Exchange, argument: str) -> None:
    """All of them with their days and what hangs on them, a page at a time: those that take part first."""
    say, plan_id = ex.say, ex.membership.plan_id
    found = ex.unit.plans.agencies(plan_id)
    counted = ex.unit.agencies.belongings(plan_id)
    active = sum(agency.is_active(ex.today) for agency in found)
    ordered = sorted(found, key=lambda agency: not agency.is_active(ex.today))
    pages = max(1, -(-len(ordered) // LISTED))
    page = number_of(argument or "0") % pages
    shown = ordered[page * LISTED : (page + 1) * LISTED]
    lines: list[Line] = [line(bold(say("agencies.title", n=len(found), active=active)))]
    for agency in shown:
        lines.append(line(bold(agency.code), f" · {_stage(ex, agency)} · {_holds(ex, counted, agency)}"))
    buttons = [Button(agency.code, f"command:agencia:{agency.id}") for agency in shown]
    rows = [tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW)]
    if pages > 1:
        rows.append((Button(say("agencies.page", page=page + 1, pages=pages), f"command:instituciones:{page + 1}"),))
    rows.append((Button(say("agencies.new"), "command:agencia:new", "primary"),))
    rows.append((_home(ex),))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def _stage(ex: Exchange, agency: Agency) -> str:
    """Since when or until when it takes part, in words."""
    say = ex.say
    if agency.role_type == "proposed":
        return say("agencies.type.proposed")
    if agency.active_to is not None and agency.active_to <= ex.today:
        return say("agencies.ended", date=_day(ex, agency.active_to))
    if agency.active_to is not None:
        return say("agencies.until", date=_day(ex, agency.active_to))
    if agency.active_from is None:
        return say("agencies.always")
    return say(
        "agencies.since" if agency.active_from <= ex.today else "agencies.from", date=_day(ex, agency.active_from)
    )


def _holds(ex: Exchange, counted: dict[int, Belongings], agency: Agency) -> str:
    held = counted.get(agency.id, Belongings())
    return ex.say("agencies.holds", activities=held.activities, people=held.people)


def agency(ex: Exchange, argument: str) -> None:
    """One agency, `id`, or a change to it, `id.what.value`; `new` and `create` make one."""
    if argument == "new":
        _ask(ex, "new", "agencies.ask_new", "command:instituciones:")
        return
    if argument == "create":
        _create(ex)
        return
    number, _, rest = argument.partition(".")
    found = _agency(ex, number)
    act, _, value = rest.partition(".")
    if not act:
        _show(ex, found)
    else:
        _act(ex, found, act, value)


def _show(ex: Exchange, found: Agency) -> None:
    say, tap = ex.say, f"command:agencia:{found.id}"
    counted = ex.unit.agencies.belongings(ex.membership.plan_id)
    lines: list[Line] = [
        line(bold(found.code), f" · {translated(found.name, ex.language)}"),
        line(f"{say(f'agencies.type.{found.role_type}')} · {_stage(ex, found)}"),
        line(_holds(ex, counted, found)),
    ]
    others = [f"{LANGUAGE_MARKS[code]} {text}" for code, text in found.name.items() if code != ex.language and text]
    lines += [line(italic(text)) for text in others]
    rows: list[tuple[Button, ...]] = [
        (Button(say("agencies.name"), f"{tap}.name"), Button(say("agencies.type"), f"{tap}.type")),
        (
            Button(say("agencies.begins"), f"{tap}.from"),
            Button(say("agencies.people"), f"command:personas:a{found.id}.0"),
        ),
        (
            Button(say("agencies.reactivate"), f"{tap}.back", "success")
            if found.active_to is not None
            else Button(say("agencies.end"), f"{tap}.end", "danger"),
        ),
        (Button(say("nav.back"), "command:instituciones:"), _home(ex)),
    ]
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


LANGUAGE_MARKS = {"es": "ES", "en": "EN", "ht": "HT"}


# ------------------------------------------------------------------ changing
def _act(ex: Exchange, found: Agency, act: str, value: str) -> None:
    say, plan_id, tap = ex.say, ex.membership.plan_id, f"command:agencia:{found.id}"
    change = ex.unit.agencies
    match act, value:
        case "name", "":
            rows = [(Button(say(f"agencies.in.{code}"), f"{tap}.name.{code}"),) for code in LANGUAGES]
            _choose(ex, found, "agencies.which_name", rows)
        case "name", code if code in LANGUAGES:
            _ask(ex, f"{found.id}.name.{code}", "agencies.ask_name", tap, code=found.code)
        case "type", "":
            rows = [(Button(say(f"agencies.type.{kind}"), f"{tap}.type.{kind}"),) for kind in ROLE_TYPES]
            _choose(ex, found, "agencies.which_type", rows)
        case "type", kind if kind in ROLE_TYPES:
            _show(ex, change.set_type(found, plan_id, kind, now=ex.now, by=ex.person.id))
        case "from", "":
            today = (Button(say("date.today"), f"{tap}.from.{ex.today:%Y%m%d}"),)
            _ask(ex, f"{found.id}.from", "agencies.ask_from", tap, code=found.code, rows=(today,))
        case "from", day:
            _dated(ex, found, day, change.begin)
        case "end", "":
            rows = [
                (Button(say("date.today"), f"{tap}.end.{ex.today:%Y%m%d}"),),
                (Button(say("agencies.month_end"), f"{tap}.end.{_next_month(ex.today):%Y%m%d}"),),
            ]
            _ask(ex, f"{found.id}.end", "agencies.ask_end", tap, code=found.code, rows=tuple(rows))
        case "end", day if day.endswith(".yes"):
            _dated(ex, found, day.removesuffix(".yes"), change.end)
        case "end", day:
            _warn_of_end(ex, found, _read_day(day))
        case "back", "":
            _show(ex, change.reactivate(found, plan_id, now=ex.now, by=ex.person.id))
        case _:
            raise Denied


def _dated(ex: Exchange, found: Agency, day: str, change: Callable[..., Agency]) -> None:
    """A first or last day that fits the other one, or the word that it does not."""
    try:
        changed = change(found, ex.membership.plan_id, _read_day(day), now=ex.now, by=ex.person.id)
    except ValueError:
        _show_line(ex, ex.say("agencies.wrong_days"), f"command:agencia:{found.id}")
        return
    _show(ex, changed)


def _warn_of_end(ex: Exchange, found: Agency, on: date) -> None:
    """What stops with the agency, before it is ended."""
    say, tap = ex.say, f"command:agencia:{found.id}"
    held = ex.unit.agencies.belongings(ex.membership.plan_id).get(found.id, Belongings())
    lines = [line(say("agencies.end_sure", code=found.code, date=_day(ex, on)))]
    if held.activities:
        lines.append(line(say("agencies.end_activities", n=held.activities)))
    if held.people:
        lines.append(line(say("agencies.end_people", n=held.people)))
    lines.append(line(italic(say("agencies.in_the_plan"))))
    rows = ((Button(say("agencies.end_yes"), f"{tap}.end.{on:%Y%m%d}.yes", "danger"),), (Button(say("nav.back"), tap),))
    ex.show(Card(tuple(lines), rows))
    ex.stand(None)


def hear(ex: Exchange, argument: str, text: str) -> None:
    """What was typed for the question that stands: a new agency, a name, or a day."""
    if argument == "new":
        _propose(ex, text)
        return
    number, _, rest = argument.partition(".")
    found = _agency(ex, number)
    what, _, code = rest.partition(".")
    match what:
        case "name" if code in LANGUAGES:
            changed = ex.unit.agencies.rename(found, ex.membership.plan_id, {code: text}, now=ex.now, by=ex.person.id)
            _show(ex, changed)
        case "from" | "end":
            match read_date(text, today=ex.today, language=ex.language, prefer="future"):
                case Understood(value):
                    _act(ex, found, what, date.fromisoformat(value).strftime("%Y%m%d"))
                case _:
                    _ask(ex, argument, "err.date", f"command:agencia:{found.id}")
        case _:
            raise Denied


def _propose(ex: Exchange, text: str) -> None:
    """Code and name in one line, shown before there is such an agency; kept until the button is pressed."""
    say = ex.say
    word, _, name = " ".join(text.split()).partition(" ")
    code = read_code(word)
    if code is None or not name or len(name) > LONGEST_NAME:
        _ask(ex, "new", "agencies.ask_again", "command:instituciones:")
        return
    if any(agency.code.upper() == code for agency in ex.unit.plans.agencies(ex.membership.plan_id)):
        _ask(ex, "new", "agencies.taken", "command:instituciones:", code=code)
        return
    ex.unit.facts.set(_draft(ex), json.dumps([code, name]), ex.now)
    lines = (
        line(say("agencies.create_sure")),
        line(bold(code), f" · {name}"),
        line(italic(say("agencies.create_how"))),
    )
    rows = (
        (Button(say("agencies.create"), "command:agencia:create", "primary"),),
        (
            Button(say("agencies.create_again"), "command:agencia:new"),
            Button(say("nav.back"), "command:instituciones:"),
        ),
    )
    ex.show(Card(lines, rows))
    ex.stand(None, awaits="agencia:new")


def _create(ex: Exchange) -> None:
    draft = ex.unit.facts.get(_draft(ex))
    if not draft:
        raise Denied
    code, name = json.loads(draft)
    ex.unit.facts.set(_draft(ex), "", ex.now)
    try:
        made = ex.unit.agencies.add(
            ex.membership.plan_id, code, {"es": name}, active_from=ex.today, now=ex.now, by=ex.person.id
        )
    except Conflict:
        _ask(ex, "new", "agencies.taken", "command:instituciones:", code=code)
        return
    _show(ex, made)


def _draft(ex: Exchange) -> str:
    return f"agency_draft.{ex.membership.plan_id}.{ex.person.id}"


# ------------------------------------------------------------------ inside
def _day(ex: Exchange, on: date) -> str:
    return show_date(on.isoformat(), ex.language)


def _agency(ex: Exchange, number: str) -> Agency:
    wanted = number_of(number)
    for found in ex.unit.plans.agencies(ex.membership.plan_id):
        if found.id == wanted:
            return found
    raise Denied


def _read_day(text: str) -> date:
    """`20181003`, as a button carries it."""
    number_of(text)
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        raise Denied from None


def _next_month(today: date) -> date:
    return (today.replace(day=28) + timedelta(days=4)).replace(day=1)


def _choose(ex: Exchange, found: Agency, key: str, rows: Sequence[tuple[Button, ...]]) -> None:
    back = (Button(ex.say("nav.back"), f"command:agencia:{found.id}"),)
    ex.show(Card((line(ex.say(key, code=found.code)),), (*rows, back)))
    ex.stand(None)


def _ask(
    ex: Exchange, awaits: str, key: str, back: str, *, code: str = "", rows: tuple[tuple[Button, ...], ...] = ()
) -> None:
    """Ask for something that is typed."""
    ex.show(Card((line(ex.say(key, code=code)),), (*rows, (Button(ex.say("nav.back"), back),))))
    ex.stand(None, awaits=f"agencia:{awaits}")


def _show_line(ex: Exchange, text: str, back: str) -> None:
    ex.show(Card((line(text),), ((Button(ex.say("nav.back"), back),),)))
    ex.stand(None)


def _home(ex: Exchange) -> Button:
    return Button(ex.say("menu.home"), "command:menu:")
