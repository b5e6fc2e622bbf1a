"""The digest in the chat: who sees what, one message to drill down in, a picture that is one, evidence that arrives."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from bot.open_storage import open_storage
from bot.schedule import digests as schedule
from bot.schedule.digests import MONTHLY, WEEK, WEEKLY, compose
from bot.schedule.job import Moment
from bot.workers.picture import SHAPES, draw
from conversations.languages import LANGUAGES
from conversations.plan.figures.monitoring import WORST_FIRST
from conversations.plan.model import Post, Role
from conversations.wording import wording
from storage.calendar.figures import Figures
from storage.reports.files import NewAttachment
from storage.reports.inspection import Inspected
from storage.seed import SEED_PLAN
from storage.upkeep import chain
from tests.bot.desk import Desk, is_denied, taps, text_of
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA, Town, furnish, settings_in
from tests.bot.photos import photo_with_gps
from tests.taps import command_token

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
READER, FOREIGNER = 590, 591


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The demo's people, a minister's reader, and the focal point of another plan that uses the same codes."""
    from storage.imports.applying import apply
    from storage.imports.reading import read_plan
    from storage.seed import seed_workbook

    folder: Path = tmp_path_factory.mktemp("digests")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:

        def join(unit: Any) -> None:
            plan = unit.plans.only()
            person = unit.people.add(READER, "Lectora", "es", NOW, timezone=plan.timezone)
            unit.roles.grant(person.id, plan.id, Post(Role.READER), now=NOW)
            unit.people.accept_privacy(person.id, NOW)
            apply(unit, read_plan(seed_workbook()), "RD-OTHER", None, NOW)
            other = unit.plans.by_code("RD-OTHER")
            person = unit.people.add(FOREIGNER, "De otro plan", "es", NOW, timezone=plan.timezone)
            unit.roles.grant(person.id, other.id, Post(Role.COORDINATOR), now=NOW)
            unit.people.accept_privacy(person.id, NOW)

        database.units.submit(None, join).result()
        yield Desk(database)


def test_a_large_plan_is_counted_beside_the_writer_and_says_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a view, which cannot write, in another thread than the one that applies everybody's answers."""
    small = text_of(desk.say(CARMEN, "/resumen"))
    readers: list[str] = []

    def watched(reads: Any) -> Any:
        def read(*given: Any, **named: Any) -> Any:
            readers.append(threading.current_thread().name)
            return reads(*given, **named)

        return read

    monkeypatch.setattr(Figures, "standing", watched(Figures.standing))
    monkeypatch.setattr(schedule, "to_chase", watched(schedule.to_chase))
    monkeypatch.setattr(Figures, "is_large", lambda self, plan_id: True)

    assert text_of(desk.say(CARMEN, "/resumen")) == small
    assert readers == ["reading-first"] * 2


def rows_of(handled: Any) -> list[Any]:
    """The rows of buttons under the last card."""
    shown = [row.payload["reply_markup"] for row in handled.deliveries if "reply_markup" in row.payload]
    return list(shown[-1]["inline_keyboard"])


# ------------------------------------------------------------------ who sees what
def test_an_admin_reads_no_title_of_what_is_restricted(desk: Desk) -> None:
    """On the days on which such an activity begins, the week names it: to the coordinator in full, to an admin by code.

    With the lock that stands for the rest (docs/domain.md#who-sees-what).
    """
    with desk.database.view() as unit:
        plan = unit.plans.by_code(SEED_PLAN)
        restricted = [each for each in unit.plans.activities(plan.id) if each.is_restricted]
        now = datetime.combine(max(each.start_on for each in restricted), NOW.timetz())
        standing = Figures(unit).standing(plan.id, now, now - WEEK, ZoneInfo("America/Santo_Domingo"))
    began, now_ = {each.code for each in standing.started}, desk.now
    [one, *_] = [each for each in restricted if each.code in began]
    desk.now = now
    try:
        inside_brief, brief = (text_of(desk.say(who, "/resumen")) for who in (CARMEN, PEDRO))
        inside, outside = (text_of(desk.tap(who, command_token("resumen", "0.whole"))) for who in (CARMEN, PEDRO))
    finally:
        desk.now = now_

    assert f"{one.code} {one.title('es')[:20]}" in inside
    assert f"{one.code} 🔒" in outside
    assert one.title("es")[:20] not in outside + brief
    assert one.title("es")[:20] not in inside_brief, "in a few lines there are codes alone"


def test_the_seal_of_the_log_stands_in_the_summary_of_who_administers_it(desk: Desk) -> None:
    """It proves a log; a coordinator reads the plan and can do nothing with it, asked for or not."""
    desk.database.units.submit(None, chain.seal).result()
    whole = command_token("resumen", "0.whole")
    assert "🔏" in text_of(desk.tap(PEDRO, whole))
    assert "🔏" not in text_of(desk.tap(CARMEN, whole))
    assert "🔏" not in text_of(desk.say(CARMEN, "/resumen")) + text_of(desk.say(PEDRO, "/resumen"))
    assert "🔏" not in scheduled(desk)[CARMEN][0].payload["text"]


def test_the_week_opens_whole_in_the_same_message(desk: Desk) -> None:
    """ "y 7 más" is no end: a button shows everything, and another takes it back."""
    short = desk.say(CARMEN, "/resumen")
    assert "más" in text_of(short)
    assert command_token("resumen", "0.whole") in taps(short)
    assert len(text_of(short).splitlines()) <= 12
    assert len(rows_of(short)) <= 4

    whole = desk.tap(CARMEN, command_token("resumen", "0.whole"))
    assert len(text_of(whole)) > len(text_of(short))
    assert not any(" más" in each for each in text_of(whole).splitlines())
    assert command_token("resumen", "0") in taps(whole)


def test_a_focal_point_sees_one_agency_and_no_other(desk: Desk) -> None:
    """Their own institution, its activities and nothing else, whatever a button says (S3)."""
    mine = desk.say(ANA, "/resumen")
    assert "MMUJER" in text_of(mine)
    assert not any(row.method == "sendPhoto" for row in mine.deliveries)
    for who in (ANA, LUIS):
        assert not is_denied(desk.tap(who, command_token("institucion", "MMUJER")))
        assert not is_denied(desk.tap(who, command_token("avance", "PRE-101")))
        for name, argument in (
            ("institucion", "PGR"), ("avance", "PER-101"), ("avance", "NOPE"), ("evidencia", "PER-101.1"),
            ("metas", "0"), ("decision", "0"), ("vacante", "DGM"), ("institucion", "MMUJER.x"),
        ):  # fmt: skip
            assert is_denied(desk.tap(who, command_token(name, argument))), (name, argument)


def test_an_observer_reads_totals_and_no_restricted_text(desk: Desk) -> None:
    """docs/domain.md#who-sees-what: validated; a restricted activity is a code, a report's answers stay inside."""
    view = desk.say(GRACE, "/resumen")
    assert "Observer view" in text_of(view)
    assert "<10" in text_of(view)

    agency = desk.tap(GRACE, command_token("institucion", "CONANI"))
    labels = str([row.payload for row in agency.deliveries])
    assert "ASI-202 🔒" in labels
    assert "Acogida" not in labels + text_of(view)
    assert "Shelter" not in labels + text_of(view)

    one = text_of(desk.tap(GRACE, command_token("avance", "PRE-101")))
    assert "In progress" in one
    assert "next step" not in one.lower()
    assert is_denied(desk.tap(GRACE, command_token("evidencia", "PRE-101.1")))
    assert is_denied(desk.tap(GRACE, command_token("decision", "0")))


def test_evidence_goes_to_who_reads_answers_and_never_from_a_restricted_activity(desk: Desk) -> None:
    """Role and activity are looked at with the tap; the file of one report is not had through another's code."""
    numbers = {}
    for code, is_sensitive in (("PRE-101", False), ("PRE-304", False), ("ASI-201", False), ("PRE-302", True)):
        inspected = Inspected(b"x", "text/plain", ".txt", f"{code}.txt", f"{code:0<64}", "0" * 64)
        numbers[code] = desk.database.units.submit(
            None,
            lambda unit, code=code, inspected=inspected, is_sensitive=is_sensitive: (
                unit.attachments.add(
                    NewAttachment(
                        plan_id=1,
                        instance_id=f"uuid:demo-201808-{code}",
                        ref="/data/evidence_group/evidence_doc",
                        inspected=inspected,
                        sensitive=is_sensitive,
                        is_compressed=False,
                    ),
                    NOW,
                ).id
            ),
        ).result()

    def ask(who: int, code: str, number: int) -> Any:
        return desk.tap(who, command_token("evidencia", f"{code}.{number}"))

    for who in (CARMEN, ANA, LUIS):
        [row] = ask(who, "PRE-101", numbers["PRE-101"]).deliveries
        assert (row.method, row.payload["@files"]["document"]["name"]) == ("sendDocument", "PRE-101.txt")
        assert row.payload["protect_content"]

    for who in (GRACE, PEDRO, READER, JEAN, FOREIGNER):
        assert is_denied(ask(who, "PRE-101", numbers["PRE-101"])), who
    for code, number in (
        ("PRE-101", numbers["PRE-304"]), ("ASI-201", numbers["ASI-201"]), ("PRE-302", numbers["PRE-302"]),
        ("PRE-101", 10**9),
    ):  # fmt: skip
        assert is_denied(ask(CARMEN, code, number)), code


def test_a_minister_reads_one_screen_and_no_ranking(desk: Desk) -> None:
    """docs/domain.md#ministers: institutions in alphabetical order with their light."""
    card = desk.say(READER, "/resumen")
    assert "Plan Nacional" in text_of(card)

    codes = [tap.split(":")[2] for tap in taps(card) if tap.startswith("c:institucion:")]
    assert codes == sorted(codes)
    assert "Decisión" in text_of(desk.tap(READER, command_token("decision", "0"))) or "No hay decisiones" in text_of(
        desk.tap(READER, command_token("decision", "0"))
    )


def test_another_plans_coordinator_sees_their_own_plan(desk: Desk) -> None:
    """The same codes, another plan: nothing of ours has been reported there."""
    ours, theirs = (desk.tap(who, command_token("resumen", "0.whole")) for who in (CARMEN, FOREIGNER))
    assert "Sin punto focal (14)" in text_of(ours)
    assert "Sin punto focal (17)" in text_of(theirs)
    assert "Todavía no ha reportado" in text_of(desk.tap(FOREIGNER, command_token("avance", "PRE-101")))


def test_a_stranger_gets_nothing(desk: Desk) -> None:
    """No role, no number."""
    assert "Semana" not in text_of(desk.say(9_999_999, "/resumen"))


def test_a_vacancy_is_asked_for_once_a_day(desk: Desk) -> None:
    """The link is an admin's to make: they get the request with the button, and one a day for an agency."""
    first = desk.tap(CARMEN, command_token("vacante", "DGM"))
    asked = [row for row in first.deliveries if row.chat_id == PEDRO]

    assert len(asked) == 1
    assert "invitar:focal_point.DGM" in str(asked[0].payload)
    assert not desk.tap(CARMEN, command_token("vacante", "DGM")).deliveries
    assert is_denied(desk.tap(CARMEN, command_token("vacante", "MMUJER"))), "it has one"
    assert is_denied(desk.tap(PEDRO, command_token("vacante", "DGM")))


@pytest.mark.parametrize("who", [CARMEN, PEDRO, GRACE, READER, ANA, JEAN, ROSA])
def test_every_button_leads_somewhere_that_is_allowed(desk: Desk, who: int) -> None:
    """Whatever is offered is not denied, two taps deep, and fits callback_data."""
    seen: set[str] = set()
    todo = taps(desk.say(who, "/resumen"))
    for _ in range(3):
        new = [tap for tap in dict.fromkeys(todo) if tap not in seen and not tap.startswith(("c:invitar", "c:menu"))]
        todo = []
        for tap in new:
            seen.add(tap)
            assert len(tap.encode()) <= 64
            handled = desk.tap(who, tap)
            assert not is_denied(handled), tap
            todo += taps(handled)
    assert len(seen) >= 3


# ------------------------------------------------------------------ the picture
def test_the_picture_is_small_and_no_longer_than_telegram_keeps_it() -> None:
    """At most 200 kB and 1 280 pixels, whatever the size of the commission."""
    for rows in (1, 17, 20):
        for columns in (1, 6):
            cells = [["critical", 12], ["attention", 3], ["on_track", 1], ["grey", 2], None, ["critical", 108]]
            shown = {
                "title": "Semáforo al 15 oct 2018",
                "columns": ["ene", "feb", "mar", "abr", "may", "jun"][:columns],
                "rows": [["AGENCIA-LARGA", cells[:columns]] for _ in range(rows)],
                "legend": [[light.value, "Una palabra"] for light in WORST_FIRST],
                "note": "El número: cuántas actividades tienen la peor luz.",
                "more": "y 76 más",
            }
            data = draw(shown)
            with Image.open(io.BytesIO(data)) as picture:
                assert picture.format == "PNG"
                assert max(picture.size) <= 1280, "what is longer Telegram makes smaller, and blurs"
                assert picture.width >= 500
            assert len(data) <= 200_000


def test_every_light_has_a_shape_of_its_own() -> None:
    """One man in twelve does not tell red from green."""
    assert set(SHAPES) == {light.value for light in WORST_FIRST}
    outlines = {str([(round(x), round(y)) for x, y in shape(30)]) for shape in SHAPES.values()}
    assert len(outlines) == len(SHAPES)


KINDS = ("diges", "plan.")
"""Beginnings of the keys whose sentences are drawn."""


def test_every_letter_of_the_three_languages_is_in_the_pictures_font() -> None:
    """A missing glyph would be a box on the wall of a ministry."""
    from importlib.resources import files

    from PIL import ImageFont

    said = [wording(language)(key) for language in LANGUAGES for key in wording("es").keys() if key[:5] in KINDS]  # noqa: SIM118
    letters = {letter for sentence in said for letter in sentence if letter.isalpha()}
    assert {"ñ", "ò", "ó"} <= letters
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        font = ImageFont.truetype(io.BytesIO((files("conversations") / "fonts" / name).read_bytes()), 40)
        box = bytes(font.getmask("\U0001f512"))
        assert [letter for letter in sorted(letters) if bytes(font.getmask(letter)) == box] == []


# ------------------------------------------------------------------ on a schedule
def scheduled(desk: Desk) -> dict[int, tuple[Any, ...]]:
    """What the weekly and the monthly job make, by chat."""

    def ask(unit: Any) -> Any:
        plan = unit.plans.by_code(SEED_PLAN)
        people = [who for who in unit.recipients.all(plan.id) if who.role in WEEKLY.roles | MONTHLY.roles]
        made = compose(unit, Moment.of(unit, plan.id, NOW), people)
        return {who.chat_id: made[who.person_id] for who in people}

    found: dict[int, tuple[Any, ...]] = desk.database.units.submit(None, ask).result()
    return found


def test_a_scheduled_week_is_one_message_and_a_card_has_its_picture(desk: Desk) -> None:
    """For each the text of their role, in their language; counted once for those who see the same."""

    made = scheduled(desk)
    assert made.keys() == {CARMEN, GRACE, READER}
    assert all((text.method, text.is_card) == ("sendMessage", True) for *_, text in made.values())
    pictures = {chat_id: [one.method for one in before] for chat_id, (*before, _) in made.items()}
    assert pictures == {CARMEN: [], GRACE: ["sendPhoto"], READER: ["sendPhoto"]}
    assert '"plan":"National' in made[GRACE][0].payload["@files"]["photo"]["path"]
    told = {chat_id: text.payload["text"] for chat_id, (*_, text) in made.items()}
    assert told[CARMEN].startswith("Semana al")
    assert told[GRACE].startswith("Observer view")
    assert told[READER].startswith("Plan Nacional")


# ------------------------------------------------------------------ the whole way
@pytest.mark.slow
def test_from_the_week_to_the_evidence_in_three_taps_and_one_message(town: Town) -> None:
    """Picture and text; agency, activity and file; what opens on the way replaces the text and leads back to it."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    for text in ("PRE-101", "Completada", "Omitir", "Hoy", "No", "📷 Foto"):
        ana.tap(text)
    ana.do(lambda: ana.phone.send_files("document", ("jornada ñ.jpg", photo_with_gps())))
    ana.wait_for("Confirmo que la foto")
    ana.tap("Entendido")
    ana.say("Lista de asistencia")
    ana.tap("Nivel nacional")
    assert "Recibo n.º" in ana.tap("Enviar ahora")

    carmen = town.officer(CARMEN)
    carmen.say("/resumen")
    carmen.wait_for("Semana al")
    picture, text = carmen.from_bot[-2:]
    assert max(size["width"] for size in picture["photo"]) > 700
    assert "Semáforo al 3 oct 2018" in picture["caption"]
    assert "✅ Completadas (1): PRE-101" in text["text"]
    assert len(text["text"].encode("utf-16-le")) // 2 <= 1500
    there = len(carmen.from_bot)

    carmen.tap("Ver completo")
    carmen.tap("MMUJER")
    assert "Ministerio de la Mujer" in carmen.text
    carmen.tap("PRE-101")
    assert "Completada" in carmen.text
    assert "Lista de asistencia" in carmen.text
    assert len(carmen.from_bot) == there
    carmen.tap("📎 jornada ñ.jpg")
    evidence = carmen.from_bot[-1]
    assert evidence["document"]["file_name"] == "jornada ñ.jpg"
    back = carmen.card["message_id"]
    assert back == text["message_id"]
    carmen.do(lambda: carmen.phone.tap(back, "‹ MMUJER"))
    carmen.do(lambda: carmen.phone.tap(back, "‹ Resumen"))
    assert "Semana al" in next(m["text"] for m in carmen.from_bot if m["message_id"] == back)


@pytest.mark.slow
def test_an_older_digest_still_opens_in_its_own_place(town: Town) -> None:
    """A button of last week's message edits that message, and the one below it stays as it is."""
    carmen = town.officer(CARMEN)
    carmen.say("/resumen")
    carmen.wait_for("Semana al")
    first = carmen.card["message_id"]
    carmen.tap("Ver completo")
    carmen.say("/progreso")
    below = carmen.card["message_id"]
    assert below != first

    count = len(carmen.from_bot)
    carmen.do(lambda: carmen.phone.tap(first, "PGR"))
    texts = {message["message_id"]: message.get("text", "") for message in carmen.from_bot}
    assert "Procuraduría" in texts[first]
    assert "Reportes de" in texts[below]
    assert len(texts) == count


@pytest.mark.slow
def test_the_command_line_prints_the_week(town: Town) -> None:
    """Data to stdout; any day of the week is its Monday; a language or a day that does not exist is misuse."""
    monday = town.enlace("digest", "--week", "2018-10-15", "--language", "en")

    assert monday.returncode == 0
    assert monday.stdout.startswith("Week to 15 Oct 2018 · closing of September 2018\n")
    assert "33" in monday.stdout
    assert town.enlace("digest", "--week", "2018-10-18", "--language", "en").stdout == monday.stdout
    assert town.enlace("digest", "--week", "2018-10-15").stdout.startswith("Semana al 15 oct 2018")

    for wrong in (("--week", "lunes"), ("--language", "pt")):
        refused = town.enlace("digest", *wrong)
        assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.slow
def test_on_monday_at_half_past_eight_the_digest_comes_and_opens_in_place(town: Town) -> None:
    """Once, to the coordinator alone; one message, and its buttons lead on in it."""
    carmen, grace = town.officer(CARMEN), town.officer(GRACE)
    assert carmen.from_bot == [], "last Monday was before there was a schedule"

    town.client.move_clock(to=datetime(2018, 10, 8, 8, 31, tzinfo=ZoneInfo("America/Santo_Domingo")).timestamp())
    carmen.wait_for("Semana al 8 oct 2018")
    town.rest()  # what is tapped before the bot knows its number is answered below
    assert grace.from_bot == []

    count = len(carmen.from_bot)
    assert count == 1
    carmen.tap("Ver completo")
    carmen.tap("PGR")
    assert "Procuraduría" in carmen.text
    assert len(carmen.from_bot) == count
    [(what, window)] = town.rows("SELECT what, \"window\" FROM fire WHERE what IN ('digest', 'card')")
    assert (what, window) == ("digest", "2018-10-08")


@pytest.mark.slow
def test_the_day_after_the_month_is_locked_readers_get_their_card(town: Town) -> None:
    """On the sixteenth at nine, to observers and readers; the coordinator has the week."""
    carmen, grace = town.officer(CARMEN), town.officer(GRACE)
    town.client.move_clock(to=datetime(2018, 10, 16, 9, 1, tzinfo=ZoneInfo("America/Santo_Domingo")).timestamp())
    grace.wait_for("Observer view · September 2018")

    assert "photo" in grace.from_bot[-2]
    assert not any("Observer" in str(message) for message in carmen.from_bot)
