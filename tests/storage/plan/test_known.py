"""What free text may name because the plan itself knows it: its rows, and the public numbers of its settings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.session.safeguards.guard import personal_data
from conversations.session.safeguards.known import Known
from storage.plan.known import known_of_plan
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.plan_books import bring, seed_draft

pytestmark = pytest.mark.slow

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def test_a_plan_makes_its_agencies_and_hotlines_known(apply: Apply) -> None:
    """A number is refused until an import lists it; then it is public, whatever stands between its digits."""

    def known() -> Known:
        return apply(lambda unit: known_of_plan(unit, unit.plans.only().id))  # type: ignore[no-any-return]

    draft = seed_draft()
    apply(bring(draft, datetime(2018, 10, 3, 15, tzinfo=UTC)))
    assert personal_data("Coordinar con Misión Internacional de Justicia", strict=True, known=known()) is None
    assert personal_data("La línea 829-555-1202", strict=False, known=known()) == "phone"

    listed = replace(draft, settings={**draft.settings, "hotlines": "212; 829-555-1202"})
    apply(bring(listed, datetime(2018, 10, 4, 15, tzinfo=UTC)))
    assert personal_data("La línea 829 555 1202", strict=True, known=known()) is None
    assert personal_data("La línea 829-555-1203", strict=True, known=known()) == "phone"
