"""The right of some observers to report indicators.

An invited organisation may be the source of an indicator. Then an admin gives one of its observers the right to report
the agency's indicators, and nothing else.
"""

from collections.abc import Collection
from functools import partial

from bot.acts.people.people import set_contributor
from bot.chat.exchange import Denied, Exchange, existing
from conversations.card import Button, Card, bold, home_button, line
from conversations.plan.model import Role
from conversations.routes import Route, tap


def contribution(ex: Exchange, person_id: int, answer: str) -> None:
    """Give an observer the right to report their agency's indicators, or take it away. Without an answer, ask."""
    plan_id, say = ex.membership.plan_id, ex.say
    person = existing(ex.unit.people.by_id, person_id)
    membership = person.membership_in(plan_id)
    if membership is None or membership.role is not Role.OBSERVER or membership.agency_id is None:
        raise Denied
    if answer:
        ex.pass_on(set_contributor(ex.actor, person, membership, answer == "yes"))
    is_contributor = answer == "yes" if answer else membership.is_contributor
    led = indicators_led(ex, membership.agency_id)
    lines = [
        line(bold(f"{person.name} · {membership.agency_code}")),
        line(say("contributor.is" if is_contributor else "contributor.is_not", codes=", ".join(led) or "–")),
    ]
    toggle = Button(
        say("contributor.end" if is_contributor else "contributor.grant"),
        tap(Route.CONTRIBUTION, person.id, "no" if is_contributor else "yes"),
    )
    ex.answer(Card(tuple(lines), ((toggle,), (home_button(ex.say),))))


def ask_right(ex: Exchange, agency: str, led: Collection[str]) -> None:
    """Ask, while inviting an observer of this agency, whether they report these indicators too."""
    to = partial(tap, Route.INVITE, Role.OBSERVER, agency)
    rows = (
        (Button(ex.say("contributor.observes"), to("observes")),),
        (Button(ex.say("contributor.reports"), to("reports")),),
        (home_button(ex.say),),
    )
    ex.answer(Card((line(ex.say("contributor.ask", codes=", ".join(led))),), rows))


def indicators_led(ex: Exchange, agency_id: int) -> tuple[str, ...]:
    """Codes of the indicators that an agency leads and somebody must report."""
    led = ex.unit.plans.indicators(ex.membership.plan_id, agency_id)
    return tuple(indicator.code for indicator in led if not indicator.is_computed)
