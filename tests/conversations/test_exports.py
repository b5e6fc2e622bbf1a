"""Asking for an export: what is typed, what is offered, what a button carries."""

from datetime import date
from typing import Any

import pytest

from conversations.exports import (
    PREVIOUS,
    Choice,
    Offer,
    Scope,
    answered,
    caption,
    fitted,
    options_card,
    period_label,
    periods_offered,
    previous_period,
    read_words,
    request_card,
    working_card,
)
from conversations.plan import periods_between
from conversations.wording import LANGUAGES, wording

PERIODS = periods_between(date(2017, 1, 1), date(2020, 12, 31))
TODAY = date(2018, 10, 3)
SCOPE = Scope(PERIODS, ("MMUJER", "PGR", "CONANI"), {"1": "Prevención", "2": "Persecución"})
ALL = ("internal", "observers", "public")
OFFERS = (
    Offer("submissions", "xml-zip", ("internal",)),
    Offer("reports", "csv", ALL),
    Offer("reports", "xlsx", ALL),
    Offer("indicators", "xlsx", ALL),
)
USUAL = Choice("reports", "xlsx", "internal")


def test_what_is_not_said_is_the_usual() -> None:
    """Reports in Excel for internal use, if they are to be had; else what is; nothing where nothing is offered."""
    assert fitted(Choice(), OFFERS) == USUAL
    assert fitted(Choice("nope", "nope", "nope"), OFFERS) == USUAL
    assert fitted(Choice(), OFFERS[:1]) == Choice("submissions", "xml-zip", "internal")
    assert fitted(Choice(audience="internal"), (Offer("reports", "csv", ("observers",)),)) == Choice(
        "reports", "csv", "observers"
    )
    assert fitted(Choice(), ()) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("reports xlsx 2018Q3", Choice("reports", "xlsx", "internal", "2018Q3")),
        ("2018q3 EXCEL reportes", Choice("reports", "xlsx", "internal", "2018Q3")),
        ("rapò csv", Choice("reports", "csv", "internal")),
        ("indicadores observadores 2018", Choice("indicators", "xlsx", "observers", "2018")),
        ("pgr 201807-201809", Choice("reports", "xlsx", "internal", "201807..201809", "PGR")),
        ("público, 2", Choice("reports", "xlsx", "public", area="2")),
        ("validated", Choice("reports", "xlsx", "internal", validation="validated")),
        ("submissions csv", Choice("submissions", "xml-zip", "internal")),
        ("", USUAL),
    ],
)
def test_a_request_can_be_typed_in_any_order_and_language(typed: str, meant: Choice) -> None:
    """Codes, or what the buttons say; what cannot be had becomes the usual of that dataset."""
    assert read_words(typed, OFFERS, SCOPE, USUAL) == (meant, [])


def test_what_is_typed_replaces_earlier_filters_and_unknown_words_are_named() -> None:
    """Who types `reports` after last month's request for one agency means all of them."""
    before = Choice("indicators", "xlsx", "public", "2018Q1", "PGR")
    assert read_words("reports bananas 2018Q9", OFFERS, SCOPE, before) == (
        Choice("reports", "xlsx", "public"),
        ["bananas", "2018Q9"],
    )


def test_periods_are_offered_nearest_first_and_none_that_has_not_begun() -> None:
    """Months, then quarters, then years; the present one too, since reports of it may be in."""
    offered = periods_offered(PERIODS, TODAY)
    assert offered[:6] == ("201810", "201809", "201808", "201807", "201806", "201805")
    assert offered[6:10] == ("2018Q4", "2018Q3", "2018Q2", "2018Q1")
    assert offered[10:] == ("2018", "2017")


def test_the_previous_period_is_the_last_that_has_ended() -> None:
    """A scheduled export of 1 October is of September, of the third quarter, of last year."""
    on = date(2018, 10, 1)
    assert [previous_period(PERIODS, what, on) for what in PREVIOUS] == ["201809", "2018Q3", "2017"]
    assert previous_period(PERIODS, "2018Q1", on) == "2018Q1"
    assert previous_period((), "previous.month", on) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_fits_a_phone_and_every_button_its_64_bytes(language: str) -> None:
    """Bot API, InlineKeyboardButton; what a button leads to is answered, and marked as it stands."""
    say = wording(language)
    choice = Choice("reports", "xlsx", "observers", "2018Q3", "MMUJER")
    cards = [request_card(choice, OFFERS, say, ["x" * 50] * 9), working_card(choice, 10**12, 1, 3, say)]
    for what in ("what", "who", "when", "where", "as"):
        card = options_card(what, choice, OFFERS, SCOPE, TODAY, say)
        assert card is not None
        marked = [button for row in card.rows for button in row if button.text.startswith("● ")]
        assert len(marked) == 1, what
        for button in [button for row in card.rows[:-1] for button in row]:
            act, _, value = button.tap.removeprefix("command:exportar:").partition(".")
            changed = answered(act, value, choice, SCOPE)
            assert changed is not None
            assert (changed == choice) == (button is marked[0])
        cards.append(card)
    for button in [button for card in cards for row in card.rows for button in row]:
        assert len(f"c:exportar:{button.tap.split(':', 2)[2]}".encode()) <= 64
        assert len(button.text) <= 40
    assert "3" in period_label("2018Q3", say)
    assert options_card("nope", choice, OFFERS, SCOPE, TODAY, say) is None


@pytest.mark.parametrize(
    ("what", "value"),
    [("when", "2018Q9"), ("when", "previous.month"), ("where", "NOPE"), ("where", "area-9"), ("go", "x"), ("", "")],
)
def test_an_answer_that_no_button_gives_is_none(what: str, value: str) -> None:
    """Callback data is input (S3)."""
    assert answered(what, value, USUAL, SCOPE) is None


def test_the_mark_of_a_request_changes_with_it() -> None:
    """A button prepares what its own screen shows, or nothing."""
    marks = {answered("when", code, USUAL, SCOPE).mark for code in periods_offered(PERIODS, TODAY)}  # type: ignore[union-attr]
    assert len(marks | {USUAL.mark}) == 13


def test_progress_is_a_bar_and_never_more_than_whole() -> None:
    """Before there is a number there is none to be seen; a second pass over the rows goes beyond nothing."""
    say = wording("es")

    def text(done: int, total: int) -> str:
        return "".join(span.text for each in working_card(USUAL, 1, done, total, say).lines for span in each)

    assert "%" not in text(0, 0)
    assert "██████░░░░░░ 50 %" in text(5, 10)
    assert "████████████ 100 %" in text(12, 10)


def test_the_caption_says_filter_audience_rows_time_and_part() -> None:
    """DESIGN §8: whoever finds the document later knows what it is."""
    choice = Choice("reports", "xlsx", "observers", "2018Q3", "PGR", validation="validated")
    text: Any = caption(choice, "RD-2017", 12, "2018-10-03 08:00", wording("es"), 2, 3, "PGR,CONANI")
    said = "\n".join("".join(span.text for span in each) for each in text)
    for part in ("RD-2017", "Reportes", "Excel", "3.er trimestre 2018", "PGR", "Observadores", "12 filas",
                 "2018-10-03 08:00", "Parte 2 de 3", "PGR, CONANI", "validados"):  # fmt: skip
        assert part in said
