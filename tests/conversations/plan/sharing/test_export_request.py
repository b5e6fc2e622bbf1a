"""Asking for an export: what is typed, what is offered, what a button carries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from conversations.card import Card, plain, unstyled
from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.plan.periods import periods_between
from conversations.plan.sharing.export_progress import Made, caption, done_card, part_lines, working_card
from conversations.plan.sharing.export_request import (
    AUDIENCES,
    FILTERS,
    MORE,
    PREVIOUS,
    Choice,
    Left,
    Offer,
    Scope,
    answered,
    fitted,
    obstacles,
    options_card,
    period_label,
    periods_offered,
    previous_period,
    read_words,
    request_card,
)
from conversations.wording import wording

PERIODS = periods_between(date(2017, 1, 1), date(2020, 12, 31))
TODAY = date(2018, 10, 3)
FORMS = {
    "activity_report": "Reporte de actividad",
    "household": "Hogar",
    "x" * 64: "Un título muy, muy largo de formulario",
}
SCOPE = Scope(PERIODS, ("MMUJER", "PGR", "CONANI"), {"1": "Prevención", "2": "Persecución"}, FORMS)
ALL = AUDIENCES
WHERE = frozenset({"period", "agency", "area"})
INSIDE = frozenset({"internal"})
OFFERS = (
    Offer("submissions", "xml-zip", ("internal",), frozenset(FILTERS), INSIDE),
    Offer("reports", "csv", ALL, WHERE | {"status", "validation"}, INSIDE),
    Offer("reports", "xlsx", ALL, WHERE | {"status", "validation"}, INSIDE),
    Offer("indicators", "xlsx", ALL, WHERE | {"validation"}, INSIDE),
    Offer("answers", "csv", ALL, frozenset(FILTERS), INSIDE),
    Offer("people", "xlsx", ("internal", "observers"), frozenset({"agency"}), INSIDE),
    Offer("audit", "csv", ("internal",), frozenset({"period"}), INSIDE),
)
USUAL = Choice("reports", "xlsx", "internal")


def taps(card: Card) -> list[str]:
    return [button.tap for row in card.rows for button in row]


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
        (
            "reportes enviados retrasada",
            Choice("reports", "xlsx", "internal", validation="submitted", status="delayed"),
        ),
        ("delayed", Choice("reports", "xlsx", "internal", status="delayed")),
        ("retrasados", Choice("reports", "xlsx", "internal", status="delayed")),
        ("No iniciada", Choice("reports", "xlsx", "internal", status="not_started")),
        ("Kanpe pou kounye a pgr", Choice("reports", "xlsx", "internal", agency="PGR", status="suspended")),
        ("answers csv reporte de actividad", Choice("answers", "csv", "internal", form_id="activity_report")),
        ("answers csv household", Choice("answers", "csv", "internal", form_id="household")),
        ("submissions csv", Choice("submissions", "xml-zip", "internal")),
        ("", USUAL),
    ],
)
def test_a_request_can_be_typed_in_any_order_and_language(typed: str, meant: Choice) -> None:
    """Codes, or what the buttons say; what cannot be had becomes the usual of that dataset."""
    assert read_words(typed, OFFERS, SCOPE, USUAL) == (meant, Left())


def test_what_is_typed_replaces_earlier_filters_and_unknown_words_are_named() -> None:
    """Who types `reports` after last month's request for one agency means all of them."""
    before = Choice("indicators", "xlsx", "public", "2018Q1", "PGR")
    assert read_words("reports bananas 2018Q9", OFFERS, SCOPE, before) == (
        Choice("reports", "xlsx", "public"),
        Left(words=("bananas", "2018Q9")),
    )


@pytest.mark.parametrize(
    ("typed", "meant", "lost"),
    [
        ("audit csv 201801 MMUJER", Choice("audit", "csv", "internal", "201801"), ("agency",)),
        ("people retrasada 2018 PGR", Choice("people", "xlsx", "internal", agency="PGR"), ("period", "status")),
        ("indicators delayed", Choice("indicators", "xlsx", "internal"), ("status",)),
    ],
)
def test_a_filter_that_the_dataset_does_not_know_goes_and_is_named(
    typed: str, meant: Choice, lost: tuple[str, ...]
) -> None:
    """Neither caption nor file may claim it, and whoever asked for it is told."""
    choice, left = read_words(typed, OFFERS, SCOPE, USUAL)
    assert (choice, left) == (meant, Left(filters=lost))
    said = plain(request_card(choice, OFFERS, wording("es"), left))
    assert "no se filtra por: " in said


def test_a_request_never_becomes_one_for_somebody_who_may_see_more() -> None:
    """Observers in place of inside, where that is what there is; never inside in place of the public (S5)."""
    choice, _ = read_words("people public", OFFERS, SCOPE, USUAL)
    assert choice.audience == "public"
    assert obstacles(choice, OFFERS) == ("audience",)
    card = request_card(choice, OFFERS, wording("es"))
    assert "no se prepara para «Público»" in plain(card)
    assert not [tap for tap in taps(card) if "go." in tap]
    assert "command:exportar:who" in taps(card)
    kept = Choice.of(choice.kept())  # asked again tomorrow, it still stands
    assert fitted(kept, OFFERS) == choice
    chosen = answered("who", "observers", choice, SCOPE)
    assert chosen is not None
    assert obstacles(chosen, OFFERS) == ()
    reports = Choice("reports", "xlsx", "public")
    assert fitted(replace(reports, dataset="audit"), OFFERS) == Choice("audit", "csv", "public")
    watchers = (Offer("plan", "csv", ("observers",)),)
    assert fitted(Choice(audience="internal"), watchers) == Choice("plan", "csv", "observers")
    assert obstacles(Choice("plan", "csv", "public"), watchers) == ("audience",)


def test_what_may_not_be_had_by_its_state_or_form_is_not_prepared() -> None:
    """Only a coordinator, inside, has what is not validated; answers of other forms are nobody's outside."""
    waiting = Choice("reports", "xlsx", "observers", validation="submitted")
    assert obstacles(waiting, OFFERS) == ("validation",)
    assert obstacles(replace(waiting, audience="internal"), OFFERS) == ()
    assert obstacles(replace(waiting, validation="validated"), OFFERS) == ()
    card = request_card(waiting, OFFERS, wording("es"))
    assert "Solo sale lo validado" in plain(card)
    assert not [tap for tap in taps(card) if "go." in tap]
    assert "command:exportar:more" in taps(card)  # where it can be taken off
    closed = Choice("answers", "csv", "public", form_id="household")
    assert obstacles(closed, OFFERS) == ("form",)
    assert obstacles(replace(closed, form_id="activity_report"), OFFERS) == ()


def test_only_what_the_dataset_can_be_filtered_by_is_offered() -> None:
    """Rare filters behind one button, or their own if there is one; nothing where there is nothing to choose."""

    def offered(choice: Choice) -> set[str]:
        found = taps(request_card(choice, OFFERS, wording("es")))
        return {tap.rpartition(":")[2] for tap in found} & {"when", "where", "more", "status", "validation", "form"}

    assert offered(USUAL) == {"when", "where", "more"}
    assert offered(replace(USUAL, audience="public")) == {"when", "where", "status"}
    assert offered(Choice("audit", "csv", "internal")) == {"when"}
    assert offered(Choice("people", "xlsx", "internal")) == {"where"}
    more = options_card("more", Choice("answers", "csv", "internal"), OFFERS, SCOPE, TODAY, wording("es"))
    assert more is not None
    assert taps(more) == [f"command:exportar:{what}" for what in ("status", "validation", "form", "")]
    areas = options_card("where", Choice("people", "xlsx", "internal"), OFFERS, SCOPE, TODAY, wording("es"))
    assert areas is not None
    assert not [tap for tap in taps(areas) if "area-" in tap]
    outside = options_card("form", Choice("answers", "csv", "public"), OFFERS, SCOPE, TODAY, wording("es"))
    assert outside is not None
    assert len(taps(outside)) == 3  # all, the plan's own form, back
    assert options_card("when", Choice("people", "xlsx", "internal"), OFFERS, SCOPE, TODAY, wording("es")) is None


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
    choice = Choice("answers", "csv", "internal", "2018Q3", "MMUJER", status="suspended", validation="corrected",
                    form_id="x" * 64)  # fmt: skip
    left = Left(("x" * 50,) * 9, FILTERS)
    cards = [request_card(choice, OFFERS, say, left), working_card(choice, 10**12, 1, 3, say)]
    for what in ("what", "who", "when", "where", "as", "status", "validation", "form"):
        card = options_card(what, choice, OFFERS, SCOPE, TODAY, say)
        assert card is not None
        marked = [button for row in card.rows for button in row if button.text.startswith("● ")]
        assert len(marked) == 1, what
        for button in [button for row in card.rows[:-1] for button in row]:
            act, _, value = button.tap.removeprefix("command:exportar:").partition(".")
            changed = answered(act, value, choice, SCOPE)
            assert changed is not None
            assert (changed == choice) == (button is marked[0])
            assert what not in MORE or len(button.text) <= 30
        cards.append(card)
    more = options_card("more", choice, OFFERS, SCOPE, TODAY, say)
    assert more is not None
    assert all(len(button.text) <= 30 for row in more.rows for button in row)
    for button in [button for card in cards for row in card.rows for button in row]:
        assert len(f"c:exportar:{button.tap.split(':', 2)[2]}".encode()) <= 64
        assert len(button.text) <= 40
    assert "3" in period_label("2018Q3", say)
    assert options_card("nope", choice, OFFERS, SCOPE, TODAY, say) is None


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("status", "late"),
        ("validation", "draft"),
        ("form", "00000000"),
        ("more", "status"),
        ("when", "2018Q9"),
        ("when", "previous.month"),
        ("where", "NOPE"),
        ("where", "area-9"),
        ("go", "x"),
        ("", ""),
    ],
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
        return plain(working_card(USUAL, 1, done, total, say))

    assert "%" not in text(0, 0)
    assert "██████░░░░░░ 50%" in text(5, 10)
    assert "████████████ 100%" in text(12, 10)


def words(lines: Sequence[Any]) -> str:
    return "\n".join(map(unstyled, lines))


def test_the_caption_says_filter_audience_rows_time_and_part() -> None:
    """Whoever finds the document later knows what it is."""
    choice = Choice("reports", "xlsx", "observers", "2018Q3", "PGR", validation="validated")
    say = wording("es")
    made = Made(choice, "RD-2017", 12, "2018-10-03 08:00")
    said = words((*caption(made, say), *part_lines(2, 3, "PGR,CONANI", say)))
    for part in ("RD-2017", "Reportes", "Excel", "3.er trimestre 2018", "PGR", "Observadores", "12 filas",
                 "2018-10-03 08:00", "Parte 2 de 3", "PGR, CONANI", "validados"):  # fmt: skip
        assert part in said
    assert "Para quién: Lectura ministerial" in words(caption(replace(made, role=Role.READER), say))
    said = words(caption(Made(replace(choice, status="delayed", form_id="hogar"), "RD-2017", 1, "now"), say))
    for part in ("Estado: Retrasada", "Formulario: hogar", "1 fila · now"):
        assert part in said


def test_one_row_is_no_plural() -> None:
    """In the caption and in the message that says that it was sent."""
    say = wording("es")
    assert "Enviado: 1 fila." in plain(done_card(USUAL, 1, (), say))
    assert "Enviado: 2 filas." in plain(done_card(USUAL, 2, (), say))
