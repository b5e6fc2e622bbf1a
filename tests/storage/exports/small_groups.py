"""Reports about few people, in months and groups, so that what is told of some leaves others to be solved for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import update

from conversations.authoring.xlsform import read_xlsform
from conversations.plan.periods import PeriodType, periods_between
from storage.database.models import FormVersion, Indicator, ReportingPeriod, StrategicArea, table
from storage.unit_of_work import UnitOfWork
from tests.storage.blank_forms import blank_form
from tests.storage.exports.small_plan import REPORT, Plan, add

LIMIT = 10
GROUPS = ("women", "men", "girls", "boys")
MONTHS = periods_between(date(2018, 1, 1), date(2019, 4, 30), types=(PeriodType.MONTHLY,))

FORM = b"""
| survey |
| | type | name | label |
| | select_one s | data_status | Status |
| | integer | value_people | People |
| | integer | sa_women | Women |
| | integer | sa_men | Men |
| | integer | sa_girls | Girls |
| | integer | sa_boys | Boys |
| choices |
| | list_name | name | label |
| | s | final | Final |
| settings |
| | form_id | form_title | version |
| | indicator_update | Indicador | 1 |
"""

ASKED: Sequence[Mapping[str, Any]] = tuple(
    {"audience": audience, **more}
    for audience in ("observers", "public")
    for more in (
        {},
        {"period": "2018"},
        {"period": "2018Q4"},
        {"agency": "PGR"},
        {"area": "ASI"},
        {"validation": "validated"},
        {"since": "2018-06-01"},
    )
)


def furnish_groups(unit: UnitOfWork, world: Any, limit: int = LIMIT) -> tuple[Any, dict[str, int]]:
    here = {"plan_id": world.plan_id}
    area = add(unit, StrategicArea, **here, code="ASI", name={"es": "Asistencia"}, intent={}, position=1)
    add(unit, Indicator, **here, strategic_area_id=area, agency_id=world.agency_ids[1], code="IND-20",
        name={"es": "Víctimas"}, level="outcome", unit="people", direction="contextual", aggregation="sum",
        frequency="monthly", sensitivity="restricted", min_cell=limit, annual_table="protection")  # fmt: skip
    unit.connection.execute(table(ReportingPeriod).delete())
    unit.connection.execute(update(table(FormVersion)).values(xform=read_xlsform(REPORT, "report.md").xform))
    periods = {
        each.code: add(unit, ReportingPeriod, **here, code=each.code, period_type="Monthly", start_on=each.start_on,
                       end_on=each.end_on, opens_on=each.opens_on, due_on=each.due_on,
                       grace_until_on=each.grace_until_on, locks_on=each.locks_on)
        for each in MONTHS
    }  # fmt: skip
    checked = read_xlsform(FORM, "indicator.md")
    form = unit.forms.publish(
        blank_form(**here, form_id="indicator_update", xform=checked.xform, workbook=FORM),
        datetime(2018, 1, 1, tzinfo=UTC),
    )
    return form, periods


def rows_told(plan: Plan, dataset: str) -> Iterator[dict[str, Any]]:
    for asked in ASKED:
        if dataset == "3p" and not {"validation", "since"}.isdisjoint(asked):
            continue
        yield from plan.rows(dataset, **asked)
