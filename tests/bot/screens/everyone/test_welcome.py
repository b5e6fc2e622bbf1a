"""Who joins, who is a stranger, and what each role sees first: the whole way, with the real bot."""

import pytest

from bot.sandbox.telegram import Person
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO, Officer, Town
from tests.deadlines import wait_until

pytestmark = pytest.mark.slow


def test_an_invitation_lets_one_person_in_once(town: Town) -> None:
    """Link, language, notice, menu; the message with the code goes; a second use reads like a wrong code."""
    made = town.enlace("invite", "--role", "focal_point", "--agency", "MINERD")
    assert made.returncode == 0, made.stderr

    code = made.stdout.strip().rpartition("start=")[2]
    assert made.stdout.startswith("https://t.me/enlace_demo_bot?start=")

    town.sandbox.world.add_person(Person(900, "Marta", language_code="es"))
    town.sandbox.world.add_person(Person(901, "Otro", language_code="es"))
    marta = town.officer(900)
    marta.do(lambda: marta.phone.start(code))
    assert "asistente de «Plan Nacional de Acción" in marta.text
    assert not any(code in str(message) for message in marta.phone.messages())

    marta.tap("Español")
    assert "punto focal · Ministerio de Educación" in marta.text
    assert "Nunca nombres" in marta.text
    assert "PRE-102" not in str(marta.phone.messages())

    marta.tap("Entendido")
    marta.tap("De acuerdo")
    assert "PRE-102" in str(marta.buttons)

    other = town.officer(901)
    other.do(lambda: other.phone.start(code))
    assert "ya no está activo" in other.text

    wrong = town.officer(901).do(lambda: other.phone.start("A" * 43))
    assert "ya no está activo" in wrong
    assert code not in town.logged()
    assert code.encode() not in (town.folder / "enlace.db").read_bytes()


def test_a_stranger_gets_one_polite_line_a_day(town: Town) -> None:
    """And nothing else: no menu, no plan, no agency."""
    town.sandbox.world.add_person(Person(950, "Nadie", language_code="en"))
    stranger = town.officer(950)
    stranger.do(stranger.phone.start)
    assert "only for people appointed" in stranger.text

    before = len(stranger.from_bot)
    stranger.phone.say("hello?")
    stranger.phone.say("/pendientes")
    town.rest()
    assert len(stranger.from_bot) == before


def test_a_wrong_invitation_of_a_stranger_is_answered_once_a_day(town: Town) -> None:
    """Whoever tries codes learns nothing by the second try, of whatever kind; the next day they are told again."""
    town.sandbox.world.add_person(Person(951, "Nadie", language_code="en"))
    stranger = town.officer(951)
    stranger.do(lambda: stranger.phone.start("WRONG"))
    assert len(stranger.from_bot) == 1

    for code in ("WRONG", "A" * 43, ""):
        stranger.phone.start(code)
    stranger.phone.say("/pendientes")
    town.rest()
    assert len(stranger.from_bot) == 1

    town.sandbox.world.move_clock(by=25 * 3600)
    stranger.do(lambda: stranger.phone.start("WRONG"))
    assert len(stranger.from_bot) == 2


def test_each_role_has_a_first_screen(town: Town) -> None:
    """Nobody who is enrolled meets a dead end."""
    for telegram_id, words in ((CARMEN, "Coordinación"), (PEDRO, "Administración"), (GRACE, "Observer"), (JEAN, "DGP")):
        officer = town.officer(telegram_id)
        officer.say("/start")
        assert words in officer.text
        assert officer.buttons
    carmen = town.officer(CARMEN)
    carmen.say("/progreso")

    assert "septiembre 2018" in carmen.text
    assert "Recibidos: 0 de 33" in carmen.text


def test_an_admin_invites_in_chat_and_the_link_works(town: Town) -> None:
    """Role, agency, link; the link is shown once and stored nowhere readable."""
    pedro = town.officer(PEDRO)
    pedro.say("/invitar")
    pedro.tap("Punto focal")
    pedro.tap("CONANI")
    link = pedro.text.rpartition("start=")[2].split()[0]
    assert len(link) == 43
    assert link.encode() not in (town.folder / "enlace.db").read_bytes()

    town.sandbox.world.add_person(Person(902, "Eva", language_code="es"))
    eva = town.officer(902)
    eva.do(lambda: eva.phone.start(link))
    eva.tap("English")
    assert "Your role: focal point" in eva.text


def test_a_role_without_the_right_is_told_so(town: Town) -> None:
    """Denied is an outcome: said, committed, nothing done."""
    grace = town.officer(GRACE)
    grace.say("/pendientes")
    assert "not for your role" in grace.text


def test_the_bot_leaves_groups(town: Town) -> None:
    """S4: private chats only."""
    from bot.sandbox import people

    people.add_to_group(town.sandbox.world, -100123, "Grupo", [ANA])
    wait_until(lambda: any(call.method == "leaveChat" for call in list(town.sandbox.world.calls)), "it leaves")


def test_telegrams_own_menu_is_what_the_role_may_do_in_the_persons_language(town: Town) -> None:
    """However somebody came by the role: enrolled at the server, as these are, or by a link."""

    def menu(officer: Officer) -> set[str]:
        return {each["command"] for each in officer.phone.chat()["commands"]}

    ana, carmen, jean = town.officer(ANA), town.officer(CARMEN), town.officer(JEAN)
    for officer in (ana, carmen, jean):
        officer.say("/start")
    assert {"pendientes", "reportar", "ayuda"} <= menu(ana)
    assert "progreso" in menu(carmen)
    assert "reportar" not in menu(carmen)
    assert "rapote" in menu(jean)

    ana.say("/idioma")
    ana.tap("English")
    assert {"pending", "report"} <= menu(ana)
