"""What coordinators, ministers and observers read: worst first, within the limit, in three languages.

Golden texts are rewritten by `pytest tests/conversations/plan/messages/test_digests.py --rewrite-golden`; then read the
difference.
"""

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from conversations.card import line
from conversations.languages import LANGUAGES
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import ActivityStanding
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.figures.standing_records import Closing, Detail, Records
from conversations.plan.messages import digest_words, digests
from conversations.plan.periods import PeriodType
from conversations.wording import wording
from tests.conversations.plan.commission import (
    AGENCIES,
    BY_CODE,
    EMPTY,
    MONDAY,
    RECORDS,
    ZONE,
    activity,
    day,
    report,
    stand,
)
from tests.conversations.plan.messages.digest_screens import (
    INDICATORS,
    JUNE,
    LADDER,
    LAPSED,
    MARCH,
    crowd,
    indicator,
    screens,
    text,
    value,
)
from tests.golden import GOLDEN, assert_approved


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_are_as_they_were_read(language: str, request: pytest.FixtureRequest) -> None:
    """Golden digests and cards in every language."""
    assert_approved(request, GOLDEN / f"digests.{language}.txt", screens(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_months_of_the_matrix_have_one_name(language: str) -> None:
    """French June and July begin with the same three letters."""
    closings = [Closing(date(2018, month, 28), ()) for month in range(1, 13)]
    assert len({digest_words.column_name(closing, wording(language)) for closing in closings}) == 12


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 8, 11, 16, 25, 50, 400])
def test_a_digest_is_never_longer_than_a_message(size: int, language: str) -> None:
    """As Telegram counts it, however bad the week: lists give way, counts and the foot stay."""
    week, foot = crowd(size), (line(""), line("🔒 " + "1234 " * 25))
    codes = tuple(agency.code for agency in week.agencies)
    topics = tuple(replace(topic, agencies=codes) for topic in LAPSED)
    ladder = replace(LADDER, in_a_row=dict.fromkeys(codes, 3))
    told = text(digests.digest(week, language, topics, ladder, foot=foot))
    assert len(told.encode("utf-16-le")) // 2 <= digests.LIMIT < 4096 - 300
    assert str(size) in told
    assert told.endswith("1234 ")


@pytest.mark.parametrize(("on", "says"), [("2018-10-10", False), ("2018-10-11", True)])
def test_a_rate_is_told_when_the_last_who_reports_is_due(on: str, says: bool) -> None:
    """Until then nobody is late on any screen. A period that ends with it and asks for nothing delays nothing."""
    empty = replace(BY_CODE["2018Q3"], code="2018X", due_on=date(2018, 12, 20), type=PeriodType.YEARLY)
    records = replace(RECORDS, periods=(*RECORDS.periods, empty))
    week = stand(records, datetime.combine(date.fromisoformat(on), time(8, 30), ZONE))
    told = text(tuple(digests.closing(week, wording("es"), 5)))
    assert ("%" in told, "Faltan (" in told, "Por cerrar (" in told) == (says, says, not says)
    assert ("Reporte a tiempo: " in text(digests.minister_card(week, "es"))) is says
    assert ("hasta el 10 oct 2018" in told) is not says


@pytest.mark.parametrize("shown", [0, 1, 3, 50])
@pytest.mark.parametrize("size", [1, 2, 9, 25])
def test_over_each_list_stands_the_number_of_that_list(size: int, shown: int) -> None:
    """What is named and what "y 3 más" counts add up to the number above, whatever the length allows."""
    week, say = crowd(size), wording("es")
    told = text((*digests.closing(week, say, shown), *digests.people(week, say, shown)))
    lists = re.findall(
        r"^(?:Faltan|Sin punto focal|No les llegan mensajes|Dos o más.*) \((\d+)\): (.*)$", told, re.MULTILINE
    )
    assert lists
    for number, names in lists:
        more = re.search(r"y (\d+) más$", names)
        named = re.sub(r"\([^)]*\)", "", re.sub(r" ?y \d+ más$", "", names))
        counted = len([name for name in named.split(", ") if name]) + (int(more[1]) if more else 0)
        assert counted == int(number), names


def test_one_digest_gives_an_agency_one_number_for_its_silence() -> None:
    """What stands before the plenary with three unclosed periods is not named again below, with or without another."""
    week = stand()
    [item] = [item for item in plenary_items(week) if item.passed]
    two = item.passed[:2]
    agencies = [each if each.code == item.agency.code else replace(each, passed=two) for each in week.agencies]
    told = text(digests.people(replace(week, agencies=tuple(agencies)), wording("es"), 50))
    [silent] = [each for each in told.splitlines() if each.startswith("Dos o más períodos seguidos sin cerrar")]
    assert f"({len(agencies) - 1}):" in silent
    assert item.agency.code not in silent
    assert silent.count(" (2)") == len(agencies) - 1


def test_sections_come_in_the_order_of_the_brief() -> None:
    """docs/domain.md#the-week: what to decide, who has not closed, what changed; one good thing at the end."""
    told = text(digests.digest(stand(), "es"))
    heads = ["Para decidir", "Cierre:", "Cambió", "Por validar:", "Semáforo, con", "Vence en", "Evidencia", "Sin punto",
             "No les llegan", "Buena noticia"]  # fmt: skip
    places = [told.index(head) for head in heads]
    assert places == sorted(places)


def test_every_section_is_silent_when_there_is_nothing_to_say() -> None:
    """Nothing due, no reports at all, nobody: no empty headings."""
    empty = stand(EMPTY)
    told = {section.__name__: section(empty, wording("es"), 5) for section in digests.SECTIONS}
    assert {name for name, lines in told.items() if lines} == {"closing", "changes"}


def test_a_light_is_never_a_colour_alone() -> None:
    """Wherever a coloured shape counts something, its word stands beside it."""
    for language in LANGUAGES:
        say = wording(language)
        counts = digest_words.light_counts(stand().activities, say)
        for light in (Light.CRITICAL, Light.ATTENTION, Light.ON_TRACK):
            assert light.label(language) in counts
            assert digest_words.light_word(light, say) in light.label(language)


def test_a_restricted_activity_keeps_its_words() -> None:
    """docs/domain.md#rates: it counts, and neither its title nor what was written about it leaves the coordination."""
    say = wording("es")
    restricted = next(each for each in stand().activities if each.code == "PER-202")
    open_one = next(each for each in stand().activities if each.code == "PER-101")
    assert digest_words.title(restricted.activity, say, is_public=True) == "PER-202 🔒"
    assert "Actividad" in digest_words.title(open_one.activity, say, is_public=True)
    assert digest_words.decision_text(restricted, stand(), say) == say("digest.reserved")
    for language in LANGUAGES:
        assert "ASI-202 A" not in text(digests.minister_card(stand(only_validated=True), language))


def test_who_may_not_read_a_restricted_activity_is_not_told_its_title() -> None:
    """An admin has the coordinator's week; of what is restricted a code alone (`bot.schedule.digests.VIEWS`)."""
    found = stand(replace(RECORDS, activities=tuple(a for a in RECORDS.activities if a.is_restricted)))
    assert found.changed
    assert "PER-202 A" in text(digests.digest(found, "es"))
    hidden = text(digests.digest(found, "es", is_public=True))
    assert "PER-202 🔒" in hidden
    assert "PER-202 A" not in hidden


def test_a_light_that_turned_in_the_week_is_a_change() -> None:
    """Also when nobody reported anything: the week in which a plan slips is not one in which nothing changed."""
    slipping = tuple(
        activity(code, "PGR", "2018-06-01", due)
        for code, due in (("PER-404", "2018-10-10"), ("PER-405", "2018-10-11"), ("PER-406", "2018-11-10"))
    )
    reports = tuple(
        report(code, period, "in_progress", progress, "2018-10-01", zero_reason=why)
        for code, period, progress, why in (
            ("PER-404", "201809", 99, ""),
            ("PER-405", "201809", 99, "budget"),
            ("PER-406", "201809", 79, ""),
        )
    )
    said = text(digests.digest(stand(replace(EMPTY, activities=slipping, reports=reports)), "es"))
    assert "🔴 2 pasaron a crítica: PER-404 Actividad PER-404 (En curso) · PER-405 Actividad PER-405 (En curso)" in said
    assert "🟡 1 pasó a atención: PER-406" in said
    assert "Nada cambió" not in said
    assert "🔴 con motivo: PER-405 (En curso) Espera presupuesto" in said
    assert "🔴 sin motivo (1): PER-404" in said
    both = tuple(each._replace(zero_reason="budget") for each in reports[:2])
    said = text(digests.digest(stand(replace(EMPTY, activities=slipping, reports=both)), "es"))
    assert "🔴 con motivo: PER-404 (En curso), PER-405 (En curso) Espera presupuesto" in said
    done = report("PER-404", "201809", "in_progress", 99, "2018-10-01")
    later = replace(EMPTY, activities=(replace(slipping[0], due_on=date(2019, 1, 1)),), reports=(done,))
    assert "pasaron" not in text(digests.digest(stand(later), "es"))


def test_a_week_that_brought_reports_does_not_say_that_nothing_changed() -> None:
    """Reports with nothing new move no status and no light: how many came, and how many activities are as before."""
    own = (activity("PER-404", "PGR", "2018-06-01", "2018-10-01"),)
    same = tuple(
        report("PER-404", period, "in_progress", 40, sent)
        for period, sent in (("201808", "2018-09-03"), ("201809", "2018-10-12"))
    )
    week = stand(replace(EMPTY, activities=own, reports=same))
    assert [each.code for each in (*week.changed, *week.advanced)] == []
    said = text(digests.changes(week, wording("es"), 3))
    assert "1 reporte recibido" in said
    assert "Sin cambios: actividades, 1; instituciones, 1." in said
    assert "Nada cambió" not in said
    assert "Nada cambió" in text(digests.changes(stand(replace(EMPTY, activities=own)), wording("es"), 3))


def test_who_has_sent_everything_is_told_to_have_only_to_close() -> None:
    """Not "1/1" beside agencies that have sent nothing."""
    own = (activity("PER-404", "PGR", "2018-06-01", "2020-06-01"),)
    sent = (report("PER-404", "201809", "in_progress", 40, "2018-10-01"),)
    week = stand(replace(EMPTY, activities=own, reports=sent, reporters=RECORDS.reporters))
    assert "Faltan (1): PGR (falta cerrar)" in text(digests.closing(week, wording("es"), 3))


def test_readers_are_not_shown_a_ranking() -> None:
    """docs/domain.md#ministers: institutions in alphabetical order for those who must not rank; worst first for who
    acts.
    """
    ranked, alphabetical = digests.matrix(stand(), "es"), digests.matrix(stand(), "es", alphabetical=True)
    codes = [code for code, _ in alphabetical["rows"]]
    assert codes == sorted(codes)
    assert {code for code, _ in ranked["rows"]} == set(codes)
    assert ranked["rows"][0][1][-1][0] == "critical"
    assert ranked["rows"][-1][0] == "INM"


def test_the_picture_names_the_worst_when_there_are_too_many() -> None:
    """A hundred agencies do not fit a phone: the worst, and how many more."""
    shown = digests.matrix(crowd(100), "es")
    assert len(shown["rows"]) == digests.ROWS
    assert shown["more"] == "y 80 más"


def test_a_mean_is_rounded_as_a_rate_is() -> None:
    """Half a percent upwards: 36.5 was 36 on the observer's card and on the page, and 37 in every rate."""
    two = tuple(activity(code, "PGR", "2018-06-01", "2020-06-01") for code in ("PRE-404", "PRE-405"))
    reports = tuple(
        report(each.code, "201809", "in_progress", progress, "2018-10-01")
        for each, progress in zip(two, (36, 37), strict=True)
    )
    found = stand(replace(EMPTY, activities=two, reports=reports))
    assert "37%" in text(digests.observer_card(found, "es", [("PRE", "Prevención")], 10))


def test_the_trend_is_against_the_closing_before() -> None:
    """Two of seven were in time in August, three of seven in September."""
    assert [(rate.on_time, rate.expected) for rate in stand().rates[-2:]] == [(2, 7), (3, 7)]
    assert digest_words.trend(stand(), wording("es")) == " ▲ 14 pts"


def test_what_makes_a_light_red_is_said() -> None:
    """Tapped on, an activity says why it has its light."""
    say = wording("es")
    why = {each.code: digest_words.why(each, stand().today, say) for each in stand().activities}
    assert why["PRE-304"] == ["falta el último reporte"]
    assert why["PRE-405"] == [
        "va 58 puntos por debajo de lo esperado",
        "2 reportes seguidos sin llegar",
    ]
    assert why["PER-103"] == []
    assert "vence en 10 días" in why["PER-101"]


def test_what_is_due_within_a_day_is_due_today_or_tomorrow() -> None:
    """Never "in 1 days"."""
    week, say = stand(), wording("es")
    each = next(each for each in week.activities if each.code == "PER-101")
    told = []
    for left in range(3):
        due_on = week.today + timedelta(days=left)
        told.append(
            digest_words.why(replace(each, activity=replace(each.activity, due_on=due_on)), week.today, say)[-1]
        )
    assert told == ["vence hoy", "vence mañana", "vence en 2 días"]


def test_a_count_that_goes_on_is_told_beside_its_baseline_and_the_years_before() -> None:
    """Whoever subtracts what was told before finds no small number, as in exports (docs/domain.md#small-numbers)."""
    stock = {"aggregation": "latest", "sensitivity": "restricted", "min_cell": 10, "baseline": "110"}
    say, earlier = wording("es"), value(date(2017, 12, 31), 120)
    shown = lambda *values: digests.shown_value(indicator("IND-23", *values, **stock).year, say)  # noqa: E731
    assert shown(value(MARCH, 113)) == (say("digest.protected"), "")
    assert shown(value(MARCH, 120)) == ("120", "")
    assert shown(earlier, value(MARCH, 125)) == (say("digest.protected"), "")
    assert shown(earlier, value(MARCH, 131), value(JUNE, 134))[0] == "131"
    assert shown(value(MARCH, 4)) == ("<10", "")


def test_a_running_total_waits_until_it_has_grown_enough() -> None:
    """IND-20: 12 until March; the 15 of June would tell that there were three since."""
    say = wording("es")
    assert digests.shown_value(INDICATORS[1].year, say) == ("12", " (hasta marzo)")
    assert digests.shown_value(INDICATORS[4].year, say) == ("<5", "")
    assert digests.shown_value(INDICATORS[2].year, say) == ("cifra protegida", ""), "seven of nine is two of nine"
    assert digests.shown_value(INDICATORS[3].year, say) == ("75%", "")


def test_before_the_last_due_day_nobody_is_behind_the_closing_before() -> None:
    """On the second of November nobody is late for October: no arrow; nor beside what nobody could close."""
    say = wording("es")
    assert digest_words.trend(stand(), say) == " ▲ 14 pts"
    assert digest_words.trend(stand(now=day("2018-10-10")), say) == "", "the last due day is not over"
    assert digest_words.trend(stand(now=day("2018-10-11")), say) != ""
    assert digest_words.trend(stand(replace(RECORDS, kept_since=date(2018, 9, 20))), say) == ""


def test_good_news_is_of_this_week_and_true() -> None:
    """Backed up is whoever sent a file with each report; on the Monday after it is told no more."""

    def told(records: Records, now: datetime = MONDAY) -> str:
        found = stand(records, now=now)
        return "".join(text((line,)) for line in digests.good_news(found, wording("es"), 5))

    end = date(2018, 9, 30)
    backed = replace(RECORDS, reports=tuple(one._replace(has_files=one.end_on == end) for one in RECORDS.reports))
    assert "MIREX cerró a tiempo, el 10 oct 2018." in told(RECORDS)
    assert "MIREX cerró el 10 oct 2018, con todo respaldado." in told(backed)
    assert told(backed, MONDAY + timedelta(days=14)) == ""


def test_no_two_activities_are_compared_to_write_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand red ones, a quarter with a reason, took ten seconds: each was looked for among those with one."""
    week = stand(
        replace(
            EMPTY,
            activities=tuple(activity(f"PRE-{n:03}", "MMUJER", "2018-01-01", "2018-09-01") for n in range(9)),
            reports=tuple(
                report(f"PRE-{n:03}", "201809", "delayed", 5, "2018-10-09", detail=Detail(("legal",) * (n % 2)))
                for n in range(9)
            ),
        )
    )

    def compared(one: object, other: object) -> bool:
        raise AssertionError(f"{one} is compared with {other}")

    monkeypatch.setattr(ActivityStanding, "__eq__", compared)
    said = text(digests.digest(week, "es"))
    assert "con motivo: PRE-001 (Retrasada), PRE-003 (Retrasada)" in said
    assert "sin motivo (5): PRE-000 (Retrasada), PRE-002 (Retrasada)" in said


def test_days_are_of_the_plans_zone() -> None:
    """Late in the evening of the fourteenth in Santo Domingo it is the fifteenth in UTC."""
    late = stand(now=day("2018-10-14", 22))
    assert "14 oct 2018" in text(digests.digest(late, "es"))
    assert late.zone is ZONE
    assert BY_CODE["201809"] in late.closings[-1].periods
    assert len(AGENCIES) == 8


def test_the_longest_silence_stands_first_whatever_the_lights() -> None:
    """Of the buttons too; among equals, the worst light."""
    some = stand().agencies
    three = stand().periods[:3]
    quiet = replace(min(some, key=lambda agency: digests.urgency(agency)[0] * -1), passed=three)
    others = [replace(agency, passed=()) for agency in some if agency.code != quiet.code]
    ordered = sorted([*others, quiet], key=digests.silence)
    assert ordered[0] == quiet
    assert ordered[1:] == sorted(others, key=digests.urgency)
    assert digests.urgency(quiet) > digests.urgency(ordered[1])
