"""A change of the plan over the real dispatch: an officer proposes it in two taps and a sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from conversations.wording import wording
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, is_denied, press, said, tap, text_of
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, furnish, settings_in

ES = wording("es")
OWN, ANOTHERS = "PRE-101", "PRE-103"


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
