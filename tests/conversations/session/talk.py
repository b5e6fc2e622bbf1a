"""An officer's conversation about a shipped form: answer, see, answer. The session is read back before every turn."""

import json
from datetime import UTC, datetime

from conversations.authoring.xlsform import read_xlsform
from conversations.card import plain
from conversations.session import engine
from conversations.session.cards.session_card import session_card
from conversations.session.effects import Effect, Reject
from conversations.session.engine import Given
from conversations.session.events import (
    Event,
    Offered,
    Tap,
    Typed,
)
from conversations.session.session import Session
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from tests import ROOT
from tests.conversations.lists import LISTS

FORMS = ROOT / "conversations" / "forms"
NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)

PREVIOUS = {
    "status": "in_progress",
    "progress": "12",
    "progress_final": "12",
    "qty_done": "40",
    "next_step": "Convocar",
}

_COMPILED: dict[str, Form] = {}


def compiled(name: str) -> Form:
    if name not in _COMPILED:
        _COMPILED[name] = read_xlsform((FORMS / f"{name}.xlsx").read_bytes(), f"{name}.xlsx", media=LISTS).form
    return _COMPILED[name]


class Talk:
    """One officer's session; every turn goes through JSON, as between two processes."""

    def __init__(
        self,
        name: str = "activity_report",
        *,
        code: str = "PRE-102",
        restricted: bool = False,
        previous: dict[str, str] | None = None,
        language: str = "es",
        values: dict[str, str] | None = None,
        answers: dict[str, str] | None = None,
    ) -> None:
        self.form = compiled(name)
        filled = {
            "agency": "MINERD",
            "activity": code,
            "period": "201809",
            "prev_progress": (previous or {}).get("progress_final", "0"),
            "restricted": "yes" if restricted else "no",
        }
        self.taken = engine.begin(
            self.form,
            Filling("uuid:test", NOW, "America/Santo_Domingo", language),
            Given(
                values=values if values is not None else filled,
                previous=previous or {},
                about={"code": code, "name": {"es": "Jornadas"}, "due_on": "2020-06-30"},
                restricted=restricted,
                answers=answers or {},
            ),
        )
        self.messages = 100
        self.taps = 0

    @property
    def session(self) -> Session:
        return self.taken.session

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.taken.effects

    def happen(self, event: Event) -> "Talk":
        stored = Session.from_json(json.loads(json.dumps(self.session.to_json())))
        assert stored == self.session
        self.taken = engine.step(self.form, stored, event, now=NOW)
        return self

    def tap(self, text: str) -> "Talk":
        """Press the button that says this, as somebody who reads the card does."""
        self.taps += 1
        for row in self.card.rows:
            for button in row:
                if button.text == text or text in button.text:
                    _, action, argument = (
                        button.tap.split(":", 2) if button.tap.count(":") > 1 else (*button.tap.split(":"), "")
                    )
                    return self.happen(Tap(self.session.turn, action, argument))  # type: ignore[arg-type]
        raise AssertionError(f"no button {text!r} on {[b.text for r in self.card.rows for b in r]}")

    def say(self, text: str) -> "Talk":
        self.messages += 1
        return self.happen(Typed(text, self.messages))

    def send_photo(self, unique_id: str = "u1", *, size: int = 1000, album: str = "") -> "Talk":
        self.messages += 1
        return self.happen(Offered("photo", "f1", unique_id, "photo.jpg", "image/jpeg", size, album, self.messages))

    def send_document(self, mime: str = "application/pdf", name: str = "acta.pdf", unique_id: str = "u2") -> "Talk":
        self.messages += 1
        return self.happen(Offered("document", "f2", unique_id, name, mime, 1000, "", self.messages))

    @property
    def card(self):  # type: ignore[no-untyped-def]
        return session_card(self.form, self.session, self.taken.instance, now=NOW)

    @property
    def text(self) -> str:
        return plain(self.card)

    @property
    def at(self) -> str:
        return self.session.at.rpartition("/")[2]

    @property
    def answers(self) -> dict[str, str]:
        return {ref.rpartition("/")[2]: value for ref, value in self.taken.instance.answers().items()}

    def rejection(self) -> str:
        return next((effect.message for effect in self.effects if isinstance(effect, Reject)), "")

    def has(self, kind: type[Effect]) -> bool:
        return any(isinstance(effect, kind) for effect in self.effects)
