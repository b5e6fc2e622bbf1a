"""A plan that ends is judged: once a person and objective, by whoever works on it or watches it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from storage.upkeep.data_check import differences
from tests.bot.desk import Desk, buttons, is_denied, press, tap, text_of
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA, Town

LAST = datetime(2018, 11, 2, 14, tzinfo=UTC)
AFTER = datetime(2018, 11, 3, 12, tzinfo=UTC)
EXTENTS = {"es": ("Mucho", "Enviar ahora"), "en": ("A great deal", "Send now"), "ht": ("Anpil", "Voye kounye a")}
JUDGEMENTS = "SELECT * FROM submission WHERE subject LIKE 'objective/%' ORDER BY id"
RESTRICTED = """
    SELECT code FROM objective WHERE id IN (SELECT objective_id FROM activity WHERE sensitivity = 'restricted')
"""
RELEVANCE = "/data/relevance"
HERS = """
    SELECT DISTINCT objective.code FROM objective JOIN activity ON activity.objective_id = objective.id
    JOIN agency ON agency.id = activity.agency_id WHERE agency.code = 'MMUJER'
"""


def close(desk: Desk) -> Any:
    """Closed on 3 October, with late reports for 30 days. Its last period is October, which opens in November."""
    sure = press(desk, PEDRO, tap(desk, PEDRO, "fin"), "30 días")
    return press(desk, PEDRO, sure, "🏁 Sí, cerrarlo")


def pressed(desk: Desk, who: int, shown: Any, part: str) -> Any:
    """Press the button of which this is a part of the words or of what it carries."""
    return desk.tap(who, next(data for words, data in buttons(shown, who).items() if part in words or part in data))


def judge(desk: Desk, who: int, code: str, language: str = "es", *, helped: str = "", extent: str = "") -> Any:
    """Judge an objective, each criterion alike, and send it. Return the receipt."""
    most, send = EXTENTS[language]
    shown = tap(desk, who, "evaluar", f"0.{code}")
    for _ in range(6):
        shown = press(desk, who, shown, extent or most)
    shown = desk.say(who, helped) if helped else pressed(desk, who, shown, ":skip:")
    return pressed(desk, who, pressed(desk, who, shown, ":skip:"), send)


def rows(desk: Desk, statement: str = JUDGEMENTS) -> list[Any]:
    with desk.database.reader() as connection:
        return list(connection.exec_driver_sql(statement).mappings())


def listed(desk: Desk, who: int) -> set[str]:
    """The objectives that somebody is asked to judge."""
    shown = [words for page in "01" for words in buttons(tap(desk, who, "evaluar", page), who)]
    return {words.removeprefix("✅ ").partition(" · ")[0] for words in shown if " · " in words}


def test_it_is_asked_from_the_close_until_the_last_day(desk: Desk) -> None:
    assert "desde que se decide cerrar" in text_of(tap(desk, ANA, "evaluar"), ANA)
    assert "🧭" not in str(buttons(tap(desk, ANA, "pendientes"), ANA))
    close(desk)
    for now in (desk.now, LAST):
        desk.now = now
        assert "🧭 Evaluar el plan (3)" in buttons(tap(desk, ANA, "pendientes"), ANA)
        assert "🧭" in str(buttons(tap(desk, CARMEN, "menu"), CARMEN))
        assert "corrige hasta el 2 nov" in text_of(tap(desk, ANA, "evaluar", "0.PRE-1"), ANA)
    desk.now = AFTER
    tap(desk, ANA, "evaluar", "0.ASI-2")
    assert "🧭" not in str(buttons(tap(desk, ANA, "pendientes"), ANA))
    assert not [one for one in rows(desk, "SELECT * FROM session") if one["subject"] == "objective/1:ASI-2"]


def test_agencies_judge_their_own_objectives_and_who_watches_judges_all(desk: Desk) -> None:
    """Everybody hears of it with the button; an administrator judges nothing."""
    closed = close(desk)
    for who in (ANA, LUIS, ROSA, JEAN, CARMEN, GRACE):
        assert "🧭" in str(buttons(closed, who)), who
    every, hers = ({one["code"] for one in rows(desk, asked)} for asked in ("SELECT code FROM objective", HERS))
    assert listed(desk, ANA) == listed(desk, LUIS) == hers
    assert listed(desk, CARMEN) == listed(desk, GRACE) == every > hers
    assert is_denied(tap(desk, ANA, "evaluar", f"0.{min(every - hers)}"))
    assert is_denied(tap(desk, PEDRO, "evaluar", "0.PRE-1"))
    assert rows(desk, "SELECT * FROM session WHERE subject LIKE 'objective/%'") == []


@pytest.mark.parametrize(
    ("who", "language", "answerer"),
    [(ANA, "es", "agency"), (CARMEN, "es", "coordinator"), (GRACE, "en", "observer"), (JEAN, "ht", "agency")],
)
def test_an_objective_is_judged_once(desk: Desk, who: int, language: str, answerer: str) -> None:
    """By six taps and a sentence. A second time is a correction; nothing waits for review, and the log agrees."""
    close(desk)
    waiting = desk.do(lambda unit: unit.reviews.count_waiting(1))
    code = min(listed(desk, who))
    assert code in text_of(judge(desk, who, code, language, helped="La coordinación entre oficinas"), who)
    [one] = rows(desk)
    assert one["subject"].endswith(f":{code}")
    assert (one["validation_state"], one["version"], one["is_standing"]) == ("validated", 1, 1)
    said = desk.do(lambda unit: unit.submissions.answers(unit.submissions.get(one["id"])))
    assert {said[f"/data/{name}"] for name in ("relevance", "impact", "sustainability")} == {"much"}
    assert (said["/data/answerer"], said["/data/objective"]) == (answerer, code)
    assert said["/data/helped"] == "La coordinación entre oficinas"

    opened = pressed(desk, who, tap(desk, who, "evaluar", f"0.{code}"), "corregir")
    pressed(desk, who, pressed(desk, who, opened, ":review:"), EXTENTS[language][1])  # changed nothing
    judged_again = tap(desk, who, "evaluar", f"0.{code}")
    assert "corregir" in str(buttons(judged_again, who))
    assert len(rows(desk)) == 1
    assert desk.do(lambda unit: unit.reviews.count_waiting(1)) == waiting
    assert desk.do(lambda unit: list(differences(unit, desk.now))) == []


def test_a_correction_replaces_what_was_said(desk: Desk) -> None:
    """The version before stays, and counts no more."""
    close(desk)
    judge(desk, ANA, "PRE-1")
    opened = pressed(desk, ANA, tap(desk, ANA, "evaluar", "0.PRE-1"), "corregir")
    pressed(desk, ANA, press(desk, ANA, pressed(desk, ANA, opened, "Pertinencia"), "Nada"), "Enviar ahora")
    found = [(one["version"], one["is_standing"], orjson.loads(one["answers"])[RELEVANCE]) for one in rows(desk)]
    assert found == [(1, 0, "much"), (2, 1, "not_at_all")]
    assert desk.do(lambda unit: list(differences(unit, desk.now))) == []


def test_each_person_judges_for_themselves(desk: Desk) -> None:
    """A colleague neither reads, corrects nor takes over a judgement, and the agency's history has none."""
    close(desk)
    judge(desk, ANA, "PRE-1")
    judge(desk, LUIS, "PRE-1", extent="Nada")
    hers, his = rows(desk)
    assert (hers["agency_id"], hers["subject"] == his["subject"]) == (his["agency_id"], False)
    for route in ("corregir", "recibo"):
        assert is_denied(tap(desk, LUIS, route, str(hers["id"])))
    assert f"{hers['receipt_number']:04d}" not in str(buttons(tap(desk, LUIS, "historial"), LUIS))
    tap(desk, ANA, "evaluar", "0.ASI-2")
    [draft] = rows(desk, "SELECT id FROM session WHERE state = 'open' AND subject LIKE 'objective/%'")
    assert is_denied(tap(desk, LUIS, "tomar", str(draft["id"])))


def test_what_is_written_is_read_strictly_and_sealed_where_an_activity_is_restricted(desk: Desk) -> None:
    """A name is neither stored nor left in the chat. Of a restricted objective nothing lies open."""
    close(desk)
    shown = tap(desk, ANA, "evaluar", "0.PRE-1")
    for _ in range(6):
        shown = press(desk, ANA, shown, "Mucho")
    told = desk.say(ANA, "Ayudó mucho María Pérez, de 14 años, en la escuela")
    assert [row.method for row in told.deliveries if row.method.startswith("deleteMessage")]
    assert "María" not in str(rows(desk, "SELECT data FROM session"))
    code = min({one["code"] for one in rows(desk, RESTRICTED)} & listed(desk, CARMEN))
    judge(desk, CARMEN, code, helped="La coordinación entre oficinas")
    assert [one["answers"] for one in rows(desk)] == [None]


def test_an_observer_judges_on_her_phone(town: Town) -> None:
    """The whole bot beside an emulated Telegram: the news of the close, its button, six taps, a receipt; once."""
    pedro, grace = town.officer(PEDRO), town.officer(GRACE)
    pedro.say("/plan")
    for words in ("🏁 Cerrar el plan", "30 días", "🏁 Sí, cerrarlo"):
        pedro.tap(words)
    grace.wait_for("Now it is evaluated")
    grace.tap("🧭 Evaluate the plan")
    grace.tap("PRE-1 ·")
    for _ in range(6):
        grace.tap("I don't know")
    for words in ("Skip", "Skip", "Send now"):
        grace.tap(words)
    grace.wait_for("PRE-1")
    grace.tap("🧭 Evaluate the plan")
    assert "✅ PRE-1" in str(grace.buttons)
    assert len(town.rows("SELECT id FROM submission WHERE subject LIKE 'objective/%'")) == 1
