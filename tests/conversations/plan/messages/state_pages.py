"""The plan on one page, as each of its readers has it."""

from datetime import date

from conversations.plan.figures.annual import IndicatorYear, Reported, Revision, this_year
from conversations.plan.messages.plan_state import Page, Reader, plan_state
from conversations.plan.model import Indicator, Role, Target
from conversations.plan.periods import Frequency
from tests.conversations.plan.commission import stand

AREAS = [("PRE", "Prevención"), ("PER", "Persecución"), ("ASI", "Asistencia")]

READERS = {
    "coordinator": Reader("internal", reads_restricted=True, reads_decisions=True, ranks=True),
    "minister": Reader("observers", reads_decisions=True, role=Role.READER),
    "public": Reader("public", reads_reasons=False),
}


def value(end_on: date, number: int) -> Reported:
    """Of the month that ends on that day."""
    return Reported(end_on.replace(day=1), end_on, number)


def indicator(
    code: str, *values: Reported, protect: bool = True, min_cell: int = 0, target: str = "", **more: str
) -> IndicatorYear:
    names = {"es": f"Indicador {code}", "en": f"Indicator {code}", "ht": f"Endikatè {code}"}
    targets = (Target(target),) * bool(target)
    item = Indicator(
        code, "PGR", Frequency.MONTHLY, names, min_cell=min_cell, aggregation="sum", targets=targets, **more
    )
    made = [Revision(each.end_on, f"{each.end_on}", each) for each in values]
    return this_year(item, made, date(2018, 10, 15), protect=protect, locks={})


def figures(*, protect: bool) -> tuple[IndicatorYear, ...]:
    """As they are read from the database for a reader."""
    small = value(date(2018, 8, 31), 4), value(date(2018, 9, 30), 3)
    return (
        indicator("IND-01", baseline="1200", target="250000"),
        indicator("IND-13", *small, protect=protect, min_cell=10, target="90"),
        indicator("IND-20", value(date(2018, 9, 30), 1234), baseline="0"),
        indicator("IND-21", value(date(2018, 9, 30), 0)),
    )


def page(reader: str, language: str = "es") -> Page:
    found = stand(only_validated=reader != "coordinator")
    shown = figures(protect=not READERS[reader].reads_restricted)
    return plan_state(found, shown, AREAS, "Plan Nacional 2017-2020", READERS[reader], language)
