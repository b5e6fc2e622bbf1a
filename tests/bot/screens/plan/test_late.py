"""The answer to "what is late?": the activities, the longest late first, as the role may see them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.open_storage import open_storage
from conversations.languages import LANGUAGES
from conversations.plan.messages.late import LISTED
from conversations.plan.model import Post, Role
from conversations.wording import wording
from tests.bot.desk import Desk, is_denied, keys, taps, text_of
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, furnish, settings_in
from tests.taps import command_token

READER = 590
LATER = datetime(2019, 7, 15, 14, tzinfo=UTC)
ASKED = {
    "es": "¿Qué está atrasado?",
    "en": "what is late?",
    "fr": "qu'est-ce qui est en retard ?",
    "ht": "kisa ki an reta?",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The demo's plan nine months later, when some activities have passed their date, and a minister's reader."""
    folder: Path = tmp_path_factory.mktemp("late")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:

        def join(unit: Any) -> None:
            plan = unit.plans.only()
            person = unit.people.add(READER, "Lectora", "es", LATER, timezone=plan.timezone)
            unit.roles.grant(person.id, plan.id, Post(Role.READER), now=LATER)
            unit.people.accept_privacy(person.id, LATER)

        database.units.submit(None, join).result()
        made = Desk(database)
        made.now = LATER
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", [CARMEN, PEDRO, GRACE, READER])
def test_what_is_late_is_answered_with_what_is_late(desk: Desk, who: int, language: str) -> None:
    """In the words of each language, to everybody who looks at the whole plan: agency, activity, how late."""
    say = wording(language)
    desk.say(who, f"/idioma {language}")
    answer = desk.say(who, ASKED[language])
    listed = [each for each in text_of(answer).splitlines() if each.startswith("🔴")]

    assert len(listed) == LISTED
    assert listed[0].startswith("🔴 MIREX · PER-103 ")
    assert say("late.days", n=212) in listed[0]
    assert say("late.days", n=15) in listed[1]
    assert say("digest.why_gap", gap=87) in listed[3]
    assert command_token("avance", "PER-103") in taps(answer)


def test_what_a_page_leaves_out_opens_in_the_same_message(desk: Desk) -> None:
    """ "y 52 más" leads on, page by page, and no activity is on two of them."""
    desk.say(CARMEN, "/idioma es")
    answer = desk.say(CARMEN, ASKED["es"])
    count = LISTED + 52
    assert f"Actividades atrasadas: {count}" in text_of(answer)
    assert ("y 52 más", command_token("atrasadas", "1")) in keys(answer)
    seen: list[str] = []
    for page in range(-(-count // LISTED)):
        shown = desk.tap(CARMEN, command_token("atrasadas", str(page)))
        seen += [each for each in taps(shown) if each.startswith(command_token("avance", ""))]
        assert [row.method for row in shown.deliveries][:1] == ["editMessageText"]
    assert len(set(seen)) == len(seen) == count
    assert command_token("atrasadas", "0") in taps(shown)


def test_who_looks_on_reads_codes_of_what_is_restricted_and_validated_reports_only(desk: Desk) -> None:
    """docs/domain.md#who-sees-what, as in every other digest."""
    for who in (CARMEN, GRACE, READER):
        desk.say(who, "/idioma es")
    inside = text_of(desk.say(CARMEN, ASKED["es"]))
    assert "ASI-101 Protocolo de referimiento" in inside
    assert "solo de reportes validados" not in inside
    for who in (GRACE, READER):
        outside = text_of(desk.say(who, ASKED["es"]))
        assert "ASI-101 🔒" in outside
        assert "Protocolo de referimiento" not in outside
        assert "solo de reportes validados" in outside


def test_who_reports_is_shown_their_own(desk: Desk) -> None:
    """The list of the whole plan is none of a focal point's, whatever a button says (S3)."""
    own = text_of(desk.say(ANA, ASKED["es"]))
    assert own.startswith("MMUJER")
    assert "PGR" not in own
    assert is_denied(desk.tap(ANA, command_token("atrasadas", "0")))


def test_where_nothing_is_late_that_is_said(desk: Desk) -> None:
    """Before the first closing."""
    desk.say(CARMEN, "/idioma es")
    later, desk.now = desk.now, datetime(2018, 5, 2, 14, tzinfo=UTC)
    try:
        answer = desk.say(CARMEN, ASKED["es"])
    finally:
        desk.now = later
    assert text_of(answer).strip() == "Hoy no hay actividades atrasadas."
