"""What is kept how long: the clock is moved past each rule's day, and what is older than that is gone (S14)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.plan.model import Post, Role
from conversations.wording import wording
from storage.calendar.ledger import NewFire
from storage.database.models import Attachment, Base, Invitation, OutboxMessage, Stranger, Submission, table
from storage.messages.outbox import OutboxDraft, Sent
from storage.reports.files import NewAttachment
from storage.reports.forms import NewForm
from storage.reports.inspection import Inspected
from storage.reports.sessions import StoredSession
from storage.reports.standing import CHANGE, StandingChanges
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION, Rule

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
RULES = {rule.name: rule for rule in RETENTION}
FORM = """
| survey |
| | type | name | label |
| | text | next_step | Próximo paso |
| | integer | people | Personas |
| | geopoint | place | Lugar |
| | begin_repeat | visit | Visita |
| | text | note | Nota |
| | integer | hours | Horas |
| | end_repeat | | |
| settings |
| | form_id | version |
| | kept | 1 |
"""
ANSWERS = {
    "/data/next_step": "Hablar con el juez",
    "/data/people": "12",
    "/data/place": "18.5 -69.9 0 0",
    "/data/visit[1]/note": "Casa de acogida",
    "/data/visit[1]/hours": "3",
}
FIGURES = {"/data/people": "12", "/data/visit[1]/hours": "3"}


def after(rule: Rule, seconds: int = 0) -> datetime:
    """The moment at which what happened at NOW has been kept long enough, and some seconds."""
    return NOW + rule.kept + timedelta(seconds=seconds)


def keep(apply: Any, rule: Rule, now: datetime) -> int:
    """Run a rule as the bot does, until it has nothing more to do; how often that was."""
    rounds = 0
    while apply(lambda unit: rule.at(unit, now)):
        rounds += 1
        assert rounds < 20
    return rounds


def count(unit: UnitOfWork, model: type[Base]) -> int:
    number: int = unit.connection.execute(select(func.count()).select_from(table(model))).scalar_one()
    return number


def attach(unit: UnitOfWork, world: Any, instance_id: str, *, sensitive: bool) -> None:
    file = Inspected(b"x", "image/jpeg", "jpg", "foto.jpg", "0" * 64, f"{abs(hash(instance_id)):064x}"[:64])
    unit.attachments.add(
        NewAttachment(
            plan_id=world.plan_id,
            instance_id=instance_id,
            ref="/data/photo",
            inspected=file,
            sensitive=sensitive,
            is_compressed=False,
        ),
        NOW,
    )


def test_every_rule_is_told_in_every_language() -> None:
    """To the person whose data it is, too."""
    for language in LANGUAGES:
        for rule in RETENTION:
            assert f"kept.{rule.name}" in wording(language)


@pytest.mark.parametrize("name", RULES)
def test_an_empty_house_has_nothing_to_forget(apply: Any, world: Any, name: str) -> None:
    """And a rule comes to its end."""
    assert keep(apply, RULES[name], after(RULES[name], 9)) == 0


def test_messages_are_kept_for_as_long_as_the_ledger_needs_them(apply: Any, world: Any) -> None:
    """Until it knows what became of them; and the last reminder of each person until there is a newer one."""
    rule = RULES["messages"]

    def say(unit: UnitOfWork, day: datetime) -> None:
        draft = OutboxDraft(501, "reminder", "sendMessage", {"text": "Hoy vence"})
        told = NewFire(world.person_ids[0], "reminders", day.date(), drafts=lambda: [draft])
        unit.ledger.fire_all(world.plan_id, [told], day)
        (row,) = unit.outbox.claim(day, day + timedelta(minutes=1))
        unit.outbox.record(row.id, Sent(7), day)

    def left() -> tuple[int, dict[str, int]]:
        return apply(lambda unit: (count(unit, OutboxMessage), unit.ledger.counts()))

    apply(lambda unit: say(unit, NOW))
    keep(apply, rule, after(rule, 1))
    assert left() == (1, {"queued": 1})

    apply(lambda unit: unit.ledger.settle())
    keep(apply, rule, after(rule, 1))
    assert left() == (1, {"sent": 1})

    apply(lambda unit: say(unit, after(rule, 0)))
    keep(apply, rule, after(rule, 1))
    assert left() == (2, {"sent": 1, "queued": 1}), "the newer one may still come to nothing"

    apply(lambda unit: unit.ledger.settle())
    keep(apply, rule, after(rule, 1))
    assert left() == (1, {"sent": 2})


def test_strangers_are_forgotten_after_a_month(apply: Any) -> None:
    """A number that wrote once is nobody's business later; one that still tries is remembered."""
    rows = [(1, NOW, None), (2, None, NOW), (3, NOW, NOW + timedelta(days=1))]
    for id, answered_at, since in rows:
        values = {"telegram_id": id, "answered_at": answered_at, "failures": 1, "failures_since": since}
        apply(lambda unit, values=values: unit.connection.execute(insert(table(Stranger)).values(**values)) and None)
    keep(apply, RULES["strangers"], after(RULES["strangers"]))
    assert apply(lambda unit: count(unit, Stranger)) == 3
    keep(apply, RULES["strangers"], after(RULES["strangers"], 1))
    assert apply(lambda unit: count(unit, Stranger)) == 1


def test_links_are_forgotten_three_months_after_they_lapse(apply: Any, world: Any) -> None:
    """Used or not; the audit log still says that there was one."""

    def issue(unit: UnitOfWork) -> None:
        unit.invitations.issue(
            Post(Role.OBSERVER, world.agency_ids[0]), plan_id=world.plan_id, now=NOW, ttl=timedelta(hours=1)
        )

    apply(issue)
    lapsed = after(RULES["invitations"], 3600)
    keep(apply, RULES["invitations"], lapsed)
    assert apply(lambda unit: count(unit, Invitation)) == 1
    keep(apply, RULES["invitations"], lapsed + timedelta(seconds=1))
    assert apply(lambda unit: count(unit, Invitation)) == 0
    assert "invitation.issued" in [entry.act for entry in apply(lambda unit: unit.audit.latest(world.plan_id))]


def test_drafts_lose_what_was_typed_and_the_files_nobody_sent(apply: Any, world: Any) -> None:
    """A week after they ended; those still open, and files of what was sent, stay."""
    thrown: StoredSession = apply(lambda unit: world.open(unit, "uuid:thrown"))
    opened: StoredSession = apply(lambda unit: world.open(unit, "uuid:open"))
    sent: StoredSession = apply(lambda unit: world.open(unit, "uuid:sent"))
    apply(lambda unit: world.submit(unit, "uuid:sent") and None)
    for session in (thrown, opened, sent):
        apply(lambda unit, id=session.instance_id: attach(unit, world, id, sensitive=False))
    apply(lambda unit: unit.sessions.close(thrown.id, "cancelled"))
    apply(lambda unit: unit.sessions.close(sent.id, "submitted"))
    keep(apply, RULES["drafts"], after(RULES["drafts"]))
    assert apply(lambda unit: count(unit, Attachment)) == 3
    keep(apply, RULES["drafts"], after(RULES["drafts"], 1))
    assert [apply(lambda unit, id=s.id: unit.sessions.get(id)).data for s in (thrown, opened, sent)] == [
        {},
        opened.data,
        {},
    ]
    assert apply(lambda unit: [len(unit.attachments.of_instance(s.instance_id)) for s in (thrown, opened, sent)]) == [
        0,
        1,
        1,
    ]


@pytest.fixture
def sealed(apply: Any, world: Any) -> Callable[..., StoredSubmission]:
    """Submits the form above, restricted or not, at some moment."""
    checked = read_xlsform(FORM.encode(), "kept.md")
    version = apply(
        lambda unit: unit.forms.publish(
            NewForm(
                plan_id=world.plan_id,
                form_id="kept",
                version="1",
                title="Kept",
                xform=checked.xform,
                workbook=b"PK",
                sha256="1" * 64,
            ),
            NOW,
        )
    )

    def submit(instance_id: str, *, sensitive: bool = True, at: datetime = NOW) -> StoredSubmission:
        sent: StoredSubmission = apply(
            lambda unit: world.submit(
                unit, instance_id, form_id=version.form_key, form_version_id=version.id, answers=ANSWERS,
                sensitive=sensitive, now=at,
            )
        )  # fmt: skip
        return sent

    return submit


def answers(apply: Any, sent: StoredSubmission) -> dict[str, Any]:
    found: dict[str, Any] = apply(lambda unit: unit.submissions.answers(unit.submissions.get(sent.id)))
    return found


def test_words_of_restricted_reports_go_and_figures_stay(apply: Any, world: Any, sealed: Any) -> None:
    """Two years after they were sent; in repeats too; what is not restricted is the record, and stays whole."""
    old, plain, young = (
        sealed("uuid:1"),
        sealed("uuid:2", sensitive=False),
        sealed("uuid:3", at=NOW + timedelta(days=5)),
    )
    for sent in (old, plain):
        apply(lambda unit, sent=sent: attach(unit, world, sent.instance_id, sensitive=sent.sensitive))
    rule = RULES["sensitive"]
    keep(apply, rule, after(rule))
    assert answers(apply, old) == ANSWERS
    assert keep(apply, rule, after(rule, 1)) == 1
    assert [answers(apply, sent) for sent in (old, plain, young)] == [FIGURES, ANSWERS, ANSWERS]
    assert apply(lambda unit: [len(unit.attachments.of_instance(s.instance_id)) for s in (old, plain)]) == [0, 1]
    keep(apply, rule, after(rule, 1) + timedelta(days=5))
    assert answers(apply, young) == FIGURES


def test_who_keeps_a_copy_hears_of_a_report_that_lost_its_words(apply: Any, world: Any, sealed: Any) -> None:
    """Of one that stands; that another was ever sent is not for them (decision 0049)."""
    stood, sent = sealed("uuid:1"), sealed("uuid:2")
    apply(lambda unit: unit.submissions.set_validation_state(stood.id, "validated"))
    before = apply(lambda unit: unit.of(StandingChanges).now())
    rule = RULES["sensitive"]
    keep(apply, rule, after(rule, 1))

    def noted(unit: UnitOfWork) -> list[str]:
        changes = unit.of(StandingChanges)
        return list(unit.connection.execute(select(CHANGE.c.root_id).where(changes.unseen_in(before))).scalars())

    assert answers(apply, sent) == FIGURES
    assert apply(noted) == [stood.root_id]


def test_a_long_past_is_forgotten_page_by_page(apply: Any, sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is a unit of its own, so that nobody's answer waits for years of reports."""
    monkeypatch.setattr("storage.upkeep.retention.PAGE", 2)
    sent = [sealed(f"uuid:{number}", sensitive=number % 2 == 0) for number in range(7)]
    rule = RULES["sensitive"]
    assert keep(apply, rule, after(rule, 1)) > 2
    assert [answers(apply, one) == FIGURES for one in sent] == [number % 2 == 0 for number in range(7)]


def test_a_form_is_compiled_once_for_all_its_reports(apply: Any, sealed: Any, statements: Any) -> None:
    """It takes tens of milliseconds, in a unit that others wait for."""
    for number in range(3):
        sealed(f"uuid:{number}")
    rule = RULES["sensitive"]
    asked = apply(lambda unit: statements(unit, lambda unit: rule.at(unit, after(rule, 1))))
    assert sum("form_version.xform" in statement for statement in asked) == 1


def test_a_broken_seal_stops_its_rule_and_is_not_thrown_away(apply: Any, sealed: Any) -> None:
    """What cannot be read must not be overwritten either."""
    sent = sealed("uuid:1")
    column = table(Submission)
    apply(
        lambda unit: (
            unit.connection.execute(update(column).values(sealed_answers=b"\x01\x02k1broken-broken-broken")) and None
        )
    )
    rule = RULES["sensitive"]
    with pytest.raises(Exception, match="seal"):
        keep(apply, rule, after(rule, 1))
    assert sent.sensitive
