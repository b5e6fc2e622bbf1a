"""A period reopened for one agency, from the request to its end, as the people concerned read it."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.bot.desk import NOW, Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO, ROSA
from tests.deadlines import PATIENCE

LATER = datetime(2018, 10, 5, 12, tzinfo=UTC)
AFTER = datetime(2018, 10, 9, 12, tzinfo=UTC)


def audited(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    with desk.database.view() as unit:
        return [
            (entry.act, entry.details) for entry in reversed(unit.audit.latest()) if entry.act.startswith("period.")
        ]


def test_an_agency_asks_and_a_coordinator_grants_it_with_one_tap(desk: Desk) -> None:
    """Locked, asked with a reason, granted, begun; to other agencies the period is as locked as before."""
    unsent = "UPDATE submission SET is_current=0 WHERE subject='activity:PRE-304'"
    desk.database.units.submit(None, lambda unit: unit.connection.exec_driver_sql(unsent)).result(PATIENCE)
    locked = tap(desk, JEAN, "reportar", "a.PRE-304.201808")
    assert "Out 2018" in said(locked, JEAN)[-1]
    why = press(desk, JEAN, locked, "✋ Mande relouvri")
    asked = press(desk, JEAN, why, "Gen yon rapò ki pa t voye")
    request = said(asked, CARMEN)[-1]
    assert request == "DGP pide reabrir agosto 2018.\nMotivo: Quedó un reporte sin enviar"
    assert said(asked, PEDRO) == []  # there is a coordinator: nobody else is troubled
    twice = tap(desk, JEAN, "reapertura", "201808.missing")
    assert said(twice, CARMEN) == []

    granted = press(desk, CARMEN, asked, "Reabrir 3 días a DGP")
    assert "Agosto 2018 queda reabierto para DGP" in said(granted, CARMEN)[-1]
    assert "relouvri out 2018" in said(granted, JEAN)[-1]
    due = press(desk, JEAN, granted, "▶️ Kòmanse")
    first, second, *_ = buttons(due, JEAN).items()
    assert (first[0][:9], first[1]) == ("🔓 PRE-304", "c:reportar:a.PRE-304.201808")
    assert (second[0][:7], second[1]) == ("PRE-304", "c:reportar:a.PRE-304.201809")
    assert said(due, JEAN)[-1].count("elouvri") == 1  # and until when, once
    begun = tap(desk, JEAN, "reportar", "a.PRE-304.201808")
    assert "PRE-304" in said(begun, JEAN)[-1]
    assert "ya cerró" in said(tap(desk, ROSA, "reportar", "a.PER-101.2018Q2"), ROSA)[-1]
    once_more = press(desk, CARMEN, asked, "Reabrir 3 días a DGP")
    assert "ya está reabierto para DGP" in said(once_more, CARMEN)[-1]

    assert [(act, details["reason"]) for act, details in audited(desk)] == [
        ("period.reopening_asked", "missing"),
        ("period.reopened", "missing"),
    ]


def test_it_ends_by_itself_and_a_draft_waits_for_the_next_time(desk: Desk) -> None:
    """Three days, the last at midnight; what was begun is continued when it is reopened again."""
    tap(desk, CARMEN, "reabrir", "201807.DGP.1.trouble")
    begun = tap(desk, JEAN, "reportar", "a.PRE-103.201807")
    with desk.database.view() as unit:
        (draft,) = unit.sessions.lapsing(NOW, AFTER)
    answered = desk.tap(JEAN, next(t for t in buttons(begun, JEAN).values() if ":pick:" in t))
    assert said(answered, JEAN)

    desk.now = AFTER
    locked = desk.say(JEAN, "40")
    assert "Jiyè 2018" in said(locked, JEAN)[-1]
    assert "✋ Mande relouvri" in buttons(locked, JEAN)

    tap(desk, CARMEN, "reabrir", "201807.DGP.3.trouble")
    again = tap(desk, JEAN, "continuar", str(draft.id))
    assert "PRE-103" in said(again, JEAN)[-1]


def test_a_coordinator_reopens_in_words_and_locks_again(desk: Desk) -> None:
    """Agency, days, reason typed; names are refused before they are heard; the agency is told of both."""
    period = tap(desk, CARMEN, "periodo", "201808")
    which = press(desk, CARMEN, period, "🔓 Reabrir para una institución")
    days = press(desk, CARMEN, which, next(words for words in buttons(which, CARMEN) if "PGR" in words))
    assert said(days, CARMEN)[-1] == "¿Reabrir agosto 2018 solo para PGR? Quedará en la auditoría con su motivo."

    why = press(desk, CARMEN, days, "Reabrir 3 días")
    assert "¿Por qué se reabre a PGR?" in said(why, CARMEN)[-1]

    refused = desk.say(CARMEN, "lo pidió Rosa, cédula 001-1234567-8")
    assert audited(desk) == []
    assert "julio" not in str(said(refused, CARMEN))
    assert "letras" in said(desk.say(CARMEN, "x " * 150), CARMEN)[-1]

    done = desk.say(CARMEN, "El acta llegó tarde")
    assert "Agosto 2018 queda reabierto para PGR hasta el" in said(done, CARMEN)[-1]
    assert "Motivo: El acta llegó tarde" in said(done, ROSA)[-1]
    assert audited(desk)[-1][1]["reason"] == "El acta llegó tarde"

    card = press(desk, CARMEN, done, "Ver el período")
    ended = press(desk, CARMEN, card, "🔒 Cerrar otra vez a PGR")
    assert "volvió a cerrarse" in said(ended, ROSA)[-1]
    assert [act for act, _ in audited(desk)] == ["period.reopened", "period.locked_again"]


def test_a_sent_report_of_a_reopened_period_can_be_corrected(desk: Desk) -> None:
    """Corregir was refused with the way to ask; then it opens the review."""
    with desk.database.view() as unit:
        period = unit.plans.period(unit.plans.only().id, "2018Q2")
        agency = unit.plans.agency(unit.plans.only().id, "PGR")
        sent = next(s for s in unit.submissions.of_agency(agency.id, limit=50) if s.reporting_period_id == period.id)
    refused = tap(desk, ROSA, "corregir", str(sent.id))
    assert "✋ Pedir reapertura" in buttons(refused, ROSA)

    tap(desk, CARMEN, "reabrir", "2018Q2.PGR.1.correction")
    opened = tap(desk, ROSA, "corregir", str(sent.id))
    assert "ya cerró" not in said(opened, ROSA)[-1]

    with desk.database.view() as unit:
        assert unit.sessions.correcting(sent.id) is not None


def test_the_days_of_a_period_are_moved_for_everybody_after_one_question(desk: Desk) -> None:
    """Put off, locked early, opened early; a confirmation that is pressed twice moves nothing twice."""

    def days(code: str) -> str:
        with desk.database.view() as unit:
            found = unit.plans.period(unit.plans.only().id, code)
        return f"{found.opens_on:%m-%d} {found.due_on:%m-%d} {found.locks_on:%m-%d}"

    assert days("201809") == "10-01 10-05 10-15"

    card = tap(desk, CARMEN, "plazos", "201809")
    sure = press(desk, CARMEN, card, "3 días más para todas")
    assert days("201809") == "10-01 10-05 10-15"

    press(desk, CARMEN, sure, "Sí, para todas")
    assert days("201809") == "10-01 10-08 10-18"

    press(desk, CARMEN, sure, "Sí, para todas")
    assert days("201809") == "10-01 10-08 10-18"
    assert "Fechas puestas a mano" in said(tap(desk, CARMEN, "periodo", "201809"), CARMEN)[-1]

    press(desk, CARMEN, press(desk, CARMEN, tap(desk, CARMEN, "plazos", "201810"), "Abrir hoy"), "Sí, para todas")
    assert days("201810").startswith("10-03")

    press(
        desk, CARMEN, press(desk, CARMEN, tap(desk, CARMEN, "plazos", "201809"), "Cerrar al final de hoy"),
        "Sí, para todas",
    )  # fmt: skip
    assert days("201809") == "10-01 10-03 10-04"

    tap(desk, PEDRO, "calendario", "2018-11-06")  # a holiday moves what nobody has moved
    assert days("201810").startswith("10-03 11-06")
    assert [act for act, _ in audited(desk)] == ["period.moved"] * 3


def test_nobody_else_reopens_and_no_forged_button_does(desk: Desk) -> None:
    """Roles, unknown agencies and periods, days and reasons that no button of ours carries (S3)."""
    before = desk.state()
    for who in (ROSA, JEAN, GRACE):
        for argument in ("201807.DGP.3.trouble", "201807.DGP.end", "201807"):
            answer = tap(desk, who, "reabrir", argument).answer
            assert answer is not None
            assert answer.show_alert
    for argument in ("201899.DGP.3.trouble", "201807.XXX.3.trouble", "201807.DGP.30.trouble", "201807.DGP.-1.trouble"):
        answer = tap(desk, CARMEN, "reabrir", argument).answer
        assert answer is not None
        assert answer.show_alert
    for argument in (
        "201807.DGP.3.because",
        "201807.DGP.3.asked",
        "201807.DGP.end",
        "201807.DGP.no",
        "201809.DGP.3.trouble",
    ):
        tap(desk, CARMEN, "reabrir", argument)
    for argument in ("201809.more9.1", "201809.more3.1", "201809.lock", "201807.open.x"):
        tap(desk, CARMEN, "plazos", argument)
    with desk.database.view() as unit:
        assert unit.periods.reopenings(unit.plans.only().id, desk.now.date()) == ()

    assert desk.state() == before
    assert audited(desk) == []


def test_every_text_fits_a_small_phone(desk: Desk) -> None:
    """Buttons of at most 40 characters, callback data of at most 64 bytes."""
    for shown in (
        tap(desk, CARMEN, "periodo"),
        tap(desk, CARMEN, "periodo", "201807"),
        tap(desk, CARMEN, "reabrir", "201807"),
        tap(desk, CARMEN, "reabrir", "201807.MMUJER"),
        tap(desk, CARMEN, "reabrir", "201807.MMUJER.3"),
        tap(desk, CARMEN, "plazos", "201809.more3"),
    ):
        for words, data in buttons(shown, CARMEN).items():
            assert len(words) <= 40
            assert len(data.encode()) <= 64
            assert re.fullmatch(r"c:[a-z]+:[A-Za-z0-9.]*", data)


def test_what_is_added_after_an_agency_has_closed_is_left_to_report_and_said_to_be(desk: Desk) -> None:
    """Added on the fifth, before the quarter is due on the tenth: reportable, shown as left, and the closing stands."""

    def close_and_add(unit: Any) -> None:
        ana = unit.people.by_telegram_id(ANA)
        for period in unit.plans.open_periods(1, NOW.date()):
            unit.closings.close(1, unit.plans.agency(1, "MMUJER").id, period.id, ana.id, NOW)
        unit.connection.exec_driver_sql(
            "UPDATE activity SET added_on='2018-10-05', report_frequency='quarterly' WHERE code='PRE-101'"
        )

    desk.database.units.submit(None, close_and_add).result(PATIENCE)
    desk.now = LATER
    due = said(tap(desk, ANA, "pendientes"), ANA)[-1]
    assert "se añadió una actividad al plan: PRE-101" in due

    closing = tap(desk, ANA, "cerrar")
    assert "El cierre vale" in said(closing, ANA)[-1]

    row = next(row for row in said(tap(desk, CARMEN, "progreso"), CARMEN)[-1].split("\n") if "MMUJER" in row)
    assert row.endswith("cerrado · 1 añadida después")

    begun = tap(desk, ANA, "reportar", "a.PRE-101.2018Q3")
    assert "PRE-101" in said(begun, ANA)[-1]
    assert "ya" not in said(begun, ANA)[-1][:20]


def test_what_is_missing_is_reopened_and_closes_the_month_with_it(desk: Desk) -> None:
    """The month is all in, its quarter lacks a report: only that is asked for, and who sends it has closed both."""
    tap(desk, JEAN, "novedades", "budget")
    to_close = tap(desk, JEAN, "empezar", "201809")
    assert "Se fèmen l ki rete" in said(to_close, JEAN)[-1]
    assert "c:cerrar:" in buttons(to_close, JEAN).values()

    unsent = "DELETE FROM submission WHERE subject='activity:PRE-103'"
    desk.database.units.submit(None, lambda unit: unit.connection.exec_driver_sql(unsent)).result(PATIENCE)
    desk.now = datetime(2018, 10, 23, 12, tzinfo=UTC)
    late = tap(desk, JEAN, "empezar", "201809")
    assert "3yèm trimès 2018" in said(late, JEAN)[-1]
    assert buttons(late, JEAN)["✋ Mande relouvri"].endswith("2018Q3")

    tap(desk, CARMEN, "reabrir", "2018Q3.DGP.3.missing")
    tap(desk, JEAN, "novedades", "budget")
    tap(desk, JEAN, "cerrar", "20180930")
    with desk.database.view() as unit:
        plan = unit.plans.only().id
        agency = unit.plans.agency(plan, "DGP").id
        assert all(unit.closings.is_closed(agency, unit.plans.period(plan, code).id) for code in ("201809", "2018Q3"))
