"""The plan on one page: what it says to whom, in three languages, and never more than a page.

Golden texts are rewritten by `pytest tests/conversations/plan/messages/test_plan_state.py --rewrite-golden`; then read
the difference.
"""

from dataclasses import replace
from datetime import date

import pytest

from conversations.languages import LANGUAGES
from conversations.plan.messages.plan_state import INDICATORS, TROUBLED, plan_state, spoken
from tests.conversations.plan.commission import EMPTY, RECORDS, activity, stand
from tests.conversations.plan.messages.state_pages import AREAS, READERS, indicator, page, value
from tests.golden import GOLDEN, assert_approved


def test_a_target_of_a_percentage_is_written_as_the_value_beside_it() -> None:
    """And words of the plan's author stay as they are."""
    found = (
        indicator("IND-04", unit="percent", baseline="12.5", target="80"),
        indicator("IND-05", unit="percent", target="todas"),
        indicator("IND-06", unit="people", target="4000"),
    )
    told = plan_state(stand(only_validated=False), found, AREAS, "Plan", READERS["coordinator"], "es").indicators
    assert [(row[0], row[2], row[-1]) for row in told] == [
        ("IND-04", "12.5%", "80%"),
        ("IND-05", "–", "todas"),
        ("IND-06", "–", "4\N{NO-BREAK SPACE}000"),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_as_it_was_read(language: str, request: pytest.FixtureRequest) -> None:
    """The golden text of each reader's page."""
    told = "\n\n".join(f"== {reader}\n" + "\n".join(spoken(page(reader, language))) for reader in READERS) + "\n"
    assert_approved(request, GOLDEN / f"plan_state.{language}.txt", told)


def test_each_reader_gets_what_they_may_read() -> None:
    """docs/domain.md#restricted-activities: figures in full and restricted texts inside, protected outside; decisions
    for who decides.
    """
    inside, minister, public = ("\n".join(spoken(page(reader))) for reader in READERS)
    assert "IND-13 | Indicador IND-13 | – | 7 | 7 | 90" in inside
    for told in (minister, public):
        assert "IND-13 | Indicador IND-13 | – | <10 | <10 | 90" in told
    assert "Trámite legal" not in public
    assert "Para decidir" in inside
    assert "Para decidir" in minister
    assert "Para decidir" not in public
    assert "firma del convenio" in inside
    assert "firma del convenio" not in minister, "nobody has validated it"
    codes = [row[0] for row in page("minister").matrix["rows"]]
    assert codes == sorted(codes)


def test_zero_is_a_figure_and_missing_is_a_dash() -> None:
    """docs/domain.md#rates."""
    rows = {row[0]: row[2:] for row in page("public").indicators}
    assert rows["IND-21"] == ("–", "0", "0", "–")
    assert rows["IND-20"][0] == "0"
    assert rows["IND-01"][1:3] == ("–", "–")
    assert rows["IND-20"][1] == "1\N{NO-BREAK SPACE}234"


def test_beside_the_target_stands_all_that_it_is_a_target_of() -> None:
    """A plan's target is of all its years: the year's sum stands apart, and there is no sum if one year is hidden.

    Where the baseline is of one year ("17 investigations in 2017"), the target is of a year too.
    """
    months = value(date(2017, 11, 30), 300), value(date(2017, 12, 31), 500), value(date(2018, 9, 30), 200)
    hidden = value(date(2017, 12, 31), 4), value(date(2018, 9, 30), 200)
    found = (
        indicator("IND-01", *months, target="4000"),
        indicator("IND-02", *hidden, min_cell=10, target="900"),
        indicator("IND-03", value(date(2017, 12, 31), 50), target="90"),
        indicator("IND-10", *months, baseline="17", baseline_period="2017", target="30"),
        indicator("IND-13", *months, baseline="6", baseline_period="2003-2013", target="60"),
    )
    shown = plan_state(stand(), found, AREAS, "Plan", READERS["public"], "es")
    assert {row[0]: row[3:] for row in shown.indicators} == {
        "IND-01": ("200", "1\N{NO-BREAK SPACE}000", "4\N{NO-BREAK SPACE}000"),
        "IND-02": ("200", "cifra protegida", "900"),
        "IND-03": ("–", "50", "90"),
        "IND-10": ("200", "200", "30"),
        "IND-13": ("200", "1\N{NO-BREAK SPACE}000", "60"),
    }
    assert shown.words["value"] == "Valor 2018"


def test_what_matters_most_is_on_the_page_whatever_it_is_called() -> None:
    """With a figure before without, with a target before without, results before what was done, then the 3P table."""
    one = value(date(2018, 9, 30), 20)
    found = (
        indicator("IND-01"),
        indicator("IND-02", one, level="output"),
        indicator("IND-03", one, level="output", target="90"),
        indicator("IND-04", one, level="outcome", target="90"),
        indicator("IND-05", one, level="output", target="90", annual_table="protection"),
    )
    shown = plan_state(stand(), found, AREAS, "Plan", READERS["public"], "es")
    assert [row[0] for row in shown.indicators] == ["IND-04", "IND-05", "IND-03", "IND-02", "IND-01"]


def test_a_page_holds_so_much_and_says_how_much_more_there_is() -> None:
    """However large the plan; and an empty one is a page too."""
    many = tuple(activity(f"PRE-{n:03}", "MITUR", "2018-01-01", "2018-09-30") for n in range(60))
    found = stand(replace(RECORDS, activities=many, reports=()))
    figures = tuple(indicator(f"IND-{n:02}") for n in range(40))
    full = plan_state(found, figures, AREAS, "Plan", READERS["coordinator"], "es")
    assert len(full.red) == TROUBLED + 1
    assert full.red[-1] == f"y {60 - TROUBLED} más"
    assert full.attention == ()
    assert len(full.indicators) == INDICATORS
    assert f"y {40 - INDICATORS} más" in spoken(full)
    empty = plan_state(stand(replace(EMPTY, periods=())), (), AREAS, "Plan", READERS["public"], "es")
    assert empty.areas == ()
    assert "Nada." in spoken(empty)
