"""Roles and submissions that were changed behind the audit log's back are named (S13)."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conversations.plan.model import Post, Role
from storage.database.marks import OF_A_LINK, OF_A_RECEIVER, OF_A_ROLE, OF_A_SUBMISSION, OF_A_TOKEN
from storage.database.models import DataToken, Endpoint, Invitation, Membership, Submission
from storage.messages.endpoints import NewEndpoint, Target
from storage.open_database import Database
from storage.people.tokens import DataTokens
from storage.plan.settings import CONTACT, DRAFT_DAYS
from storage.unit_of_work import UnitOfWork
from storage.upkeep import chain
from storage.upkeep.chain import Finding, Verdict
from tests.deadlines import PATIENCE
from tests.storage.imports.plan_books import LATER, Book, bring, seed_draft, take_back

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def live(database: Database, world: Any, apply: Apply) -> Any:
    """Somebody has a role and lost it, somebody has one and is suspended; two reports, one validated."""

    def work(unit: UnitOfWork) -> None:
        for person_id, role in unit.connection.exec_driver_sql("SELECT person_id, role FROM membership").all():
            details = {"person": person_id, "role": role, "agency": None}
            unit.audit.record("membership.granted", None, world.plan_id, details, NOW)
        chain.seal(unit)
        new = unit.people.add(77, "Nueva", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(new.id, world.plan_id, Post(Role.COORDINATOR), now=NOW)
        gone = unit.people.add(78, "Ida", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(gone.id, world.plan_id, Post(Role.COORDINATOR), now=NOW)
        unit.leaving.end_membership(gone.id, world.plan_id, now=NOW + timedelta(days=1), by=None)
        lost = unit.people.add(79, "Perdida", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(lost.id, world.plan_id, Post(Role.OBSERVER), now=NOW)
        unit.leaving.suspend(lost.id, now=NOW, by=None)
        for number, is_sealed in enumerate((False, True, True)):
            sent = world.submit(unit, f"uuid:{number}", sensitive=is_sealed)
            if number == 1:
                unit.reviews.decide(sent, "validated", new.id, NOW)
            if number == 2:
                unit.reviews.decide(sent, "returned", new.id, NOW, reason="unclear")
                unit.reviews.decide(unit.submissions.get(sent.id), "answered", world.person_ids[0], NOW)
        chain.seal(unit)

    apply(work)
    return world


def looked(unit: UnitOfWork) -> Verdict:
    verdict = chain.verify(unit)
    chain.verify_data(unit, verdict)
    return verdict


def look(database: Database) -> Verdict:
    with database.view() as unit:
        return looked(unit)


class TakenBack(Exception):
    """Nothing of a unit is to stay."""


def by_hand(unit: UnitOfWork, *statements: str) -> None:
    for statement in statements:
        assert unit.connection.exec_driver_sql(statement).rowcount > 0


def unnamed(database: Database, changes: Iterable[tuple[str, str]]) -> list[Any]:
    """The changes that are not named as they should be, with what is said. Each is taken back before the next."""
    missed = []
    for change, said in changes:
        found: list[Finding] = []

        def work(unit: UnitOfWork, change: str = change, found: list[Finding] = found) -> None:
            by_hand(unit, *change.split("; "))
            found += looked(unit).findings
            raise TakenBack

        with pytest.raises(TakenBack):
            database.units.submit(None, work).result(PATIENCE)
        if not any(said in each.text for each in found) or {each.kind for each in found} != {"data"}:
            missed.append((change, said, found))
    assert look(database).findings == []  # nothing of them is left
    return missed


def test_what_the_bot_wrote_is_as_the_log_says(live: Any, database: Database) -> None:
    assert look(database).findings == []


BY_HAND = [
    ("UPDATE membership SET role = 'admin' WHERE role = 'coordinator' AND active_to IS NULL", "was altered"),
    ("UPDATE membership SET active_to = NULL WHERE active_to IS NOT NULL", "was altered"),
    ("UPDATE person SET telegram_id = 666 WHERE telegram_id = 77", "was altered"),
    ("UPDATE person SET suspended_at = NULL WHERE suspended_at IS NOT NULL", "is not suspended"),
    ("DELETE FROM membership WHERE active_to IS NOT NULL", "is gone"),
    ("UPDATE submission SET answers = '{}' WHERE answers IS NOT NULL", "was altered"),
    ("UPDATE submission SET progress = 100", "was altered"),
    ("UPDATE submission SET validation_state = 'validated' WHERE validation_state = 'submitted'", "log says"),
    ("UPDATE submission SET validation_state = 'submitted' WHERE validation_state = 'validated'", "log says"),
    ("UPDATE submission SET is_current = NOT is_current", "another version"),
    ("DELETE FROM review_decision; DELETE FROM submission WHERE receipt_number = 1", "are gone"),
]
"""What is done to a row with or without the mark of another one, and what is said of it."""


def test_a_change_by_hand_is_named(live: Any, database: Database) -> None:
    """Whoever has the database and not the keys."""
    assert look(database).findings == []
    assert unnamed(database, BY_HAND) == []


@pytest.fixture
def open_doors(live: Any, apply: Apply) -> Any:
    """Two tokens, of which one is revoked; two receivers, of which one is paused; a delegation that is over."""

    def work(unit: UnitOfWork) -> None:
        plan_id = live.plan_id
        unit.of(DataTokens).make(plan_id, "observers", "uno", NOW, None)
        gone = unit.of(DataTokens).make(plan_id, "public", "dos", NOW, None)
        unit.of(DataTokens).revoke(plan_id, gone.token.prefix, NOW, None)
        target = Target("https://hooks.example.org/in", "whsec_c2VjcmV0")
        for number, host in enumerate(("hooks.example.org", "other.example.org")):
            made = unit.endpoints.add(
                plan_id,
                NewEndpoint(target, host, audience="public", kinds=("report.submitted", "period.closed")),
                NOW + timedelta(seconds=number),
                by=None,
            )
        unit.endpoints.set_kinds(made, ("period.closed",), now=NOW, by=None)
        unit.endpoints.pause(made, now=NOW, by=None)
        membership = unit.people.in_plan(plan_id, live.person_ids[0])[1]
        given = unit.roles.delegate(membership, live.person_ids[1], NOW.date() + timedelta(days=9), now=NOW)
        unit.leaving.end_delegation(given, now=NOW, by=None)
        tokens = [
            unit.invitations.issue(Post(Role.COORDINATOR), plan_id=plan_id, now=NOW, by=live.person_ids[0])
            for _ in range(3)
        ]
        unit.joining.redeem(tokens[0], 90, "Llega", "es", NOW, timezone="America/Santo_Domingo")
        unit.invitations.revoke(unit.invitations.id_of(tokens[1]), plan_id=plan_id, now=NOW, by=None)
        chain.seal(unit)

    apply(work)
    return live


OF_DOORS = [
    ("UPDATE data_token SET audience = 'observers' WHERE audience = 'public'", "the log says otherwise"),
    ("UPDATE data_token SET revoked_at = NULL WHERE revoked_at IS NOT NULL", "is not revoked"),
    ("UPDATE data_token SET prefix = 'zzzzzzzz' WHERE audience = 'public'", "was not made by this program"),
    ("UPDATE endpoint SET audience = 'observers'", "was altered"),
    ("UPDATE endpoint SET kinds = ',report.submitted,period.closed,' WHERE paused_at IS NOT NULL", "was altered"),
    ("UPDATE endpoint SET paused_at = NULL WHERE paused_at IS NOT NULL", "is not paused"),
    ("UPDATE endpoint SET id = 99 WHERE paused_at IS NOT NULL", "was not set up by this program"),
    ("UPDATE data_token SET token_hash = 'mine' WHERE revoked_at IS NULL", "was altered"),
    ("UPDATE endpoint SET kinds = ',report.submitted,' WHERE paused_at IS NOT NULL", "was altered"),
    (
        "UPDATE endpoint SET (sealed_target, made_at) ="
        " (SELECT o.sealed_target, o.made_at FROM endpoint o WHERE o.id <> endpoint.id)"
        " WHERE paused_at IS NOT NULL",
        "was altered",
    ),
    ("UPDATE invitation SET role = 'admin' WHERE accepted_at IS NULL AND revoked_at IS NULL", "was altered"),
    ("UPDATE invitation SET expires_at = '2030-01-01 00:00:00.000000'", "was altered"),
    ("UPDATE invitation SET token_hash = 'mine' WHERE accepted_at IS NOT NULL", "was altered"),
    ("UPDATE invitation SET redeemed_at = NULL, accepted_at = NULL", "can be used again"),
    ("UPDATE invitation SET revoked_at = NULL WHERE revoked_at IS NOT NULL", "is not revoked"),
    (
        "UPDATE invitation SET id = 99 WHERE accepted_at IS NULL AND revoked_at IS NULL",
        "was not made by this program",
    ),
    ("UPDATE delegation SET ended_at = NULL", "is not over"),
    ("UPDATE delegation SET deputy_id = person_id", "was altered"),
    ("UPDATE delegation SET id = 99", "was not given through this program"),
]


def test_what_lets_data_out_or_acts_for_another_stands_as_the_log_says(open_doors: Any, database: Database) -> None:
    """A token, a receiver and a delegation: whoever has the database opens none unseen."""
    assert look(database).findings == []
    assert unnamed(database, OF_DOORS) == []


@pytest.fixture
def protected(database: Database, apply: Apply) -> int:
    """A plan that was imported, changed, and changed back; and two settings, of which one is blank again."""

    def work(unit: UnitOfWork) -> int:
        plan_id = unit.plans.only().id
        for setting, value in ((CONTACT, "Piso 3"), (DRAFT_DAYS, "20"), (DRAFT_DAYS, "30")):
            unit.settings.set(plan_id, setting, value, now=NOW, by=None)
        chain.seal(unit)
        return plan_id

    apply(bring(seed_draft()))
    apply(bring(Book().put("indicators", "IND-20", "min_cell", "30").draft(), LATER))
    apply(take_back)
    return int(apply(work))


OF_PROTECTION = [
    ("UPDATE plan SET min_cell = 2", "below which number"),
    ("UPDATE indicator SET min_cell = 1", "below which number"),
    ("UPDATE indicator SET sensitivity = 'public'", "restricts"),
    ("UPDATE activity SET sensitivity = 'public'", "restricts"),
    ("UPDATE activity SET code = 'PRE-999' WHERE code = 'ASI-405'", "restricts"),
    ("UPDATE setting SET value = 'Un número' WHERE name = 'contact'", "the setting contact was altered"),
    ("DELETE FROM setting", "the setting contact was altered"),
    (
        "INSERT INTO setting (plan_id, name, value, set_at) SELECT plan_id, 'draft_days', '90', set_at FROM setting",
        "the setting draft_days was altered",
    ),
    (
        "INSERT INTO setting (plan_id, name, value, set_at) SELECT plan_id, 'show_gcm', 'yes', set_at FROM setting",
        "the setting show_gcm was not made by this program",
    ),
]


def test_what_protects_people_stands_as_the_log_says(protected: int, database: Database) -> None:
    """Whoever has the database lowers no limit, opens nothing restricted and sets nothing, unseen."""
    assert look(database).findings == []
    assert unnamed(database, OF_PROTECTION) == []


def test_an_old_row_with_its_good_mark_does_not_agree_with_the_log(live: Any, database: Database, apply: Apply) -> None:
    """Put back as it was on an earlier day: the role is over since."""

    def work(unit: UnitOfWork) -> str:
        person = unit.people.add(80, "Vuelve", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(person.id, live.plan_id, Post(Role.COORDINATOR), now=NOW)
        whose = f"WHERE person_id = {person.id}"
        mark = unit.connection.exec_driver_sql(f"SELECT mark FROM membership {whose}").scalar_one()
        unit.leaving.end_membership(person.id, live.plan_id, now=NOW, by=None)
        return f"UPDATE membership SET active_to = NULL, mark = '{mark}' {whose}"

    put_back = apply(work)
    apply(chain.seal)
    assert look(database).findings == []
    apply(lambda unit: by_hand(unit, put_back))
    assert [finding.text for finding in look(database).findings] == [
        f"person {put_back.rpartition(' ')[2]} has a role that the log says is over"
    ]


def test_rows_of_before_are_marked_once_and_a_row_without_a_mark_is_named_from_then_on(
    live: Any, database: Database, apply: Apply
) -> None:
    apply(lambda unit: by_hand(unit, "UPDATE membership SET role = 'admin', mark = NULL WHERE role = 'observer'"))
    apply(lambda unit: chain.seal(unit))
    assert any("was altered" in finding.text for finding in look(database).findings)


def test_every_column_of_what_opens_a_door_is_under_the_mark_or_told_elsewhere() -> None:
    """A new column of a link, a token or a receiver has to be thought of."""
    by_itself = {"created_at", "created_by_id", "made_by_id"}
    for model, marked, told in (
        (DataToken, OF_A_TOKEN, {"id", "name", "revoked_at", "last_used_at"}),
        (Endpoint, OF_A_RECEIVER, {"sealed_target", "paused_at"}),
        (Invitation, OF_A_LINK, {"redeemed_at", "redeemed_by_id", "accepted_at", "revoked_at"}),
    ):
        assert set(model.__table__.columns.keys()) - by_itself == set(marked) | told


def test_every_column_that_can_be_written_is_under_the_mark_or_told_elsewhere() -> None:
    """A new column of a role or a submission has to be thought of."""
    told_by_the_log = {"id", "mark"}
    assert set(Membership.__table__.columns.keys()) == told_by_the_log | set(OF_A_ROLE) - {"telegram_id"}
    beside = {"answers", "sealed_answers", "validation_state", "is_current", "is_standing", "promises_evidence"}
    assert set(Submission.__table__.columns.keys()) == told_by_the_log | set(OF_A_SUBMISSION) | beside
