"""Roles and submissions that were changed behind the audit log's back are named (S13)."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from conversations.plan.model import Post, Role
from storage.database.marks import (
    OF_A_COMMENT,
    OF_A_DECISION,
    OF_A_FILE,
    OF_A_LINK,
    OF_A_RECEIVER,
    OF_A_ROLE,
    OF_A_SUBMISSION,
    OF_A_TOKEN,
    OF_AN_ANSWER,
    submission_mark,
)
from storage.database.models import (
    Attachment,
    Comment,
    DataToken,
    Endpoint,
    Invitation,
    Membership,
    ReviewDecision,
    Submission,
    table,
)
from storage.messages.endpoints import NewEndpoint, Target
from storage.open_database import Database
from storage.people.tokens import DataTokens
from storage.plan.settings import CONTACT, DRAFT_DAYS
from storage.reports.files import FileStore, NewAttachment
from storage.reports.inspection import Inspected
from storage.unit_of_work import UnitOfWork
from storage.upkeep import chain
from storage.upkeep.chain import Finding, Verdict
from storage.upkeep.data_check import files_on_disk
from storage.upkeep.retention import RETENTION
from tests.deadlines import PATIENCE
from tests.storage.blank_forms import blank_form
from tests.storage.imports.plan_books import LATER, LATER_STILL, Book, bring, seed_draft, take_back

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def live(database: Database, world: Any, apply: Apply) -> Any:
    """Somebody has a role and lost it, somebody has one and is suspended; two reports, one validated."""

    def work(unit: UnitOfWork) -> None:
        roles = "SELECT person_id, role, code FROM membership LEFT JOIN agency ON agency.id = agency_id"
        for person_id, role, agency in unit.connection.exec_driver_sql(roles).all():
            details = {"person": person_id, "role": role, "agency": agency}
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
    chain.verify_data(unit, verdict, NOW)
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
    ("UPDATE submission SET is_standing = NOT is_standing", "made the one that counts"),
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
        admins = [unit.people.add(number, "Admin", "es", NOW, timezone="America/Santo_Domingo") for number in (91, 92)]
        for admin in admins:
            unit.roles.grant(admin.id, plan_id, Post(Role.ADMIN), now=NOW)
        for role, decision in ((Role.ADMIN, None), (Role.COORDINATOR, "granted"), (Role.ADMIN, "refused")):
            asked = unit.role_requests.ask(plan_id, role, now=NOW, by=admins[0].id)
            if decision is not None:
                unit.joining.decide(plan_id, asked.id, decision, now=NOW, by=admins[1].id)
        left = unit.invitations.issue(Post(Role.OBSERVER), plan_id=plan_id, now=NOW, by=admins[1].id)
        assert unit.invitations.id_of(left) == LEFT
        unit.leaving.suspend(admins[1].id, now=NOW, by=None)
        late, later = sorted(unit.plans.periods(plan_id), key=lambda period: period.code)
        agency_id, until_on = live.agency_ids[0], NOW.date() + timedelta(days=5)
        unit.periods.reopen(plan_id, agency_id, late, until_on, reason="late", now=NOW, by=None)
        given = unit.periods.reopen(plan_id, agency_id, later, until_on, reason="late", now=NOW, by=None)
        unit.periods.end(given, now=NOW, by=None)
        unit.periods.set_days(later, now=NOW, by=None)
        form = unit.forms.current(plan_id, blank_form(plan_id).form_id)
        told = {"form_id": form.form_id, "version": form.version, "sha256": form.sha256}
        unit.audit.record("form_published", None, plan_id, told | {"mark": unit.forms.mark(form.id)}, NOW)
        chain.seal(unit)

    apply(work)
    return live


LEFT = 4
"""The link that an admin issued who has been suspended since."""
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
    ("UPDATE delegation SET agency_id = (SELECT max(id) FROM agency)", "was altered"),
    ("UPDATE endpoint SET sealed_target = substr(sealed_target, 1, 40)", "was altered"),
    ("UPDATE delegation SET id = 99", "was not given through this program"),
    ("DELETE FROM data_token WHERE revoked_at IS NULL", "is gone"),
    ("DELETE FROM endpoint WHERE paused_at IS NOT NULL", "is gone"),
    ("DELETE FROM delegation", "delegation 1 is gone"),
    ("DELETE FROM invitation WHERE revoked_at IS NULL AND accepted_at IS NULL", "link 3 is gone"),
    (f"UPDATE invitation SET revoked_at = NULL WHERE id = {LEFT}", f"link {LEFT} is not revoked"),
    ("UPDATE role_request SET requested_by_id = 1 WHERE decision = ''", "was altered"),
    ("UPDATE role_request SET role = 'admin' WHERE decision = 'granted'", "was altered"),
    ("UPDATE role_request SET requested_at = '2030-01-01 00:00:00.000000' WHERE decision = ''", "was altered"),
    ("UPDATE role_request SET decision = '', decided_by_id = NULL WHERE decision = 'refused'", "as the log says"),
    ("UPDATE role_request SET decision = 'granted' WHERE decision = ''", "and the log says otherwise"),
    ("DELETE FROM role_request WHERE decision = ''", "the request for a role 1 is gone"),
    ("UPDATE role_request SET id = 99 WHERE decision = ''", "was not made through this program"),
    ("UPDATE reopening SET until_on = '2030-01-01' WHERE ended_at IS NULL", "reopening 1 was altered"),
    ("UPDATE reopening SET agency_id = (SELECT max(id) FROM agency)", "was altered"),
    ("UPDATE reopening SET ended_at = NULL", "reopening 2 is not over"),
    ("UPDATE reopening SET id = 99 WHERE ended_at IS NULL", "reopening 99 was not given"),
    ("DELETE FROM reopening WHERE ended_at IS NULL", "reopening 1 is gone"),
    ("UPDATE reporting_period SET locks_on = '2030-01-01' WHERE is_moved", "were altered"),
    ("UPDATE reporting_period SET is_moved = NOT is_moved", "set by hand, the log says otherwise"),
    ("UPDATE form_version SET xform = xform || ' '", "was altered"),
    ("UPDATE form_version SET workbook = sealed_target FROM endpoint", "was altered"),
    ("UPDATE form_version SET published_at = '2030-01-01 00:00:00.000000'", "at another time"),
    ("UPDATE form_version SET version = 'other'", "was not published through this program"),
    ("UPDATE form SET form_id = 'other'", "is gone"),
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
    apply(bring(Book().put("indicators", "IND-20", "min_cell", "20").draft(), LATER_STILL))
    apply(bring(Book().put("indicators", "IND-20", "min_cell", "15").draft(), LATER_STILL + timedelta(days=1)))
    return int(apply(work))


OF_PROTECTION = [
    ("UPDATE plan SET min_cell = 2", "below which number"),
    ("UPDATE plan_import SET undone_at = imported_at WHERE undone_at IS NULL", "protected people before"),
    (
        "UPDATE plan_import SET imported_at = (SELECT min(o.imported_at) FROM plan_import AS o)",
        "protected people before",
    ),
    ("DELETE FROM plan_import", "protected people before"),
    ("DELETE FROM plan_import", "the note of import 1 is gone"),
    ("UPDATE indicator SET min_cell = 1", "below which number"),
    ("UPDATE indicator SET sensitivity = 'public'", "restricts"),
    ("UPDATE activity SET sensitivity = 'public'", "restricts"),
    ("UPDATE activity SET code = 'PRE-999' WHERE code = 'ASI-405'", "restricts"),
    ("UPDATE activity SET agency_id = (SELECT max(id) FROM agency)", "'activity' of plan 1 was altered: agency_id"),
    ("DELETE FROM activity_support", "'activity_support' of plan 1"),
    ("INSERT INTO resource SELECT min(id), 'UNDP', '9', 'USD' FROM activity", "'resource' of plan 1"),
    ("INSERT INTO unit SELECT 1, 1, min(id), 'NY', '{}', NULL, NULL FROM agency", "'unit' of plan 1"),
    ("UPDATE indicator SET aggregation = 'sum'", "altered: aggregation"),
    ("UPDATE target SET value = '1'", "altered: value"),
    ("UPDATE plan SET hotlines = '8095550142'", "altered: hotlines"),
    ("UPDATE agency SET active_to = '2018-01-01'", "altered: active_to"),
    ("UPDATE agency SET name = '{}' WHERE code = 'MINERD'", "altered: name"),
    ("UPDATE plan_import SET before = substr(before, 1, 20)", "the note of import"),
    ("UPDATE plan_import SET undone_at = NULL", "is not undone"),
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


def test_a_change_in_the_chat_makes_no_altered_agency_good(protected: int, database: Database, apply: Apply) -> None:
    """An admin renames another agency later: the marks of that day would be those of the alteration."""

    def rename(unit: UnitOfWork) -> None:
        agency = unit.plans.agency(protected, "PGR")
        unit.agencies.rename(agency, protected, {"es": "Procuraduría"}, now=NOW, by=None)
        chain.seal(unit)

    apply(rename)
    assert look(database).findings == []
    apply(lambda unit: by_hand(unit, "UPDATE agency SET active_to = '2018-01-01' WHERE code = 'MINERD'"))
    apply(rename)
    assert [each.text for each in look(database).findings] == [
        f"the table 'agency' of plan {protected} was altered: active_to"
    ]


@pytest.fixture
def said(live: Any, database: Database, apply: Apply) -> Any:
    """Three comments, of which one is answered and one only read; a report with two files, one of them sealed."""

    def work(unit: UnitOfWork) -> None:
        plan_id, (writer, _, reader) = live.plan_id, live.person_ids
        for number, reply in enumerate(("Firmado", None, "")):
            at = NOW + timedelta(seconds=number)
            subject = "activity:PRE-101" if number else None
            made = unit.comments.add(plan_id, writer, subject, f"Falta {number}", at)
            if reply is not None:
                unit.comments.settle(plan_id, made, by=reader, now=at, reply=reply or None)
        for number, is_sealed in enumerate((False, True)):
            kept = Inspected(b"%PDF", "application/pdf", "pdf", "acta.pdf", "0" * 64, f"{number + 1}" * 64)
            attach = NewAttachment(plan_id, "uuid:files", f"/data/file[{number}]", kept, is_sealed, is_compressed=False)
            unit.attachments.add(attach, NOW)
        sent = live.submit(unit, "uuid:files", sensitive=True)
        unit.reviews.decide(sent, "returned", reader, NOW, reason="no se lee", questions=["status"])
        chain.seal(unit)

    apply(work)
    return live


OF_WORDS = [
    ("DELETE FROM comment WHERE settled_at IS NULL", "is gone"),
    ("DELETE FROM comment WHERE sealed_reply IS NOT NULL", "is gone"),
    ("UPDATE comment SET subject = NULL WHERE subject IS NOT NULL", "was altered"),
    ("UPDATE comment SET person_id = settled_by_id WHERE settled_by_id IS NOT NULL", "was altered"),
    ("UPDATE comment SET sealed_text = NULL", "words of comment 1 were altered or are gone"),
    ("UPDATE comment SET sealed_reply = NULL WHERE sealed_reply IS NOT NULL", "answer to comment 1"),
    ("UPDATE comment SET sealed_text = sealed_reply WHERE sealed_reply IS NOT NULL", "words of comment 1"),
    ("UPDATE comment SET sealed_reply = sealed_text WHERE sealed_reply IS NOT NULL", "answer to comment 1"),
    ("UPDATE comment SET settled_at = NULL WHERE sealed_reply IS NULL AND settled_at IS NOT NULL", "is not settled as"),
    ("UPDATE comment SET settled_at = written_at WHERE settled_at IS NULL", "does not say by whom"),
    ("UPDATE comment SET settled_by_id = person_id WHERE settled_at IS NOT NULL", "is not settled as"),
    ("UPDATE comment SET sealed_reply = sealed_text WHERE settled_at IS NULL", "does not say by whom"),
    (
        "INSERT INTO comment (id, plan_id, person_id, subject, sealed_text, written_at)"
        " SELECT 99, plan_id, person_id, subject, sealed_text, written_at FROM comment WHERE settled_at IS NULL",
        "comment 99 was not written through this program",
    ),
    ("UPDATE review_decision SET reason = 'otra cosa' WHERE sealed_reason IS NOT NULL", "was altered"),
    ("DELETE FROM review_decision WHERE decision = 'validated'", "1 × 'validated' is gone"),
    ("DELETE FROM review_decision WHERE decision = 'returned'", "1 × 'returned' is gone"),
    ("UPDATE review_decision SET decision = 'validated' WHERE decision = 'returned'", "was altered"),
    ("UPDATE review_decision SET questions = '[]' WHERE decision = 'returned'", "was altered"),
    ("UPDATE review_decision SET person_id = 2 WHERE decision = 'answered'", "was altered"),
    ("UPDATE review_decision SET reason = 'another' WHERE decision = 'validated'", "the words of a decision"),
    ("UPDATE review_decision SET sealed_reason = NULL WHERE decision = 'returned'", "the words of a decision"),
    (
        "INSERT INTO review_decision (plan_id, submission_id, root_id, person_id, decision, questions, decided_at)"
        " SELECT plan_id, submission_id, root_id, person_id, decision, questions, decided_at FROM review_decision"
        " WHERE decision = 'validated'",
        "was not made through this program",
    ),
    ("DELETE FROM attachment", "altered, or its files"),
    ("DELETE FROM attachment WHERE NOT sensitive", "altered, or its files"),
    ("UPDATE attachment SET sha256 = original_sha256 WHERE NOT sensitive", "altered, or its files"),
    ("UPDATE attachment SET sensitive = NOT sensitive", "altered, or its files"),
    ("UPDATE attachment SET instance_id = 'uuid:0' WHERE sensitive", "altered, or its files"),
    ("UPDATE submission SET sealed_answers = (SELECT s.sealed_answers FROM submission s WHERE s.id = 2) "
     "WHERE id = 3", "receipt 3 was altered"),
]  # fmt: skip


def test_what_was_said_and_shown_is_there_as_it_was(said: Any, database: Database) -> None:
    """Comments, decisions with their reasons, evidence: removed or altered by hand, each is named."""
    assert look(database).findings == []
    assert unnamed(database, OF_WORDS) == []


def test_words_and_files_whose_time_is_over_are_not_missed(said: Any, database: Database, apply: Apply) -> None:
    """They are deleted after two years (S14). If that is done at another time, it is named."""
    [rule] = [rule for rule in RETENTION if rule.name == "sensitive"]
    later = NOW + rule.kept + timedelta(hours=1)
    apply(lambda unit: unit.facts.set("retention.sensitive", "99", NOW))  # the reports' own words: `test_retention`
    while apply(lambda unit: rule.at(unit, later)):
        pass
    counted = "SELECT (SELECT count(sealed_text) FROM comment), (SELECT count(sealed_reason) FROM review_decision),"
    counted += " (SELECT count(*) FROM attachment WHERE sensitive), (SELECT count(*) FROM attachment)"
    assert apply(lambda unit: tuple(unit.connection.exec_driver_sql(counted).one())) == (0, 0, 0, 1)
    with database.view() as unit:
        verdict = chain.verify(unit)
        chain.verify_data(unit, verdict, later)
        assert verdict.findings == []
        chain.verify_data(unit, verdict, later - timedelta(days=3))
        assert len(verdict.findings) == 6  # three comments, an answer, two reasons


def test_a_file_that_is_gone_or_altered_on_the_disk_is_named(live: Any, apply: Apply, tmp_path: Path) -> None:
    """Of a report that was sent, sealed or not; that of a draft is nobody's evidence yet."""

    def work(unit: UnitOfWork) -> list[str]:
        store = FileStore(tmp_path / "files", unit.vault)
        for number in range(6):
            data, is_sealed = f"%PDF {number}".encode(), number % 2 == 1
            sha256 = hashlib.sha256(data).hexdigest()
            kept = Inspected(data, "application/pdf", "pdf", "acta.pdf", sha256, sha256)
            instance_id = f"uuid:f{number // 2}"
            attach = NewAttachment(live.plan_id, instance_id, f"/data/file[{number}]", kept, is_sealed, False)
            unit.attachments.add(attach, NOW)
            store.put(data, is_sealed)
        for number in range(2):
            live.submit(unit, f"uuid:f{number}")
        assert list(files_on_disk(unit, store)) == []
        for number, attachment in enumerate(
            each for draft in range(3) for each in unit.attachments.of_instance(f"uuid:f{draft}")
        ):
            path = tmp_path / "files" / attachment.key
            if number in (0, 1, 4):
                path.unlink()
            else:
                data = path.read_bytes()
                path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # what is sealed may end in any byte
        return [each.text for each in files_on_disk(unit, store)]

    assert apply(work) == [
        "a file of receipt 4 is gone",
        "a file of receipt 4 is gone",
        "a file of receipt 5 was altered",
        "a file of receipt 5 was altered",
    ]


def test_a_mark_of_before_it_included_files_still_proves_a_report(said: Any, database: Database, apply: Apply) -> None:
    """And no more than it did: a report that was sent since cannot be passed off as one of before."""

    def unfile(unit: UnitOfWork) -> None:
        row = unit.connection.execute(select(table(Submission)).where(table(Submission).c.instance_id == "uuid:files"))
        sent = row.mappings().one()
        answers = orjson.dumps(unit.submissions.answers(unit.submissions.get(sent["id"]))).decode()
        mark = submission_mark(unit.vault, sent, state="submitted", text=answers, files=None)
        unit.connection.execute(update(table(Submission)).where(table(Submission).c.id == sent["id"]).values(mark=mark))

    apply(unfile)
    assert look(database).findings == []


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


def test_an_old_row_brings_back_no_right_to_report(live: Any, database: Database, apply: Apply) -> None:
    """The observer may not report any more. The role is the same, and so is the agency."""

    def work(unit: UnitOfWork) -> str:
        observer = unit.people.add(81, "Observa", "es", NOW, timezone="America/Santo_Domingo")
        post = Post(Role.OBSERVER, live.agency_ids[0], is_contributor=True)
        unit.roles.grant(observer.id, live.plan_id, post, now=NOW)
        whose = f"WHERE person_id = {observer.id}"
        mark = unit.connection.exec_driver_sql(f"SELECT mark FROM membership {whose}").scalar_one()
        unit.roles.set_contributor(observer.id, live.plan_id, False, now=NOW, by=None)
        return f"UPDATE membership SET is_contributor = TRUE, mark = '{mark}' {whose}"

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


def test_every_column_of_what_was_said_and_shown_is_under_a_mark() -> None:
    """A new column of a decision, a comment or a file has to be thought of."""
    for model, marked in (
        (ReviewDecision, {*OF_A_DECISION, "reason", "sealed_reason"}),
        (Comment, {*OF_A_COMMENT, *OF_AN_ANSWER, "sealed_text", "sealed_reply"}),
        (Attachment, {*OF_A_FILE, "id", "plan_id", "instance_id", "created_at"}),
    ):
        assert set(model.__table__.columns.keys()) == marked
