"""/accesos: tokens of the data door, on a phone: who may read the exports, and who no longer may.

A token opens data to anybody who holds it. So its secret is shown once, in a message that nobody can forward. The
message leaves the chat with the next screen, or after a day, and it is sealed in the outbox.
"""

from collections.abc import Sequence
from typing import Final

from bot.acts.sharing import tokens as acts
from bot.chat.exchange import Exchange, existing
from conversations.card import Button, Card, Line, Span, bold, home_button, italic, line
from conversations.dates import day_and_hour
from conversations.plan.sharing.export_request import AUDIENCES
from conversations.routes import Route, tap
from storage.errors import Conflict
from storage.people.tokens import DataToken

LISTED: Final = 10
"""Tokens on one screen: the newest."""


def tokens(ex: Exchange, act: str, which: str, answer: str) -> None:
    """Show the list of tokens, make one for an audience, try one, or revoke one."""
    if act == "new" and which in AUDIENCES:
        _make(ex, which)
    elif act == "new":
        _choose(ex)
    elif act == "test":
        _test(ex, which)
    elif act == "end":
        _end(ex, which, is_sure=bool(answer))
    else:
        _list(ex)


def _list(ex: Exchange) -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    open_ones = ex.unit.tokens.all(plan_id, only_open=True)
    reads = ex.unit.tokens.reads(plan_id)
    shown = open_ones[-LISTED:]
    lines: list[Line] = [line(bold(say("tokens.title", n=len(open_ones))))]
    lines += [line("• ", _told(ex, each, reads.get(each.prefix, 0))) for each in shown]
    lines.append(line(italic(say("tokens.how" if open_ones else "tokens.none"))))
    lines.append(line(_door(ex)))
    rows: list[tuple[Button, ...]] = [(_test_button(ex, each.prefix), _end_button(ex, each.prefix)) for each in shown]
    rows.append((Button(say("tokens.new"), tap(Route.TOKENS, "new"), "primary"),))
    _show(ex, lines, (*rows, (home_button(say),)))


def _door(ex: Exchange) -> str:
    """Say where programs can read, or why they cannot."""
    origin = ex.house.origin
    return ex.say("tokens.open", url=f"{origin}/data/v1/") if origin else ex.say("tokens.shut")


def _test_button(ex: Exchange, prefix: str) -> Button:
    return Button(ex.say("tokens.test", token=prefix), tap(Route.TOKENS, "test", prefix))


def _end_button(ex: Exchange, prefix: str) -> Button:
    return Button(ex.say("tokens.end", token=prefix), tap(Route.TOKENS, "end", prefix))


def _told(ex: Exchange, token: DataToken, reads: int) -> str:
    say, used = ex.say, token.last_used_at
    told = say(
        "tokens.row",
        token=token.prefix,
        audience=say(f"tokens.audience.{token.audience}"),
        date=day_and_hour(used, ex.zone, ex.language) if used else say("tokens.never"),
        n=reads,
    )
    return f"{told} ({token.name})" if token.name else told


def _choose(ex: Exchange) -> None:
    say = ex.say
    rows = [
        (Button(say(f"tokens.audience.{each}").capitalize(), tap(Route.TOKENS, "new", each)),) for each in AUDIENCES
    ]
    lines = [line(bold(say("tokens.for_whom"))), line(say("tokens.warning"))]
    _show(ex, lines, (*rows, (Button(say("nav.back"), tap(Route.TOKENS)), home_button(say))))


def _make(ex: Exchange, audience: str) -> None:
    say = ex.say
    try:
        made = acts.make(ex.actor, audience)
    except Conflict:
        ex.toast, ex.is_alert = say("tokens.too_many"), True
        _list(ex)
        return
    ex.return_to_tapped()
    whom = say(f"tokens.audience.{audience}")
    lines = (
        line(bold(say("tokens.made", token=made.token.prefix, audience=whom))),
        line(""),
        line(Span(made.secret, "code")),
        line(""),
        line(say("tokens.once")),
    )
    ex.answer(Card(lines, ((Button(say("tokens.kept"), tap(Route.TOKENS), "success"),),)), restricted=True)


def _named(ex: Exchange, prefix: str) -> DataToken:
    return existing(ex.unit.tokens.get, ex.membership.plan_id, prefix)


# ------------------------------------------------------------------ tried
def _test(ex: Exchange, prefix: str) -> None:
    token = _named(ex, prefix)
    if token.revoked_at is not None:
        _list(ex)
        return
    acts.ask_for_reading(ex.actor, ex.telegram_id, token)
    ex.toast = ex.say("tokens.testing")
    _list(ex)


def show_read(ex: Exchange, prefix: str, found: Sequence[tuple[str, int]]) -> None:
    """Show what a token reads at this moment, and when it was last used."""
    say, token = ex.say, _named(ex, prefix)
    reads = ex.unit.tokens.reads(token.plan_id).get(prefix, 0)
    lines: list[Line] = [line(bold(say("tokens.read", token=prefix)))]
    lines += [line(f"• {say(f'export.data.{dataset}')}{say.colon}{rows}") for dataset, rows in found]
    lines += [line(_told(ex, token, reads)), line(_door(ex))]
    ex.answer(Card(tuple(lines), ((Button(say("nav.back"), tap(Route.TOKENS)), home_button(say)),)))


# ------------------------------------------------------------------ revoked
def _end(ex: Exchange, prefix: str, *, is_sure: bool) -> None:
    say = ex.say
    token = _named(ex, prefix)
    if is_sure:
        acts.revoke(ex.actor, prefix)
        ex.toast = say("tokens.ended", token=prefix)
    if is_sure or token.revoked_at is not None:
        _list(ex)
        return
    lines = [line(bold(say("tokens.sure", token=prefix)))]
    yes = Button(say("tokens.yes"), tap(Route.TOKENS, "end", prefix, "yes"), "danger")
    _show(ex, lines, ((yes,), (Button(say("nav.back"), tap(Route.TOKENS)), home_button(say))))


def _show(ex: Exchange, lines: Sequence[Line], rows: tuple[tuple[Button, ...], ...]) -> None:
    ex.return_to_tapped()
    ex.answer(Card(tuple(lines), rows))
