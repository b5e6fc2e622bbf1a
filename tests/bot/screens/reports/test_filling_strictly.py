"""Notes of an activity whose officers may meet a victim are read strictly, although its figures are open."""

from typing import Any

import pytest

from conversations.plan.model import Post, Role
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, press, said, tap
from tests.bot.house import ANA, CARMEN, GRACE
from tests.bot.screens.reports.reviewed import NOW, sent, state_of

PATROL = 596
"""An officer of CESTUR. It leads PRE-302, patrols that refer children: `internal`, and it meets victims."""
# In ASCII: as such, what a draft holds stands in the database.
VICTIM = "Hablamos con Yuleisi Peralta y quiere ir"
"""Who she is only its reader can know: ordinary rules let it pass."""
COLLEAGUE = "Hizo el recorrido el coronel Juan Ramos"
NOBODY = "Hacer dos recorridos en octubre"


@pytest.fixture
def patrolled(desk: Desk) -> Desk:
    def enrol(unit: UnitOfWork) -> None:
        plan = unit.plans.only()
        person = unit.people.add(PATROL, "Tomás Rey", "es", NOW, timezone=plan.timezone)
        agency = unit.plans.agency(plan.id, "CESTUR")
        unit.roles.grant(person.id, plan.id, Post(Role.FOCAL_POINT, agency.id), now=NOW)
        unit.people.accept_privacy(person.id, NOW)

    desk.do(enrol)
    return desk


def is_refused(handled: Any) -> bool:
    """Whether the message was deleted from the chat."""
    return "deleteMessage" in [row.method for row in handled.deliveries]


def begun(desk: Desk, who: int, code: str) -> Any:
    """A report that waits for its next step."""
    opened = tap(desk, who, "reportar", f"a.{code}.201809")
    return press(desk, who, opened, "Igual que el reporte anterior")


def stored(desk: Desk) -> str:
    """Whatever drafts and reports hold, as it stands in the database."""
    return " ".join(str(cell) for rows in desk.state() for row in rows for cell in row)


@pytest.mark.parametrize("name", [VICTIM, COLLEAGUE])
def test_a_name_in_the_note_of_a_patrol_is_refused_and_stored_nowhere(patrolled: Desk, name: str) -> None:
    """Its next step is asked again. What names nobody is taken, and stays in the clear and in the chat."""
    begun(patrolled, PATROL, "PRE-302")
    refused = patrolled.say(PATROL, name)
    assert is_refused(refused)
    assert "no lo guardé" in "\n".join(said(refused, PATROL))
    assert name not in stored(patrolled)

    taken = patrolled.say(PATROL, NOBODY)
    assert not is_refused(taken)
    assert NOBODY in stored(patrolled)
    sent_now = press(patrolled, PATROL, taken, "📨 Enviar ahora")
    assert not is_refused(sent_now)
    with patrolled.database.reader() as connection:
        [is_sealed, answers] = connection.exec_driver_sql(
            "SELECT sensitive, answers FROM submission WHERE subject = 'activity:PRE-302' ORDER BY id DESC LIMIT 1"
        ).one()
    assert not is_sealed
    assert NOBODY in answers


def test_an_ordinary_activity_may_name_who_did_it(desk: Desk) -> None:
    """The contrast: PRE-101 meets no victim."""
    begun(desk, ANA, "PRE-101")
    assert not is_refused(desk.say(ANA, COLLEAGUE))
    assert COLLEAGUE in stored(desk)


@pytest.mark.parametrize(
    "content",
    [
        {"photo": [{"file_id": "1", "file_unique_id": "1", "width": 9, "height": 9}], "caption": VICTIM},
        {"document": {"file_id": "1", "file_unique_id": "1", "file_name": f"{VICTIM}.pdf"}},
        {"text": VICTIM, "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "X"}},
        {"text": NOBODY, "quote": {"text": VICTIM}, "external_reply": {}},
        {"venue": {"title": VICTIM, "address": "", "location": {"latitude": 18.4, "longitude": -69.9}}},
    ],
    ids=["caption", "name of a file", "forward", "quote", "name of a place"],
)
def test_what_comes_with_a_file_or_from_elsewhere_is_read_so_too(patrolled: Desk, content: dict[str, Any]) -> None:
    """The words beside an answer, and those that are none."""
    begun(patrolled, PATROL, "PRE-302")
    assert is_refused(patrolled.say(PATROL, **({"text": None} | content)))
    assert VICTIM not in stored(patrolled)


def test_an_edited_answer_is_read_so_too(patrolled: Desk) -> None:
    """The message that was harmless names somebody now."""
    begun(patrolled, PATROL, "PRE-302")
    patrolled.say(PATROL, NOBODY)
    edited = patrolled.give(
        edited_message={
            "message_id": patrolled.message_id,
            "date": 1538568000,
            "edit_date": 1538568060,
            "chat": {"id": PATROL, "type": "private"},
            "from": {"id": PATROL, "is_bot": False, "first_name": "X", "language_code": "es"},
            "text": VICTIM,
        }
    )
    assert is_refused(edited)
    assert VICTIM not in stored(patrolled)


def test_reasons_questions_and_replies_about_a_patrol_are_read_so_too(patrolled: Desk) -> None:
    """A refused one decides nothing. One that names nobody stays in the chat: the report is not restricted."""
    number = sent(patrolled, "PRE-302", PATROL, agency="CESTUR")
    tap(patrolled, CARMEN, "preguntar", str(number))
    assert is_refused(patrolled.say(CARMEN, VICTIM))
    assert not is_refused(patrolled.say(CARMEN, "¿Cuántos recorridos fueron?"))

    tap(patrolled, PATROL, "responder", str(number))
    assert is_refused(patrolled.say(PATROL, VICTIM))
    assert not is_refused(patrolled.say(PATROL, "Fueron doce"))

    tap(patrolled, CARMEN, "devolver", f"{number}.1.why")
    assert is_refused(patrolled.say(CARMEN, VICTIM))
    assert state_of(patrolled, number) == "submitted"
    assert not is_refused(patrolled.say(CARMEN, "Falta el total de septiembre"))
    assert state_of(patrolled, number) == "returned"


@pytest.mark.parametrize("typed", ["/comment PRE-302 {}", "/comment {} (PRE-302)"])
def test_a_comment_on_a_patrol_is_read_so_too_and_is_told_as_any_other(patrolled: Desk, typed: str) -> None:
    """Also if it is named in a comment on the whole plan. The notification quotes it: nothing is restricted."""
    assert is_refused(patrolled.say(GRACE, typed.format(VICTIM)))
    told = patrolled.say(GRACE, typed.format("Only two patrols were made"))
    assert not is_refused(told)
    assert "Only two patrols were made" in "\n".join(said(told, CARMEN))

    tap(patrolled, CARMEN, "comentarios", "r.1")
    assert is_refused(patrolled.say(CARMEN, VICTIM))


def test_a_comment_is_about_the_restricted_item_first_whatever_else_it_names(patrolled: Desk) -> None:
    """A patrol that stands before it in the text does not take it out of the rules of what is restricted (S15)."""
    told = patrolled.say(GRACE, f"/comment The patrols of PRE-302 {'and what they said ' * 12}concern ASI-201")
    assert is_refused(told)
    assert "what they said" not in "\n".join(said(told, CARMEN))


def test_what_an_officer_of_a_patrol_types_at_rest_is_read_so_too(patrolled: Desk) -> None:
    """CESTUR has no restricted activity: whom it meets decides."""
    asked = patrolled.say(PATROL, f"¿Dónde reporto? {COLLEAGUE}")
    assert is_refused(asked)


def test_figures_and_texts_of_a_patrol_are_public(patrolled: Desk) -> None:
    """Photo and place are asked as of any open activity; outsiders see its title."""
    opened = tap(patrolled, PATROL, "reportar", "a.PRE-302.201809")
    assert "🔒" not in "\n".join(said(opened, PATROL))
    shown = tap(patrolled, GRACE, "avance", "PRE-302")
    assert "🔒" not in "\n".join(said(shown, GRACE))
    assert "Patrols in tourist areas" in "\n".join(said(shown, GRACE))
