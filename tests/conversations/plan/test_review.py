"""Review: where a report may go, what has changed in it, and a session that asks just what was sent back."""

from datetime import timedelta

import pytest

from conversations.card import unstyled
from conversations.plan.model import VALIDATION_MOVES, ValidationState
from conversations.plan.review import (
    MOST_QUESTIONS,
    Answer,
    Difference,
    Pace,
    difference_lines,
    differences,
    is_ordinary,
    marks_of,
    may_move,
    read_answers,
    state_of_correction,
    ticked_in,
)
from conversations.session.events import Tap
from conversations.session.session import REVIEW, Session
from conversations.wording import wording
from conversations.xforms.instance import Filling
from tests.conversations.session.phone import NOW, Phone, made

COLUMNS = "type | name | label | relevant | constraint | required | choice_filter"
REPORT = made(
    """
    select_one yn | reached | ¿Llegó a personas? | | | yes |
    integer | people | ¿Cuántas personas? | ${reached}='c0' | . >= 1 | yes |
    integer | women | ¿Cuántas mujeres? | ${reached}='c0' | . <= ${people} | yes |
    text | next_step | ¿Próximo paso? | | | yes |
    text | remark | ¿Algo más? | | | |
    """,
    {"yn": ["Sí", "No"]},
    COLUMNS,
)
SENT = {"/data/reached": "c0", "/data/people": "20", "/data/women": "12", "/data/next_step": "Visitar centros"}


def returned(*only: str, **answers: str) -> Phone:
    changed = {f"/data/{name}": value for name, value in answers.items()}
    return Phone(REPORT, answers=SENT | changed, only=[f"/data/{name}" for name in only])


def given(phone: Phone) -> dict[str, str]:
    """What would be sent, without the instance's own number."""
    return {ref: value for ref, value in phone.taken.instance.answers().items() if "/meta/" not in ref}


# ------------------------------------------------------------------ where a report may go
def test_a_report_moves_as_the_table_says_and_nowhere_else() -> None:
    """docs/domain.md#status-and-validation, written out once more: five states, seven moves."""
    moves = {(before, after) for before in ValidationState for after in ValidationState if may_move(before, after)}
    assert moves == {
        ("draft", "submitted"),
        ("submitted", "validated"),
        ("submitted", "returned"),
        ("returned", "submitted"),
        ("validated", "corrected"),
        ("corrected", "validated"),
        ("corrected", "returned"),
    }


@pytest.mark.parametrize("before", ValidationState)
def test_a_correction_is_waiting_and_says_whether_it_had_been_validated(before: ValidationState) -> None:
    """And where it is a move, it is one of the table's."""
    after = state_of_correction(before)
    assert after == ("corrected" if before in ("validated", "corrected") else "submitted")
    assert after in VALIDATION_MOVES[before] or after == before


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (("submitted", "in_progress", 40, 30, False), True),
        (("submitted", "in_progress", 30, 30, False), True),
        (("submitted", "in_progress", 29, 30, False), False),
        (("submitted", "in_progress", 40, None, False), True),
        (("submitted", "cancelled", 40, 30, False), False),
        (("submitted", "completed", 100, 30, False), False),
        (("submitted", "in_progress", 40, 30, True), False),
        (("corrected", "in_progress", 40, 30, False), False),
        (("submitted", None, None, None, False), False),
    ],
)
def test_only_what_asks_for_no_second_look_is_validated_together(
    case: tuple[str, str | None, int | None, int | None, bool], expected: bool
) -> None:
    """No fall, no end, no correction, nothing restricted, and only what has a status."""
    *plainly, is_restricted = case
    assert is_ordinary(*plainly, is_restricted=is_restricted) is expected  # type: ignore[arg-type]


def test_the_pace_is_the_middle_one_in_days() -> None:
    """One report that waited for a month does not say how it usually is."""
    assert Pace.of([timedelta(days=1), timedelta(days=2, hours=12), timedelta(days=30)]) == Pace(3, 2.5)
    assert Pace.of([]).days() == "0"


# ------------------------------------------------------------------ what changed
def test_only_what_is_another_is_told_old_and_new() -> None:
    """By what is stored; what has gone comes last, and what is passed over is not there."""

    def answer(name: str, value: str) -> Answer:
        return Answer(f"/data/{name}", name, name.title(), value, value.upper())

    before = [answer("status", "ok"), answer("people", "20"), answer("why", "rain"), answer("note", "")]
    after = [answer("status", "ok"), answer("people", "22"), answer("note", "new"), answer("photo", "x")]
    assert differences(before, after, but={"photo"}) == (
        Difference("people", "People", "20", "22"),
        Difference("note", "Note", "", "NEW"),
        Difference("why", "Why", "RAIN", ""),
    )
    assert differences(after, after) == ()


def test_more_differences_than_fit_are_counted() -> None:
    """And blank is a word."""
    many = [Difference(str(n), f"Pregunta {n}", "", "x" * 500) for n in range(9)]
    lines = [unstyled(each) for each in difference_lines(many, wording("es"))]
    assert lines[0].startswith("• Pregunta 0: sin respuesta → xxx")
    assert len(lines[0]) < 140
    assert lines[-1] == "… y 5 más"


def test_a_report_reads_the_same_whenever_it_is_read() -> None:
    """Every question that was asked, in order, with what was answered; the open ones blank."""
    read = read_answers(REPORT, SENT, Filling("uuid:1", NOW, "America/Santo_Domingo", "es"))
    assert [(each.name, each.shown) for each in read] == [
        ("reached", "Sí"), ("people", "20"), ("women", "12"), ("next_step", "Visitar centros"), ("remark", ""),
    ]  # fmt: skip


def test_marks_come_back_from_a_button_and_what_is_none_ticks_nothing() -> None:
    """Callback data is input (S3)."""
    for ticked in ({0}, {3, 7, 119}, set(), set(range(MOST_QUESTIONS))):
        assert ticked_in(marks_of(ticked), MOST_QUESTIONS) == ticked
        assert len(f"c:devolver:{10**9}.{marks_of(ticked)}.w3") <= 64
    for forged in ("zz", "-1", "f" * 99, "1.5", "٣"):
        assert ticked_in(forged, 10) == frozenset()
    assert ticked_in("ff", 3) == {0, 1, 2}


# ------------------------------------------------------------------ a session that asks just that
def test_a_returned_report_asks_just_what_was_asked_about() -> None:
    """All else is what it was, byte by byte; neither back nor "change something" leads to it."""
    phone = returned("next_step")
    assert phone.session.at == "/data/next_step"
    phone.happen(Tap(phone.session.turn, "back"))
    assert phone.session.at == "/data/next_step"
    phone.say("Visitar 12 centros")
    assert phone.session.at == REVIEW
    assert [button.tap for button in phone.buttons] == ["form:send", "form:list", "form:back", "form:leave"]
    phone.tap("form:list")
    assert len(phone.buttons) == 2
    phone.tap("form:review").tap("form:send")
    assert given(phone) == SENT | {"/data/next_step": "Visitar 12 centros"}


def test_what_is_asked_again_can_be_left_as_it_was() -> None:
    """Its answer is shown and kept with one tap."""
    phone = returned("people")
    phone.tap("form:keep").tap("form:send")
    assert given(phone) == SENT


def test_questions_that_a_new_answer_opens_are_asked_too_and_say_why() -> None:
    """What was not part of the report cannot stay as it was sent."""
    phone = Phone(REPORT, answers={"/data/reached": "c1", "/data/next_step": "Visitar"}, only=["/data/reached"])
    phone.tap("form:pick:0")
    assert phone.session.at == "/data/people"
    assert "Hace falta por lo que cambió" in phone.text
    phone.say("5").say("3")
    assert phone.session.at == REVIEW
    phone.tap("form:send")
    assert given(phone) == {
        "/data/reached": "c0", "/data/people": "5", "/data/women": "3", "/data/next_step": "Visitar",
    }  # fmt: skip


def test_what_no_longer_agrees_with_a_new_answer_is_asked_too() -> None:
    """Nothing is sent that the form would not take (12 women of 10 people)."""
    phone = returned("people")
    phone.say("10").tap("form:send")
    assert phone.session.at == "/data/women"
    assert "Hace falta por lo que cambió" in phone.text
    phone.say("7").tap("form:send")
    assert given(phone) == SENT | {"/data/people": "10", "/data/women": "7"}


def test_kept_answers_that_would_fall_away_are_shown_first() -> None:
    """And are asked, not restored, if they come back."""
    phone = returned("reached")
    phone.tap("form:pick:1")
    assert "Cuántas mujeres" in phone.text
    phone.tap("form:confirm")
    phone.tap("form:back").tap("form:pick:0")
    assert phone.session.at == "/data/people"


def test_the_restriction_survives_a_restart() -> None:
    """It is part of the session's row."""
    session = returned("next_step", "remark").session
    assert Session.from_json(session.to_json()) == session
    assert session.only == {"/data/next_step", "/data/remark"}


def test_a_question_that_is_no_longer_there_restricts_nothing() -> None:
    """The whole report is to be looked at then, as in any correction."""
    phone = returned("gone")
    assert phone.session.at == REVIEW
    assert phone.session.kept == frozenset()


def test_inside_a_repeat_just_the_instance_that_was_asked_about() -> None:
    """The others stay, and nobody is asked whether there are more."""
    form = made(
        """
        begin repeat | visit | Visita |
        text | place | ¿Dónde? |
        integer | people | ¿Cuántas? |
        end repeat | | |
        text | next_step | ¿Próximo paso? |
        """
    )
    sent = {
        "/data/visit[1]/place": "Azua", "/data/visit[1]/people": "3", "/data/visit[2]/place": "Baní",
        "/data/visit[2]/people": "4", "/data/next_step": "Seguir",
    }  # fmt: skip
    phone = Phone(form, answers=sent, only=["/data/visit[2]/people"])
    assert phone.session.at == "/data/visit[2]/people"
    phone.say("5")
    assert phone.session.at == REVIEW
    phone.tap("form:send")
    assert given(phone) == sent | {"/data/visit[2]/people": "5"}
