"""Question types that take more than one tap: hours, months, lines, steppers, ranks; and what is only read."""

from datetime import UTC, datetime

import pytest

from conversations.card import plain
from conversations.languages import LANGUAGES
from conversations.session.effects import Stale
from conversations.session.events import Corrected, Tap
from conversations.session.session import REVIEW, Reading
from conversations.wording import wording
from conversations.xforms.form import Form
from tests.conversations.session.phone import NOW, Phone, drawn, made
from tests.forms import compiled

AFTER = "text | after | ¿Algo más?"


def asking(row: str, language: str = "es", **given) -> Phone:
    return Phone(made(f"{row}\n{AFTER}", {"some": ["Uno", "Dos", "Tres"]}), language, **given)


def written(form: str) -> Form:
    return compiled(form).form


# ------------------------------------------------------------------ dates and times
def test_a_time_is_two_taps() -> None:
    """The hour, then the minute; back takes the hour back."""
    phone = asking("time | q | ¿A qué hora?").tap("form:gather:14")
    assert "14:…" in phone.text
    assert phone.answers == {}

    phone.tap("form:back")
    assert "form:gather:07" in [button.tap for button in phone.buttons]

    phone.tap("form:gather:07").tap("form:minute:35")
    assert phone.answers["q"] == "07:35:00.000-04:00"
    assert phone.at == "data/after"

    phone.tap("form:back")
    assert "07:35" in phone.text

    phone.tap("form:keep")
    assert phone.answers["q"] == "07:35:00.000-04:00"


def test_a_day_with_its_hour_is_three_taps() -> None:
    """The day, the hour, the minute; the offset is the one of the session's zone."""
    phone = asking("dateTime | q | ¿Cuándo?").tap("form:day:2018-10-02")
    assert "2 oct 2018" in phone.text

    phone.tap("form:gather:09")
    assert "2 oct 2018, 09:…" in phone.text

    phone.tap("form:minute:05")
    assert phone.answers["q"] == "2018-10-02T09:05:00.000-04:00"
    assert asking("dateTime | q | ¿Cuándo?").press("Ahora").answers["q"] == "2018-10-03T08:00:00.000-04:00"
    assert asking("dateTime | q | ¿Cuándo?").say("ayer 14:30").answers["q"] == "2018-10-02T14:30:00.000-04:00"


def test_a_minute_without_its_hour_is_stale() -> None:
    """A tap of a card that has moved on answers nothing."""
    for row in ("time | q | ¿A qué hora?", "dateTime | q | ¿Cuándo?", "text | q | ¿Qué?"):
        phone = asking(row)
        before = phone.session
        for action, argument in (("minute", "30"), ("minute", "x"), ("gather", "10")):
            if (action, row[:4]) == ("gather", "time"):
                continue
            phone.happen(Tap(phone.session.turn, action, argument))
            assert phone.taken.effects == (Stale(),), (row, action)
            assert phone.session == before


def test_moments_the_form_does_not_accept_cannot_be_tapped() -> None:
    """Days and minutes outside a constraint are dots."""
    phone = asking("dateTime | q | ¿Cuándo? | . <= now()")
    days = [button.tap for button in phone.buttons if button.tap.startswith("form:day:2018-10")]
    assert days[-1] == "form:day:2018-10-03"  # noon here is eight in the morning there

    phone.tap("form:day:2018-10-03").tap("form:gather:08")
    assert [button.tap for button in phone.buttons if button.tap.startswith("form:minute")] == ["form:minute:00"]


def test_a_year_and_a_month_have_their_own_calendars() -> None:
    """What is stored is the first day, as in ODK; what is shown is what was asked."""
    phone = asking("date | q | ¿Desde qué año? | | | | year")
    assert "form:day:2018-01-01" in [button.tap for button in phone.buttons]

    phone.press("◀").press("2001")
    assert phone.answers["q"] == "2001-01-01"
    assert "Su respuesta: 2001" in phone.tap("form:back").text

    phone = asking("date | q | ¿Desde qué mes? | . <= today() | | | month-year")
    assert [b.text for b in phone.buttons if b.tap.startswith("form:day")][-1] == "oct"

    phone.press("◀").press("dic")
    assert phone.answers["q"] == "2017-12-01"
    assert "Su respuesta: dic 2017" in phone.tap("form:back").text


@pytest.mark.parametrize(
    ("appearance", "said", "stored"),
    [
        ("year", "2015", "2015-01-01"),
        ("month-year", "agosto 2018", "2018-08-01"),
        ("month-year", "8/2018", "2018-08-01"),
        ("month-year", "2018-08", "2018-08-01"),
        ("month-year", "ago. de 2018", "2018-08-01"),
        ("no-calendar", "15/9/2018", "2018-09-15"),
    ],
)
def test_years_and_months_can_be_typed(appearance: str, said: str, stored: str) -> None:
    """As people write them."""
    assert asking(f"date | q | ¿Cuándo? | | | | {appearance}").say(said).answers["q"] == stored


def test_without_a_calendar_a_date_is_typed() -> None:
    """No grid of days; today and yesterday stay."""
    phone = asking("date | q | ¿Cuándo? | | | | no-calendar")
    assert [b.text for b in phone.buttons] == ["Hoy", "Ayer", "Omitir", "Salir"]
    assert wording("es")("form.type_date") in phone.text


# ------------------------------------------------------------------ lines
def test_a_line_is_sent_point_by_point() -> None:
    """Locations and typed coordinates; the last one can be taken back; two make a line."""
    phone = asking("geotrace | q | ¿Por dónde?").locate(18.5, -69.9, 5)
    assert phone.card.asks_place
    assert "Listo" not in phone.card.words
    assert phone.say("listo").rejection() == wording("es")("err.points_few", n=2)

    phone.say("18.6, -69.8").say("19 -70")
    assert "3. 19.0, -70.0" in phone.text

    phone.say(wording("es")("form.line_undo"))
    assert "19.0" not in phone.text

    phone.say(wording("es")("form.line_done"))
    assert phone.answers["q"] == "18.5 -69.9 0.0 5.0;18.6 -69.8 0.0 0.0"
    assert "2 puntos" in phone.tap("form:back").text or phone.card.asks_place


def test_a_shape_closes_itself() -> None:
    """Three points; the first is the last."""
    phone = asking("geoshape | q | ¿Qué terreno?").locate(18.5, -69.9).locate(18.6, -69.8)
    assert phone.say("listo").rejection() == wording("es")("err.points_few", n=3)

    phone.locate(18.4, -69.7).say("listo")
    points = phone.answers["q"].split(";")
    assert len(points) == 4
    assert points[0] == points[-1]


def test_a_whole_line_can_be_pasted() -> None:
    """A line a point, or as ODK writes it; one that is none refuses all."""
    phone = asking("geotrace | q | ¿Por dónde?").say("18.5, -69.9\n18.6, -69.8").say("listo")
    assert phone.answers["q"].count(";") == 1

    phone = asking("geotrace | q | ¿Por dónde?").say("18.5 -69.9 12 3; 18.6 -69.8 11 2").say("listo")
    assert phone.answers["q"] == "18.5 -69.9 12.0 3.0;18.6 -69.8 11.0 2.0"

    for wrong in ("18.5", "99 0; 1 1", "18.5 -69.9; casa", "1 2 3 4 5", "1 2 x y"):
        phone = asking("geotrace | q | ¿Por dónde?")
        before = phone.session
        assert phone.say(wrong).rejection(), wrong
        assert phone.session == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_under_a_line_are_understood(language: str) -> None:
    """Whatever the reply keyboard says comes back as text."""
    phone = asking("geotrace | q | ¿Por dónde?", language).locate(1, 1).locate(2, 2).locate(3, 3)
    done, undo, *_ = phone.card.words
    assert "q" in phone.say(undo).say(done).answers
    for word in phone.tap("form:back").card.words:
        assert not asking("geotrace | q | ¿Por dónde?", language).locate(1, 1).locate(2, 2).say(word).rejection(), word


def test_a_place_says_how_exact_it_is() -> None:
    """Accuracy is kept and shown."""
    phone = asking("geopoint | q | ¿Dónde?").locate(18.5, -69.9, 12)
    assert phone.answers["q"] == "18.5 -69.9 0.0 12.0"
    assert phone.say("x").session.at == REVIEW
    assert "(±12 m)" in phone.text


# ------------------------------------------------------------------ ranges, ranks, choices
def test_a_range_of_few_steps_is_buttons_and_of_many_a_stepper() -> None:
    """Every button of a stepper names where it leads: tapping twice is tapping once."""
    few = asking("range | q | ¿Cuánto? | | | start=0 end=2 step=0.5 |")
    assert [b.text for b in few.buttons if b.tap.startswith("form:value")] == ["0", "0.5", "1", "1.5", "2"]
    assert few.press("1.5").answers["q"] == "1.5"

    many = asking("range | q | ¿Cuánto? | | | start=0 end=100 step=1 |")
    assert [b.text for b in many.buttons][:5] == ["−10", "−1", "+1", "+10", "✓ 0"]

    many.press("+10").press("+10").press("+1")
    assert "✓ 21" in [b.text for b in many.buttons]

    turn, before = many.session.turn, many.session
    assert many.happen(Tap(turn, "gather", "21")).session == before
    assert many.press("✓ 21").answers["q"] == "21"
    assert asking("range | q | ¿Cuánto? | | | start=0 end=100 step=1 |").say("55").answers["q"] == "55"


def test_a_rank_is_tapped_in_order_and_taken_back() -> None:
    """The last one ends it; undo names what stays, so that a second tap takes nothing more."""
    phone = asking("rank some | q | ¿En qué orden?").tap("form:on:2").tap("form:on:0")
    undo = phone.session.turn
    assert "1. Tres" in [b.text for b in phone.buttons]

    phone.tap("form:undo:1")
    phone.happen(Tap(undo, "undo", "1"))
    assert phone.session.marks == ("c2",)

    phone.tap("form:on:1").tap("form:on:0")
    assert phone.answers["q"] == "c2 c1 c0"


def test_typing_a_part_of_a_name_marks_it_among_many() -> None:
    """Over 20 choices of a select_multiple are searched too; what was marked before stays."""
    labels = [f"Municipio {word}" for word in ("Azua", "Bonao", "Cotuí", *map(str, range(30)))]
    phone = Phone(made(f"select_multiple all | q | ¿Dónde?\n{AFTER}", {"all": labels})).tap("form:on:0")
    phone.say("bona")
    assert isinstance(phone.session.pending, Reading)

    phone.tap("form:read:0")
    assert phone.session.marks == ("c0", "c1")
    assert phone.at == "data/q"
    assert phone.tap("form:done").answers["q"] == "c0 c1"


def test_the_head_of_a_table_of_selects_is_not_asked() -> None:
    """ODK shows a select with `label` as the words over the others' circles."""
    phone = Phone(made("select_one some | head | Cabeza | | | | label\nselect_one some | q | ¿Qué?", {"some": ["Uno"]}))
    assert phone.at == "data/q"


def test_thousands_are_parted_where_the_form_wants_it() -> None:
    """On the screen only."""
    phone = asking("integer | q | ¿Cuántas? | | | | thousands-sep").say("1250000")
    assert phone.answers["q"] == "1250000"
    assert "1,250,000" in phone.say("x").text


def test_a_barcode_may_look_like_anything() -> None:
    """Eleven digits are an identity number elsewhere; here they are what was asked for."""
    assert asking("barcode | q | ¿Qué código?").say("00112345678").answers["q"] == "00112345678"


# ------------------------------------------------------------------ what is read
def test_notes_at_the_end_and_what_is_read_only_are_read() -> None:
    """Nothing that the form says is dropped, though nobody answers it."""
    form = written(
        """
| survey |
| | type | name | label | readonly | default | calculation |
| | text | a | ¿Qué? | | | |
| | select_one yn | fixed | ¿Aprobado? | yes | y | |
| | integer | total | Total | yes | | 12 + 30 |
| | text | b | ¿Y qué más? | | | |
| | note | bye | Eso es todo. | | | |
| choices |
| | list_name | name | label |
| | yn | y | Sí |
"""
    )
    phone = Phone(form).say("x")
    assert phone.at == "data/b"
    assert "¿Aprobado?\nSí" in phone.text
    assert "Total\n42" in phone.text

    phone.say("y")
    assert phone.session.at == REVIEW
    assert "Eso es todo." in phone.text


def test_a_field_list_is_read_together() -> None:
    """What was answered on the same screen of a phone's form stands over the next question."""
    form = written(
        """
| survey |
| | type | name | label | appearance |
| | begin group | who | Quién | field-list |
| | note | n | Diga quién es. | |
| | text | name | ¿Nombre? | |
| | integer | age | ¿Edad? | |
| | end group | | | |
| | text | after | ¿Algo más? | |
"""
    )
    phone = Phone(form)
    assert "Diga quién es." in phone.text

    phone.say("Ana")
    assert "✓ Nombre: Ana" in phone.text
    assert "Quién" in phone.text
    assert "✓" not in plain(phone.say("3").card)


def test_media_of_labels_and_choices_are_named_by_the_card() -> None:
    """Whoever sends the card knows which files go before it."""
    form = written(
        """
| survey |
| | type | name | label | media::image | media::audio |
| | select_one pic | q | ¿Cuál? | plan.png | voz.mp3 |
| choices |
| | list_name | name | label | media::image |
| | pic | a | Uno | uno.png |
| | pic | b | Dos | plan.png |
"""
    )
    media = [(medium.name, medium.caption) for medium in Phone(form).card.media]
    assert media == [("plan.png", ""), ("voz.mp3", ""), ("uno.png", "Uno"), ("plan.png", "Dos")]


def test_what_was_saved_last_is_offered_again() -> None:
    """`${last-saved#…}`: the person's last submission of this form; none, and it is blank."""
    form = written(
        """
| survey |
| | type | name | label | default | calculation |
| | text | town | ¿Dónde? | ${last-saved#town} | |
| | text | other | ¿Qué? | | |
| | calculate | again | | | concat(${last-saved#town}, ': ', ${other}) |
"""
    )
    first = Phone(form)
    assert "town" not in first.answers

    again = Phone(form, last_saved={"/data/town": "Azua", "/data/other": "x"})
    assert again.answers["town"] == "Azua"

    again.tap("form:keep").say("y")
    assert again.answers["again"] == "Azua: y"  # it is kept with the session


def test_the_form_knows_who_fills_it_and_when() -> None:
    """start, end, today, username; a bot has no device."""
    form = written(
        "| survey |\n| | type | name | label |\n| | start | s | |\n| | end | e | |\n| | today | t | |\n"
        "| | username | u | |\n| | deviceid | d | |\n| | text | q | ¿Qué? |\n"
    )
    phone = Phone(form, username="Ana", now=NOW)
    phone.now = datetime(2018, 10, 4, 12, tzinfo=UTC)
    phone.say("x")

    assert phone.answers["s"].startswith("2018-10-03T08:00")
    assert phone.answers["e"].startswith("2018-10-04T08:00")
    assert (phone.answers["t"], phone.answers["u"]) == ("2018-10-03", "Ana")
    assert "d" not in phone.answers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "row",
    [
        "date | q | P | | | | year", "date | q | P | | | | month-year", "date | q | P | | | | no-calendar",
        "dateTime | q | P | | | | no-calendar", "range | q | P | | | start=0 end=1000 step=1 |",
        "range | q | P | | | start=10 end=-10 step=1 |", "range | q | P | | | start=0 end=1 step=0.01 |",
        "select_one some | q | P | | | | likert", "select_one some | q | P | | | | columns-2",
        "select_one some | q | P | | | | minimal", "select_multiple some | q | P | | | | columns-pack",
        "text | q | P | | | | multiline", "text | q | P | | | | numbers",
    ],
)  # fmt: skip
def test_every_button_of_every_appearance_does_something(row: str, language: str) -> None:
    """None raises; what it leads to can be drawn, and so can what follows from there."""
    for button in asking(row, language).buttons:
        for following in asking(row, language).tap(button.tap).buttons[:30]:
            phone = asking(row, language).tap(button.tap)
            if following.tap != "form:send" and following.tap in [b.tap for b in phone.buttons]:
                assert drawn(phone.tap(following.tap).card)


def test_several_numbers_at_once_drop_nothing_unseen() -> None:
    """What would go is asked about, so it takes one number at a time."""
    form = written(
        """
| survey |
| | type | name | label | relevant | repeat_count |
| | begin group | counts | Conteo | | |
| | integer | men | ¿Hombres? | | |
| | integer | visits | ¿Visitas? | | |
| | end group | | | | |
| | text | why | ¿Por qué? | ${men} > 0 | |
| | begin repeat | visit | Visita | | ${visits} |
| | text | what | ¿Qué? | | |
| | end repeat | | | | |
"""
    )
    phone = Phone(form).say("3 2").say("porque").say("a").say("b")
    for said in ("0 2", "3 1"):
        phone.tap("form:list").tap("form:edit:0")
        before = phone.session
        phone.happen(Corrected(said, 101))
        assert phone.rejection() == wording("es")("err.one_by_one"), said
        assert phone.session == before
        phone.say("3")
    phone.happen(Corrected("4 3", 101))

    assert phone.at == "visit[3]/what"


def test_a_long_review_still_says_what_to_do_with_it() -> None:
    """What does not fit is counted; the notes at the end and the buttons are there."""
    rows = "\n".join(f"text | q{number} | ¿Pregunta {number}?" for number in range(60))
    phone = Phone(made(f"{rows}\nnote | bye | Eso es todo."))
    for _ in range(60):
        phone.say("una respuesta larga " * 10)

    assert phone.session.at == REVIEW
    assert len(phone.text) < 4096
    assert "Pregunta 3:" in phone.text
    assert " más." in phone.text
    assert phone.text.endswith("Eso es todo.")


def test_hours_that_the_form_does_not_accept_cannot_be_tapped() -> None:
    """Nobody is sent into an hour without a minute."""
    phone = asking("time | q | ¿A qué hora? | substr(., 0, 2) >= 8 and substr(., 0, 2) < 10")
    taps = [button.tap for button in phone.buttons if button.tap.startswith("form:gather")]
    assert taps == ["form:gather:08", "form:gather:09"]


def test_the_last_sixty_messages_can_be_edited() -> None:
    """A session keeps no more of them, however long its form is."""
    phone = Phone(made("\n".join(f"integer | n{number} | ¿Cuántos {number}?" for number in range(62))))
    for number in range(62):
        phone.say(str(number))
    origins = phone.session.origins
    assert list(origins.values()) == [(f"/data/n{number}",) for number in range(2, 62)]
