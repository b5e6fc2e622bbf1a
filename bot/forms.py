"""Forms on the command line: read one from any of its three shapes, replay a script, fill it in the terminal."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from bot.complaint import Complaint
from conversations import engine
from conversations.cards import Card, plain, session_card
from conversations.effects import Leave, Reject, Submit
from conversations.events import Event, Fetched, Offered, Tap, TapAction, Typed
from conversations.form import Form
from conversations.session import Session
from conversations.transcript import replay
from conversations.xlsform import CheckedForm, read_xlsform


def read_form(file: Path, data: bytes) -> CheckedForm:
    """The form of an .xlsx, .md or XForm .xml file, with the files beside it as its media."""
    return read_xlsform(data, file.name, media=_beside(file))


def _beside(file: Path) -> dict[str, bytes]:
    media = {}
    for path in file.parent.iterdir():
        if path.suffix.lower() in (".csv", ".geojson", ".xml") and path != file and path.stat().st_size < 10_000_000:
            media[path.name] = path.read_bytes()
    return media


def replay_lines(file: Path, script_file: Path, mode: str) -> Iterator[str]:
    """One JSON line a step, as the reference engines write them."""
    script = _script(script_file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Complaint(f"{file}: {error.strerror}") from None
    form = read_form(file, data).form
    return (json.dumps(step, ensure_ascii=False) for step in replay(form, script, mode=mode))


def _script(file: Path) -> Any:
    try:
        script = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Complaint(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Complaint(f"{file} is not JSON; a script is an object with `now`, `tz` and `steps`.") from None
    if not isinstance(script, dict) or not all(isinstance(step, dict) for step in script.get("steps") or ()):
        raise Complaint(f"{file} is not a script: an object with `now`, `tz` and `steps`, each step an object.")
    return script


def fill(form: Form, language: str, timezone: str, clock: Callable[[], datetime], *, save: Path | None = None) -> int:
    """Fill a form at the terminal: the cards of the chat, with numbers for buttons. Exit code 0 when sent."""
    taken = engine.begin(form, instance_id="uuid:try", language=language, timezone=timezone, now=clock())
    steps: list[dict[str, str]] = []
    origin = 0
    while True:
        card = session_card(form, taken.session, taken.instance, now=clock(), notices=_notices(taken))
        buttons = [button for row in card.rows for button in row if button.text.strip() not in ("", "·")]
        _draw(card, [button.text for button in buttons])
        try:
            said = typer.prompt("", prompt_suffix="> ", default="", show_default=False)
        except typer.Abort:
            return 1
        origin += 1
        event = _event(said, [button.tap for button in buttons], taken.session, origin)
        before = taken.instance.answers()
        taken = engine.step(form, taken.session, event, now=clock())
        for fetch in taken.effects:
            if type(fetch).__name__ == "Fetch":
                got = Fetched(taken.session.fetching, said.lstrip("@"), said.lstrip("@"))
                taken = engine.step(form, taken.session, got, now=clock())
        after = taken.instance.answers()
        steps += [{"ref": ref, "value": value} for ref, value in after.items() if before.get(ref) != value]
        if any(isinstance(effect, Submit) for effect in taken.effects):
            print(taken.instance.submission_xml())
            if save is not None:
                script = {"now": clock().isoformat(), "tz": timezone, "steps": steps}
                save.write_text(json.dumps(script, ensure_ascii=False, indent=1), "utf-8")
            return 0
        if any(isinstance(effect, Leave) for effect in taken.effects):
            return 1


def _notices(taken: engine.Step) -> list[str]:
    return [effect.message for effect in taken.effects if isinstance(effect, Reject)]


def _draw(card: Card, buttons: list[str]) -> None:
    typer.echo("\n" + plain(card), err=True)
    for number, text in enumerate(buttons, 1):
        typer.echo(f"   /{number} {text}", err=True)


def _event(said: str, taps: list[str], session: Session, origin: int) -> Event:
    """`/3` presses the third button, `@file` sends a file, anything else is typed."""
    if said.startswith("/") and said[1:].isdecimal() and 0 < int(said[1:]) <= len(taps):
        _, name, argument = ([*taps[int(said[1:]) - 1].split(":", 2), "", ""])[:3]
        action: TapAction = name  # type: ignore[assignment]
        return Tap(session.turn, action, argument)
    if said.startswith("@"):
        suffix = Path(said).suffix.lower()
        is_image = suffix in (".jpg", ".jpeg", ".png")
        mime = "image/jpeg" if is_image else "application/octet-stream"
        return Offered("photo" if is_image else "document", said, f"try-{origin}", said[1:], mime, None, "", origin)
    return Typed(said, origin)
