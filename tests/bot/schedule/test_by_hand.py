"""/recordar: whom a coordinator reaches, who is named for being told, and what a stop holds back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.acts.people.enrolment import Newcomer, enrol
from bot.schedule.explain import explained
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, show_progress
from bot.telegram.in_hand import Note, write
from conversations.plan.model import Role
from conversations.wording import wording
from storage.database.models import Person, table
from storage.messages.outbox import Sent, Unreachable
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, LUIS, ROSA
from tests.bot.schedule.chased import (
    COCO,
    DUE,
    EVA,
    LATE,
    OTTO,
    ZONE,
    report_everything,
    scan,
    send,
    states,
    three_who_are_chased,
)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.do(three_who_are_chased)
    return desk


def whys(desk: Desk, now: datetime, what: str = "reminders") -> dict[str, str]:
    """`enlace due`: by name, in Spanish."""
    return desk.do(
        lambda unit: {one.who.name: one.why(wording("es")) for one in explained(unit, now) if one.what == what},
    )


def pause_everybody(desk: Desk, now: datetime) -> None:
    desk.now = now
    tap(desk, CARMEN, "pausar", "0")


# ------------------------------------------------------------------ /recordar
def test_the_list_and_the_digest_count_alike_and_reach_who_only_has_to_close(desk: Desk) -> None:
    """Otto has sent everything and has not closed: he is on the list, among the number, and gets the sentence."""
    report_everything(desk, OTTO)
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    digest = next(words for words in buttons(desk.say(CARMEN, "/resumen"), CARMEN) if "Recordar" in words)
    listed = desk.say(CARMEN, "/recordar")
    assert digest == "🔔 Recordar a 5"
    assert "🔔 Recordar a 5 instituciones" in buttons(listed, CARMEN)
    assert "• MIDE · todo enviado, sin cerrar" in said(listed, CARMEN)[-1]
    assert "• MINERD · quedan 2 · sin punto focal" in said(listed, CARMEN)[-1]

    tap(desk, CARMEN, "recordar", "yes")
    told = desk.do(lambda unit: send(unit, desk.now))
    assert set(told) == {ANA, ROSA, JEAN, COCO, OTTO}
    assert "Solo falta cerrarlo" in told[OTTO]

    again = desk.say(CARMEN, "/recordar")
    assert "A 5 instituciones ya se les avisó hoy" in said(again, CARMEN)[-1]
    assert not [words for words in buttons(again, CARMEN) if "Recordar" in words]
    assert not [words for words in buttons(desk.say(CARMEN, "/resumen"), CARMEN) if "Recordar" in words]


def test_institutions_are_counted_as_such_and_people_as_people(desk: Desk) -> None:
    """CONANI has two focal points: five institutions are six people."""
    desk.do(lambda unit: enrol(unit, Newcomer(514, "Segunda Lora", Role.FOCAL_POINT, "CONANI", "es"), DUE, ZONE))
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    listed = desk.say(CARMEN, "/recordar")
    assert "Se escribe a 6 personas" in said(listed, CARMEN)[-1]

    sending = press(desk, CARMEN, listed, "🔔 Recordar a 5 instituciones")
    assert said(sending, CARMEN)[-1] == "Recordando en privado, persona por persona: 0 de 6."
    assert "A 5 instituciones ya se les avisó hoy" in said(desk.say(CARMEN, "/recordar"), CARMEN)[-1]


def test_the_digest_counts_nobody_who_rests(desk: Desk) -> None:
    """At ten here it is three in the night in Honolulu: /recordar would not reach Otto now, in the digest neither."""
    desk.do(lambda unit: unit.connection.execute(_moved_to(OTTO, "Pacific/Honolulu")))
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    digest = buttons(desk.say(CARMEN, "/resumen"), CARMEN)

    assert "🔔 Recordar a 4 instituciones" in buttons(desk.say(CARMEN, "/recordar"), CARMEN)
    assert "🔔 Recordar a 4" in digest


def _moved_to(telegram_id: int, zone: str) -> Any:
    person = table(Person)
    return update(person).where(person.c.telegram_id == telegram_id).values(timezone=zone)


def test_under_a_pause_nobody_has_been_told(desk: Desk) -> None:
    """The ledger has a row for everybody, and it is told as what it is; after it all can be reached."""
    pause_everybody(desk, DUE - timedelta(hours=2))
    assert scan(desk, DUE) == {}
    assert states(desk, ANA)[-1:] == [("open", "paused_for_everybody")]

    listed = desk.say(CARMEN, "/recordar")
    assert "Los avisos están en pausa para todas" in said(listed, CARMEN)[-1]
    assert "avisó" not in said(listed, CARMEN)[-1]
    assert whys(desk, DUE)["Ana Martínez"] == "pausa para todos"
    assert whys(desk, DUE)["Luis Peña"] == "pausa para todos"

    tap(desk, CARMEN, "pausar", "end")
    listed = desk.say(CARMEN, "/recordar")
    assert "🔔 Recordar a 5 instituciones" in buttons(listed, CARMEN)

    press(desk, CARMEN, listed, "🔔 Recordar a 5 instituciones")
    assert ANA in desk.do(lambda unit: send(unit, desk.now))
    assert states(desk, ANA)[-1:] == [("sent", "")]
    assert whys(desk, DUE)["Ana Martínez"] == "ya se le avisó hoy"


def test_who_was_passed_over_for_the_focal_point_is_told_so(desk: Desk) -> None:
    """Each with the reason that the ledger has."""
    assert LUIS not in scan(desk, DUE)
    found = whys(desk, DUE + timedelta(minutes=5))
    assert found["Luis Peña"] == "se avisa al punto focal"
    assert found["Ana Martínez"] == "ya se le avisó hoy"


@pytest.mark.parametrize("is_known", [True, False])
def test_who_was_passed_over_for_somebody_out_of_reach_is_told_on_the_same_day(desk: Desk, is_known: bool) -> None:
    """That the focal point has blocked the bot is learnt from the refusal, or between the plan and the sending."""

    def refused(unit: UnitOfWork) -> dict[int, str]:
        for batch in due(unit, DUE):
            write_once(unit, batch, DUE)
        if is_known:
            unit.people.mark_unreachable(ANA, DUE)
            return send(unit, DUE)
        rows = unit.outbox.claim(DUE, DUE + timedelta(minutes=1), 100)
        write(unit, [Note(row, Unreachable("blocked")) for row in rows if row.chat_id == ANA], None, DUE)
        unit.ledger.settle()
        return {}

    assert LUIS not in desk.do(refused)
    assert LUIS in scan(desk, DUE + timedelta(minutes=1))
    assert scan(desk, DUE + timedelta(minutes=2)) == {}


@pytest.mark.parametrize("change", ["pause", "blocked", None])
def test_a_colleague_is_named_only_if_told(desk: Desk, change: str | None) -> None:
    """Not who has paused, nor whom Telegram does not reach: in the plan of it and at the sending."""
    if change == "pause":
        tap(desk, EVA, "pausar", "7")
    elif change == "blocked":
        desk.do(lambda unit: unit.people.mark_unreachable(EVA, LATE))
    told = scan(desk, LATE)
    assert ("Copio a Eva Sol" in told[COCO]) is (change is None)
    assert (EVA in told) is (change is None)
    if change is None:
        assert "Coco Lora también recibió este aviso" in told[EVA]

    listed = scan(desk, datetime(2018, 10, 10, 13, 1, tzinfo=UTC))
    assert "Eva" not in listed[COCO], "on the quarter's due day she is told nothing"


def test_two_focal_points_are_told_of_each_other_as_equals(desk: Desk) -> None:
    """Only an alternate is copied: both have the same to do."""
    desk.do(lambda unit: enrol(unit, Newcomer(514, "Segunda Lora", Role.FOCAL_POINT, "CONANI", "es"), DUE, ZONE))
    tap(desk, EVA, "pausar", "7")
    told = scan(desk, LATE)

    assert "Segunda Lora también recibió este aviso" in told[COCO]
    assert "Coco Lora también recibió este aviso" in told[514]
    assert "Copio a" not in told[COCO] + told[514]


def test_a_colleague_who_was_passed_over_is_not_named_at_the_sending_either(desk: Desk) -> None:
    """Eva's pause ends between the plan and the sending: her day is in the ledger as silent, and stays it."""
    tap(desk, EVA, "pausar", "7")

    def plan(unit: UnitOfWork) -> dict[int, str]:
        found = {}
        for batch in due(unit, LATE):
            write_once(unit, batch, LATE)
            said_ = [(one.who.chat_id, each.payload) for one in batch.planned for each in one.messages]
            found |= {chat_id: str(payload.get("text")) for chat_id, payload in said_}
        return found

    assert "Eva" not in desk.do(plan)[COCO], "nor in what `enlace due` shows of the plan"

    tap(desk, EVA, "pausar", "end")
    told = desk.do(lambda unit: send(unit, LATE))
    assert EVA not in told
    assert "Eva" not in told[COCO]


def test_whoever_stands_in_hears_nothing_of_who_was_not_told(desk: Desk) -> None:
    """Coco has left the post to Eva for a week."""
    desk.now = DUE
    named = press(desk, COCO, tap(desk, COCO, "delegar"), "Eva Sol")
    press(desk, COCO, named, next(words for words in buttons(named, COCO) if "7" in words))
    told = scan(desk, LATE)

    assert COCO not in told
    assert "Coco" not in told[EVA]
    assert whys(desk, LATE)["Coco Lora"] == "delegó sus avisos"


# ------------------------------------------------------------------ stopping
def test_a_stop_holds_back_all_that_has_not_begun(desk: Desk) -> None:
    """Claimed or not, of a large one; what has begun may go, and the numbers are those that went."""

    def crowd(unit: UnitOfWork) -> None:
        for number in range(200):
            enrol(unit, Newcomer(9000 + number, f"Persona {number}", Role.FOCAL_POINT, "MINERD", "es"), desk.now, ZONE)

    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    desk.do(crowd)
    tap(desk, CARMEN, "recordar", "yes")
    begun = desk.do(lambda unit: _begin(unit, desk.now, claimed=60, begun=4))
    number = desk.do(lambda unit: unit.broadcasts.going_on()[0].id)
    stopped = tap(desk, CARMEN, "detener", str(number))
    assert stopped.answer is not None
    assert stopped.answer.text == "Se detiene: 201 mensajes ya no salen."
    assert not desk.do(lambda unit: any(unit.outbox.begin(row) for row in begun[4:])), "claimed, and taken back"

    desk.do(lambda unit: [unit.outbox.record(row.id, Sent(1), desk.now) for row in begun[:4]])
    text = desk.do(lambda unit: _shown(unit, desk.now))
    assert text == "Se detuvo. Personas a las que llegó: 4 de 205. Las demás no recibieron nada."
    assert "🔔 Recordar a" in str(buttons(desk.say(CARMEN, "/recordar"), CARMEN)), "who got nothing can be reminded"


def test_a_stop_that_comes_too_late_says_so(desk: Desk) -> None:
    """All had begun to leave: nothing was taken back, and that is what is said."""
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    tap(desk, CARMEN, "recordar", "yes")
    begun = desk.do(lambda unit: _begin(unit, desk.now, claimed=60, begun=60))
    number = desk.do(lambda unit: unit.broadcasts.going_on()[0].id)
    stopped = tap(desk, CARMEN, "detener", str(number))
    assert stopped.answer is not None
    assert stopped.answer.text == "Ya estaban saliendo todos."

    desk.do(lambda unit: [unit.outbox.record(row.id, Sent(1), desk.now) for row in begun])
    assert desk.do(lambda unit: _shown(unit, desk.now)) == (
        "Se detuvo tarde: ya habían salido todos. Personas a las que llegó: 5 de 5."
    )


def _begin(unit: UnitOfWork, now: datetime, *, claimed: int, begun: int) -> list[Any]:
    rows = unit.outbox.claim(now, now + timedelta(minutes=1), claimed, ("fan_out",))
    for row in rows[:begun]:
        assert unit.outbox.begin(row)
    return rows


def _shown(unit: UnitOfWork, now: datetime) -> str:
    unit.ledger.settle()
    edits, goes_on = show_progress(unit, now)
    assert not goes_on
    return str(edits[-1].payload["text"])


# ------------------------------------------------------------------ why not, outside of the ladder
def test_due_explains_the_other_jobs_too(desk: Desk) -> None:
    """The digest before its hour and after it was sent; nothing validated is not nothing to report."""
    monday = datetime(2018, 10, 8, tzinfo=UTC)
    assert whys(desk, monday.replace(hour=12), "digest")["Carmen Soto"] == "no antes de las 08:30"

    scan(desk, monday.replace(hour=12, minute=31))
    assert whys(desk, monday.replace(hour=20, minute=5), "digest")["Carmen Soto"] == "ya se le avisó hoy"
    assert whys(desk, monday.replace(day=9, hour=13), "digest")["Carmen Soto"] == "hoy no toca"
    assert whys(desk, monday.replace(hour=21, minute=1), "validated")["Ana Martínez"] == "no se validó nada nuevo"
