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
from storage.database.models import (
    Attachment,
    Base,
    Comment,
    Endpoint,
    Event,
    EventDelivery,
    Fire,
    Invitation,
    Job,
    KeptUpdate,
    OutboxMessage,
    PoisonUpdate,
    ProcessedUpdate,
    ReviewDecision,
    Session,
    Stranger,
    Submission,
    Suspect,
    table,
)
from storage.messages.kept import BOT_FACT
from storage.messages.outbox import OutboxDraft, Sent
from storage.reports.files import NewAttachment
from storage.reports.forms import NewForm
from storage.reports.inspection import Inspected
from storage.reports.sessions import StoredSession
from storage.reports.standing import CHANGE, StandingChanges
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION, Rule
from tests.storage.validation import set_state

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


Values = Callable[[UnitOfWork, Any, datetime], dict[str, Any]]


def add(unit: UnitOfWork, model: type[Base], **values: Any) -> int:
    """Insert a row; its first key."""
    key = unit.connection.execute(insert(table(model)).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0]) if isinstance(key[0], int) else 0


def of_a_receiver(unit: UnitOfWork, world: Any, at: datetime) -> dict[str, Any]:
    endpoint = add(
        unit, Endpoint, plan_id=world.plan_id, host="x", sealed_target=b"x", audience="inside", kinds=",", made_at=at
    )
    event = add(unit, Event, **of_the_plan(unit, world, at))
    return {
        "endpoint_id": endpoint,
        "event_id": event,
        "lane": "",
        "state": "delivered",
        "next_at": at,
        "settled_at": at,
    }


def of_the_plan(_: UnitOfWork, world: Any, at: datetime) -> dict[str, Any]:
    return {"plan_id": world.plan_id, "uid": "1", "kind": "report.submitted", "data": {}, "at": at}


def of_a_file(unit: UnitOfWork, world: Any, at: datetime, *, sensitive: bool = True) -> dict[str, Any]:
    world.submit(unit, "uuid:file")
    names = dict.fromkeys(("ref", "file_name", "original_name", "mime_type", "sha256", "original_sha256"), "x")
    return names | {
        "plan_id": world.plan_id, "instance_id": "uuid:file", "size": 1, "sensitive": sensitive, "created_at": at,
    }  # fmt: skip


def of_an_unsent_file(unit: UnitOfWork, world: Any, at: datetime) -> dict[str, Any]:
    draft = world.open(unit, "uuid:draft", now=at)
    unit.sessions.close(draft.id, "cancelled")
    return of_a_file(unit, world, at, sensitive=False) | {"instance_id": "uuid:draft"}


def of_a_draft(unit: UnitOfWork, world: Any, at: datetime) -> dict[str, Any]:
    ids = {"plan_id": world.plan_id, "person_id": world.person_ids[0], "form_id": world.form_key}
    return ids | {
        "form_version_id": world.form_version_id, "instance_id": "uuid:1", "state": "expired", "version": 1,
        "sensitive": True, "sealed_data": b"x", "opened_at": at, "touched_at": at, "expires_at": at,
    }  # fmt: skip


def of_a_return(unit: UnitOfWork, world: Any, at: datetime) -> dict[str, Any]:
    sent = world.submit(unit, "uuid:returned")
    return {
        "plan_id": world.plan_id, "submission_id": sent.id, "root_id": sent.root_id, "person_id": world.person_ids[2],
        "decision": "returned", "questions": [], "sealed_reason": b"x", "decided_at": at,
    }  # fmt: skip


LIVES: dict[str, tuple[str, int, type[Base], str, Values]] = {
    "an update that was applied": ("updates", 7, ProcessedUpdate, "update_id",
        lambda unit, world, at: {"bot_id": 1, "update_id": 1, "processed_at": at}),
    "a mark of suspicion": ("updates", 7, Suspect, "number",
        lambda unit, world, at: {"kind": "update", "bot_id": 1, "number": 1, "deaths": 1, "marked_at": at}),
    "what is kept for another bot": ("updates", 7, KeptUpdate, "id",
        lambda unit, world, at: {"bot_id": 2, "update_id": 1, "chat_id": 1, "sealed_update": b"x", "kept_at": at}),
    "a message": ("messages", 7, OutboxMessage, "id",
        lambda unit, world, at: {"chat_id": 1, "kind": "reply", "method": "sendMessage", "state": "sent",
            "created_at": at, "settled_at": at}),
    "a job": ("jobs", 7, Job, "id",
        lambda unit, world, at: {"kind": "export", "payload": {}, "state": "done", "created_at": at, "settled_at": at}),
    "what was typed into a draft": ("drafts", 7, Session, "sealed_data", of_a_draft),
    "a file of a draft": ("drafts", 7, Attachment, "id", of_an_unsent_file),
    "an event": ("events", 30, Event, "id", of_the_plan),
    "the call of a receiver": ("events", 30, EventDelivery, "id", of_a_receiver),
    "a stranger who was answered": ("strangers", 30, Stranger, "telegram_id",
        lambda unit, world, at: {"telegram_id": 1, "answered_at": at}),
    "a stranger who tried a link": ("strangers", 30, Stranger, "telegram_id",
        lambda unit, world, at: {"telegram_id": 1, "failures": 1, "failures_since": at}),
    "a link that has lapsed": ("invitations", 90, Invitation, "id",
        lambda unit, world, at: {"plan_id": world.plan_id, "token_hash": "x", "role": "admin", "created_at": at,
            "expires_at": at}),
    "an update that was set aside": ("poisoned", 90, PoisonUpdate, "id",
        lambda unit, world, at: {"bot_id": 1, "update_id": 1, "update_type": "message", "reason": "x",
            "set_aside_at": at}),
    "a line of the ledger": ("reminders", 400, Fire, "id",
        lambda unit, world, at: {"plan_id": world.plan_id, "person_id": world.person_ids[0], "what": "digest",
            "window": "2018-10-03", "state": "sent", "fired_at": at}),
    "a file of a restricted report": ("sensitive", 730, Attachment, "id", of_a_file),
    "the reason of a return": ("sensitive", 730, ReviewDecision, "sealed_reason", of_a_return),
    "a comment": ("sensitive", 730, Comment, "sealed_text",
        lambda unit, world, at: {"plan_id": world.plan_id, "person_id": world.person_ids[0], "sealed_text": b"x",
            "sealed_reply": b"x", "written_at": at}),
}  # fmt: skip
"""What is kept: by which rule, for how many days, and the column that is empty when it is gone."""


@pytest.mark.parametrize("what", LIVES)
def test_everything_is_there_to_the_last_second_of_its_days_and_not_for_longer(
    apply: Any, world: Any, what: str
) -> None:
    """No rule deletes it a second before: an update that Telegram repeats is known for seven days (G2)."""
    name, days, model, column, values = LIVES[what]

    def is_there(when: datetime) -> bool:
        for rule in RETENTION:
            keep(apply, rule, when)
        there = select(func.count(table(model).c[column]))
        return bool(apply(lambda unit: unit.connection.execute(there).scalar_one()))

    apply(lambda unit: unit.facts.set(BOT_FACT, "1", NOW))
    apply(lambda unit: add(unit, model, **values(unit, world, NOW)))
    last = NOW + timedelta(days=days)

    assert [is_there(last + timedelta(seconds=seconds)) for seconds in (-1, 1)] == [True, False]
    assert RULES[name].kept == timedelta(days=days)


def test_every_rule_has_an_example_of_what_it_deletes() -> None:
    assert {name for name, *_ in LIVES.values()} == set(RULES)


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
    lapsed: StoredSession = apply(lambda unit: world.open(unit, "uuid:sent, and lapsed elsewhere"))
    apply(lambda unit: world.submit(unit, lapsed.instance_id) and None)
    for session in (thrown, opened, sent, lapsed):
        apply(lambda unit, id=session.instance_id: attach(unit, world, id, sensitive=False))
    apply(lambda unit: unit.sessions.close(thrown.id, "cancelled"))
    apply(lambda unit: unit.sessions.close(sent.id, "submitted"))
    apply(lambda unit: unit.sessions.close(lapsed.id, "expired"))
    keep(apply, RULES["drafts"], after(RULES["drafts"]))
    assert apply(lambda unit: count(unit, Attachment)) == 4
    keep(apply, RULES["drafts"], after(RULES["drafts"], 1))
    assert [apply(lambda unit, id=s.id: unit.sessions.get(id)).data for s in (thrown, opened, sent)] == [
        {},
        opened.data,
        {},
    ]
    whose = [session.instance_id for session in (thrown, opened, sent, lapsed)]
    assert apply(lambda unit: [len(unit.attachments.of_instance(one)) for one in whose]) == [0, 1, 1, 1]


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
    """Of one that stands; that another was ever sent is not for them (docs/decisions/data-door.md)."""
    stood, sent = sealed("uuid:1"), sealed("uuid:2")
    apply(lambda unit: set_state(unit, stood.id, "validated"))
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
