"""A form without a chat: replay a script through the engine, or fill the form in the terminal."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from bot.cli.console import write_file
from bot.cli.reports.form_files import read_form
from bot.errors import Complaint
from conversations.card import Card, plain
from conversations.routes import ButtonTap, FormTap, read_tap
from conversations.session import engine
from conversations.session.cards.session_card import notices_of, session_card
from conversations.session.effects import Added, Fetch, Leave, Removed, Submit
from conversations.session.events import Event, Fetched, Offered, Tap, Typed
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.wording import wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.transcript import Script, replay


def replay_lines(file: Path, script_file: Path, mode: str) -> Iterator[str]:
    """One JSON line a step, as the reference engines write them."""
    script = _script(script_file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Complaint(f"{file}: {error.strerror}") from None
    form = read_form(file, data).form
    return (json.dumps(step, ensure_ascii=False) for step in replay(form, script, mode=mode))


def _script(file: Path) -> Script:
    try:
        return Script.model_validate_json(file.read_bytes())
    except OSError as error:
        raise Complaint(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise Complaint(f"{file} is not JSON; a script is an object with `now`, `tz` and `steps`.") from None
        raise Complaint(
            f"{file} is not a script: `now` (ISO), `tz` (IANA) and `steps`, each with `ref` and `value`."
        ) from None


def fill(form: Form, language: str, timezone: str, clock: Callable[[], datetime], *, save: Path | None = None) -> int:
    """Fill a form at the terminal: the cards of the chat, with numbers for buttons. Exit code 0 when sent."""
    begun_at = clock()
    taken = engine.begin(form, Filling("uuid:try", begun_at, timezone, language))
    steps: list[dict[str, str]] = []
    origin = 0
    while True:
        notices = notices_of(taken.effects, wording(taken.session.language))
        card = session_card(form, taken.session, taken.instance, now=clock(), notices=notices)
        buttons = [button for row in card.rows for button in row if button.text.strip() not in ("", "·")]
        _draw(card, [button.text for button in buttons])
        typer.echo("> ", nl=False, err=True)
        try:
            said = input()
        except EOFError:
            return 1
        origin += 1
        event = _event(said, [button.tap for button in buttons], taken.session, origin)
        before = taken.instance.answers()
        taken = engine.step(form, taken.session, event, now=clock())
        for fetch in taken.effects:
            if isinstance(fetch, Fetch):
                got = Fetched(taken.session.fetching, said.lstrip("@"), said.lstrip("@"))
                taken = engine.step(form, taken.session, got, now=clock())
        steps += _acts(taken) or _changes(before, taken.instance)
        if any(isinstance(effect, Submit) for effect in taken.effects):
            print(taken.instance.submission_xml())
            if save is not None:
                spoken = form.language_for(language)
                outline: dict[str, Any] = {"now": begun_at.isoformat(), "tz": timezone}
                _save(save, outline | ({"lang": spoken} if spoken else {}) | {"steps": steps})
            return 0
        if any(isinstance(effect, Leave) for effect in taken.effects):
            return 1


def _acts(taken: Step) -> list[dict[str, str]]:
    """Changes of a repeat in this step. Such a step answers nothing."""
    acts = []
    for effect in taken.effects:
        match effect:
            case Added(ref):
                acts.append({"op": "add", "ref": ref})
            case Removed(ref):
                acts.append({"op": "remove", "ref": ref})
            case _:
                pass
    return acts


def _changes(before: Mapping[str, str], instance: Instance) -> list[dict[str, str]]:
    """The answers of this step, as steps of a script: questions only, because the rest follows from them."""
    return [
        {"ref": node.ref, "value": node.value}
        for node in instance.nodes()
        if node.question.is_asked and node.question.type != "note" and node.is_relevant
        if node.value != before.get(node.ref, "")
    ]


def _save(file: Path, script: Mapping[str, Any]) -> None:
    write_file(file, json.dumps(script, ensure_ascii=False, indent=1).encode())


def _draw(card: Card, buttons: list[str]) -> None:
    for medium in card.media:
        typer.echo(f"   🖼 {medium.name} {medium.caption}".rstrip(), err=True)
    typer.echo("\n" + plain(card), err=True)
    for number, text in enumerate(buttons, 1):
        typer.echo(f"   /{number} {text}", err=True)
    for word in card.words:
        typer.echo(f"   {word}", err=True)


def _event(said: str, taps: list[ButtonTap], session: Session, origin: int) -> Event:
    """The event for a typed line: `/3` presses the third button, `@file` sends a file, anything else is typed."""
    if said.startswith("/") and said[1:].isdecimal() and 0 < int(said[1:]) <= len(taps):
        pressed = read_tap(taps[int(said[1:]) - 1])
        assert isinstance(pressed, FormTap), "the card of a form has no other buttons"
        return Tap(session.turn, pressed.action, pressed.argument)
    if said.startswith("@"):
        suffix = Path(said).suffix.lower()
        is_image = suffix in (".jpg", ".jpeg", ".png")
        mime = "image/jpeg" if is_image else "application/octet-stream"
        return Offered("photo" if is_image else "document", said, f"try-{origin}", said[1:], mime, None, "", origin)
    return Typed(said, origin)
