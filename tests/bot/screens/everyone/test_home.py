"""The first screens of those who do not report: few buttons, with counts; one page at once; words of their role."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.acts.people.enrolment import Newcomer, enrol
from bot.chat.permissions import menu_permissions, permission_of
from bot.telegram.updates import CommandTap, read_token
from conversations.plan.model import Post, Role
from conversations.routes import Route
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO
from tests.taps import command_token

NEWCOMER, MINISTER = 991, 992


@pytest.fixture
def desk(desk: Desk) -> Desk:
    zone = "America/Santo_Domingo"
    desk.do(lambda unit: enrol(unit, Newcomer(MINISTER, "Elena Cruz", Role.READER, "", "es"), desk.now, zone))
    return desk


def test_a_coordinators_first_screen_is_five_with_counts_and_more(desk: Desk) -> None:
    """Each count is that of the screen behind it; what is wanted seldom is behind *Más*."""
    tap(desk, ANA, "novedades", "waiting")
    home = desk.say(CARMEN, "/menu")
    words = list(buttons(home, CARMEN))
    assert len(words) == 6
    assert words[0].startswith("🔎 Validar ")
    assert words[2].startswith("🔔 Recordar a ")
    assert [words[1], words[3], words[4], words[5]] == ["Resumen", "📄 Una página", "🔍 Buscar", "Más"]

    n = words[0].removeprefix("🔎 Validar ")
    assert f"{n} reportes por validar" in said(press(desk, CARMEN, home, words[0]), CARMEN)[-1]

    home = desk.say(CARMEN, "/menu")
    assert words[2] in " ".join(buttons(press(desk, CARMEN, home, "Resumen"), CARMEN))

    more = press(desk, CARMEN, desk.say(CARMEN, "/menu"), "Más")
    assert {"📤 Exportar", "👥 Personas", "🗓 Períodos", "‹ Menú"} <= set(buttons(more, CARMEN))


def test_an_open_comment_is_counted_where_it_is_looked_for(desk: Desk) -> None:
    """On *Más*, and behind it."""
    desk.say(GRACE, "/comentar PRE-101 Falta el lugar de la jornada")
    more = press(desk, CARMEN, desk.say(CARMEN, "/menu"), "Más · 💬 1")
    assert "💬 Comentarios: 1" in buttons(more, CARMEN)


@pytest.mark.parametrize("who", [CARMEN, MINISTER, GRACE])
def test_the_one_page_is_one_tap_away(desk: Desk, who: int) -> None:
    """It is begun at once, for the audience of whoever asks; the request that stands is not touched by it."""
    tap(desk, who, "exportar")
    before = said(tap(desk, who, "exportar"), who)[-1]
    home = desk.say(who, "/menu")
    page = next(words for words in buttons(home, who) if words.startswith("📄"))
    press(desk, who, home, page)
    [job] = desk.do(lambda unit: unit.jobs.of_kind("export", chat_id=who))
    choice = job.payload["choice"]

    assert (choice["dataset"], choice["format"]) == ("plan-state", "pdf")
    assert choice["audience"] == ("internal" if who == CARMEN else "observers")
    assert said(tap(desk, who, "exportar"), who)[-1] == before


def test_what_is_looked_for_is_written_and_found(desk: Desk) -> None:
    """A code, an agency, and, by whom it may, a person."""
    assert "el nombre de una persona" in said(desk.say(CARMEN, "/buscar"), CARMEN)[-1]
    assert "PRE-101" in said(desk.say(CARMEN, "pre 101"), CARMEN)[-1]

    tap(desk, CARMEN, "buscar")
    assert "Ana Martínez" in said(desk.say(CARMEN, "Ana Martínez"), CARMEN)[-1]
    assert "persona" not in said(desk.say(MINISTER, "/buscar"), MINISTER)[-1]


@pytest.mark.parametrize(
    ("role", "agency", "words"),
    [
        (Role.READER, "", "el plan en una página y lo que espera una decisión"),
        (Role.COORDINATOR, "", "qué espera su revisión"),
        (Role.ADMIN, "", "usted invita personas"),
        (Role.OBSERVER, "IJM", "llevo sus comentarios"),
        (Role.ALTERNATE, "DGP", "Le ayudo a reportar"),
    ],
)
def test_who_joins_reads_what_it_does_for_their_role(desk: Desk, role: Role, agency: str, words: str) -> None:
    """A minister is not helped to report."""
    code = desk.do(
        lambda unit: unit.invitations.issue(
            Post(role, unit.plans.agency(unit.plans.only().id, agency).id if agency else None),
            plan_id=unit.plans.only().id,
            now=desk.now,
            by=unit.people.by_telegram_id(PEDRO).id,
            ttl=timedelta(minutes=10),
        )
    )
    text = said(desk.say(NEWCOMER, f"/start {code}"), NEWCOMER)[-1]

    assert words in text
    assert f"«{desk.do(lambda unit: unit.plans.only()).name['es']}»" in text
    assert ("reportar" in text) == (role is Role.ALTERNATE)


def test_an_invitation_is_forwarded_as_it_is_and_its_maker_hears_who_came(desk: Desk) -> None:
    """Addressed to who is invited; the phone copies or shares it; one line when they have accepted."""
    chosen = press(desk, PEDRO, press(desk, PEDRO, desk.say(PEDRO, "/menu"), "✉️ Invitar"), "Lectura ministerial")
    text = said(chosen, PEDRO)[-1]
    assert text.startswith(f"Hola. Le invitan al asistente de «{desk.do(lambda unit: unit.plans.only()).name['es']}»")

    [link] = [part for part in text.split("\n") if part.startswith("https://t.me/enlace_demo_bot?start=")]
    copy, share = chosen.deliveries[-1].payload["reply_markup"]["inline_keyboard"][0]
    assert copy["copy_text"] == {"text": link}

    sent = parse_qs(urlsplit(share["url"]).query)
    assert (sent["url"], link in sent["text"][0]) == ([link], False)
    assert not any(part.endswith(":") for part in sent["text"][0].split("\n")), "the phone puts the link above the text"

    opened = desk.say(NEWCOMER, f"/start {link.partition('=')[2]}")
    chosen = tap(desk, NEWCOMER, "idioma", "es")
    assert said(opened, PEDRO) + said(chosen, PEDRO) == []

    accepted = tap(desk, NEWCOMER, "privacidad", "accept")
    assert said(accepted, PEDRO) == ["✅ X ya entró: Lectura ministerial."]
    assert said(tap(desk, NEWCOMER, "privacidad", "accept"), PEDRO) == []
    assert desk.do(lambda unit: unit.people.by_telegram_id(NEWCOMER)) is not None


def test_who_has_no_name_that_can_be_read_is_told_so_and_the_link_waits(desk: Desk) -> None:
    """A stranger, so once a day; a name of bidi controls is kept without them."""
    code = desk.do(
        lambda unit: unit.invitations.issue(Post(Role.READER), plan_id=unit.plans.only().id, now=desk.now, by=None)
    )

    def begin(name: str) -> list[str]:
        sender = {"id": NEWCOMER, "is_bot": False, "first_name": name, "language_code": "es"}
        return said(desk.say(NEWCOMER, f"/start {code}", **{"from": sender}), NEWCOMER)

    assert "no tiene ninguna letra que se vea" in begin("\u200b\u200b")[-1]
    assert begin("\u200b\u200b") == []
    assert "Soy el asistente" in begin("Ana\u202e Pérez")[-1]

    found = desk.do(lambda unit: unit.people.by_telegram_id(NEWCOMER))
    assert found is not None
    assert found.name == "Ana Pérez"


def test_the_link_by_which_somebody_came_in_leads_them_back(desk: Desk) -> None:
    """It is what stands in their chats; it makes nothing twice, and tapping it often locks nobody out."""
    code = desk.do(
        lambda unit: unit.invitations.issue(Post(Role.READER), plan_id=unit.plans.only().id, now=desk.now, by=None)
    )
    desk.say(NEWCOMER, f"/start {code}")
    assert "aquí solo van avances" in said(desk.say(NEWCOMER, f"/start {code}"), NEWCOMER)[-1]

    tap(desk, NEWCOMER, "privacidad", "accept")
    for _ in range(6):
        again = desk.say(NEWCOMER, f"/start {code}")
        assert "Lectura ministerial" in said(again, NEWCOMER)[-1]
        assert said(again, PEDRO) == []
    assert "deleteMessage" in [row.method for row in again.deliveries]
    assert "ya no está activo" in said(desk.say(NEWCOMER + 1, f"/start {code}"), NEWCOMER + 1)[-1]


def test_an_admin_sees_vacancies_and_few_buttons(desk: Desk) -> None:
    """The posts that nobody holds are on the first screen, and first where one is invited for."""
    home = desk.say(PEDRO, "/menu")
    words = list(buttons(home, PEDRO))
    assert words[0].startswith("Sin punto focal (")
    assert len(words) <= 8

    asked = press(desk, PEDRO, press(desk, PEDRO, home, "✉️ Invitar"), "Punto focal")
    offered = list(buttons(asked, PEDRO))
    vacant = [each for each in offered if each.startswith("👤")]
    assert f"Sin punto focal ({len(vacant)})" == words[0]
    assert offered[: len(vacant)] == vacant


LISTED = [
    (ANA, Role.FOCAL_POINT),
    (JEAN, Role.FOCAL_POINT),
    (CARMEN, Role.COORDINATOR),
    (PEDRO, Role.ADMIN),
    (GRACE, Role.OBSERVER),
    (MINISTER, Role.READER),
]


@pytest.mark.parametrize(("who", "role"), LISTED)
def test_every_command_of_a_menu_is_reached_from_the_first_screen_by_taps_alone(
    desk: Desk, who: int, role: Role
) -> None:
    """Nobody has to type a word. Only screens that a command shows too are gone through."""
    listed = {one.route for one in menu_permissions(role)}
    waiting, met = list(buttons(desk.say(who, "/menu"), who).values()), set[str]()
    while waiting:
        pressed = read_token(waiting.pop(0))
        if not isinstance(pressed, CommandTap) or pressed.name in met:
            continue
        met.add(pressed.name)
        if pressed.name == Route.HOME or permission_of(Route(pressed.name)).is_typed:
            waiting += buttons(tap(desk, who, pressed.name, pressed.argument), who).values()

    in_a_form = {Route.CANCEL}  # on the card of every question, as Salir
    assert listed - met - in_a_form == {Route.START}, "the first screen itself"


@pytest.mark.parametrize(("who", "role"), LISTED)
def test_a_help_is_eight_lines_and_the_rest_is_a_tap_away(desk: Desk, who: int, role: Role) -> None:
    """Between them the two pages name each command of the menu once, without the way here."""
    first = desk.say(who, "/ayuda")
    text = said(first, who)[-1]
    assert len(text.split("\n")) <= 8

    assert command_token(Route.HELP, "more") in buttons(first, who).values()
    rest = said(tap(desk, who, Route.HELP, "more"), who)[-1]
    language = desk.do(lambda unit: unit.people.by_telegram_id(who)).language
    named = re.findall("^/([a-z_]+)", f"{text}\n{rest}", re.MULTILINE)
    listed = [one.name_in(language) for one in menu_permissions(role) if one.route not in (Route.START, Route.HELP)]
    assert named == listed


def test_what_hardly_any_officer_or_admin_needs_is_in_no_menu(desk: Desk) -> None:
    """It is no less possible: whoever types it gets it."""
    officer, admin = ({one.route for one in menu_permissions(role)} for role in (Role.FOCAL_POINT, Role.ADMIN))
    unlisted = {Route.AUDIT, Route.FORMS, Route.PLAN}
    assert officer.isdisjoint(unlisted)
    assert admin.isdisjoint({Route.RECEIVERS, Route.TOKENS})
    assert unlisted <= admin

    for who, words in ((ANA, ("/auditoria", "/formularios", "/plan")), (PEDRO, ("/receptores", "/accesos"))):
        for word in words:
            assert "No conozco" not in said(desk.say(who, word), who)[-1]
