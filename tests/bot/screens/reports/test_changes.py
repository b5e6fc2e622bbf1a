"""A change of the plan over the real dispatch: an officer proposes it in two taps and a sentence."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from conversations.plan.model import Post, Role
from conversations.wording import wording
from storage.imports.applying import differences
from storage.imports.differences import Differences
from storage.imports.reading import read_plan
from storage.imports.workbook import plan_workbook
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, is_denied, press, said, tap, text_of
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, furnish, settings_in

ES = wording("es")
OWN, ANOTHERS = "PRE-101", "PRE-103"
WHERE = f"WHERE code = '{OWN}'"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    furnish(tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database)


def proposals(desk: Desk) -> list[tuple[str, str, str]]:
    """What waits: code, header, and what was written."""
    return desk.do(
        lambda unit: [
            (one.code, one.proposes, one.text) for one in unit.comments.open(unit.plans.only().id, proposals=True)
        ]
    )


def outcomes(desk: Desk) -> list[tuple[str | None]]:
    with desk.database.reader() as connection:
        found = connection.exec_driver_sql("SELECT outcome FROM comment WHERE proposes IS NOT NULL ORDER BY id")
        return [tuple(row) for row in found]


def propose(desk: Desk, sentence: str, field: str = "date", code: str = OWN) -> str:
    """What the officer reads after the sentence."""
    tap(desk, ANA, "proponer", f"{code}.{field}")
    return text_of(desk.say(ANA, sentence), ANA)


def test_two_taps_and_a_sentence_propose_a_day_and_change_nothing_yet(desk: Desk) -> None:
    """The card has the button, the button has the fields, and the sentence has the value and the reason."""
    card = tap(desk, ANA, "plan", f"a.{OWN}")
    which = press(desk, ANA, card, ES("change.propose"))
    press(desk, ANA, which, ES("change.field.date"))
    sent = text_of(desk.say(ANA, "30/06/2021 porque la licitación se atrasó"), ANA)
    assert "→ 30 jun 2021" in sent
    assert "la licitación se atrasó" in sent
    assert proposals(desk) == [(OWN, "due_date", '["2020-11-30","2021-06-30","la licitación se atrasó"]')]
    due = desk.do(lambda unit: unit.plans.activity(unit.plans.only().id, OWN).due_on)
    assert f"{due}" == "2020-11-30"
    assert ES("change.propose") in buttons(tap(desk, ANA, "avance", OWN), ANA)


def test_what_is_not_clear_is_asked_again_and_not_kept(desk: Desk) -> None:
    """Without a value, a reason or a change, the question stands again, with what is missing."""
    for sentence, problem in (
        ("cuando se pueda porque no hay fondos", "unread"),
        ("30/06/2021", "no_why"),
        ("30/11/2020 porque sí", "same"),
        ("30/06/2018 porque ya terminó", "passed"),
        (f"30/06/2021 porque {'no ' * 300}", "too_long"),
    ):
        told = propose(desk, sentence)
        assert ES(f"change.{problem}") in told, sentence
        assert ES("change.ask.date") in told
    assert proposals(desk) == []
    assert "→ 30 jun 2021" in text_of(desk.say(ANA, "30/06/2021, hubo elecciones"), ANA)


def test_the_guard_reads_wording_and_reason(desk: Desk) -> None:
    """Who names somebody is asked for totals, and nothing is kept."""
    for field, sentence in (
        ("date", "30/06/2021 porque llamó la señora al 809-555-1234"),
        ("wording", "Atender a la señora del 809-555-1234 porque lo pidió"),
    ):
        tap(desk, ANA, "proponer", f"{OWN}.{field}")
        heard = desk.say(ANA, sentence)
        assert "deleteMessage" in [row.method for row in heard.deliveries]
    assert proposals(desk) == []


def test_a_newer_proposal_about_a_value_replaces_the_older_and_each_can_be_taken_back(desk: Desk) -> None:
    """A slip is corrected by saying it again; another value waits beside it."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    propose(desk, "30/09/2021 porque la licitación se atrasó más")
    propose(desk, "40 porque se suman oficinas", "target")
    assert outcomes(desk) == [("replaced",), (None,), (None,)]
    tap(desk, ANA, "proponer", f"{OWN}.undo.2")
    assert outcomes(desk) == [("replaced",), ("withdrawn",), (None,)]
    assert [header for _, header, _ in proposals(desk)] == ["target_qty"]
    assert ES("change.settled") in str(tap(desk, ANA, "proponer", f"{OWN}.undo.2").answer)


def test_only_officers_propose_and_only_about_what_their_agency_leads(desk: Desk) -> None:
    """The card of another agency's row has no button, and a forged one does nothing (S2, S3)."""
    for who, code in ((ANA, ANOTHERS), (CARMEN, OWN), (PEDRO, OWN), (GRACE, OWN)):
        assert is_denied(tap(desk, who, "proponer", code)), who
        assert is_denied(tap(desk, who, "proponer", f"{code}.date")), who
    for who in (ANA, PEDRO, GRACE):
        assert is_denied(tap(desk, who, "cambios"))
    assert ES("change.propose") not in buttons(tap(desk, CARMEN, "plan", f"a.{OWN}"), CARMEN)


def test_a_coordinator_finds_what_waits_beside_the_queue_and_refuses_it_with_a_reason(desk: Desk) -> None:
    """The officer reads why; whoever is slower reads that it is decided."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    queue = tap(desk, CARMEN, "revisar")
    listed = press(desk, CARMEN, queue, ES("change.waiting", n=1))
    shown = tap(desk, CARMEN, "cambios", "1")
    assert f"MMUJER · {OWN} · {ES('change.field.date')}" in buttons(listed, CARMEN)
    assert "30 nov 2020 → 30 jun 2021" in text_of(shown)
    press(desk, CARMEN, shown, ES("change.refuse"))
    refused = desk.say(CARMEN, "El contrato vence antes.")
    assert "El contrato vence antes." in "\n".join(said(refused, ANA))
    assert outcomes(desk) == [("refused",)]
    assert ES("change.settled") in str(tap(desk, CARMEN, "cambios", "no.1").answer)
    assert desk.do(lambda unit: list(_findings(unit, desk))) == []


def test_comments_and_proposals_are_told_apart(desk: Desk) -> None:
    """An observer's comments are answered where they were, and a proposal is none of them."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    tap(desk, GRACE, "comentar", OWN)
    desk.say(GRACE, "Nothing has begun in Azua.")
    assert desk.do(lambda unit: len(unit.comments.open(unit.plans.only().id))) == 1
    assert is_denied(tap(desk, CARMEN, "cambios", "2"))
    assert len(proposals(desk)) == 1


def _findings(unit: UnitOfWork, desk: Desk) -> Iterator[object]:
    from storage.upkeep import data_check

    yield from data_check.differences(unit, desk.now)


# ------------------------------------------------------------------ deciding
def plan_says(desk: Desk, code: str = OWN) -> tuple[str, str, str]:
    def read(unit: UnitOfWork) -> tuple[str, str, str]:
        found = unit.plans.activity(unit.plans.only().id, code)
        return str(found.due_on), found.target_quantity, found.name["es"]

    return desk.do(read)


def coordinate(unit: UnitOfWork, telegram_id: int, now: datetime) -> None:
    """Make an officer a coordinator."""
    plan_id, found = unit.plans.only().id, unit.people.by_telegram_id(telegram_id)
    assert found is not None
    unit.leaving.end_membership(found.id, plan_id, now=now, by=None)
    unit.roles.grant(found.id, plan_id, Post(Role.COORDINATOR), now=now, by=None)


def leave(unit: UnitOfWork, telegram_id: int, now: datetime) -> None:
    found = unit.people.by_telegram_id(telegram_id)
    assert found is not None
    unit.leaving.end_membership(found.id, unit.plans.only().id, now=now, by=None)


def test_what_is_accepted_is_in_the_plan_as_if_it_had_been_imported(desk: Desk) -> None:
    """The same history, entry and undo; closed periods go by the plan as it was, and both people read from when."""
    before = plan_says(desk)
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    shown = tap(desk, CARMEN, "cambios", "1")
    assert ES("change.longer", date="31 dic 2021") in text_of(shown)
    accepted = press(desk, CARMEN, shown, ES("change.accept"))
    since = ES("import.from", period_name="septiembre 2018")
    assert since in text_of(accepted, CARMEN)
    assert ES("change.outcome.accepted", code=OWN) in text_of(accepted, ANA)
    assert since in text_of(accepted, ANA)
    assert plan_says(desk) == ("2021-06-30", *before[1:])

    def noted(unit: UnitOfWork) -> tuple[list[object], list[str]]:
        plan = unit.plans.only()
        ever = [each for each in unit.plans.activities_ever(plan.id) if each.code == OWN]
        return [each.due_on for each in ever], [each.act for each in unit.audit.latest(plan.id)][:2]

    days, acts = desk.do(noted)
    assert days == [date(2021, 6, 30), date(2020, 11, 30)]
    assert set(acts) == {"plan.imported", "change.decided"}
    assert desk.do(lambda unit: list(_findings(unit, desk))) == []
    assert ES("change.settled") in str(tap(desk, CARMEN, "cambios", "yes.1").answer)

    undo = tap(desk, PEDRO, "deshacer")
    press(desk, PEDRO, undo, ES("import.undo_yes"))
    assert plan_says(desk) == before


def test_target_and_wording_are_changed_alone(desk: Desk) -> None:
    """One cell at a time, in one language; the workbook that comes out goes in again without a difference."""
    before = plan_says(desk)
    propose(desk, "36 porque se suman seis meses", "target")
    propose(desk, "Campaña nacional en radio, redes y televisión porque la audiencia la ve", "wording")
    tap(desk, CARMEN, "cambios", "yes.1")
    tap(desk, CARMEN, "cambios", "yes.2")
    assert plan_says(desk) == (before[0], "36", "Campaña nacional en radio, redes y televisión")

    def again(unit: UnitOfWork) -> Differences:
        code = unit.plans.only().code
        return differences(unit, read_plan(plan_workbook(unit, code, desk.now)), code)

    assert desk.do(again).all == ()


def test_a_proposal_about_a_value_that_has_changed_since_says_so_and_changes_nothing(desk: Desk) -> None:
    """What it would replace is not what its officer read."""
    propose(desk, "40 porque se suman oficinas", "target")
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE activity SET target_quantity = '35' {WHERE}"))
    stale = tap(desk, CARMEN, "cambios", "1")
    assert ES("change.stale", now="35") in text_of(stale)
    assert ES("change.accept") not in buttons(stale, CARMEN)
    assert ES("change.stale", now="35") in text_of(tap(desk, CARMEN, "cambios", "yes.1"))
    assert outcomes(desk) == [(None,), (None,)]
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE activity SET retired_on = '2018-10-01' {WHERE}"))
    assert ES("change.stale", now="–") in text_of(tap(desk, CARMEN, "cambios", "yes.2"))
    assert outcomes(desk) == [(None,), (None,)]


def test_nobody_decides_on_their_own_proposal_where_there_are_two(desk: Desk) -> None:
    """An officer who became a coordinator leaves it to the other one; without another one, it is theirs."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    desk.do(lambda unit: coordinate(unit, ANA, desk.now))
    shown = tap(desk, ANA, "cambios", "1")
    assert ES("change.own") in text_of(shown)
    assert is_denied(tap(desk, ANA, "cambios", "yes.1"))
    assert is_denied(tap(desk, ANA, "cambios", "no.1"))
    desk.do(lambda unit: leave(unit, CARMEN, desk.now))
    tap(desk, ANA, "cambios", "yes.1")
    assert outcomes(desk) == [("accepted",)]


def test_the_week_counts_what_waits_to_be_decided(desk: Desk) -> None:
    """Beside the other decisions, with its button; an administrator, who does not decide, reads nothing of it."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    week = tap(desk, CARMEN, "resumen")
    assert ES("week.waits.change", n=1) in text_of(week)
    assert len(text_of(week).splitlines()) <= 12
    assert ES("change.waiting", n=1) in buttons(week, CARMEN)
    assert ES("change.waiting", n=1) not in buttons(tap(desk, PEDRO, "resumen"), PEDRO)


# ------------------------------------------------------------------ beside each other
def test_the_original_stands_beside_the_revised_value_on_every_card(desk: Desk) -> None:
    """Whoever reads the plan sees what was promised at first; twice revised, it is still the first."""
    propose(desk, "30/06/2021 porque la licitación se atrasó")
    propose(desk, "36 porque se suman seis meses", "target")
    propose(desk, "Campaña en radio, redes y televisión porque la audiencia la ve", "wording")
    for number in (1, 2, 3):
        tap(desk, CARMEN, "cambios", f"yes.{number}")
    propose(desk, "30/09/2021 porque se atrasó más")
    tap(desk, CARMEN, "cambios", "yes.4")
    card = text_of(tap(desk, ANA, "plan", f"a.{OWN}"))
    assert "30 sep 2021 (original: 30 nov 2020)" in card
    assert "36 meses de pauta (original: 30)" in card
    assert "Campaña en radio, redes y televisión\noriginal: Poner en marcha una campaña" in card
    assert "(original: 30 nov 2020)" in text_of(tap(desk, CARMEN, "avance", OWN))
    assert "original" not in text_of(tap(desk, CARMEN, "plan", f"a.{ANOTHERS}"))
    propose(desk, "300,000 porque se amplió", "target", "IND-01")
    propose(desk, "31/12/2021 porque se amplió", "date", "IND-01")
    for number in (5, 6):
        tap(desk, CARMEN, "cambios", f"yes.{number}")
    indicator = text_of(tap(desk, CARMEN, "plan", "i.IND-01"))
    assert "300000 (31 dic 2021)\noriginal: 250\N{NO-BREAK SPACE}000 · 31 dic 2020" in indicator
