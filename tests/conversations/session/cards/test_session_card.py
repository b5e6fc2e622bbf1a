"""What the phone shows, screen by screen: golden cards of the shipped forms, and what every card keeps to.

A card is read on a cheap phone by somebody in a hurry; wording is changed more often than code. So whole screens
are kept as text files, in each language, and a change of any is seen before it is sent. After a wanted change:
`pytest tests/conversations/session/cards/test_session_card.py --rewrite-golden`, and read the difference.
"""

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.card import Button, SharedRow, plain
from conversations.languages import LANGUAGES
from conversations.session.effects import Submit
from conversations.session.events import LanguageChanged, Tap
from conversations.wording import wording
from conversations.xforms.form import Form
from conversations.xforms.question_types import QUESTION_TYPES
from tests.conversations.session.cards import type_screens
from tests.conversations.session.cards.shipped_screens import (
    ANSWERS,
    BEGUN,
    walk,
)
from tests.conversations.session.phone import NOW, Phone, drawn, made
from tests.forms import shipped
from tests.golden import GOLDEN, assert_approved

WALKS = {name: partial(walk, name) for name in BEGUN} | {"types": type_screens.walk}
"""The shipped forms; and the screens that they do not have: repeats, lines, hours, steppers."""
OWN = ("form:add", "form:which", "form:confirm", "form:cancel", "form:done", "form:undo", "form:back", "form:leave")
LONGEST_BUTTON = 64
MOST_BUTTONS = 100
"""Telegram takes 100 on a message, 8 in a row."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("walked", WALKS)
def test_the_screens_are_as_they_were_approved(request: pytest.FixtureRequest, walked: str, language: str) -> None:
    """Text and buttons of each screen, in each language."""
    screens = enumerate(WALKS[walked](language), 1)
    shown = "\n\n".join(f"== {number}. {what}\n{drawn(card)}" for number, (what, card) in screens)
    assert_approved(request, GOLDEN / f"{walked}.{language}.txt", f"{shown}\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("walked", WALKS)
def test_every_screen_keeps_to_what_a_phone_can_show(walked: str, language: str) -> None:
    """Buttons at most 64 characters (the bot's own 30) and 8 in a row, 100 in all; no key, no gap, nothing blank."""
    keys = wording(language).keys()
    for what, card in WALKS[walked](language):
        buttons = [button for row in card.rows for button in row]
        assert len(buttons) <= MOST_BUTTONS, what
        assert all(0 < len(row) <= 8 for row in card.rows), what
        assert all(len(button.text) <= LONGEST_BUTTON for button in buttons), what
        own = [button.text for button in buttons if button.tap.startswith(OWN)] if walked == "types" else []
        assert all(0 < len(text) <= 30 for text in [*own, card.asks_place, *card.words] if text), what
        assert bool(buttons) != bool(card.asks_place), what
        text = drawn(card)
        assert len(text) < 4096, what
        assert not [key for key in keys if "." in key and key in text], what
        assert "{" not in text, what
        assert plain(card).strip(), what


@pytest.mark.parametrize("form_name", BEGUN)
def test_the_walk_ends_in_a_submission(form_name: str) -> None:
    """The golden screens are of a report that can be sent."""
    phone = Phone(shipped(form_name).form, "es", **BEGUN[form_name])
    for what, _ in walk(form_name, "es"):
        if what == "send_action":
            break
        node = phone.taken.instance.node(phone.session.at)
        value = ANSWERS[form_name].get(node.question.name)
        if value is None and node.question.type.startswith("select"):
            value = phone.taken.instance.choices(node)[0].value
        if value is None:
            phone.tap("form:skip")
        else:
            phone.answer(value)
    phone.answer("send")
    assert any(isinstance(effect, Submit) for effect in phone.taken.effects)


# ------------------------------------------------------------------ choices
def picks(phone: Phone) -> list[Button]:
    return [button for button in phone.buttons if button.tap.startswith(("form:pick:", "form:on:"))]


@pytest.mark.parametrize("kind", ["select_one", "select_multiple", "rank"])
@pytest.mark.parametrize("count", [1, 8, 9, 16, 20, 21, 120])
def test_many_choices_are_paged_and_very_many_are_searched(kind: str, count: int) -> None:
    """Over 8 by pages of 8, each choice on exactly one; over 20 one may type a part of the name."""
    labels = [f"Provincia número {number}" for number in range(count)]
    phone = Phone(made(f"{kind} all | q | ¿Dónde? | | yes", {"all": labels}))
    seen = [button.text.removeprefix("☐ ").removeprefix("▫️ ") for button in picks(phone)]
    assert len(seen) == min(count, 8) if count > 8 else len(seen) == count
    pages = 1
    while len(seen) < count:
        assert pages < 20
        phone.press("▶")
        pages += 1
        seen += [button.text.removeprefix("☐ ").removeprefix("▫️ ") for button in picks(phone)]
    assert seen == labels
    assert pages == (-(-count // 8) if count > 8 else 1)
    if count > 8:
        phone.press("▶")
        assert picks(phone)[0].text.endswith(labels[0])  # round and round
    if kind == "select_one":
        assert (wording("es")("form.type_to_search") in plain(phone.card)) == (count > 20)


def test_only_rows_without_an_answer_are_shared() -> None:
    """How a shared row is drawn is kept for everybody, so a row with "✓" is none: it shows somebody's answer."""
    form = made("select_one all | q | ¿Dónde? | | yes\ntext | after | ¿Qué?", {"all": ["Norte", "Sur"]})
    Phone(form)  # who comes first makes the choices
    one, other = Phone(form), Phone(form)
    assert one.card.rows[0] is other.card.rows[0]
    assert isinstance(one.card.rows[0], SharedRow)
    one.press("Sur")
    one.tap("form:back")
    assert "✓ Sur" in [button.text for button in picks(one)]
    assert not isinstance(one.card.rows[0], SharedRow)


def test_typing_finds_a_choice_among_many() -> None:
    """On whatever page it is."""
    labels = [f"Municipio {word}" for word in "abcdefghijklmnopqrstuvwxyz"]
    phone = Phone(made("select_one all | q | ¿Dónde? | | yes\ntext | after | ¿Qué?", {"all": labels}))
    phone.say("municipio t")
    assert phone.taken.instance.answers()["/data/q"] == "c19"


def test_a_long_label_still_fits_its_button() -> None:
    """Telegram cuts it without a mark; so we do it first, with one. In the list of answers too."""
    label = "Dirección General de Prevención y Atención a la Violencia Intrafamiliar " * 3
    for kind in ("select_one", "select_multiple", "rank"):
        phone = Phone(made(f"{kind} all | q | ¿Cuál de ellas? {label} | | yes", {"all": [label, "Otra"]}))
        assert all(len(button.text) <= LONGEST_BUTTON for button in phone.buttons)
        assert picks(phone)[0].text.endswith("…")
        phone.tap("form:pick:0") if kind == "select_one" else phone.tap("form:on:0")
        assert all(len(button.text) <= LONGEST_BUTTON for button in phone.buttons)


def test_a_long_form_can_still_be_corrected() -> None:
    """The list of answers never has more buttons than Telegram takes; each answer is on one of its pages."""
    form = made("\n".join(f"integer | q{number} | Pregunta {number}" for number in range(130)))
    phone = Phone(form)
    for _ in range(130):
        phone.say("3")
    phone.tap("form:list")
    assert len(phone.buttons) <= MOST_BUTTONS
    edits = {button.tap for button in phone.buttons if button.tap.startswith("form:edit:")}
    for _ in range(20):
        following = [button for button in phone.buttons if button.text == "▶"]
        if not following:
            break
        phone.press("▶")
        assert len(phone.buttons) <= MOST_BUTTONS
        edits |= {button.tap for button in phone.buttons if button.tap.startswith("form:edit:")}
    assert edits == {f"form:edit:{question.number}" for question in form.questions if question.name.startswith("q")}


def test_an_authors_number_chips_are_numbers_and_fit_their_buttons() -> None:
    """`bind::enlace:chips`: whatever else stands there would be a card that Telegram refuses."""
    chips = " ".join(["0", "10", "2.5", "-1", "x" * 70, "1" * 70, *map(str, range(100, 200))])
    form = read_xlsform(
        f"""
| survey |
| | type | name | label | bind::enlace:chips |
| | integer | q | ¿Cuántas? | {chips} |
| settings |
| | form_id | namespaces |
| | chips | enlace="http://enlace.example/xforms" |
""".encode(),
        "chips.md",
    ).form
    values = [button.text for button in Phone(form).buttons if button.tap.startswith("form:value:")]
    assert values[:4] == ["0", "10", "2.5", "-1"]
    assert len(values) == 20


# ------------------------------------------------------------------ calendar
MONTHS = [date(2018, 2, 1), date(2020, 2, 1), date(2018, 4, 1), date(2018, 12, 1), date(2019, 1, 1), date(2018, 10, 1)]


@pytest.mark.parametrize("month", MONTHS)
def test_the_calendar_has_each_day_of_the_month_under_its_weekday(month: date) -> None:
    """28, 29, 30 or 31 days; Monday first; the last one answers as what it says."""
    days = calendar.monthrange(month.year, month.month)[1]
    form = made("date | q | ¿Cuándo? | | yes\ntext | after | ¿Qué?")
    phone = Phone(form, now=datetime(month.year, month.month, 15, 12, tzinfo=UTC))
    weeks = [row for row in phone.card.rows if len(row) == 7][1:]  # the first is the weekdays' names
    shown = [(button.text.strip("[]"), column) for row in weeks for column, button in enumerate(row)]
    expected = [(str(day), date(month.year, month.month, day).weekday()) for day in range(1, days + 1)]
    assert [(text, column) for text, column in shown if text.strip()] == expected
    assert "[15]" in [button.text for button in phone.buttons]
    assert f"{wording('es')('months.long').split('|')[month.month - 1]} {month.year}" in drawn(phone.card)

    phone.press(str(days))
    assert phone.taken.instance.answers()["/data/q"] == month.replace(day=days).isoformat()


def test_months_are_turned_over_the_year_in_both_directions() -> None:
    """January after December; turning changes nothing."""
    phone = Phone(made("date | q | ¿Cuándo?"), now=datetime(2018, 12, 31, 12, tzinfo=UTC))
    before = phone.taken.instance.answers()
    assert "enero 2019" in drawn(phone.press("▶").card)
    assert "diciembre 2018" in drawn(phone.press("◀").card)
    for _ in range(11):
        phone.press("◀")
    assert "enero 2018" in drawn(phone.card)
    assert phone.taken.instance.answers() == before


def test_days_the_form_does_not_accept_cannot_be_tapped() -> None:
    """They are dots; nobody is sent into a refusal."""
    phone = Phone(made("date | q | ¿Cuándo? | . <= today() and . > today() - 7 | yes"))
    days = [button.tap for button in phone.buttons if button.tap.startswith("form:day:")]
    today = date(2018, 10, 3)
    assert set(days) == {f"form:day:{today - timedelta(days=back)}" for back in range(3)} | {
        f"form:day:{today - timedelta(days=1)}"
    }
    phone.press("◀")
    assert [b.text for b in phone.buttons if b.tap.startswith("form:day:2018-09")][-4:] == ["27", "28", "29", "30"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_and_the_last_days_of_time_can_be_drawn(language: str) -> None:
    """Somebody turns the pages until there are none, or types a year of his own."""
    for year in (1, 9999):
        phone = Phone(made("date | q | ¿Cuándo?"), language, now=NOW)
        phone.happen(Tap(phone.session.turn, "month", f"{year:04d}-{1 if year == 1 else 12:02d}"))
        assert phone.card.rows


# ------------------------------------------------------------------ every type
ROWS = {
    "select_one": "select_one some",
    "select_multiple": "select_multiple some",
    "rank": "rank some",
    "range": "range",
}

ASKED = [kind.name for kind in QUESTION_TYPES.values() if kind.is_asked and kind.support != "unsupported"]


def form_of(kind: str) -> Form:
    parameters = "start=1 end=10 step=1" if kind == "range" else ""
    row = f"{ROWS.get(kind, kind)} | q | Pregunta | | | {parameters} |"
    return made(f"text | before | Antes\n{row}\ntext | after | Después", {"some": ["Uno", "Dos", "Tres"]})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ASKED)
def test_a_question_of_every_type_can_be_drawn_and_pressed(kind: str, language: str) -> None:
    """Its card has a way on and a way out; no button of it raises, whatever it does."""
    phone = Phone(form_of(kind), language).say("x")
    card = phone.card
    text = plain(card)
    assert "Pregunta" in text
    if kind != "note":
        assert phone.session.at == "/data/q"
    say = wording(language)
    ways = [button.text for row in card.rows for button in row] + list(card.words)
    assert say("nav.skip") in ways
    assert say("nav.leave") in ways
    for button in phone.buttons:
        again = Phone(form_of(kind), language).say("x").tap(button.tap)
        assert again.card.lines
    for said in ("", "1", "hola", "1 2 3", "2018-10-03", "10:30", "2018-10-03 10:30", "18.5 -69.9", "😀" * 50, "\x00"):
        assert Phone(form_of(kind), language).say("x").say(said).card.lines
    for other in LANGUAGES:
        assert Phone(form_of(kind), language).say("x").happen(LanguageChanged(other)).card.lines


@pytest.mark.parametrize("form_name", BEGUN)
def test_a_total_that_was_said_stays(form_name: str) -> None:
    """Until the answer that decides how many questions there are, a card says where it is and not of how many."""
    said = [card.splitlines() for card in (plain(card) for _, card in walk(form_name, "es"))]
    totals = {found[1] for lines in said for each in lines if (found := re.fullmatch(r"\d+/(\d+)(?: · .*)?", each))}
    assert len(totals) <= 1
    assert not any(re.match(r"1/\d", each) for lines in said for each in lines)


def test_what_follows_later_is_said_in_a_sentence() -> None:
    """A choice in the first person ("I will send it later") reads wrong beside what the bot says of a report."""
    phone = Phone(shipped("activity_report").form, "es", **BEGUN["activity_report"])
    answers = ANSWERS["activity_report"] | {"evidence_type": "later"}
    while (at := phone.taken.instance.node(phone.session.at).question).name != "send_action":
        if (value := answers.get(at.name)) is not None:
            phone.answer(value)
        else:
            phone.tap("form:skip")
    assert "Sin evidencia todavía" in plain(phone.card)
    assert "La envío después" not in plain(phone.card)
