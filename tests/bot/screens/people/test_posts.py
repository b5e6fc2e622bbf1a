"""Posts as people leave them, have them back and hand them over: on the phones of all who are concerned."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.acts.people import going_on
from bot.acts.people.delegations import end_expired
from bot.chat.actor import Actor
from bot.telegram.handled import Handled
from conversations.plan.model import Post, Role
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA
from tests.bot.second_plan import open_second_plan
from tests.deadlines import PATIENCE

MARTA = 508
SATURDAY = datetime(2018, 10, 13, 14, tzinfo=UTC)
MONDAY = datetime(2018, 10, 15, 14, tzinfo=UTC)


def roles(desk: Desk, telegram_id: int) -> list[tuple[str, str]]:
    with desk.database.view() as unit:
        person = unit.people.by_telegram_id(telegram_id)
        return [(str(m.role), m.agency_code) for m in person.memberships] if person else []


def token_in(handled: Handled, who: int) -> str:
    found = re.search(r"start=([A-Za-z0-9_-]+)", said(handled, who)[-1])
    assert found is not None
    return found[1]


def queued(desk: Desk, to: int) -> list[str]:
    with desk.database.view() as unit:
        rows = unit.connection.exec_driver_sql(f"SELECT payload FROM outbox WHERE chat_id={to} ORDER BY id").fetchall()
    return [row[0] or "" for row in rows]


def scan(desk: Desk) -> int:
    return desk.database.units.submit(None, lambda unit: end_expired(unit, unit.plans.only(), desk.now)).result(
        PATIENCE
    )


def test_a_post_is_left_to_a_colleague_and_comes_back_by_itself(desk: Desk) -> None:
    """Both are told, both see it in the menu; what was begun can be gone on with; on the day it is as before."""
    tap(desk, ANA, "reportar", "a.PRE-101.201809")
    whom = desk.say(ANA, "/delegar")
    until = press(desk, ANA, whom, "Luis Peña")
    begun = press(desk, ANA, until, next(words for words in buttons(until, ANA) if words.startswith("7 días")))
    assert said(begun, ANA)[-1].startswith("Luis Peña reporta por usted y recibe los avisos hasta el 10 oct 2018")
    assert "Ana Martínez le deja el reporte de MMUJER hasta el 10 oct 2018" in said(begun, LUIS)[-1]
    assert "Borradores empezados que puede continuar: 1." in said(begun, LUIS)[-1]

    drafts = press(desk, LUIS, begun, "✎ Ver sus borradores")
    taken = press(desk, LUIS, drafts, "✎ PRE-101 · Ana Martínez")
    assert "PRE-101" in said(taken, LUIS)[-1]
    for who in (ANA, LUIS):
        assert (
            "🔁 Luis Peña reporta por Ana Martínez hasta el 10 oct 2018." in said(desk.say(who, "/pendientes"), who)[-1]
        )

    card = tap(desk, PEDRO, "persona", "1")
    assert "🔁 Luis Peña" in said(card, PEDRO)[-1]

    again = desk.say(ANA, "/delegar")
    assert "Retomar ahora" in buttons(again, ANA)

    desk.now = SATURDAY
    assert "🔁" not in said(desk.say(ANA, "/pendientes"), ANA)[-1]
    assert scan(desk) == 0  # on a Saturday nobody is told anything

    desk.now = MONDAY
    assert scan(desk) == 1
    assert "terminó el reemplazo de Luis" in queued(desk, ANA)[-1]
    assert "Terminó su reemplazo de Ana" in queued(desk, LUIS)[-1]
    assert scan(desk) == 0
    assert roles(desk, LUIS) == [("alternate", "MMUJER")]


def test_the_last_day_may_be_typed(desk: Desk) -> None:
    """A day to come, and not too far; what is no day is asked again."""
    tap(desk, ANA, "delegar", "2")
    assert "Necesito un día futuro" in said(desk.say(ANA, "cuando vuelva"), ANA)[-1]
    assert "Necesito un día futuro" in said(desk.say(ANA, "3/10/2018"), ANA)[-1]
    assert "hasta el 12 oct 2018" in said(desk.say(ANA, "12/10"), ANA)[-1]


def test_somebody_who_is_invited_for_some_days_has_no_role_afterwards(desk: Desk) -> None:
    """A link for one person and until one day; the coordination knows; from the first minute of the day it is over.

    The giver hears of the deputy when they have accepted the privacy note.
    """
    whom = desk.say(ROSA, "/delegar")
    until = press(desk, ROSA, whom, "➕ Invitar a otra persona")
    link = press(desk, ROSA, until, next(words for words in buttons(until, ROSA) if words.startswith("7 días")))
    assert "Rosa Díaz invitó a alguien a reemplazarle en PGR hasta el 10 oct 2018." in said(link, CARMEN)[-1]

    joined = desk.say(MARTA, f"/start {token_in(link, ROSA)}")
    assert roles(desk, MARTA) == [("alternate", "PGR")]
    assert said(joined, ROSA) == []
    assert "todavía no ha entrado" in said(desk.say(ROSA, "/delegar"), ROSA)[-1]

    tap(desk, MARTA, "idioma", "es")
    accepted = tap(desk, MARTA, "privacidad", "accept")
    assert "X reporta por usted" in said(accepted, ROSA)[-1]

    begun = tap(desk, MARTA, "reportar", "a.PER-101.2018Q3")
    assert "PER-101" in said(begun, MARTA)[-1]
    assert "Solo el punto focal" not in said(desk.say(MARTA, "/delegar"), MARTA)[-1]

    desk.now = datetime(2018, 10, 11, 4, 0, tzinfo=UTC)  # midnight in Santo Domingo, and no scan has come by
    with desk.database.view() as unit:
        before = unit.connection.exec_driver_sql("SELECT id, version FROM session ORDER BY id").fetchall()
    for handled in (desk.say(MARTA, "en curso"), tap(desk, MARTA, "pendientes"), desk.say(MARTA, "/pendientes")):
        assert "PER-101" not in str(said(handled, MARTA))

    with desk.database.view() as unit:
        assert unit.connection.exec_driver_sql("SELECT id, version FROM session ORDER BY id").fetchall() == before
    desk.now += timedelta(hours=12)
    assert scan(desk) == 1
    assert roles(desk, MARTA) == []
    assert "PER-101" in str(buttons(desk.say(ROSA, "/pendientes"), ROSA))

    with desk.database.view() as unit:
        assert len(unit.sessions.drafts_of(unit.people.by_telegram_id(ROSA).id)) == 1  # type: ignore[union-attr]


def test_a_post_is_taken_back_or_given_back_at_once(desk: Desk) -> None:
    """A button that was drawn for an earlier delegation ends no later one."""
    tap(desk, ANA, "delegar", "2.7")
    standing = desk.say(LUIS, "/delegar")
    back = press(desk, LUIS, standing, "Devolver ahora")
    assert "vuelve a usted" in said(back, ANA)[-1]

    tap(desk, ANA, "delegar", "2.14")
    assert "ya terminó" in said(press(desk, LUIS, standing, "Devolver ahora"), LUIS)[-1]

    mine = desk.say(ANA, "/delegar")
    assert "Terminó su reemplazo" in said(press(desk, ANA, mine, "Retomar ahora"), LUIS)[-1]


def test_a_post_is_handed_over_to_the_alternate_with_one_tap(desk: Desk) -> None:
    """The old role ends, the draft is the alternate's, who becomes focal point; history stays."""
    tap(desk, ANA, "reportar", "a.PRE-101.201809")
    card = tap(desk, CARMEN, "persona", "1")
    sure = press(desk, CARMEN, card, "🔁 Relevar del puesto")
    assert "Sus borradores (1) pasan a Luis Peña." in said(sure, CARMEN)[-1]

    done = press(desk, CARMEN, sure, "Sí, termina ahora")
    assert "Su historial se conserva" in said(done, CARMEN)[-1]
    assert "cerró su acceso" in said(done, ANA)[-1]
    assert "Sus borradores (1) son suyos" in said(done, LUIS)[-1]
    assert roles(desk, ANA) == []

    promoted = press(desk, CARMEN, done, "Dejar al suplente")
    assert "Luis Peña es punto focal de MMUJER" in said(promoted, CARMEN)[-1]
    assert roles(desk, LUIS) == [("focal_point", "MMUJER")]
    assert tap(desk, CARMEN, "sucesor", "MMUJER").answer.show_alert  # type: ignore[union-attr]  # there is one again


def test_without_an_alternate_the_draft_waits_for_the_successor(desk: Desk) -> None:
    """Ya no soy yo; the admin makes a link; whoever comes finds what was begun."""
    tap(desk, ROSA, "reportar", "a.PER-101.2018Q3")
    left = tap(desk, ROSA, "relevo", "yes")
    assert roles(desk, ROSA) == []

    link = press(desk, PEDRO, left, "Crear invitación")
    desk.say(MARTA, f"/start {token_in(link, PEDRO)}")
    assert roles(desk, MARTA) == [("focal_point", "PGR")]

    tap(desk, MARTA, "privacidad", "accept")
    menu = desk.say(MARTA, "/pendientes")
    taken = press(desk, MARTA, menu, "✎ PER-101 · alguien que se fue")
    assert "PER-101" in said(taken, MARTA)[-1]
    assert said(taken, ROSA) == []


def test_whoever_joins_is_told_who_has_the_other_part(desk: Desk) -> None:
    """A second focal point of PGR has no alternate, whoever else reports for it; one of MMUJER has Luis.

    The coordinator of the plan is an alternate of nobody, also at MIREX.
    """
    told = {"PGR": "Suplente: todavía sin nombrar.", "MMUJER": "Suplente: Luis Peña."}
    told |= {"MIREX": told["PGR"]}
    for number, (agency, alternate) in enumerate(told.items(), start=MARTA):
        link = tap(desk, PEDRO, "invitar", f"focal_point.{agency}")
        desk.say(number, f"/start {token_in(link, PEDRO)}")
        assert alternate in "".join(said(tap(desk, number, "idioma", "es"), number))


def test_a_second_link_asks_before_it_takes_a_role(desk: Desk) -> None:
    """Declined nothing has changed, the link is void and its maker hears so: somebody else waits for it. Accepted,
    the new role begins with its menu.
    """
    link = tap(desk, PEDRO, "invitar", "focal_point.PGR")
    asked = desk.say(LUIS, f"/start {token_in(link, PEDRO)}")
    assert "Hoy usted es: Suplente · MMUJER." in said(asked, LUIS)[-1]
    assert roles(desk, LUIS) == [("alternate", "MMUJER")]

    no = press(desk, LUIS, asked, "No, quedarme como estoy")
    assert "todo sigue como estaba" in said(no, LUIS)[-1]
    assert said(no, PEDRO) == [
        "Luis Peña abrió el enlace que usted hizo (Punto focal · PGR), no lo aceptó y se queda como estaba. "
        "El enlace ya no sirve: haga otro para la persona invitada."
    ]
    assert "c:invitar:focal_point.PGR" in buttons(no, PEDRO).values()
    assert "ya no está activo" in said(press(desk, LUIS, asked, "Sí, cambiar"), LUIS)[-1]

    asked = desk.say(LUIS, f"/start {token_in(tap(desk, PEDRO, 'invitar', 'focal_point.PGR'), PEDRO)}")
    for who in (JEAN, GRACE, CARMEN):  # somebody else's button
        press_as = buttons(asked, LUIS)["Sí, cambiar"]
        before = roles(desk, who)
        desk.tap(who, press_as)
        assert roles(desk, who) == before
    taken = press(desk, LUIS, asked, "Sí, cambiar")
    assert roles(desk, LUIS) == [("focal_point", "PGR")]
    assert "Luis Peña (Suplente) deja de reportar por MMUJER" in said(taken, PEDRO)[-1]


def test_the_people_of_an_agency_that_has_left_report_no_more(desk: Desk) -> None:
    """Neither by an open form nor by an old button; they see what is kept about them, and are back if it is."""
    opened = tap(desk, JEAN, "reportar", "a.PRE-103.201809")
    assert "PRE-103" in said(opened, JEAN)[-1]

    def ends(on: str) -> None:
        desk.database.units.submit(
            None,
            lambda unit: unit.connection.exec_driver_sql(f"UPDATE agency SET active_to='{on}' WHERE code='DGP'"),
        ).result(PATIENCE)

    ends("2018-10-03")
    before = desk.state()
    for handled in (
        desk.say(JEAN, "en curso"),
        desk.tap(JEAN, next(t for t in buttons(opened, JEAN).values() if ":pick:" in t)),
        tap(desk, JEAN, "reportar", "a.PRE-103.201809"),
        desk.say(JEAN, "/cerrar"),
    ):
        assert "DGP pa patisipe nan plan an ankò" in said(handled, JEAN)[-1]
    assert desk.state() == before
    assert "504" in said(desk.say(JEAN, "/misdatos"), JEAN)[-1]

    ends("2018-10-04")
    assert "patisipe" not in said(desk.say(JEAN, "/pendientes"), JEAN)[-1]


def test_nobody_else_hands_posts_over(desk: Desk) -> None:
    """Roles, oneself, other posts, agencies that have their focal point (S3)."""
    before = desk.state()
    for who in (ANA, JEAN, GRACE):
        for name, argument in (("relevar", "2.yes"), ("suplente", "MMUJER"), ("sucesor", "MMUJER")):
            answer = tap(desk, who, name, argument).answer
            assert answer is not None
            assert answer.show_alert
    with desk.database.view() as unit:
        admin = unit.people.by_telegram_id(PEDRO)
        assert admin is not None
    for name, argument in (
        ("relevar", f"{admin.id}.yes"),
        ("relevar", "999.yes"),
        ("suplente", "MMUJER"),
        ("suplente", "XXX"),
        ("sucesor", "MMUJER"),
        ("sucesor", "XXX.alternate"),
        ("aceptar", "1.yes.yes"),
    ):
        tap(desk, CARMEN, name, argument)
    for argument in ("3.7", "1.7", "99.7", "x.8", "2.999", "end.1"):
        tap(desk, LUIS, "delegar", argument)
        tap(desk, ANA, "delegar", argument)

    assert desk.state() == before

    with desk.database.view() as unit:
        assert unit.delegations.of_plan(unit.plans.only().id) == ()
        assert unit.people.by_telegram_id(LUIS).memberships[0].role is Role.ALTERNATE  # type: ignore[union-attr]


def test_an_old_reminder_says_that_its_period_has_closed_and_what_is_left(desk: Desk) -> None:
    """It lies in the chat for months; what it began in its own month it never begins in another."""
    assert (
        "septiembre 2018 · a tiempo hasta el 5 oct; se recibe hasta el 14 oct"
        in said(tap(desk, ANA, "empezar", "201809"), ANA)[-1]
    )

    desk.now = datetime(2018, 11, 2, 14, tzinfo=UTC)
    old = said(tap(desk, ANA, "empezar", "201809"), ANA)[-1]
    assert old.startswith("Septiembre 2018 ya cerró: de ese período no se recibe nada más.")
    assert "octubre 2018" in old
    assert "A tiempo hasta el 6 nov; se recibe hasta el 14 nov." in old
    assert "Cómo va la actividad" in said(tap(desk, ANA, "empezar"), ANA)[-1]  # as they were before


# ------------------------------------------------------------------ into the plan that follows
@pytest.fixture
def asking(either_desk: Desk) -> Desk:
    """A second plan follows the first one, and its people are asked. Rosa's agency is not in it, Jean is away."""
    open_second_plan(either_desk, ())

    def work(unit: UnitOfWork) -> going_on.Asked:
        old, new = unit.plans.all()
        for change in (
            f"UPDATE plan SET succeeds_id = {old.id} WHERE id = {new.id}",
            f"UPDATE agency SET code = 'OTHER' WHERE code = 'PGR' AND plan_id = {new.id}",
            f"UPDATE person SET unreachable_at = joined_at WHERE telegram_id = {JEAN}",
        ):
            unit.connection.exec_driver_sql(change)
        unit.audit.record("plan.succeeded", None, new.id, {"plan": new.code, "follows": old.code}, either_desk.now)
        actor = Actor(unit, old.id, either_desk.now, old.timezone, ZoneInfo(old.timezone))
        asked, news = going_on.ask_people(actor, unit.plans.by_id(new.id))
        actor.tell(news)
        return asked

    asked = either_desk.do(work)
    assert [who.telegram_id for who, _ in asked.people] == [ANA, LUIS, CARMEN, PEDRO, GRACE]
    assert (asked.unreached, asked.left_out) == (1, ("PGR",))
    return either_desk


def is_void(desk: Desk, who: int) -> bool:
    """Whether a yes of theirs changes nothing, and they are told what to do."""
    before = desk.state()
    told = said(tap(desk, who, "seguir", "2.yes"), who)[-1]
    return desk.state() == before and "Esa pregunta ya no está abierta" in told and "pida una invitación" in told


def test_whoever_says_yes_has_the_same_role_in_the_plan_that_follows(asking: Desk) -> None:
    """They have it from then on, and the admins there hear so. A second tap says where they are, and changes nothing.

    Nobody else has a role there.
    """
    assert "¿Continúa usted en él con su función de ahora (Punto focal · MMUJER)?" in queued(asking, ANA)[-1]
    for _ in range(2):
        told = said(tap(asking, ANA, "seguir", "2.yes"), ANA)[-1]
        assert told.endswith("✅ Usted está en «Plan segundo»: Punto focal · MMUJER.")
        assert roles(asking, ANA) == [("focal_point", "MMUJER")] * 2
    before = asking.state()
    tap(asking, ANA, "seguir", "2.no")
    assert asking.state() == before
    entry = asking.do(lambda unit: unit.audit.latest(2, limit=1)[0])
    assert (entry.act, entry.details["role"]) == ("membership.granted", "focal_point")

    tap(asking, PEDRO, "seguir", "2.yes")
    assert "Luis Peña ya entró: Suplente · MMUJER." in said(tap(asking, LUIS, "seguir", "2.yes"), PEDRO)[-1]
    assert [len(roles(asking, who)) for who in (PEDRO, CARMEN, GRACE, JEAN, ROSA)] == [2, 1, 1, 1, 1]


def test_a_no_gives_nothing_and_may_become_a_yes(asking: Desk) -> None:
    """Until the day that it names."""
    before = asking.state()
    no = tap(asking, ANA, "seguir", "2.no")
    assert "puede decir que sí hasta el 1 dic 2018" in said(no, ANA)[-1]
    assert asking.state() == before
    asking.now = datetime(2018, 12, 2, 3, 59, tzinfo=UTC)
    press(asking, ANA, no, "✅ Sí, continúo")
    assert roles(asking, ANA) == [("focal_point", "MMUJER")] * 2


def test_nobody_goes_on_who_is_not_asked_or_no_longer(asking: Desk) -> None:
    """Without an agency there; in a role for some days, or another one than they were asked about; after the new plan
    has ended their role, has been undone, or after sixty days. And nobody goes into a plan that follows none.
    """
    before = asking.state()
    for number in ("1.yes", "999.yes", "999.no"):
        tap(asking, ANA, "seguir", number)
    assert asking.state() == before
    assert is_void(asking, ROSA)

    tap(asking, CARMEN, "seguir", "2.yes")
    asking.now += timedelta(days=1)

    def change(unit: UnitOfWork) -> None:
        ids = {one.telegram_id: one.id for one in unit.people.list(1)}
        mmujer = unit.plans.agency(1, "MMUJER").id
        unit.roles.grant(ids[LUIS], 1, Post(Role.FOCAL_POINT, mmujer), now=asking.now)
        unit.leaving.end_membership(ids[CARMEN], 2, now=asking.now, by=None)
        unit.connection.exec_driver_sql(
            f"UPDATE membership SET until_on = '2018-12-24' WHERE person_id = {ids[PEDRO]} AND plan_id = 1"
        )

    asking.do(change)
    assert [is_void(asking, who) for who in (LUIS, CARMEN, PEDRO)] == [True] * 3

    asking.now += going_on.LASTS
    assert is_void(asking, ANA)
    asking.now -= going_on.LASTS
    asking.do(lambda unit: unit.connection.exec_driver_sql("UPDATE plan SET imported_at = NULL WHERE id = 2"))
    assert is_void(asking, ANA)
