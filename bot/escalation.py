"""Two periods in a row without closing: a letter to the head of the institution, drafted here and sent by a person.

A machine that writes to a minister has taken somebody's place (DOMAIN §5.3, step 6). So the bot counts, proposes a
phone call first, and shows a text to copy; whether it goes out, and on whose paper, is the coordinator's to decide.
"""

from bot.exchange import Denied, Exchange, number_of
from conversations.cards import Button, Card, Line, bold, line, paragraph
from conversations.monitoring import PLENARY
from conversations.plan import AGENCY_ROLES, Agency, ReportingPeriod, period_name, translated
from storage.errors import NotFound

ACTS = (("draft", "escalate.draft"), ("call", "escalate.call"), ("later", "escalate.later"))
PAGE = "p"
"""Stands where a code would, for a page of the list; no agency is called that."""
LISTED = 8
CODES = 12
"""Activities named in a letter; the rest is a number."""


def escalate(ex: Exchange, argument: str) -> None:
    """What can be done about an agency that has let periods pass: see the draft, call first, leave it for now.

    Without one, all of them.
    """
    code, _, act = argument.partition(".")
    if not code or code == PAGE:
        _list(ex, number_of(act or "0"))
        return
    try:
        agency = ex.unit.plans.agency(ex.membership.plan_id, code)
    except NotFound:
        raise Denied from None
    say, home = ex.say, (Button(ex.say("menu.home"), "command:menu:"),)
    passed = ex.unit.schedule.passed(ex.membership.plan_id, code, ex.today)
    if len(passed) < 2:
        ex.show(Card((line(say("escalate.none", agency=code)),), (home,)))
    elif act == "draft":
        back = (Button(say("escalate.call"), f"command:oficio:{code}.call"),)
        ex.show(Card((*paragraph(_letter(ex, agency, passed)), line(""), line(say("escalate.copy"))), (back, home)))
    elif act == "call":
        names = [
            who.name
            for who in ex.unit.schedule.recipients(ex.membership.plan_id)
            if who.agency_code == code and who.role in AGENCY_ROLES
        ]
        text = (
            say("escalate.who", agency=code, names=", ".join(names)) if names else say("escalate.nobody", agency=code)
        )
        ex.show(Card((line(text),), ((Button(say("escalate.draft"), f"command:oficio:{code}.draft"),), home)))
    elif act == "later":
        ex.unit.schedule.put_letter_off(ex.membership.plan_id, code, passed, ex.now)
        ex.show(Card((line(say("escalate.postponed", agency=code)),), (home,)))
    else:
        rows = ((Button(say(key), f"command:oficio:{code}.{name}"),) for name, key in ACTS)
        ex.show(Card((line(say("coord.escalate", agency=code, n=len(passed))),), (*rows, home)))
    ex.stand(None)


def _list(ex: Exchange, page: int) -> None:
    """Everybody who has let so many pass, the longest rows first, each a tap from a draft, put off or not."""
    say, passed = ex.say, ex.unit.schedule.all_passed(ex.membership.plan_id, ex.today)
    put_off = ex.unit.schedule.letters_put_off(ex.membership.plan_id, passed)
    home = (Button(say("menu.home"), "command:menu:"),)
    pages = max(1, -(-len(passed) // LISTED))
    shown = list(passed)[page % pages * LISTED : (page % pages + 1) * LISTED]
    key = "escalate.all" if len(passed) > 1 else "escalate.all_one" if passed else "escalate.all_none"
    lines: list[Line] = [line(bold(say(key, n=len(passed))))]
    for code in shown:
        n = len(passed[code])
        remarks = [say("remind.in_a_row" if n < PLENARY else "remind.to_plenary", n=n)]
        if code in put_off:
            remarks.append(say("escalate.put_off"))
        lines.append(line(f"• {code} · ", " · ".join(remarks)))
    buttons = [Button(say("escalate.open", agency=code), f"command:oficio:{code}") for code in shown]
    rows = [tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2)]
    if pages > 1:
        rows.append((Button(say("menu.more"), f"command:oficio:{PAGE}.{(page + 1) % pages}"),))
    ex.show(Card(tuple(lines), (*rows, home)))
    ex.stand(None)


def _letter(ex: Exchange, agency: Agency, passed: tuple[ReportingPeriod, ...]) -> str:
    """Facts and an offer, no adjectives; codes of activities, never their texts."""
    plan_id, say = ex.membership.plan_id, ex.say
    agenda = ex.unit.schedule.agenda(plan_id, ex.unit.schedule.outlook(plan_id, ex.today), ex.now, {agency.code})
    codes = [left.item.code for left in agenda.left.get(agency.code, ()) if left.period.is_open(ex.today)]
    named = ", ".join(codes[:CODES])
    has_all = not ex.unit.schedule.lacking(plan_id, agency.code, passed)
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
