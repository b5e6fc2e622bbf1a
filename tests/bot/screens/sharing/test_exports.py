"""Files for people who ask for them: one a request, to those who may, with a trace of each."""

import asyncio
import io
import json
import stat
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as dt_time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.open_storage import open_storage
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due
from bot.workers.exports import CHANGED, REVOKED, ExportWorker, InProgress, look_again, settle
from conversations.plan.model import Post, Role
from conversations.plan.sharing.export_request import FILTERS, Choice
from storage.database.models import Activity, table
from storage.errors import Unavailable
from storage.messages import outbox
from storage.messages.outbox import OutboxRow
from tests.bot.desk import Desk, is_denied, taps, text_of
from tests.bot.house import ANA, CARMEN, PEDRO, furnish, settings_in
from tests.bot.screens.sharing.export_office import NOW, Office
from tests.bot.telegram.wire import empty_database
from tests.taps import command_token


@pytest.fixture
def office(desk: Desk, tmp_path: Path) -> Office:
    return Office(desk, tmp_path)


def test_a_request_is_a_job_with_its_audit_entry_and_a_second_tap_is_none(office: Office) -> None:
    """S5: the trace is in the unit of the tap, before any file; a button pressed twice asks once (S3)."""
    screen = office.desk.say(CARMEN, "/exportar")
    [go] = [tap for tap in taps(screen) if tap.startswith("c:exportar:go.")]
    first, second = office.desk.tap(CARMEN, go), office.desk.tap(CARMEN, go)
    assert "En fila" in text_of(first)
    assert second.answer is not None
    assert second.answer.text == "Ya se está preparando."

    jobs = office.apply(lambda unit: unit.jobs.of_kind("export"))
    assert [job.state for job in jobs] == ["queued"]

    with office.desk.database.reader() as connection:
        [(details,)] = connection.exec_driver_sql("SELECT details FROM audit_entry WHERE act = 'exported'").fetchall()
    assert json.loads(details)["audience"] == "internal"
    assert json.loads(details)["role"] == "coordinator"


def test_what_is_typed_fills_the_screen_and_nothing_leaves_unasked(office: Office) -> None:
    """For whom it is, is seen before it is prepared; a word that means nothing is named; the last request is kept."""
    screen = office.desk.say(CARMEN, "/export submissions 2018Q3 MMUJER bananas")

    assert "3.er trimestre 2018" in text_of(screen)
    assert "MMUJER" in text_of(screen)
    assert "No entendí: bananas" in text_of(screen)
    assert not office.apply(lambda unit: unit.jobs.of_kind("export"))
    assert "3.er trimestre 2018" in text_of(office.desk.say(CARMEN, "/exportar"))
    assert "Todo el plan" in text_of(office.desk.tap(CARMEN, command_token("exportar", "where.all")))


def test_a_filter_that_a_dataset_does_not_know_is_said_and_claimed_by_nothing(office: Office) -> None:
    """The audit log has a day for each act and no institution: the rows are the month's, and the caption says so."""
    screen = text_of(office.desk.say(CARMEN, "/exportar auditoria csv 201809 MMUJER"))
    assert "«Auditoría» no se filtra por: institución." in screen
    assert "Institución" not in screen.partition("no se filtra")[2].partition("\n")[2]

    job = office.ask(CARMEN, "auditoria csv 201809 MMUJER retrasada")
    assert {name for name in FILTERS if job.payload["choice"][name]} == {"period"}

    office.work()
    [document] = office.queued()
    assert "MMUJER" not in document.payload["caption"]
    assert "septiembre 2018" in document.payload["caption"]
    assert "MMUJER" not in document.payload["@files"]["document"]["name"]


def test_a_request_for_the_public_is_never_made_for_those_inside(office: Office) -> None:
    """S5: who takes part is not made for the public; the screen says so, and nothing is prepared until it is chosen."""
    office.desk.say(CARMEN, "/exportar reportes interno")
    screen = office.desk.say(CARMEN, "/exportar people public")
    assert "«Personas inscritas» no se prepara para «Público»" in text_of(screen)
    assert "Uso interno" not in text_of(screen)
    assert not [tap for tap in taps(screen) if ":go." in tap]

    mark = Choice("people", "xlsx", "public").mark
    forged = office.desk.tap(CARMEN, command_token("exportar", f"go.{mark}"))
    assert forged.answer is not None
    assert "no se prepara para" in str(forged.answer.text)
    assert "Público" in text_of(office.desk.say(CARMEN, "/exportar"))  # it still stands tomorrow
    assert not office.apply(lambda unit: unit.jobs.of_kind("export"))

    office.desk.tap(CARMEN, command_token("exportar", "who.observers"))
    assert office.ask(CARMEN).payload["choice"]["audience"] == "observers"


def test_who_may_have_only_validated_reports_is_told_so(office: Office) -> None:
    """The true reason, on the screen and under the finger; and the filter can be taken off
    (docs/domain.md#who-sees-what).
    """
    screen = office.desk.say(PEDRO, "/exportar reportes enviados")
    assert "Solo sale lo validado" in text_of(screen)

    mark = Choice("reports", "xlsx", "internal", validation="submitted").mark
    forged = office.desk.tap(PEDRO, command_token("exportar", f"go.{mark}"))
    assert forged.answer is not None
    assert "Solo sale lo validado" in str(forged.answer.text)
    assert not office.apply(lambda unit: unit.jobs.of_kind("export"))
    assert "c:exportar:more" in taps(screen)

    free = office.desk.tap(PEDRO, command_token("exportar", "validation.all"))
    assert [tap for tap in taps(free) if tap.startswith("c:exportar:go.")]
    assert "c:exportar:status" in taps(free)  # no state to choose: the other filter has the button to itself


def test_status_validation_and_form_are_chosen_with_buttons_and_reach_the_file(office: Office) -> None:
    """Period, agency, area, status, validation; a form where the dataset is of forms."""
    office.desk.say(CARMEN, "/exportar answers csv interno")
    more = office.desk.tap(CARMEN, command_token("exportar", "more"))
    assert [tap for tap in taps(more) if tap.startswith("c:exportar:")] == [
        "c:exportar:status", "c:exportar:validation", "c:exportar:form", "c:exportar:",
    ]  # fmt: skip

    office.desk.tap(CARMEN, command_token("exportar", "status.in_progress"))
    office.desk.tap(CARMEN, command_token("exportar", "validation.submitted"))
    forms = office.desk.tap(CARMEN, command_token("exportar", "form"))
    assert len([tap for tap in taps(forms) if tap.startswith("c:exportar:form.")]) > 1

    typed = office.ask(CARMEN, "answers csv en curso enviados activity_report")
    assert (typed.payload["choice"]["status"], typed.payload["choice"]["validation"]) == ("in_progress", "submitted")
    assert typed.payload["choice"]["form_id"] == "activity_report"

    office.work()
    [document] = office.queued()
    for part in ("Estado: En curso", "Solo los enviados", "Formulario: activity_report"):
        assert part in document.payload["caption"]
    assert "_activity_report_in_progress_submitted_" in document.payload["@files"]["document"]["name"]


def test_a_request_of_an_older_edition_claims_nothing_it_does_not_do(office: Office) -> None:
    """What was queued, or is on schedule, with a filter that its dataset does not know: it goes on without."""
    job = office.ask(CARMEN, "people csv interno")
    choice = job.payload["choice"] | {"period": "201801"}
    office.apply(lambda unit: unit.jobs.note(job.id, job.payload | {"choice": choice}))
    office.work()
    [document] = office.queued()

    assert "enero 2018" not in document.payload["caption"]
    assert "201801" not in document.payload["@files"]["document"]["name"]


def test_forged_and_stale_buttons_ask_for_nothing(office: Office) -> None:
    """S3: a role, a filter, a job that is not one's own; and the button of a screen that has changed since."""
    job = office.ask(CARMEN)
    for argument in (f"stop.{job.id}", f"again.{job.id}", "stop.x", "stop.999", "again."):
        assert is_denied(office.desk.tap(PEDRO, command_token("exportar", argument))), argument
    for argument in ("nope", "where.NOPE", "where.area-NOPE", "when.NOPE", "when.previous.month", "x.y"):
        assert is_denied(office.desk.tap(CARMEN, command_token("exportar", argument))), argument
    assert is_denied(office.desk.tap(ANA, command_token("exportar", "")))

    stale = office.desk.tap(CARMEN, command_token("exportar", "go.00000000"))
    assert stale.answer is not None
    assert "había cambiado" in str(stale.answer.text)
    assert len(office.apply(lambda unit: unit.jobs.of_kind("export"))) == 1


@pytest.mark.parametrize("when", ["working", "built", "queued", "claimed"])
def test_who_loses_the_role_between_request_and_send_gets_no_file(office: Office, when: str) -> None:
    """S5: asked at the build, when the documents are queued, and in the unit that claims them; the file is removed."""
    job = office.ask(CARMEN)

    def change(unit: Any) -> None:
        person = unit.people.by_telegram_id(CARMEN)
        unit.roles.grant(person.id, job.payload["plan"], Post(Role.READER), now=NOW)

    async def make() -> None:
        worker = office.worker()
        await worker.start()
        claimed = await worker.claim(office.clock.now())
        assert claimed is not None
        if when == "working":
            await asyncio.to_thread(office.apply, change)
        if when != "built":
            await worker.make(claimed)
            return
        making = InProgress()
        whole = await asyncio.to_thread(worker.build, claimed, making)
        assert whole is not None
        await asyncio.to_thread(office.apply, change)
        await worker.hand_over(claimed, whole, making.protects)

    asyncio.run(make())
    if when == "queued":
        office.apply(change)
    rows = office.queued()
    if when == "claimed":
        assert rows
        office.apply(change)
        rows = office.apply(lambda unit: list(look_again(unit, rows, NOW)))
    assert not rows

    office.work()
    assert office.job().state in ("failed", "done")
    assert office.job().error == REVOKED
    assert "no se envió" in office.told
    assert not list(office.parcels.folder.glob("*"))


def _restrict(unit: Any) -> None:
    """As an import does."""
    unit.connection.execute(update(table(Activity)).values(sensitivity="restricted"))


def test_a_file_made_before_the_plan_restricted_something_is_made_anew(office: Office) -> None:
    """What it says of that activity may no longer leave: the first file goes nowhere, and a second one is made."""
    office.ask(CARMEN)

    async def make() -> None:
        worker = office.worker()
        await worker.start()
        claimed, making = await worker.claim(office.clock.now()), InProgress()
        assert claimed is not None
        whole = await asyncio.to_thread(worker.build, claimed, making)
        assert whole is not None
        await asyncio.to_thread(office.apply, _restrict)
        await worker.hand_over(claimed, whole, making.protects)

    asyncio.run(make())
    assert office.job().state == "queued"
    assert not office.queued()
    assert not list(office.parcels.folder.glob("*"))

    office.work()
    assert len(office.queued()) == 1


def test_a_file_that_waits_while_the_plan_restricts_something_is_not_sent(office: Office) -> None:
    """Telegram was away for hours: who asked for it is told to ask again."""
    office.ask(CARMEN)
    office.work()
    assert (rows := office.queued())
    office.apply(_restrict)
    assert not office.apply(lambda unit: list(look_again(unit, rows, NOW)))
    office.work()
    assert office.job().error == CHANGED
    assert "Pídalo otra vez" in office.told
    assert not list(office.parcels.folder.glob("*"))


def test_off_boarding_takes_what_is_queued_and_says_nothing_more(office: Office) -> None:
    """S17: a suspended person's export is neither made nor sent, and no message about it goes out."""
    office.ask(CARMEN)
    office.apply(lambda unit: unit.leaving.suspend(unit.people.by_telegram_id(CARMEN).id, now=NOW, by=None))
    office.work()

    assert office.job().state == "cancelled"
    assert not office.queued()
    assert not office.edits


def test_of_two_workers_one_puts_the_file_into_the_outbox(office: Office) -> None:
    """A worker whose lease ran out while it was building has nothing to hand over: never two files."""
    office.ask(CARMEN)

    async def race() -> None:
        slow, fast = office.worker(), office.worker()
        await slow.start()
        mine = await slow.claim(office.clock.now())
        assert mine is not None
        office.clock.at += timedelta(minutes=2)
        theirs = await fast.claim(office.clock.now())
        assert theirs is not None
        assert (theirs.id, theirs.attempts) == (mine.id, 2)
        await fast.make(theirs)
        await slow.make(mine)

    asyncio.run(race())
    assert len(office.queued()) == 1

    files = list(office.parcels.folder.glob("*"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600]
    with office.parcels.open(files[0].name) as file:
        assert file.read(20) not in files[0].read_bytes()
    assert stat.S_IMODE(office.parcels.folder.stat().st_mode) == 0o700


def test_a_cancelled_export_is_left_off(office: Office) -> None:
    """The worker learns of it from the lease; no file, and the message says so."""
    job = office.ask(CARMEN)

    async def cancelled() -> None:
        worker = office.worker()
        await worker.start()
        claimed = await worker.claim(office.clock.now())
        assert claimed is not None
        answer = await asyncio.to_thread(office.desk.tap, CARMEN, command_token("exportar", f"stop.{job.id}"))
        assert "Cancelado" in text_of(answer)
        await worker.make(claimed)

    asyncio.run(cancelled())

    assert office.job().state == "cancelled"
    assert not office.queued()
    assert not list(office.parcels.folder.glob("*"))


def test_an_export_that_kills_its_process_each_time_is_given_up(office: Office) -> None:
    """The first death makes it a suspect, three more are its own: the person is told, and the machine has its peace."""
    office.ask(CARMEN)

    async def die() -> None:
        worker = office.worker()
        await worker.start()
        assert await worker.claim(office.clock.now()) is not None
        dead, units = office.desk.database.units.replica_id, office.desk.database.units
        units.replica_id = office.apply(lambda unit: unit.replicas.add(office.clock.now()))
        assert office.apply(lambda unit: unit.jobs.take_over([dead])) == 1  # as a start does with who has ended
        office.clock.at += timedelta(minutes=2)

    for _ in range(4):
        asyncio.run(die())
    office.work()

    assert (office.job().state, office.job().attempts) == ("failed", 5)
    assert "No se pudo preparar" in office.told


def test_an_export_whose_claim_was_never_told_is_made_all_the_same(office: Office) -> None:
    """The answer to a COMMIT was lost: the next look takes the job back, and does not wait for its lease."""
    office.ask(CARMEN)

    async def claim_and_forget() -> None:
        worker = office.worker()
        await worker.start()
        assert await worker.claim(office.clock.now()) is not None

    asyncio.run(claim_and_forget())
    office.work()

    assert office.job().attempts == 2
    assert len(office.queued()) == 1


def test_an_export_for_which_the_database_is_away_again_and_again_is_given_up_aloud(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what takes the database too long: three beginnings, and the person is told."""

    def away(*_: Any) -> Any:
        raise Unavailable("statement timeout")

    monkeypatch.setattr(ExportWorker, "build", away)
    office.ask(CARMEN)
    for _ in range(3):
        office.work()
        office.clock.at += timedelta(minutes=5)

    assert (office.job().state, office.job().attempts) == ("failed", 3)
    assert "No se pudo preparar" in office.told


def test_too_large_for_telegram_is_said_with_the_remedy(office: Office) -> None:
    """What cannot be divided is not sent; what can be, is sent in parts that open by themselves."""
    office.ask(CARMEN, "submissions")
    office.work(limit=600)
    assert "demasiado grande" in office.told
    assert not list(office.parcels.folder.glob("*"))

    office.ask(CARMEN, "submissions")
    office.work(limit=20_000)
    parts = office.job().payload["parts"]
    assert len(parts) > 1
    assert f"Parte 1 de {len(parts)}" in parts[0]["caption"]["caption"]

    rows = 0
    for part in parts:
        with office.parcels.open(part["file"]) as file, zipfile.ZipFile(file) as archive:
            assert file.seek(0, io.SEEK_END) <= 20_000
            rows += sum(name.endswith("submission.xml") for name in archive.namelist())
    assert rows == office.job().payload["count"]


def test_of_two_replicas_that_see_how_an_export_ended_one_tells_it(office: Office) -> None:
    """Both have read it as being sent; the second finds it ended: docs/decisions/presence-and-leases.md."""
    office.ask(CARMEN, "submissions")
    office.work()
    sent = office.job()
    parts = sent.payload["parts"]
    office.apply(lambda unit: [unit.outbox.record(p["outbox"], outbox.Sent(1), NOW) for p in parts])
    first: list[OutboxRow] = []
    second: list[OutboxRow] = []

    assert office.apply(lambda unit: settle(unit, sent, NOW, first)) == [part["file"] for part in parts]
    assert office.apply(lambda unit: settle(unit, sent, NOW, second)) == []
    assert (len(first), len(second)) == (1, 0)


def test_what_became_of_each_part_is_told_once_all_is_known(office: Office) -> None:
    """One part in doubt: its file stays, the others go, and the button sends that part alone (G7)."""
    office.ask(CARMEN, "submissions")
    office.work(limit=20_000)
    parts = office.job().payload["parts"]

    first, rest = parts[0], parts[1:]
    office.apply(lambda unit: [unit.outbox.record(p["outbox"], outbox.Sent(1), NOW) for p in rest])
    sent = office.job()
    assert office.apply(lambda unit: settle(unit, sent, NOW, [])) == []
    office.apply(lambda unit: [unit.outbox.begin(row) for row in unit.outbox.claim(NOW, NOW)])
    office.apply(lambda unit: unit.outbox.settle_expired(unit.outbox.leased(), NOW + timedelta(hours=1)))
    office.work()
    assert "No se sabe si el archivo llegó" in office.told
    assert [path.name for path in office.parcels.folder.glob("*")] == [first["file"]]
    office.work()
    assert not office.queued(), "an export never repeats by itself"
    office.desk.tap(CARMEN, command_token("exportar", f"again.{office.job().id}"))
    [again] = office.queued()
    assert again.payload["@files"]["document"]["path"] == f"export:{first['file']}"
    office.apply(lambda unit: unit.outbox.record(again.id, outbox.Sent(2), NOW))
    office.work()
    assert "Enviado" in office.told
    assert not list(office.parcels.folder.glob("*"))


# ------------------------------------------------------------------ on schedule
def scanned(office: Office, now: datetime) -> Counter[str]:
    """What the scheduler does when it wakes."""

    def scan(unit: Any) -> Counter[str]:
        made: Counter[str] = Counter()
        for batch in list(due(unit, now)):
            if batch.job.what == "export":
                made += write_once(unit, batch, now)
        return made

    found: Counter[str] = office.apply(scan)
    return found


def test_an_export_comes_by_itself_once_a_window_to_each_who_may_have_it(office: Office) -> None:
    """G8, S5: made by an admin in chat; a job and an audit entry per recipient, of the month before; a second scan,
    and a pause, make nothing; whose role may not have it is in the ledger with that reason."""
    made = office.desk.tap(PEDRO, command_token("programar", "new.export"))
    assert "El mes anterior" in text_of(made)
    [schedule] = [each for each in office.apply(lambda unit: unit.schedules.all()) if each.what == "export"]
    number = schedule.id
    seen: set[str] = set()
    todo = [tap for tap in taps(made) if f":{number}." in tap and not tap.endswith(("delete", "now", "pause"))]
    for _ in range(2):
        new = [tap for tap in dict.fromkeys(todo) if tap not in seen]
        todo = []
        for tap in new:
            seen.add(tap)
            assert len(tap.encode()) <= 64
            shown = office.desk.tap(PEDRO, tap)
            assert not is_denied(shown), tap
            todo += [leads for leads in taps(shown) if ".set." in leads]
    for answer in ("what.plan", "as.csv", "when.previous.quarter", "when.previous.month", "what.reports", "where.PGR"):
        office.desk.tap(PEDRO, command_token("programar", f"{number}.set.{answer}"))
    assert is_denied(office.desk.tap(PEDRO, command_token("programar", f"{number}.set.when.201809")))
    assert is_denied(office.desk.tap(CARMEN, command_token("programar", str(number))))
    details = {"dataset": "reports", "format": "csv", "audience": "internal", "period": "previous.month",
               "agency": "PGR", "area": "", "validation": "", "status": "", "form_id": "",
               "since": ""}  # fmt: skip
    roles = "coordinator,observer"
    when = {"days": "month:16", "at": dt_time(8), "timezone": "", "paused_at": None}
    office.apply(lambda unit: unit.schedules.change(1, number, details=details, roles=roles, **when))

    before = datetime(2018, 10, 15, 13, tzinfo=UTC)
    at = datetime(2018, 10, 16, 13, tzinfo=UTC)
    assert not scanned(office, before)
    assert scanned(office, at) == {"said": 1, "skipped": 1}
    assert not scanned(office, at + timedelta(minutes=5))
    [job] = office.apply(lambda unit: unit.jobs.of_kind("export"))
    assert job.chat_id == CARMEN
    assert job.payload["choice"] == details | {"period": "201809"}
    fires = office.apply(lambda unit: unit.ledger.fires(1, at.date(), f"export.{number}"))
    assert sorted((fire.state, fire.reason) for fire in fires) == [("sent", ""), ("skipped", "not_exported")]
    office.clock.at = at
    office.work()
    [document] = office.queued()
    assert "septiembre 2018" in document.payload["caption"]
    office.desk.tap(PEDRO, command_token("programar", f"{number}.pause"))
    assert not scanned(office, at + timedelta(days=31))


def test_an_export_on_schedule_is_run_now_and_deleted(office: Office) -> None:
    """The admin need not wait for the sixteenth to see what comes."""
    office.desk.tap(PEDRO, command_token("programar", "new.export"))
    [schedule] = [each for each in office.apply(lambda unit: unit.schedules.all()) if each.what == "export"]
    office.desk.tap(PEDRO, command_token("programar", f"{schedule.id}.now"))
    [job] = office.apply(lambda unit: unit.jobs.of_kind("export"))
    assert (job.chat_id, job.payload["choice"]["period"]) == (CARMEN, "201809")

    office.desk.tap(PEDRO, command_token("programar", f"{schedule.id}.delete.yes"))
    assert "export" not in [each.what for each in office.apply(lambda unit: unit.schedules.all())]


# ------------------------------------------------------------------ the other database
@pytest.mark.parametrize(
    "law",
    [
        test_forged_and_stale_buttons_ask_for_nothing,
        test_of_two_workers_one_puts_the_file_into_the_outbox,
        test_a_cancelled_export_is_left_off,
        test_what_became_of_each_part_is_told_once_all_is_known,
        test_an_export_comes_by_itself_once_a_window_to_each_who_may_have_it,
        partial(test_who_loses_the_role_between_request_and_send_gets_no_file, when="claimed"),
    ],
    ids=lambda law: getattr(law, "func", law).__name__.removeprefix("test_"),
)
def test_the_same_on_postgresql(tmp_path: Path, law: Callable[[Office], None]) -> None:
    """Where a request, a worker and a sender are transactions side by side."""
    url = empty_database("postgresql", tmp_path)
    furnish(tmp_path, url)
    with open_storage(settings_in(tmp_path, database_url=url)) as database:
        law(Office(Desk(database), tmp_path))
