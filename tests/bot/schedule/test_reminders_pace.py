"""A quarter of notices over a real database: who is prompt, and who is silent (docs/decisions/notices.md)."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from bot.schedule.explain import explained, upcoming
from bot.schedule.scheduler import look_at
from bot.schedule.settling import settle
from conversations.plan.calendar import notices
from conversations.plan.calendar.ledger import OFFICERS, month_of, week_of
from conversations.plan.periods import is_working_day
from storage.database.models import Fire, OutboxMessage, table
from storage.messages.outbox import Sent
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, ROSA
from tests.bot.schedule.days import HERE, Told, here, scan, schedule_of

PROMPT, SILENT = JEAN, ROSA
"""Jean answers what he is told at once. Rosa never does: PGR has something each month, quarter and half-year."""
JANUARY = date(2019, 1, 1)


def lived(desk: Desk, first: date, last: date) -> dict[int, list[tuple[date, Told]]]:
    """Every day's nine o'clock; by chat, which reminders came on which day."""
    heard: dict[int, list[tuple[date, Told]]] = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for who, some in scan(desk, here(f"{day}T09:01")).items():
            heard.setdefault(who, []).extend((day, told) for told in some if told.what == "reminder")
        if any(on == day for on, _ in heard.get(PROMPT, ())):
            desk.now = here(f"{day}T10:00")
            tap(desk, PROMPT, "novedades", "no_progress")
            asked = tap(desk, PROMPT, "cerrar")
            press(desk, PROMPT, asked, next(words for words in buttons(asked, PROMPT) if words.startswith("✅")))
    return heard


def ten_working_days(desk: Desk) -> set[date]:
    """The first of January."""
    holidays = desk.do(lambda unit: unit.holidays.days(1))
    days = (JANUARY + timedelta(days=number) for number in range(40))
    return set([day for day in days if is_working_day(day, holidays)][:10])


def test_a_quarter_of_somebody_prompt_and_of_somebody_silent(desk: Desk) -> None:
    """At most two a week and four a month; and one a month for who answers the first."""
    heard = lived(desk, date(2018, 10, 1), date(2019, 1, 31))
    days = [day for day, _ in heard[SILENT]]
    assert max(Counter(map(week_of, days)).values()) == OFFICERS[week_of]
    assert max(Counter(map(month_of, days)).values()) == OFFICERS[month_of]

    ended = [p for p in desk.do(lambda unit: unit.plans.periods(1)) if p.code in ("201812", "2018Q4", "2018S2")]
    assert {period.due_on for period in ended} <= set(days), "no due day yields"

    months = Counter(day.month for day, _ in heard[PROMPT])
    assert months == {10: 1, 11: 1, 12: 1, 1: 1}


def test_planted_without_the_pace_it_is_nine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law above would be red."""
    monkeypatch.setattr(notices, "keeps_budget", lambda agenda, who, day, rank: True)
    monkeypatch.setattr("bot.schedule.ledger.one_a_day", lambda unit, batch, now: batch.planned)
    heard = lived(desk, JANUARY, date(2019, 1, 16))
    assert len(ten_working_days(desk).intersection(day for day, _ in heard[SILENT])) >= 9


def test_the_third_without_an_answer_asks_what_holds_them_back(desk: Desk) -> None:
    """With the plan's own reasons as buttons; who has answered is not asked again."""
    heard = lived(desk, date(2018, 10, 1), date(2018, 10, 10))[SILENT]
    assert [day.day for day, _ in heard] == [1, 5, 10]
    assert "¿Qué lo frena?" not in heard[1][1].text
    last_line = heard[2][1].text.splitlines()[-1]  # above the buttons that answer it
    assert last_line.startswith("¿Qué lo frena?")
    assert heard[2][1].text.startswith("Hoy vence el plazo del 3.er trimestre 2018"), "it is the due day all the same"
    assert "Falta de presupuesto" in heard[2][1].buttons
    assert "Compra o contratación" not in heard[2][1].buttons, "sixteen buttons are longer than a phone's screen"

    desk.now = here("2018-10-10T09:30")
    every = buttons(tap(desk, SILENT, "explicar"), SILENT)
    assert "Otro motivo…" in heard[2][1].buttons
    assert {"Falta de presupuesto", "Compra o contratación", "Que me llamen"} < every.keys()

    desk.now = here("2018-10-10T10:00")
    assert "Gracias por decirlo" in said(tap(desk, SILENT, "explicar", "budget"), SILENT)[-1]

    after = lived(desk, date(2018, 10, 11), date(2018, 10, 12))[SILENT]
    assert "¿Qué lo frena?" not in after[0][1].text


def test_a_correction_that_was_only_looked_at_is_no_draft_to_lose(desk: Desk) -> None:
    """It holds what was sent. Of a report that was begun it is said until when its draft is kept."""
    desk.now = here("2018-10-03T10:00")
    tap(desk, ANA, "novedades", "no_progress")
    tap(desk, ANA, "cerrar", "20180930")
    sent = desk.do(lambda unit: unit.submissions.of_agency(unit.plans.agency(1, "MMUJER").id, limit=1)[0].id)
    assert "Qué respuesta" in said(tap(desk, ANA, "corregir", str(sent)), ANA)[-1]
    tap(desk, JEAN, "reportar", "a.PRE-304.201809")

    heard = scan(desk, here("2018-10-12T09:01"))

    assert "Bouyon PRE-304" in heard[JEAN][0].text
    assert ANA not in heard


# ------------------------------------------------------------------ one can be begun from
def edits(desk: Desk) -> list[tuple[int, str]]:
    """The chats in which an older notice becomes a word, and what has become of that."""
    return calls_of(desk, "editMessageText")


def calls_of(desk: Desk, method: str) -> list[tuple[int, str]]:
    _O = table(OutboxMessage)
    asked = select(_O.c.chat_id, _O.c.state).where(_O.c.method == method).order_by(_O.c.id)
    return desk.do(lambda unit: [tuple(row) for row in unit.connection.execute(asked)])


def place_all(unit: UnitOfWork) -> None:
    """As delivery does: each card has the number of its message."""
    _O = table(OutboxMessage)
    cards = unit.connection.execute(select(_O.c.card_id).where(_O.c.card_id.is_not(None))).scalars()
    unit.outbox.place({card: 1000 + card for card in cards})


class Killed(Exception):
    """The process ends before its unit is committed."""


def test_the_one_before_becomes_a_line_once_the_new_one_is_there(desk: Desk) -> None:
    """Not before it has arrived; once; and a crash in between repeats both or neither."""
    scan(desk, here("2018-10-01T09:01"))
    desk.do(place_all)
    scan(desk, here("2018-10-05T09:01"), is_sent=False)
    desk.do(lambda unit: settle(unit, desk.now))
    assert edits(desk) == []

    def arrives(unit: UnitOfWork) -> None:
        rows, _ = look_at(unit, unit.outbox.claim(desk.now, desk.now + timedelta(minutes=1), 100), desk.now)
        for row in rows:
            unit.outbox.begin(row)
            unit.outbox.record(row.id, Sent(1), desk.now)

    def killed(unit: UnitOfWork) -> None:
        assert settle(unit, desk.now) > 0
        raise Killed

    desk.do(arrives)
    with pytest.raises(Killed):
        desk.do(killed)
    assert edits(desk) == []

    desk.do(lambda unit: settle(unit, desk.now))
    assert edits(desk).count((SILENT, "queued")) == 1

    scan(desk, desk.now + timedelta(minutes=1))
    scan(desk, desk.now + timedelta(minutes=2))
    assert [state for who, state in edits(desk) if who == SILENT] == ["sent"]


def test_the_one_before_becomes_a_line_however_long_ago_it_was(desk: Desk) -> None:
    """Messages are forgotten after a week, every hour, also between an arrival and the next look of the scheduler."""
    [forget] = [rule for rule in RETENTION if rule.name == "messages"]
    scan(desk, here("2018-10-10T09:01"))
    desk.do(place_all)
    desk.do(lambda unit: forget.at(unit, desk.now))
    scan(desk, here("2018-10-10T09:02"))
    before = edits(desk).count((SILENT, "sent"))

    desk.do(lambda unit: forget.at(unit, here("2018-10-19T09:00")))
    scan(desk, here("2018-10-19T09:01"))
    desk.do(lambda unit: forget.at(unit, desk.now))
    desk.do(lambda unit: settle(unit, desk.now))

    assert edits(desk).count((SILENT, "queued")) == 1
    assert before == 0


@pytest.mark.parametrize(
    ("hours", "method"),
    [(24, "deleteMessage"), (46, "deleteMessage"), (47, "editMessageText"), (96, "editMessageText")],
)
def test_a_notice_that_telegram_still_deletes_leaves_the_chat(desk: Desk, hours: int, method: str) -> None:
    """Bot API, deleteMessage: for 48 hours. Later it becomes a word, with no button to begin from."""
    now = here("2018-10-05T09:01")
    scan(desk, here("2018-10-01T09:01"))
    desk.do(place_all)
    said_at = {"fired_at": now - timedelta(hours=hours)}
    desk.do(lambda unit: unit.connection.execute(update(table(Fire)).values(said_at)))
    scan(desk, now)
    desk.do(lambda unit: settle(unit, desk.now))

    by_method = {each: [who for who, _ in calls_of(desk, each)] for each in ("deleteMessage", "editMessageText")}
    assert by_method.pop(method).count(SILENT) == 1
    assert by_method.popitem()[1] == []


def test_a_coordinators_notices_stay(desk: Desk) -> None:
    """Each is of a period of its own: a month that has locked, and a quarter."""
    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, "digest").id, paused_at=here("2018-10-01T08:00")))
    for day in ("2018-10-15", "2018-10-22"):
        assert CARMEN in scan(desk, here(f"{day}T09:01"))
        desk.do(place_all)
    assert CARMEN not in {who for who, _ in (*edits(desk), *calls_of(desk, "deleteMessage"))}


# ------------------------------------------------------------------ foretold
def test_what_due_and_the_preview_foretell_is_what_comes(desk: Desk) -> None:
    """By the functions that decide: what yields has that reason, and is no day of the preview."""
    lived(desk, date(2018, 10, 1), date(2018, 10, 6))
    now = here("2018-10-08T08:30")

    def foretold(unit: UnitOfWork) -> tuple[list[date], dict[int, str]]:
        coming = upcoming(unit, schedule_of(unit, "reminders"), now, HERE)
        found = explained(unit, here("2018-10-08T09:01"))
        reasons = {one.who.chat_id: one.reason for one in found if one.what == "reminders"}
        return [at.astimezone(HERE).date() for at in coming], reasons

    days, reasons = desk.do(foretold)
    assert reasons[SILENT] == "yields"

    heard = lived(desk, date(2018, 10, 8), date(2018, 10, 31))
    came = sorted({day for some in heard.values() for day, _ in some})
    assert days == came[:3]
