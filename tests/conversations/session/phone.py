"""A session and the card it shows, as somebody with a phone has them; every turn goes through JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from conversations.card import Button, Card, plain
from conversations.session import engine
from conversations.session.cards.session_card import notices_of, session_card
from conversations.session.effects import Effect, Fetch, Reject
from conversations.session.engine import Given
from conversations.session.events import Event, Fetched, Located, Offered, Tap, Typed
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.wording import wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from tests.forms import compiled

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)


COLUMNS = "type | name | label | constraint | required | parameters | appearance"


def made(rows: str, choices: Mapping[str, list[str]] | None = None, columns: str = COLUMNS) -> Form:
    """A form of these survey rows: `type | name | label | …`; lists of choice labels by name."""
    header = f"| survey |\n| | {columns} |\n"
    lines = "".join(f"| | {row.strip()} |\n" for row in rows.strip().splitlines())
    text = header + lines
    if choices:
        text += "| choices |\n| | list_name | name | label |\n"
        for of, labels in choices.items():
            text += "".join(f"| | {of} | c{number} | {label} |\n" for number, label in enumerate(labels))
    return compiled(text).form


class Phone:
    """A session and the card it shows."""

    def __init__(
        self, form: Form, language: str = "es", *, now: datetime = NOW, username: str = "", **given: Any
    ) -> None:
        self.form, self.now = form, now
        self.taken: Step = engine.begin(
            form, Filling("uuid:golden", now, "America/Santo_Domingo", language, username), Given(**given)
        )
        self.messages = 100

    @property
    def session(self) -> Session:
        return self.taken.session

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.taken.effects

    @property
    def card(self) -> Card:
        notices = notices_of(self.taken.effects, wording(self.session.language))
        return session_card(self.form, self.session, self.taken.instance, now=self.now, notices=notices)

    @property
    def buttons(self) -> list[Button]:
        return [button for row in self.card.rows for button in row]

    def happen(self, event: Event) -> Self:
        stored = Session.from_json(json.loads(json.dumps(self.session.to_json())))
        assert stored == self.session
        self.taken = engine.step(self.form, stored, event, now=self.now)
        for effect in self.taken.effects:
            if isinstance(effect, Fetch):
                self.fetch(effect)
        return self

    def fetch(self, wanted: Fetch) -> None:
        """A file arrives as soon as it is wanted."""
        self.happen(Fetched(wanted.unique_id, "evidence-1", wanted.name))

    def tap(self, tap: str) -> Self:
        """Press the button that does this; it must be on the card."""
        assert tap in [button.tap for button in self.buttons], (tap, self.buttons)
        _, action, argument = [*tap.split(":", 2), ""][:3]
        return self.happen(Tap(self.session.turn, action, argument))  # type: ignore[arg-type]

    def press(self, text: str) -> Self:
        return self.tap(next(button.tap for button in self.buttons if button.text == text))

    def locate(self, latitude: float, longitude: float, accuracy: float | None = None) -> Self:
        self.messages += 1
        return self.happen(Located(latitude, longitude, accuracy, self.messages))

    def rejection(self) -> str:
        return next((effect.message for effect in self.taken.effects if isinstance(effect, Reject)), "")

    def has(self, kind: type[Effect]) -> bool:
        return any(isinstance(effect, kind) for effect in self.taken.effects)

    @property
    def at(self) -> str:
        """The last two parts of where it stands."""
        return "/".join(self.session.at.split("/")[-2:])

    @property
    def text(self) -> str:
        return plain(self.card)

    @property
    def answers(self) -> dict[str, str]:
        """Without what every form has."""
        given = self.taken.instance.answers()
        return {ref.partition("/")[2].partition("/")[2]: v for ref, v in given.items() if "/meta/" not in ref}

    def say(self, text: str) -> Self:
        self.messages += 1
        return self.happen(Typed(text, self.messages))

    def answer(self, value: str) -> Self:
        """Answer the question shown, as one would: by button where there is one."""
        node = self.taken.instance.node(self.session.at)
        match node.question.type:
            case "select_one":
                names = [choice.value for choice in self.taken.instance.choices(node)]
                return self.tap(f"form:pick:{names.index(value)}")
            case "select_multiple":
                names = [choice.value for choice in self.taken.instance.choices(node)]
                for name in value.split():
                    self.tap(f"form:on:{names.index(name)}")
                return self.tap("form:done")
            case "acknowledge":
                return self.tap("form:pick:0")
            case "image" | "file":
                self.messages += 1
                is_photo = node.question.type == "image"
                mime = "image/jpeg" if is_photo else "application/pdf"
                kind: Any = "photo" if is_photo else "document"
                return self.happen(Offered(kind, "f", f"u{self.messages}", "acta.pdf", mime, 9, "", self.messages))
            case _:
                return self.say(value)


def drawn(card: Card) -> str:
    rows = ["".join(f"[ {button.text} ]" for button in row) for row in card.rows]
    if card.asks_place:
        rows = [f"( {card.asks_place} )", "".join(f"( {word} )" for word in card.words)]
    return "\n".join([plain(card), *rows])
