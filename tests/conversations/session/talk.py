"""An officer's conversation about a shipped form: answer, see, answer. The session is read back before every turn."""

from typing import Self

from conversations.session.effects import Fetch
from conversations.session.events import Offered
from tests.conversations.session.phone import Phone
from tests.forms import shipped

PREVIOUS = {
    "status": "in_progress",
    "progress": "12",
    "progress_final": "12",
    "qty_done": "40",
    "next_step": "Convocar",
}


class Talk(Phone):
    """One officer's session about a shipped form, who presses the buttons by their words."""

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
        filled = {
            "agency": "MINERD",
            "activity": code,
            "period": "201809",
            "prev_progress": (previous or {}).get("progress_final", "0"),
            "restricted": "yes" if restricted else "no",
        }
        super().__init__(
            shipped(name).form,
            language,
            values=values if values is not None else filled,
            previous=previous or {},
            about={"code": code, "name": {"es": "Jornadas"}, "due_on": "2020-06-30"},
            restricted=restricted,
            answers=answers or {},
        )
        self.taps = 0

    def fetch(self, wanted: Fetch) -> None:
        """A file arrives when the test says so."""

    def tap(self, text: str) -> Self:
        """Press the button that says this, as somebody who reads the card does."""
        self.taps += 1
        found = next((button.tap for button in self.buttons if text in button.text), None)
        assert found is not None, (text, self.buttons)
        super().tap(found)
        return self

    def send_photo(self, unique_id: str = "u1", *, size: int = 1000, album: str = "") -> Self:
        self.messages += 1
        return self.happen(Offered("photo", "f1", unique_id, "photo.jpg", "image/jpeg", size, album, self.messages))

    def send_document(self, mime: str = "application/pdf", name: str = "acta.pdf", unique_id: str = "u2") -> Self:
        self.messages += 1
        return self.happen(Offered("document", "f2", unique_id, name, mime, 1000, "", self.messages))

    @property
    def at(self) -> str:
        return self.session.at.rpartition("/")[2]

    @property
    def answers(self) -> dict[str, str]:
        return {ref.rpartition("/")[2]: value for ref, value in self.taken.instance.answers().items()}
