"""Find what a text names in the plan (codes, titles, institutions), and where that leads a person.

People write "ABC-102", "la de los hoteles", "cómo va Turismo". Nobody is led to what they may not see: reporters search
among their own items, other roles in the whole plan.
"""

from typing import Final

from bot.chat.exchange import Exchange
from bot.chat.permissions import REPORTERS
from bot.schedule.digests import VIEWS
from bot.screens.reports.receipts import due_button
from conversations.card import Button, cut
from conversations.languages import translated
from conversations.plan.expected import DueReport, expected_activities
from conversations.plan.model import Activity
from conversations.routes import Route, tap
from conversations.session.reading.utterances import (
    Named,
    foreign_code,
    mentioned_code,
    mentioned_names,
    numbers_an_item,
    told_names,
)

Asked = tuple[Route, str]
"""A route, and what its button would carry."""
LIKELY: Final = 3
"""How many likely things are offered at the most."""


def mentioned(ex: Exchange, text: str) -> Asked | None:
    """Follow a code in the text, among everything that the person may see."""
    shown = ex.agency_code if ex.membership.role in REPORTERS else None
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    of = None if shown is None else ex.agency_id
    activities, indicators = plans.activities(plan_id, of), plans.indicators(plan_id, of)
    code = mentioned_code(text, [*(each.code for each in activities), *(each.code for each in indicators)])
    if code is not None:
        return _toward(ex, code, "a" if any(each.code == code for each in activities) else "i")
    agencies = [each for each in plans.agencies(plan_id, on=ex.today) if shown in (None, each.code)]
    named = mentioned_code(text, [each.code for each in agencies])
    if named is None and shown is None:
        sure = mentioned_names(text, [Named(each.code, tuple(each.name.values())) for each in agencies])
        named = sure.codes[0] if sure.is_sure else None
    return None if named is None else (Route.AGENCY_DIGEST, "" if shown else named)


def agencies_like(ex: Exchange, text: str) -> list[Button]:
    """Return a button for each institution whose name has a rare word of the text. Reporters get none."""
    if ex.membership.role in REPORTERS:
        return []
    agencies = {each.code: each for each in ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today)}
    codes = told_names(text, [Named(code, tuple(each.name.values())) for code, each in agencies.items()])
    return [named_button(ex, Route.AGENCY_DIGEST, code) for code in codes]


def named_button(ex: Exchange, route: Route, carried: str) -> Button:
    plans, plan_id, code = ex.unit.plans, ex.membership.plan_id, carried.rpartition(".")[2]
    if route == Route.REPORT:
        code = carried.partition(".")[2].rpartition(".")[0]
    if route == Route.AGENCY_DIGEST:
        name = next(each.name for each in plans.agencies(plan_id, on=ex.today) if each.code == code)
        return Button(cut(f"{code} · {translated(name, ex.language)}"), tap(route, code))
    activity = _told_activities(ex).get(code) if route in (Route.ACTIVITY, Route.REPORT) else None
    named = f"{code} · {activity.title(ex.language)}" if activity is not None else code
    return Button(cut(named), tap(route, *carried.split(".")))


def unknown_code(ex: Exchange, text: str, *, is_about_items: bool) -> str | None:
    """Return a word of the text that is written as a code, if this person may not see it or nobody has it.

    If the text is about an item of the plan, "3.2" is one.
    """
    if not any(map(str.isdigit, text)):
        return None  # without the plan being read
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    known = [each.code for each in plans.activities(plan_id)] + [each.code for each in plans.indicators(plan_id)]
    return foreign_code(text, known, may_be_number=is_about_items or numbers_an_item(text))


def _toward(ex: Exchange, code: str, kind: str) -> Asked:
    """Lead to the person's own report about the item, to begin, continue or correct it.

    Otherwise to the plan's page of it.
    """
    if ex.is_reporter:
        due = next((report for report in ex.due() if report.code == code), None)
        if due is not None and ex.may_report(due.subject):
            return Route.REPORT, f"{kind}.{code}.{due.period.code}"
        plans, plan_id = ex.unit.plans, ex.membership.plan_id
        if kind == "a" and ex.membership.role in REPORTERS:
            activity, ended = plans.activity(plan_id, code), plans.ended(plan_id, ex.agency_id)
            for period in reversed(plans.open_periods(plan_id, ex.today, ex.agency_id)):
                if expected_activities([activity], period, ended):
                    return Route.REPORT, f"{kind}.{code}.{period.code}"
    if kind == "a" and ex.membership.role not in REPORTERS:
        return Route.ACTIVITY, code
    return Route.PLAN, f"{kind}.{code}"


def named_like(ex: Exchange, text: str) -> Asked | list[Button]:
    """Follow the words of a title if they fit one item. Otherwise return a button for each item that may be meant."""
    due = [report for report in ex.due() if ex.may_report(report.subject)] if ex.is_reporter else []
    found = mentioned_names(text, [Named(one.code, _titles(one)) for one in due], LIKELY)
    if found.is_sure:
        wanted = next(one for one in due if one.code == found.codes[0])
        return Route.REPORT, f"{'i' if wanted.is_indicator else 'a'}.{wanted.code}.{wanted.period.code}"
    if found.codes:
        return [due_button(ex, next(one for one in due if one.code == code)) for code in found.codes]
    activities = _told_activities(ex)
    found = mentioned_names(
        text,
        [Named(code, (*each.name.values(), *each.short_name.values())) for code, each in activities.items()],
        LIKELY,
    )
    if found.is_sure:
        return _toward(ex, found.codes[0], "a")
    return [_item_button(ex, activities[code]) for code in found.codes]


def items_like(ex: Exchange, text: str, *, is_sought: bool = False) -> list[Button]:
    """Return a button for each activity whose title has a rare word of the text.

    If one `is_sought` ("lo de la radio"), a word of other wishes is rare, too.
    """
    activities = _told_activities(ex)
    named = [Named(code, (*each.name.values(), *each.short_name.values())) for code, each in activities.items()]
    return [_item_button(ex, activities[code]) for code in told_names(text, named, is_sought=is_sought)[:LIKELY]]


def _told_activities(ex: Exchange) -> dict[str, Activity]:
    """The activities among which this person may search by their titles, by code.

    A restricted one has no title for outsiders. If a word of it led them there, they would know the word.
    """
    of = ex.agency_id if ex.membership.role in REPORTERS else None
    is_public = VIEWS[ex.membership.role].is_public
    activities = ex.unit.plans.activities(ex.membership.plan_id, of)
    return {each.code: each for each in activities if not (is_public and each.is_restricted)}


def _item_button(ex: Exchange, activity: Activity) -> Button:
    route, carried = _toward(ex, activity.code, "a")
    return Button(cut(f"{activity.code} · {activity.title(ex.language)}"), tap(route, *carried.split(".")))


def _titles(report: DueReport) -> tuple[str, ...]:
    short = report.item.short_name.values() if isinstance(report.item, Activity) else ()
    return (*report.item.name.values(), *short)
