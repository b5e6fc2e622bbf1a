"""A screen as plain data: lines of styled text and rows of buttons.

There is no Telegram here: `bot/telegram/render.py` turns a card into a call. Texts are plain characters, some of them
spans with a style, and only the renderer knows how a style is written. So nothing that a person typed can act as markup
(S7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from conversations.routes import NO_TAP, ButtonTap, Route, tap
from conversations.wording import Wording

T = TypeVar("T")

BUTTON_LIMIT = 30
"""Characters that fit a button on a cheap phone."""
NAME_LIMIT = 40
"""Characters of a button that carries a name: a person's, a file's, a form's."""
LABEL_LIMIT = 64
"""Characters of a choice's label. Its author wrote it, and it may take two lines."""

LEADING = " ,;:·(«-–\N{NO-BREAK SPACE}"
"""Signs that lead to what follows: before "…" they lead nowhere."""

Style = Literal["bold", "italic", "code"]
Tone = Literal["", "primary", "success", "danger"]


# A card has dozens of these. A frozen dataclass takes four times as long to be made as a named tuple.
class Span(NamedTuple):
    """A text with a style. Text without a style is a `str`."""

    text: str
    style: Style


Line = tuple[str | Span, ...]


class Button(NamedTuple):
    """A button. `tap` is made by `form_tap` for the form on the card, and by `tap` for a route.

    A button that the phone itself answers has no tap: it `copies` a text, or `opens` an address.
    """

    text: str
    tap: ButtonTap = NO_TAP
    tone: Tone = ""
    copies: str = ""
    opens: str = ""


class SharedRow(tuple[Button, ...]):
    """A row of a form's buttons, without tones, that is the same for everybody who is shown it.

    It holds nothing of anybody's answers, so how it is drawn may be kept.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of the form that is shown with a card. `caption` is the choice that it belongs to."""

    name: str
    caption: str = ""


class Card(NamedTuple):
    lines: tuple[Line, ...]
    rows: tuple[tuple[Button, ...], ...] = ()
    asks_place: str = ""
    """The text of a button that shares the phone's location. Such a card has a reply keyboard of `words`."""
    words: tuple[str, ...] = ()
    media: tuple[Medium, ...] = ()
    """The files of the question and its choices. They are sent before the card."""


def line(*parts: str | Span) -> Line:
    return parts


def bold(text: str) -> Span:
    return Span(text, "bold")


def italic(text: str) -> Span:
    return Span(text, "italic")


def paragraph(text: str) -> tuple[Line, ...]:
    return tuple(line(part) for part in text.strip().split("\n"))


def unstyled(parts: Line) -> str:
    """The text of a line without its styles."""
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def plain(card: Card) -> str:
    """The card's text without styles, as the terminal shows it."""
    return "\n".join(map(unstyled, card.lines))


def in_rows(buttons: Sequence[Button], width: int) -> list[tuple[Button, ...]]:
    """Put so many buttons into each row."""
    return [tuple(buttons[at : at + width]) for at in range(0, len(buttons), width)]


def page_of(found: Sequence[T], page: int, length: int) -> tuple[Sequence[T], int | None]:
    """Return what a page lists, and the number of the page behind it: behind the last one, the first.

    None if there is only one.
    """
    pages = max(1, -(-len(found) // length))
    at = page % pages
    return found[at * length : (at + 1) * length], (at + 1) % pages if pages > 1 else None


def cut(text: str, limit: int = NAME_LIMIT) -> str:
    """Cut a text to `limit` characters, at a word's end. "…" stands for the rest."""
    return text if len(text) <= limit else abridged(text, limit - 1)


def abridged(text: str, length: int) -> str:
    """Return the whole words among the first `length` characters of a longer text, and "…".

    A word that takes more than half of them is cut, and so is a text that is written without blanks.
    """
    kept = text[:length]
    if not (kept[-1:].isspace() or text[length].isspace()):
        end = max((at for at, letter in enumerate(kept) if letter.isspace()), default=0)
        kept = kept[:end] if end >= length // 2 else kept
    return f"{kept.rstrip().rstrip(LEADING).rstrip() or kept}…"


def line_card(text: str, say: Wording, *, anew: bool = False) -> Card:
    """One line, and the button to the first screen."""
    return Card((line(text),), ((home_button(say, anew=anew),),))


def home_button(say: Wording, *, anew: bool = False) -> Button:
    """The button to the first screen. With `anew`, that screen is sent below, and this message stays as it is."""
    return Button(say("menu.home"), tap(Route.HOME, "new") if anew else tap(Route.HOME))
