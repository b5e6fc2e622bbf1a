"""/receptores: an admin sets up receivers of events on a phone.

People paste the address. It may be a secret itself, so the message with it is deleted. The secret of the signature is
shown once, on a card that cannot be forwarded and that leaves the chat again.
"""

from collections.abc import Collection
from functools import partial

from bot.acts.sharing import receivers as acts
from bot.acts.sharing.addresses import BadAddress
from bot.chat.exchange import Exchange, existing, number_of
from conversations.card import Button, Card, Line, Span, bold, cut, home_button, italic, line
from conversations.dates import day_and_hour
from conversations.plan.sharing.events import kinds_for, packed, unpacked
from conversations.plan.sharing.export_request import AUDIENCES
from conversations.routes import Route, Taps, tap
from storage.errors import Conflict, NotFound
from storage.messages.endpoints import MOST, STATES, StoredDelivery, StoredEndpoint

LATEST, LISTED = 3, 8
"""Deliveries on a receiver's own screen, and on a page of them."""
SHAPES = {"waiting": "⏳", "delivered": "✅", "dead": "⛔"}


# ------------------------------------------------------------------ looking
def receivers(ex: Exchange) -> None:
    """All receivers of the plan and their state."""
    say, plan_id = ex.say, ex.membership.plan_id
    found, counted = ex.unit.endpoints.all(plan_id), ex.unit.event_deliveries.counts(plan_id)
    gone = ex.unit.event_deliveries.gone(plan_id)
    lines: list[Line] = [line(bold(say("receivers.title", n=len(found))))]
    for one in found:
        lines.append(line(bold(one.host), f" · {_audience(ex, one)} · {_state(ex, one, counted, gone)}"))
    lines.append(line(italic(say("receivers.what"))))
    rows = [(Button(cut(f"{one.id} · {one.host}"), tap(Route.RECEIVER, one.id)),) for one in found]
    rows.append((Button(say("receivers.new"), tap(Route.RECEIVER, "new"), "primary"),))
    rows.append((home_button(say),))
    ex.answer(Card(tuple(lines), tuple(rows)))


def receiver(ex: Exchange, which: int | str, act: str, more: str) -> None:
    """Show one receiver, or do an act on it. `act` "new" asks for one.

    `more` confirms an act, or holds a choice of kinds, a delivery, or where a page of deliveries begins.
    """
    if isinstance(which, str):
        _ask(ex, act, more)
        return
    try:
        found = ex.unit.endpoints.get(ex.membership.plan_id, which)
    except NotFound:
        receivers(ex)  # somebody has removed it; the button is older
        return
    match act:
        case "test":
            acts.ask_for_ping(ex.actor, ex.telegram_id, found)
            _show(ex, found, ex.say("receivers.trying"))
        case "pause":
            acts.pause(ex.actor, found)
            _show(ex, _again(ex, found))
        case "resume":
            acts.resume(ex.actor, found)
            _show(ex, _again(ex, found))
        case "replay":
            count = acts.replay(ex.actor, found, [number_of(more)] if more else None)
            _show(ex, found, ex.say("receivers.replayed", n=count))
        case "kinds":
            _choose(ex, found, unpacked(more, found.audience) or found.kinds)
        case "tell":
            acts.choose(ex.actor, found, unpacked(more, found.audience) or found.kinds)
            _show(ex, _again(ex, found))
        case "told" | "dead":
            _list(ex, found, act, number_of(more) if more else None)
        case "remove" if more == "yes":
            acts.remove(ex.actor, found)
            receivers(ex)
        case "remove":
            _warn(ex, found)
        case _:
            _show(ex, found)


def _again(ex: Exchange, found: StoredEndpoint) -> StoredEndpoint:
    return ex.unit.endpoints.get(ex.membership.plan_id, found.id)


def _show(ex: Exchange, found: StoredEndpoint, first: str = "") -> None:
    say, to = ex.say, partial(tap, Route.RECEIVER, found.id)
    counted, gone = ex.unit.event_deliveries.counts(found.plan_id), ex.unit.event_deliveries.gone(found.plan_id)
    dead = counted.get((found.id, "dead"), 0)
    lines: list[Line] = [line(first)] if first else []
    lines += [
        line(bold(found.host), f" · {_audience(ex, found)} · {_state(ex, found, counted, gone)}"),
        *([line(say("receivers.gone", host=found.host))] if _is_off(found, gone) else []),
        line(say("receivers.told_of", kinds=", ".join(say(f"event.{kind}") for kind in found.kinds))),
        line(say("receivers.counts", **_numbers(found, counted))),
    ]
    latest = ex.unit.event_deliveries.latest(found, limit=LATEST)
    lines += [line(italic(say("receivers.latest")))] if latest else []
    lines += [line(_told(ex, one)) for one in latest]
    pause = Button(say("receivers.pause"), to("pause"))
    if found.paused_at is not None:
        pause = Button(say("receivers.resume"), to("resume"), "success")
    rows: list[tuple[Button, ...]] = [
        (Button(say("receivers.test"), to("test"), "primary"), pause),
        (Button(say("receivers.kinds"), to("kinds")),),
    ]
    if latest:
        rows.append((Button(say("receivers.all"), to("told")),))
    if dead:
        rows.append((Button(say("receivers.dead", n=dead), to("dead")),))
    rows.append((Button(say("receivers.remove"), to("remove"), "danger"),))
    rows.append((Button(say("nav.back"), tap(Route.RECEIVERS)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _audience(ex: Exchange, found: StoredEndpoint) -> str:
    return ex.say(f"export.audience.{found.audience}")


def _numbers(found: StoredEndpoint, counted: dict[tuple[int, str], int]) -> dict[str, int]:
    return {state: counted.get((found.id, state), 0) for state in SHAPES}


def _is_off(found: StoredEndpoint, gone: Collection[int]) -> bool:
    """Whether a receiver is paused because it said that it is gone."""
    return found.paused_at is not None and found.id in gone


def _state(ex: Exchange, found: StoredEndpoint, counted: dict[tuple[int, str], int], gone: Collection[int]) -> str:
    """Name the worst trouble of a receiver in a word or two."""
    say, numbers = ex.say, _numbers(found, counted)
    if _is_off(found, gone):
        return f"{SHAPES['dead']} {say('receivers.state.gone')}"
    if numbers["dead"]:
        return f"{SHAPES['dead']} {say('receivers.state.dead', n=numbers['dead'])}"
    if found.paused_at is not None:
        return f"⏸ {say('receivers.state.paused')}"
    if numbers["waiting"]:
        return f"{SHAPES['waiting']} {say('receivers.state.waiting', n=numbers['waiting'])}"
    return f"{SHAPES['delivered']} {say('receivers.state.on')}"


def _list(ex: Exchange, found: StoredEndpoint, which: str, before: int | None) -> None:
    """The events that the receiver got or could not get, the newest first. Dead ones can be sent again, one or all."""
    say, to = ex.say, partial(tap, Route.RECEIVER, found.id)
    states = STATES if which == "told" else (which,)
    page = ex.unit.event_deliveries.latest(found, states=states, limit=LISTED + 1, before=before)
    shown = page[:LISTED]
    lines: list[Line] = [line(bold(say(f"receivers.list.{which}", host=found.host)))]
    lines += [line(_told(ex, one)) for one in shown] or [line(say("receivers.list.none"))]
    dead = [one for one in shown if one.state == "dead"]
    rows: list[tuple[Button, ...]] = [
        (Button(say("receivers.again", what=_what(ex, one)), to("replay", one.id)),) for one in dead
    ]
    if count := ex.unit.event_deliveries.counts(found.plan_id).get((found.id, "dead"), 0):
        rows.append((Button(say("receivers.replay", n=count), to("replay"), "primary"),))
    if len(page) > LISTED:
        rows.append((Button(say("audit.older"), to(which, shown[-1].id)),))
    rows.append((Button(say("nav.back"), to()), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _what(ex: Exchange, one: StoredDelivery) -> str:
    """The subject of an event in a few words: a report's receipt, a period, or the kind of the event."""
    if "receipt" in one.data:
        return ex.say("receivers.receipt", receipt=f"{one.data['receipt']:04d}")
    return str(one.data.get("period") or one.data.get("agency") or ex.say(f"event.{one.kind}"))


def _told(ex: Exchange, one: StoredDelivery) -> str:
    """Return one line: the event, what it is about, its time, and the receiver's answer."""
    when = day_and_hour(one.at, ex.zone, ex.language)
    why = ex.say(f"event.why.{one.reason}", status=one.status or "–") if one.reason else ""
    kind = ex.say(f"event.{one.kind}")
    what = _what(ex, one)
    return " · ".join(filter(None, (f"{SHAPES[one.state]} {kind}", what if what != kind else "", when, why)))


def _warn(ex: Exchange, found: StoredEndpoint) -> None:
    waiting = _numbers(found, ex.unit.event_deliveries.counts(found.plan_id))["waiting"]
    rows = (
        (Button(ex.say("receivers.remove_yes"), tap(Route.RECEIVER, found.id, "remove", "yes"), "danger"),),
        (Button(ex.say("nav.back"), tap(Route.RECEIVER, found.id)),),
    )
    ex.answer(Card((line(ex.say("receivers.remove_sure", host=found.host, n=waiting)),), rows))


# ------------------------------------------------------------------ of what it is told
def _choices(ex: Exchange, audience: str, chosen: Collection[str], to: Taps) -> list[tuple[Button, ...]]:
    """A button for each kind of event: it adds the kind or leaves it out. The last kind cannot be left out."""
    rows: list[tuple[Button, ...]] = []
    for kind in kinds_for(audience):
        is_in = kind in chosen
        after = [each for each in chosen if each != kind] if is_in else [*chosen, kind]
        rows.append((Button(f"{'✅' if is_in else '▫️'} {ex.say(f'event.{kind}')}", to(packed(after or chosen))),))
    return rows


def _choose(ex: Exchange, found: StoredEndpoint, chosen: Collection[str]) -> None:
    """Show the chosen kinds. Nothing changes until they are kept."""
    say, to = ex.say, partial(tap, Route.RECEIVER, found.id)
    rows = _choices(ex, found.audience, chosen, partial(to, "kinds"))
    rows.append((Button(say("receivers.keep"), to("tell", packed(chosen)), "success"),))
    rows.append((Button(say("nav.back"), to()), home_button(say)))
    ex.answer(Card((line(say("receivers.ask_kinds", host=found.host)),), tuple(rows)))


# ------------------------------------------------------------------ a new one
def _ask(ex: Exchange, audience: str, choice: str = "", refused: str = "") -> None:
    """Ask for the receiver's audience, then for its address and the kinds of events."""
    say = ex.say
    if len(ex.unit.endpoints.all(ex.membership.plan_id)) >= MOST:
        _say_full(ex)
        return
    if audience not in AUDIENCES:
        lines = [line(say("receivers.ask_audience"))]
        lines += [
            line(f"• {say(f'export.audience.{each}')}{say.colon}{say(f'receivers.for.{each}')}") for each in AUDIENCES
        ]
        buttons = [(Button(say(f"export.audience.{each}"), tap(Route.RECEIVER, "new", each)),) for each in AUDIENCES]
        ex.answer(Card(tuple(lines), (*reversed(buttons), (Button(say("nav.back"), tap(Route.RECEIVERS)),))))
        return
    lines = [line(refused)] if refused else []
    lines.append(line(say("receivers.ask_url", audience=say(f"export.audience.{audience}"))))
    lines.append(line(say("receivers.new_kinds")))
    chosen = unpacked(choice, audience) or kinds_for(audience)
    rows = _choices(ex, audience, chosen, partial(tap, Route.RECEIVER, "new", audience))
    rows.append((Button(say("nav.back"), tap(Route.RECEIVERS)),))
    ex.ask(Card(tuple(lines), tuple(rows)), Route.RECEIVER, "new", audience, packed(chosen))


def hear(ex: Exchange, _: str, audience: str, choice: str, text: str) -> None:
    """Read the pasted address."""
    if ex.typed_message_id is not None:
        ex.delete(ex.typed_message_id)
    try:
        chosen = unpacked(choice, audience) or kinds_for(audience)
        made, secret, news = acts.add(ex.actor, text, audience=audience, kinds=chosen, reach=ex.house.reach)
    except BadAddress as refused:
        _ask(ex, audience, choice, ex.say(f"receivers.refused.{refused.why}"))
        return
    except Conflict:
        _say_full(ex)
        return
    ex.pass_on(news)
    _show_secret(ex, made, secret)
    ex.forget_card()
    _show(ex, made)


def _show_secret(ex: Exchange, made: StoredEndpoint, secret: str) -> None:
    lines = (line(ex.say("receivers.secret", host=made.host)), (Span(secret, "code"),))
    ex.show(Card(lines), anew=True, restricted=True, is_last=True)


def _say_full(ex: Exchange) -> None:
    ex.answer(Card((line(ex.say("receivers.full", n=MOST)),), ((Button(ex.say("nav.back"), tap(Route.RECEIVERS)),),)))


# ------------------------------------------------------------------ tried
def show_tried(ex: Exchange, endpoint_id: int, reason: str, status: int | None) -> None:
    """Show how a receiver answered a ping."""
    found = existing(ex.unit.endpoints.get, ex.membership.plan_id, endpoint_id)
    if reason:
        told = ex.say("receivers.failed", why=ex.say(f"event.why.{reason}", status=status or "–"))
    else:
        told = ex.say("receivers.works", status=status or "–")
    _show(ex, found, told)
