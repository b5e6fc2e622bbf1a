"""Which activities meet victims: said by the workbook, asked for where it is not, and not taken back unnoticed."""

from functools import partial

import pytest

from conversations.plan.model import Care
from storage.imports.applying import differences
from storage.imports.differences import Differences, ReusedCodes, is_unmarked
from storage.imports.sheets import Value
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.plan_books import LATER, NOW, Apply, Book, bring, seed_draft, take_back, told

pytestmark = pytest.mark.slow
MEETS = "meets_victims"


def care_of(unit: UnitOfWork, code: str) -> Care:
    return unit.plans.activity(unit.plans.only().id, code).care


def test_the_shipped_plan_says_of_each_activity_whether_its_officers_may_meet_a_victim() -> None:
    """Yes where they detect, refer, interview or serve people: patrols, hotlines, border posts. No if they inform."""
    rows = seed_draft().rows["activity"]
    assert {row[MEETS] for row in rows.values()} == {True, False}
    is_open = {code for code, row in rows.items() if row[MEETS] and row["sensitivity"] != "restricted"}
    assert is_open == {"PRE-105", "PRE-302", "PRE-305", "PRE-401", "PER-404", "PER-405"}
    assert {code for code, row in rows.items() if row["sensitivity"] == "restricted" and not row[MEETS]} == {"ASI-101"}


def test_a_workbook_without_the_column_is_read_as_before_and_the_import_names_what_should_be_marked(
    apply: Apply,
) -> None:
    """By the words of its title, in any language; what is restricted is read strictly anyhow. An import changes nothing
    in it, and of what the plan has said nothing is asked.
    """
    without = Book().drop_column("activities", MEETS)
    found = apply(bring(without.draft()))
    assert {"PRE-105", "PRE-302", "PER-404", "PER-405"} <= set(found.unmarked)
    assert not {"PRE-101", "PRE-203", "PER-103", "ASI-201"} & set(found.unmarked)
    assert "PRE-302" in found.summary("es").splitlines()[-1]
    assert apply(lambda unit: care_of(unit, "PRE-302")) == Care(False, False)
    assert apply(lambda unit: care_of(unit, "ASI-201")) == Care(True, True)

    again = apply(bring(without.draft(), LATER))
    assert (len(again), again.unmarked) == (0, found.unmarked)
    assert "Sin diferencias" in again.summary("es")

    marked = apply(bring(Book().draft(), LATER))
    assert ("changed", "activity", "PRE-302", MEETS, None, True) in told(marked)
    assert (marked.unmarked, marked.lowering) == ((), ())
    assert apply(lambda unit: care_of(unit, "PRE-302")) == Care(False, True)
    assert apply(bring(without.draft(), LATER)) == Differences()

    apply(take_back)
    assert apply(lambda unit: care_of(unit, "PRE-302")) == Care(False, False)


@pytest.mark.parametrize(
    ("language", "title", "is_named"),
    [
        ("es", "Patrullas en la playa", True),
        ("es", "Operativos de rescate", True),
        ("es", "La comisión refiere víctimas", True),
        ("es", "Casas de acogida", True),
        ("es", "Línea de ayuda", True),
        ("en", "Beach patrols", True),
        ("fr", "Lignes d’écoute", True),
        ("ht", "Patwouy sou plaj", True),
        ("es", "Capacitación en línea", False),
        ("es", "Levantar línea de base", False),
        ("es", "Boletín semestral", False),
    ],
)
def test_the_words_of_a_title_say_whom_its_officers_may_meet(language: str, title: str, is_named: bool) -> None:
    """Whoever has said no is not asked again."""
    row: dict[str, Value] = {f"name_{language}": title, "sensitivity": "public"}
    assert is_unmarked(row) == is_named
    assert not is_unmarked(row | {MEETS: False})
    assert not is_unmarked(row | {"sensitivity": "restricted"})


def test_who_takes_strict_rules_from_notes_means_it(apply: Apply) -> None:
    """A cell emptied in Excel takes protection away, as a lower limit does; of a restricted activity it does not."""
    apply(bring(seed_draft()))
    for answer in ("no", None):
        book = Book().put("activities", "PRE-302", MEETS, answer).put("activities", "ASI-201", MEETS, answer)
        draft = book.draft()
        found = apply(partial(differences, draft=draft, plan_code=SEED_PLAN))
        assert [(each.code, each.column) for each in found.lowering] == [("PRE-302", MEETS)]
    marked = Book().put("activities", "PRE-101", MEETS, "Yes").put("activities", "PRE-102", MEETS, "yes")
    assert not apply(bring(marked.draft(), LATER)).lowering
    [(kind, place)] = Book().put("activities", "PRE-101", MEETS, "maybe").errors()
    assert (kind, place) == ("unknown_word", "activities · V2")


def test_a_code_is_not_given_to_another_row_unasked(apply: Apply) -> None:
    """A retired code that comes back under another title, or one whose title, lead and area all change."""
    apply(bring(seed_draft(), NOW))
    apply(bring(Book().drop("activities", "PRE-102").draft(), LATER))
    back = Book().put("activities", "PRE-102", "short_es", "Comprar vehículos")
    other = Book().put("activities", "PRE-101", "name_es", "Comprar vehículos")
    for column, value in (("responsible", "MT"), ("objective_code", "PER-1"), ("area_code", "PER")):
        other.put("activities", "PRE-101", column, value)
    for book, code in ((back, "PRE-102"), (other, "PRE-101")):
        with pytest.raises(ReusedCodes) as asked:
            apply(bring(book.draft(), LATER))
        [doubt] = asked.value.doubts
        assert (doubt.table, doubt.code, doubt.new) == ("activity", code, "Comprar vehículos")
        assert "«Comprar vehículos»" in doubt.sentence("es")
        apply(bring(book.draft(), LATER, same=code))
        apply(bring(Book().draft(), LATER, same=code))
    assert not apply(lambda unit: differences(unit, Book().draft(), SEED_PLAN)).doubts
