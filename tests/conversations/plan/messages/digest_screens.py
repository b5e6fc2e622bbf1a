"""Everything that is read of a digest, one screen below the other, of a plan in which much is wrong."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from conversations.card import Card, Line, plain
from conversations.plan.calendar.agenda import Agenda, Topic
from conversations.plan.calendar.ladder import Rung
from conversations.plan.figures.annual import IndicatorYear, Reported, Revision, this_year
from conversations.plan.figures.monitoring import Standing
from conversations.plan.figures.standing_records import Detail, Queue, Records, Reporter
from conversations.plan.messages import digests, week
from conversations.plan.model import Agency, Indicator, Role, Target
from conversations.plan.periods import Frequency
from tests.conversations.plan.commission import (
    EMPTY,
    MONDAY,
    RECORDS,
    UNEXPLAINED,
    activity,
    report,
    stand,
)

AREAS = [("PRE", "Prevención"), ("PER", "Persecución"), ("ASI", "Asistencia")]
FIRST_WEEK = replace(EMPTY, activities=RECORDS.activities, kept_since=date(2018, 10, 8))

SEPTEMBER, QUARTER = (
    next(period for period in RECORDS.periods if period.code == code) for code in ("201809", "2018Q2")
)

LADDER = Agenda(
    date(2018, 10, 15), in_a_row={"DPD": 3, "DGP": 2}, answers={"MITUR": "call"}, reachable=frozenset({"MITUR"})
)

LAPSED = (
    Topic(SEPTEMBER, rung=Rung.LOCKED, agencies=("DGP", "DPD", "MITUR")),
    Topic(QUARTER, rung=Rung.GRACE_ENDED, agencies=("MIREX", "MITUR")),
)


def text(lines: tuple[Line, ...]) -> str:
    return plain(Card(lines))


def weekly(
    found: Standing, language: str, to_remind: Sequence[str], letters: Sequence[str], *, is_public: bool = False
) -> tuple[Line, ...]:
    """The week in a few lines, with everything that can be done offered to its reader."""
    return week.week(found, language, week.offers(found, to_remind, letters), is_public=is_public)


def screens(language: str) -> str:
    """Everything that is read, one below the other."""
    inside, outside = stand(), stand(only_validated=True)
    parts = {
        "the coordinator's week": weekly(inside, language, ("DGP", "DPD", "MITUR"), ("DPD",)),
        "the admin's week": weekly(outside, language, (), (), is_public=True),
        "the first week": weekly(stand(FIRST_WEEK), language, ("DGP", "DPD"), ()),
        "no plan yet": weekly(stand(replace(EMPTY, periods=())), language, (), ()),
        "the coordinator's whole week": digests.digest(inside, language),
        "the admin's whole week": digests.digest(outside, language, is_public=True),
        "the day a month locks and a quarter's grace ends": digests.digest(inside, language, LAPSED, LADDER),
        "the whole first week": digests.digest(stand(FIRST_WEEK), language),
        "the minister's card": digests.minister_card(outside, language),
        "a decision": digests.decision_card(inside, 0, language),
        "periods that passed": digests.decision_card(inside, 2, language),
        "red and unexplained": digests.decision_card(stand(UNEXPLAINED), 3, language),
        "a restricted decision": digests.decision_card(outside, 0, language),
        "no decision": digests.decision_card(stand(EMPTY), 0, language),
        "the observer's view": digests.observer_card(outside, language, AREAS, 10),
        "indicators": digests.indicators_card(INDICATORS, 0, language),
        "no indicators": digests.indicators_card([], 0, language),
    }
    told = "\n".join(f"--- {name}\n{text(lines)}" for name, lines in parts.items())
    return f"{told}\n--- the picture's caption\n{digests.caption(inside, language)}\n"


def value(end_on: date, number: int, base: int | None = None) -> Reported:
    """Of the month that ends on that day."""
    return Reported(end_on.replace(day=1), end_on, number, base)


def indicator(code: str, *values: Reported, target: str = "", **more: object) -> IndicatorYear:
    """Its year 2018; each value validated on the day after its month."""
    given = {"unit": "people", "aggregation": "sum", "targets": (Target(target),) * bool(target), **more}
    made = [Revision(each.end_on + timedelta(days=1), f"{each.end_on}", each) for each in values]
    return this_year(
        Indicator(code, "PGR", Frequency.MONTHLY, {"es": f"Indicador {code}"}, **given),  # type: ignore[arg-type]
        made,
        date(2018, 10, 15),
        protect=True,
        locks={},
    )


MARCH, JUNE = date(2018, 3, 31), date(2018, 6, 30)

INDICATORS = [
    indicator("IND-01", value(MARCH, 1200), value(JUNE, 800), target="250000"),
    indicator("IND-20", value(MARCH, 12), value(JUNE, 3), sensitivity="restricted", min_cell=10),
    indicator("IND-21", value(JUNE, 7, 9), sensitivity="restricted", min_cell=10, unit="percent", aggregation="ratio"),
    indicator("IND-04", value(JUNE, 45, 60), unit="percent", aggregation="ratio", target="80"),
    indicator("IND-11", value(MARCH, 2), min_cell=5),
    indicator("IND-13"),
]


@functools.cache  # it is told of in every language
def crowd(size: int) -> Standing:
    """A plan in which everything is wrong with everybody, with long names."""
    agencies = tuple(Agency(f"AGENCIA{n:03}", {"es": "Nombre muy largo " * 6}, id=n) for n in range(1, size + 1))
    activities = tuple(
        replace(
            activity(f"PRE-{n:04}", f"AGENCIA{n:03}", "2018-07-01", "2018-10-20"),
            short_name={"es": "Actividad de nombre interminable que nadie lee hasta el final " * 3},
        )
        for n in range(1, size + 1)
    )
    detail = Detail(("budget", "legal"), True, "Una decisión que se explica con muchísimas palabras " * 4, None)
    reports = tuple(
        report(each.code, "201809", status, 5, "2018-10-09", detail=detail, promises_evidence=True)
        for each, status in zip(activities, ["delayed", "suspended", "cancelled", "completed"] * size, strict=False)
    )
    people = tuple(
        Reporter(
            n, Role.FOCAL_POINT if n % 2 else Role.ALTERNATE, "Nombre Apellido Larguísimo", None, "unreachable", MONDAY
        )
        for n in range(1, size + 1)
    )
    return stand(
        Records(
            agencies, activities, RECORDS.periods, reports, (), people, Queue(size, "PRE-0001", "AGENCIA001", MONDAY)
        )
    )
