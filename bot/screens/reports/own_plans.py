"""The plans of somebody who has a role in several: what is left in each, and the button that leads there."""

from collections.abc import Callable, Iterator

from bot.chat.exchange import Exchange
from conversations.card import Button, Card, Line, bold, cut, home_button, line
from conversations.routes import Route, in_plan, tap


def plans(ex: Exchange) -> None:
    """/planes: each plan with the role in it. Its button leads to its first screen."""
    say, titles = ex.say, ex.unit.plans.titles(ex.language)
    roles = [
        line(bold(titles[held.plan_id]), f" · {say(f'role.{held.role}')} · {held.agency_code or ''}".rstrip(" ·"))
        for held in ex.visit.memberships
    ]
    rows = tuple(
        (Button(cut(titles[held.plan_id]), in_plan(tap(Route.START), held.plan_id)),) for held in ex.visit.memberships
    )
    ex.offer(Card((line(bold(say("plans.title"))), *roles, *elsewhere_lines(ex)), rows or ((home_button(say),),)))


def offer_elsewhere(ex: Exchange, find: Callable[[Exchange], Button | None]) -> bool:
    """Offer what is found in this person's other plans, each under its plan's name. False if nothing is."""
    here, titles = ex.visit.membership, ex.unit.plans.titles(ex.language) if ex.visit.is_in_several else {}
    lines, rows = [], []
    for held in ex.visit.memberships:
        on = held.today(ex.now)
        if held == here or not held.is_held(on) or held.has_agency_left(on):
            continue
        ex.visit.membership = held
        if (found := find(ex)) is not None:
            lines.append(line(ex.say("plans.of", plan=titles[held.plan_id])))
            rows.append((found._replace(tap=in_plan(found.tap, held.plan_id)),))
    ex.visit.membership = here
    if rows:
        ex.offer(Card(tuple(lines), (*rows, (home_button(ex.say),))))
    return bool(rows)


def plans_rows(ex: Exchange) -> tuple[tuple[Button, ...], ...]:
    """Return the row of a first screen that leads to one's other plans. Nothing for somebody in one plan."""
    return ((Button(ex.say("plans.title"), tap(Route.PLANS)),),) if ex.visit.is_in_several else ()


def elsewhere_lines(ex: Exchange) -> Iterator[Line]:
    """Say how much is left to report in each of this person's other plans."""
    titles = ex.unit.plans.titles(ex.language) if ex.visit.is_in_several else {}
    for held, due in ex.due_elsewhere().items():
        yield line(ex.say("plans.left", plan=titles[held.plan_id], n=len(due)))
