"""A sentence that proposes a change: its value, its reason, and what is asked again."""

from dataclasses import replace
from datetime import date

import pytest

from conversations.plan.messages.changes import LONGEST_WORDING, Change, Field, Item, Unclear, read_change, said
from conversations.plan.model import Activity, Indicator, Target
from conversations.plan.periods import Frequency
from storage.imports.sheets import SHEETS

TODAY = date(2018, 10, 3)
ACTIVITY = Activity(
    "PRE-101", "MMUJER", date(2018, 7, 1), date(2020, 11, 30), Frequency.MONTHLY, {"es": "Poner en marcha una campaña"},
    target_quantity="30",
)  # fmt: skip
INDICATOR = Indicator("IND-01", "MMUJER", Frequency.MONTHLY, {"es": "Personas"}, targets=(Target("250000"),))


@pytest.mark.parametrize(
    ("item", "field", "language", "sentence", "new", "why"),
    [
        (ACTIVITY, "date", "es", "30/06/2021 porque la licitación se atrasó", "2021-06-30", "la licitación se atrasó"),
        (ACTIVITY, "date", "es", "Al 30 de junio de 2021, hubo elecciones.", "2021-06-30", "hubo elecciones"),
        (ACTIVITY, "date", "es", "30 jun 2021\nPorque no hay fondos", "2021-06-30", "no hay fondos"),
        (ACTIVITY, "date", "en", "30 June 2021 because of the election", "2021-06-30", "the election"),
        (ACTIVITY, "date", "fr", "le 30 juin 2021 parce que le budget manque", "2021-06-30", "le budget manque"),
        (ACTIVITY, "date", "ht", "30/06/2021 paske pa gen lajan", "2021-06-30", "pa gen lajan"),
        (ACTIVITY, "target", "es", "36 meses de pauta; hay más fondos", "36", "hay más fondos"),
        (INDICATOR, "target", "es", "1,250,000 ya que se amplió", "1250000", "se amplió"),
        (INDICATOR, "target", "es", "300 mil porque se amplió", "300000", "se amplió"),
        (ACTIVITY, "wording", "es", "«Radio, redes y TV» porque la ven", "Radio, redes y TV", "la ven"),
        (ACTIVITY, "wording", "es", "Radio, redes y TV\nporque la ven", "Radio, redes y TV", "la ven"),
    ],
)
def test_a_value_and_its_reason_are_read_as_people_write_them(
    item: Item, field: Field, language: str, sentence: str, new: str, why: str
) -> None:
    """The value first, then the reason: behind a word such as "porque", a new line, or a comma."""
    found = read_change(item, field, sentence, TODAY, language)
    assert (found.new, found.why, found.field) == (new, why, field)
    assert found.old == said(item, found.header)
    assert Change.of(found.header, found.kept()) == found


@pytest.mark.parametrize(
    ("item", "field", "sentence", "problem"),
    [
        (ACTIVITY, "date", "en junio porque no hay fondos", "unread"),
        (ACTIVITY, "date", "31/02/2021 porque no hay fondos", "unread"),
        (ACTIVITY, "date", "30/06/2021", "no_why"),
        (ACTIVITY, "date", "30/11/2020 porque sí", "same"),
        (ACTIVITY, "date", "2/10/2018 porque sí", "passed"),
        (replace(ACTIVITY, start_on=date(2019, 1, 1)), "date", "30/12/2018 porque sí", "passed"),
        (INDICATOR, "target", "1.250 porque se amplió", "unread"),
        (ACTIVITY, "target", "-3 porque sobra", "unread"),
        (ACTIVITY, "wording", "Radio, redes y televisión", "no_why"),
        (ACTIVITY, "wording", f"{'x' * 401} porque sí", "too_long"),
        (ACTIVITY, "date", f"30/06/2021 porque {'no ' * 300}", "too_long"),
    ],
)
def test_what_could_be_read_two_ways_or_lacks_something_is_asked_again(
    item: Item, field: Field, sentence: str, problem: str
) -> None:
    """The coordination decides on what is read, so nothing is guessed."""
    with pytest.raises(Unclear, match=f"change.{problem}"):
        read_change(item, field, sentence, TODAY, "es")


def test_a_wording_is_no_longer_than_a_workbook_takes() -> None:
    """What a coordinator accepts can be written out and read in again."""
    limits = {sheet.table: sheet["name_es"].limit for sheet in SHEETS if sheet.table in LONGEST_WORDING}
    assert limits == LONGEST_WORDING
