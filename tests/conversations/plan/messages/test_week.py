"""The week in a few lines: only what has changed, one thing to do, and over each list the number of that list."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from conversations.languages import LANGUAGES
from conversations.plan.figures.monitoring import standing
from conversations.plan.figures.standing_records import Queue
from conversations.plan.messages import week
from conversations.plan.messages.week import Act, Offer
from conversations.wording import wording
from tests.conversations.plan.commission import EMPTY, MONDAY, RECORDS, ZONE, activity, day, report, stand
from tests.conversations.plan.messages.digest_screens import crowd, text, weekly

FIVE = tuple(f"A{number}" for number in range(5))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [1, 3, 9, 50, 400])
def test_the_week_has_at_most_twelve_lines(size: int, language: str) -> None:
    """However bad it is, for each reader; and never more than is read before a meeting (docs/domain.md#the-week)."""
    for found in (crowd(size), replace(crowd(size), only_validated=True)):
        told = text(weekly(found, language, FIVE, FIVE))
        assert len(told.splitlines()) <= week.LINES
        assert len(told.encode("utf-16-le")) // 2 <= 1500


@pytest.mark.parametrize("size", [1, 2, 9, 25])
def test_over_each_list_stands_the_number_of_that_list(size: int) -> None:
    """What is named and what "y 3 más" counts add up to the number above."""
    lines = week.changes(crowd(size), wording("es"))
    lines += [line for found in [crowd(size)] for line in week.week(found, "es", week.offers(found, FIVE, FIVE))]
    lists = re.findall(r"\((\d+)\): (.*?)(?: y (\d+) más)?(?:\.|$)", text(tuple(lines)), re.MULTILINE)
    assert lists
    for number, names, more in lists:
        assert len(names.split(", ")) + int(more or 0) == int(number), names


def test_what_did_not_change_is_not_said() -> None:
    """A week without news is one line of it; with one report, that report."""
    own = (activity("PER-404", "PGR", "2018-06-01", "2020-10-01"),)
    quiet = replace(EMPTY, activities=own, kept_since=date(2018, 10, 20))
    between = datetime.fromisoformat("2018-10-31T12:00:00-04:00")
    assert week.changes(stand(quiet, between), wording("es")) == []
    assert "Nada cambió desde el 24 oct 2018." in text(weekly(stand(quiet, between), "es", (), ()))
    one = replace(quiet, reports=(report("PER-404", "201809", "in_progress", 10, "2018-10-29"),))
    told = text(weekly(stand(one, between), "es", (), ()))
    assert "📥 1 reporte recibido" in told
    assert "Nada cambió" not in told


def test_who_has_not_closed_is_named_when_that_is_news() -> None:
    """On the Monday after the due day, after grace and after the lock; a week later nothing of it is new."""
    told = {on: text(tuple(week.changes(stand(now=day(on)), wording("es")))) for on in ("2018-10-15", "2018-10-29")}
    assert "Septiembre 2018 quedó cerrado" in told["2018-10-15"]
    assert "Faltan (3): DPD, MITUR, DGP" in told["2018-10-15"]
    assert "Faltan" not in told["2018-10-29"]


def test_what_came_between_two_digests_is_in_one_of_them() -> None:
    """A digest that a holiday moved to Tuesday: as of a week before the next, Monday's news would be told twice."""
    moved, after = MONDAY + timedelta(days=1), MONDAY + timedelta(days=7)
    records = replace(RECORDS, reports=(*RECORDS.reports, report("PRE-304", "201809", "delayed", 6, "2018-10-15")))

    def told(now: datetime, since: datetime) -> str:
        return text(tuple(week.changes(standing(records, now, since, ZONE), wording("es"))))

    assert "PRE-304" in told(moved, MONDAY - timedelta(days=7))
    assert "PRE-304" not in told(after, moved)
    assert "PRE-304" in told(after, after - timedelta(days=7))


# ------------------------------------------------------------------ the one thing to do
def first(found: tuple[Offer, ...]) -> Act | None:
    return found[0].act if found else None


def test_what_has_a_last_day_goes_first() -> None:
    """Who can still report is reminded; before the due day is near, what waits for the reader goes first."""
    fresh = replace(RECORDS, queue=Queue(2, "PER-305", "MIREX", day("2018-10-09")))
    assert first(week.offers(stand(fresh, day("2018-10-10")), FIVE, ())) is Act.REMIND
    assert first(week.offers(stand(fresh, day("2018-10-10")), (), ())) is Act.VALIDATE
    early = stand(replace(RECORDS, queue=Queue()), day("2018-10-02"))
    assert [offer.act for offer in week.offers(early, FIVE, ())][-1] is Act.REMIND


def test_nothing_to_do_is_said_too() -> None:
    told = text(weekly(stand(replace(EMPTY, periods=())), "es", (), ()))
    assert "Para hoy: nada pendiente de su parte." in told
    assert "Le espera" not in told


def test_what_waits_is_named_once() -> None:
    """The act of today is not counted again among what waits."""
    fresh = replace(RECORDS, queue=Queue(2, "PER-305", "MIREX", day("2018-10-14")))
    told = text(weekly(stand(fresh), "es", FIVE, ("DPD",)))
    [today] = [each for each in told.splitlines() if each.startswith("Para hoy: recordar")]
    [waits] = [each for each in told.splitlines() if each.startswith("Le espera: ")]
    assert "(5): A0, A1, A2, A3 y 1 más" in today
    assert "recordar" not in waits
    assert "por validar (2)" in waits
