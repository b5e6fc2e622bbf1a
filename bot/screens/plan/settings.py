"""The plan's settings, under /ajustes: the list, one setting, a new value.

A secretariat moves and gets another telephone number: an admin changes it in the chat.
"""

from functools import partial

from bot.acts.plan.settings import change
from bot.chat.exchange import Denied, Exchange
from conversations.card import Button, Card, Line, bold, home_button, italic, line
from conversations.languages import language_name
from conversations.routes import Route, awaiting, tap
from conversations.wording import Wording
from storage.plan.settings import SETTINGS, Setting, find


def settings(ex: Exchange, name: str, value: str) -> None:
    """The plan's settings: the list, one setting, or a new value of it."""
    if not name:
        _list_settings(ex)
        return
    setting = _setting(name)
    if value:
        _decide(ex, setting, setting.default if value == "default" else value)
    else:
        _show_setting(ex, setting)


def _list_settings(ex: Exchange) -> None:
    say = ex.say
    lines: list[Line] = [line(bold(say("settings.title")))]
    rows: list[tuple[Button, ...]] = []
    for setting in SETTINGS:
        shown = shown_value(say, setting, ex.unit.settings.text(ex.membership.plan_id, setting))
        lines.append(line("• ", f"{say(f'settings.{setting.name}')}{say.colon}", bold(shown)))
        rows.append((Button(say(f"settings.{setting.name}"), tap(Route.SETTING, setting.name)),))
    lines += [line(""), line(italic(say("settings.not_here")))]
    rows.append((Button(say("nav.back"), tap(Route.PREFERENCES)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def _show_setting(ex: Exchange, setting: Setting, *, is_again: bool = False) -> None:
    say, to = ex.say, partial(tap, Route.SETTING, setting.name)
    kept = ex.unit.settings.text(ex.membership.plan_id, setting)
    lines: list[Line] = [
        line(bold(say(f"settings.{setting.name}")), say.colon, shown_value(say, setting, kept)),
        line(say(f"settings.{setting.name}.what")),
    ]
    rows: list[tuple[Button, ...]] = []
    match setting.kind:
        case "yes_no":
            rows.append(tuple(Button(say(f"settings.{each}"), to(each)) for each in ("yes", "no")))
        case "choice":
            rows += [(Button(shown_value(say, setting, each), to(each)),) for each in setting.choices]
        case "number":
            lines.append(line(italic(say("settings.type_number", least=setting.least, most=setting.most))))
        case "text":
            lines.append(line(italic(say("settings.type_text", most=setting.most))))
    if kept != setting.default:
        rows.append((Button(say("settings.back_to_default"), to("default")),))
    rows.append((Button(say("nav.back"), tap(Route.SETTING)),))
    if is_again:
        lines.insert(0, line(say("settings.no_value")))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits=awaiting(Route.SETTING, setting.name) if setting.kind in ("number", "text") else "")


def hear(ex: Exchange, name: str, text: str) -> None:
    setting = _setting(name)
    if setting.read(text) is None:
        _show_setting(ex, setting, is_again=True)
    else:
        _decide(ex, setting, text)


def _decide(ex: Exchange, setting: Setting, value: str) -> None:
    try:
        change(ex.actor, setting, value)
    except ValueError:
        raise Denied from None
    ex.toast = ex.say("settings.set")
    _list_settings(ex)


def _setting(name: str) -> Setting:
    found = find(name)
    if found is None:
        raise Denied
    return found


def shown_value(say: Wording, setting: Setting, kept: str) -> str:
    """A setting's value as people read it."""
    if not kept:
        return say(f"settings.{setting.name}.default")
    if setting.kind == "yes_no":
        return say(f"settings.{kept}")
    return language_name(kept)
