"""Nobody is lost on the way in: who stops at a station is asked to go on, and then their admin hears of them."""

from datetime import date, timedelta

import pytest

from bot.schedule.entering import concerned
from bot.schedule.job import Moment
from conversations.plan.model import Post, Role
from tests.bot.desk import Desk, buttons, press, said, tap, text_of
from tests.bot.house import ANA, CARMEN, PEDRO, ROSA
from tests.bot.schedule.days import Told, here, number_of, of, scan
from tests.storage.database.hearing import heard as heard_by

NINA, JOSE = 611, 612
OPENED = "2018-10-02T11:00"
"""A Tuesday, at which the tests begin."""


def link_for(desk: Desk, role: Role, agency: str = "") -> str:
    """A link that Pedro makes now."""
    return desk.do(
        lambda unit: unit.invitations.issue(
            Post(role, unit.plans.agency(1, agency).id if agency else None),
            plan_id=1,
            now=desk.now,
            by=number_of(unit, PEDRO),
        )
    )


def enter(
    desk: Desk, who: int, *, role: Role = Role.FOCAL_POINT, agency: str = "MINERD", accepts: bool = False
) -> None:
    """Open a link of Pedro's, and accept the privacy note or stop before it."""
    desk.say(who, f"/start {link_for(desk, role, agency)}")
    if accepts:
        tap(desk, who, "idioma", "es")
        tap(desk, who, "privacidad", "accept")


def days(desk: Desk, first: str, last: str, *, at: str = "10:01") -> dict[str, dict[int, list[Told]]]:
    """What the scheduler says on each of these days, at the hour of the ladder and at this one."""
    told: dict[str, dict[int, list[Told]]] = {}
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        for hour in ("09:01", at):
            for who, words in scan(desk, here(f"{day}T{hour}")).items():
                told.setdefault(f"{day:%m-%d}", {}).setdefault(who, []).extend(words)
        day += timedelta(days=1)
    return told


def heard(told: dict[str, dict[int, list[Told]]], who: int, words: str) -> list[str]:
    """The days on which somebody was told something with these words in it."""
    return [day for day, each in told.items() for one in each.get(who, ()) if words in one.text]


@pytest.fixture
def in_october(desk: Desk) -> Desk:
    """The Tuesday, with nothing owed from before."""
    scan(desk, here("2018-10-02T10:30"))
    desk.now = here(OPENED)
    return desk


# ------------------------------------------------------------------ who stops at a station
@pytest.mark.parametrize("language", ["", "en"])
def test_who_opens_and_does_not_accept_is_asked_twice_and_then_their_admin_hears(
    in_october: Desk, language: str
) -> None:
    """After a day and after a week; with or without a language chosen. The ledger has no other rows of it."""
    desk = in_october
    enter(desk, NINA)
    if language:
        tap(desk, NINA, "idioma", language)
    told = days(desk, "2018-10-02", "2018-10-31")

    nudge = "one step away" if language else "le falta un paso"
    assert heard(told, NINA, nudge) == ["10-03", "10-09"]
    assert [day for day, each in told.items() if NINA in each] == ["10-03", "10-09"]
    assert heard(told, PEDRO, "X · Punto focal · MINERD") == ["10-10"]
    assert [fire.window for fire in of(desk, NINA, "entering")] == ["2018-10-03", "2018-10-09"]
    assert [fire.window for fire in of(desk, PEDRO, "entering")] == ["2018-10-10"]
    [news] = [one for one in told["10-10"][PEDRO] if "no termina de entrar" in one.text]
    assert "abrió la invitación el 2 oct 2018 y no ha aceptado el aviso de privacidad" in news.text
    assert "llámele" in news.text


def test_from_the_nudge_one_goes_on_to_the_end(in_october: Desk) -> None:
    """Its button shows the note, its others choose the language; after *De acuerdo* nobody is asked, or told, more."""
    desk = in_october
    enter(desk, NINA)
    [nudge] = days(desk, "2018-10-03", "2018-10-03")["10-03"][NINA]
    assert all(words in nudge.buttons for words in ("Continuar", "Español", "English", "Kreyòl", "Français"))

    note = tap(desk, NINA, "privacidad")
    accepted = press(desk, NINA, press(desk, NINA, note, "Entendido"), "De acuerdo")
    assert said(accepted, PEDRO) == ["✅ X ya entró: Punto focal · MINERD."]
    told = days(desk, "2018-10-04", "2018-10-10")
    assert heard(told, NINA, "le falta un paso") == []
    assert heard(told, PEDRO, "no termina de entrar") == []


@pytest.mark.parametrize(
    ("accepted", "nudged", "told"),
    [
        ("2018-10-02", [], ["10-10"]),  # the ladder reminds on the next day
        ("2018-10-16", ["10-17"], ["11-01"]),  # it is silent until the 19th; from the 21st no period is open
    ],
)
def test_who_accepts_and_sends_no_first_report_is_reminded_and_then_their_admin_hears(
    in_october: Desk, accepted: str, nudged: list[str], told: list[str]
) -> None:
    """The ladder's reminder counts as the nudge. The admin hears once, though periods lock and others open."""
    desk = in_october
    desk.now = here(f"{accepted}T11:00")
    enter(desk, NINA, accepts=True)
    said_then = days(desk, str(date.fromisoformat(accepted) + timedelta(days=1)), "2018-11-30")

    assert heard(said_then, NINA, "Su primer reporte son unos toques") == nudged
    assert heard(said_then, PEDRO, "no ha enviado su primer reporte") == told
    assert [f"{fire.on:%m-%d}" for fire in of(desk, NINA, "entering")] == nudged


def test_a_link_that_nobody_opens_is_told_a_day_after_it_has_expired(in_october: Desk) -> None:
    """To the admin who made it. While it can be used, and when somebody has come meanwhile, nothing is said."""
    desk = in_october
    link_for(desk, Role.FOCAL_POINT, "MINERD")
    link_for(desk, Role.FOCAL_POINT, "MIDE")
    desk.now += timedelta(minutes=1)
    enter(desk, JOSE, agency="MIDE", accepts=True)
    told = days(desk, "2018-10-02", "2018-10-31")

    news = heard(told, PEDRO, "nadie ha abierto el enlace")
    assert news == [next(day for day in told if day >= "10-06" and day[3:] in {"08", "09"})]
    assert not any("MIDE" in one.text for each in told.values() for one in each.get(PEDRO, ()) if "enlace" in one.text)


def test_who_blocks_the_bot_or_gives_up_the_account_is_told_a_day_later(in_october: Desk) -> None:
    """Their agency is vacant meanwhile, with the reason, and they are asked nothing."""
    desk = in_october
    desk.do(lambda unit: unit.people.mark_unreachable(ROSA, desk.now))
    told = days(desk, "2018-10-02", "2018-10-12")

    assert [day for day, each in told.items() if ROSA in each] == []
    assert heard(told, PEDRO, "Rosa Díaz · Punto focal · PGR") == ["10-03"]
    assert "PGR" in text_of(tap(desk, PEDRO, "personas", "vacant")) + str(
        buttons(tap(desk, PEDRO, "personas", "vacant"), PEDRO)
    )
    assert "no recibe mensajes desde el 2 oct 2018" in said(tap(desk, PEDRO, "personas", "entering.0"), PEDRO)[-1]


# ------------------------------------------------------------------ the rules of all notices
def test_it_keeps_to_working_days_and_hours_and_to_pauses(in_october: Desk) -> None:
    """A holiday and a weekend move the nudge; while everybody has a pause, it waits."""
    desk = in_october
    desk.now = here("2018-10-04T11:00")
    enter(desk, NINA)
    tap(desk, PEDRO, "calendario", "2018-10-05")
    desk.now = here("2018-10-08T08:00")
    tap(desk, CARMEN, "pausar", "0")
    quiet = [*(f"2018-10-0{day}T10:01" for day in range(5, 9)), "2018-10-08T22:00"]
    assert [at for at in quiet if NINA in scan(desk, here(at))] == []

    desk.now = here("2018-10-09T08:30")
    tap(desk, CARMEN, "pausar", "end")
    assert NINA not in scan(desk, here("2018-10-09T09:30"))
    assert NINA in scan(desk, here("2018-10-09T10:01"))
    assert NINA not in scan(desk, here("2018-10-09T15:00"))


def test_while_nobody_has_stopped_a_look_takes_two_statements_and_leaves_no_row(in_october: Desk) -> None:
    """It looks every few seconds, all day."""
    desk = in_october
    with desk.database.view() as unit:
        moment = Moment.of(unit, 1, here("2018-10-03T10:01"))
        assert list(concerned(unit, moment)) == []
        assert len(heard_by(unit, lambda unit: concerned(unit, moment))) == 2

    days(desk, "2018-10-02", "2018-10-31")
    assert [fire for who in (ANA, CARMEN, PEDRO, ROSA) for fire in of(desk, who, "entering")] == []


# ------------------------------------------------------------------ a deputy
def test_a_deputy_who_never_accepts_does_not_silence_who_gave_the_post(in_october: Desk) -> None:
    """Rosa is reminded as before, until messages reach whom she invited."""
    desk = in_october
    until = press(desk, ROSA, desk.say(ROSA, "/delegar"), "➕ Invitar a otra persona")
    made = press(desk, ROSA, until, next(words for words in buttons(until, ROSA) if words.startswith("14 días")))
    token = said(made, ROSA)[-1].partition("start=")[2].split()[0]
    desk.say(NINA, f"/start {token}")
    told = days(desk, "2018-10-02", "2018-10-09")
    assert [day for day, each in told.items() if ROSA in each]
    assert heard(told, NINA, "le falta un paso")

    tap(desk, NINA, "idioma", "es")
    tap(desk, NINA, "privacidad", "accept")
    told = days(desk, "2018-10-10", "2018-10-12")
    assert [day for day, each in told.items() if ROSA in each] == []
