"""What grows with the number of people and of stored submissions. Nothing should.

    python tests/benchmarks/growth.py [--submissions 1000000] [--people 100000] [--databases sqlite,postgresql]
                                      [--explain] [--folder DIR]

Two deployments of the same plan: one with ten people and one report of everything in the past, one with as many of
both as given. Each act is an update through the bot's own dispatch in a unit of work of its own, commit included;
the median is printed for both, and the ratio. `--explain` prints the statements that read a whole table instead.
"""

import argparse
import contextlib
import itertools
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from emulator import FIRST_PERSON
from houses import BEGINS, CLOCK, House, by_hand, furnish, schema
from load import Plan, run
from sqlalchemy import Connection, event, func, insert, select, text
from sqlalchemy.exc import OperationalError
from talks import TALKS

from bot.acts.people.enrolment import Newcomer, enrol
from bot.chat.exchange import Deployment as Rules
from bot.chat.form_cache import FormCache
from bot.dispatch import Dispatch
from bot.open_storage import open_storage
from bot.telegram.handled import Handled
from conversations.plan.expected import expected_activities
from conversations.plan.model import Role
from storage.database.models import (
    Attachment,
    AuditEntry,
    Card,
    Chat,
    Membership,
    OutboxMessage,
    Person,
    ProcessedUpdate,
    Session,
    Submission,
    table,
)
from storage.database.statements import Prepared
from storage.open_database import Database
from storage.reports.sessions import NewSession
from storage.unit_of_work import UnitOfWork

OFFICER = FIRST_PERSON
COORDINATOR, ADMIN = FIRST_PERSON - 1, FIRST_PERSON - 2
NOW = BEGINS.astimezone(UTC)
CHUNK = 10_000
WARM = 3
"""Times an act is done before it counts: statements compiled, forms read, pages in memory."""
GROWS = 1.5
"""A ratio above this is told as growth; below it is noise."""


# ------------------------------------------------------------------ filling
def fill(database: Database, submissions: int, people: int) -> None:
    """Rows as the bot itself would have left them, in chunks."""
    with database.view() as unit:
        past = _past_reports(unit)
        plan_id = unit.plans.only().id
        agencies = [agency.id for agency in unit.plans.agencies(plan_id)]
        versions = {form.form_id: form for form in unit.forms.list(plan_id)}
        month = max((p for p in unit.plans.periods(plan_id) if p.end_on < NOW.date()), key=lambda p: p.end_on).id
    report, totals = versions["activity_report"], versions["incident_free_text"]
    reports = max(submissions // 2, len(past))
    known = FIRST_PERSON + 1000
    with by_hand(database) as connection:
        first = _highest(connection, Person) + 1
        ids = range(first, first + people)
        _many(connection, Person, ({"id": id, **_person(known + id)} for id in ids))
        _many(connection, Membership, (_membership(plan_id, id, agencies[id % len(agencies)]) for id in ids))
        _many(connection, Chat, ({"id": known + id, "person_id": id, "card_id": id, "turn": 0} for id in ids))
        someone = itertools.cycle(ids or [1])
        sent = itertools.chain(
            (
                {
                    "form_id": report.form_key,
                    "form_version_id": report.id,
                    "subject": subject,
                    "reporting_period_id": period_id,
                    "agency_id": agency_id,
                    "root_id": f"uuid:r{number % len(past)}",
                    "version": number // len(past) + 1,
                    "is_current": number + len(past) >= reports,
                    "answers": '{"/data/status":"in_progress","/data/progress":"50"}',
                    "activity_status": "in_progress",
                    "progress": 50,
                }
                for number, (subject, period_id, agency_id) in zip(range(reports), itertools.cycle(past))
            ),
            (
                {
                    "form_id": totals.form_key,
                    "form_version_id": totals.id,
                    "subject": None,
                    "reporting_period_id": month,
                    "agency_id": agencies[number % len(agencies)],
                    "root_id": f"uuid:t{number}",
                    "version": 1,
                    "is_current": True,
                    "answers": '{"/data/region":"DO-40","/data/ref_total":"12"}',
                    "activity_status": None,
                    "progress": None,
                }
                for number in range(submissions - reports)
            ),
        )
        one = {"plan_id": plan_id, "validation_state": "validated", "sensitive": False, "language": "es"}
        _many(
            connection,
            Submission,
            (
                one
                | row
                | {
                    "instance_id": f"uuid:{number}",
                    "person_id": next(someone),
                    "receipt_number": number,
                    "started_at": _ago(submissions - number),
                    "submitted_at": _ago(submissions - number),
                }
                for number, row in enumerate(sent, 1)
            ),
        )
        _fill_trail(connection, plan_id, submissions, totals)
        if not database.is_sqlite:  # numbers given by hand are ahead of the sequence that gives the next
            sequence = "pg_get_serial_sequence('person', 'id')"
            connection.execute(text(f"SELECT setval({sequence}, {_highest(connection, Person)})"))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does by itself, a minute later


def _fill_trail(connection: Connection, plan_id: int, count: int, form: Any) -> None:
    """What each submission leaves behind: an ended session, a card, audit entries; and a week of updates and calls."""
    _many(
        connection,
        Session,
        (
            {
                "plan_id": plan_id,
                "person_id": 1,
                "form_id": form.form_key,
                "form_version_id": form.id,
                "instance_id": f"uuid:{number}",
                "state": "submitted",
                "version": 9,
                "sensitive": False,
                "data": "{}",
                "opened_at": _ago(count - number),
                "touched_at": _ago(count - number),
                "expires_at": _ago(count - number),
            }
            for number in range(1, count + 1)
        ),
    )
    chats = range(10**9, 10**9 + max(count // 20, 1))
    _many(
        connection,
        Card,
        (
            {"chat_id": chat, "message_id": number, "is_gone": False}
            for number, chat in zip(range(count), itertools.cycle(chats))
        ),
    )
    entry = {"plan_id": plan_id, "at": NOW, "act": "benchmark", "details": {}}
    _many(connection, AuditEntry, (entry for _ in range(count // 10)))
    _many(
        connection,
        Attachment,
        (
            {
                "plan_id": plan_id,
                "instance_id": f"uuid:{number}",
                "ref": "/data/evidence_doc",
                "file_name": f"{number}.pdf",
                "original_name": "acta.pdf",
                "mime_type": "application/pdf",
                "size": 1,
                "sha256": f"{number:064x}",
                "original_sha256": f"{number:064x}",
                "created_at": NOW,
            }
            for number in range(count // 10)
        ),
    )
    _many(
        connection,
        ProcessedUpdate,
        ({"bot_id": 2, "update_id": number, "processed_at": NOW} for number in range(count // 5)),
    )
    settled = {"kind": "prompt", "method": "sendMessage", "state": "sent", "created_at": NOW, "settled_at": NOW}
    _many(
        connection,
        OutboxMessage,
        (settled | {"chat_id": chat} for _, chat in zip(range(count // 5), itertools.cycle(chats))),
    )


def _past_reports(unit: UnitOfWork) -> list[tuple[str, int, int]]:
    """Subject, period and agency of every report that was due in a period that is over, so nothing due changes."""
    plan_id = unit.plans.only().id
    agencies = {agency.code: agency.id for agency in unit.plans.agencies(plan_id)}
    activities = unit.plans.activities(plan_id)
    return [
        (activity.subject, period.id, agencies[activity.agency_code])
        for period in unit.plans.periods(plan_id)
        if period.locks_on < NOW.date()
        for activity in expected_activities(activities, period)
    ]


def _many(connection: Connection, model: Any, rows: Iterator[Mapping[str, Any]]) -> None:
    statement = insert(table(model))
    while chunk := list(itertools.islice(rows, CHUNK)):
        connection.execute(statement, chunk)


def _highest(connection: Connection, model: Any) -> int:
    return connection.execute(select(func.coalesce(func.max(table(model).c.id), 0))).scalar_one()


def _person(telegram_id: int) -> dict[str, Any]:
    return {
        "telegram_id": telegram_id,
        "name": f"Person {telegram_id}",
        "language": "es",
        "timezone": "America/Santo_Domingo",
        "joined_at": NOW,
        "privacy_accepted_at": NOW,
    }


def _membership(plan_id: int, person_id: int, agency_id: int) -> dict[str, Any]:
    return {
        "plan_id": plan_id,
        "person_id": person_id,
        "agency_id": agency_id,
        "role": Role.FOCAL_POINT.value,
        "active_from": NOW,
    }


def _ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes % 500_000 + 60 * 24 * 30)


# ------------------------------------------------------------------ acting
@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does, as the update's content; or work of the bot's own, in a unit."""

    title: str
    update: Callable[[int], dict[str, Any]] | None = None
    work: Callable[[UnitOfWork], object] | None = None
    reads_all: bool = False
    """Goes through a table by what it is, once an hour; no person waits for it."""


def typed(person: int, words: str) -> Callable[[int], dict[str, Any]]:
    user = {"id": person, "is_bot": False, "first_name": "P", "language_code": "en"}
    chat = {"id": person, "type": "private"}
    entities = [{"type": "bot_command", "offset": 0, "length": len(words.split()[0])}] if words[0] == "/" else []
    message = {"from": user, "chat": chat, "date": 1, "text": words, "entities": entities}
    return lambda number: {"message": message | {"message_id": number}}


def tapped(person: int, data: str) -> Callable[[int], dict[str, Any]]:
    user = {"id": person, "is_bot": False, "first_name": "P", "language_code": "en"}
    message = {"message_id": 1, "chat": {"id": person, "type": "private"}, "date": 1, "text": "…"}
    return lambda number: {"callback_query": {"id": str(number), "from": user, "message": message, "data": data}}


ACTS = (
    Act("due list (/pending)", typed(OFFICER, "/pending")),
    Act("history (/history)", typed(OFFICER, "/history")),
    Act("history of an agency with none", typed(OFFICER + 1, "/history")),
    Act("open a report (/report PRE-101)", typed(OFFICER, "/report PRE-101")),
    Act("open referrals (/referrals)", typed(OFFICER, "/referrals")),
    Act("leave it (/cancel)", typed(OFFICER, "/cancel")),
    Act("my data (/mydata)", typed(OFFICER, "/mydata")),
    Act("close the month (/close)", typed(OFFICER, "/close")),
    Act("progress (/progress)", typed(COORDINATOR, "/progress")),
    Act("invite (/invite)", typed(ADMIN, "/invite")),
    Act("a stranger", typed(99, "hello")),
)


class Bench:
    """One deployment, open, and the bot's dispatch over it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dispatch = Dispatch(
            Rules(
                bot_id=1,
                bot_username=lambda: "bench_bot",
                language="en",
                timezone="America/Santo_Domingo",
                forms=FormCache("America/Santo_Domingo"),
                new_instance_id=lambda: f"uuid:bench-{next(self.numbers)}",
            )
        )
        self.numbers = itertools.count(10_000_000)

    def act(self, act: Act) -> float:
        """Microseconds of a unit of work: handed over, applied, committed, told."""
        begun = time.perf_counter()
        if act.update is not None:
            number = next(self.numbers)
            raw = act.update(number) | {"update_id": number}
            done = self.database.units.submit(None, lambda unit: self.handle(unit, raw)).result()
            assert isinstance(done, Handled), act.title
        elif act.work is not None:
            self.database.units.submit(None, act.work).result()
        return 1e6 * (time.perf_counter() - begun)

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any]) -> Handled:
        return self.dispatch.handle(unit, raw, NOW)


def own_acts(database: Database) -> tuple[Act, ...]:
    """Acts that name rows of this database, and what the bot does by itself."""
    with database.view() as unit:
        plan_id = unit.plans.only().id
        officer = unit.people.by_telegram_id(OFFICER)
        assert officer is not None
        assert officer.membership is not None
        latest = unit.submissions.of_agency(officer.membership.agency_id or 0, limit=1)
        month = max(unit.plans.open_periods(plan_id, NOW.date()), key=lambda period: period.end_on)
    receipt = latest[0].id if latest else 0
    week_ago = NOW - timedelta(days=7)
    numbers = itertools.count()

    def begin_and_drop(unit: UnitOfWork) -> None:
        form = unit.forms.current(plan_id, "incident_free_text")
        assert form is not None
        begun = unit.sessions.open(
            NewSession(
                plan_id=plan_id,
                person_id=officer.id,
                agency_id=None,
                form_id=form.form_key,
                form_version_id=form.id,
                instance_id=f"uuid:dropped-{next(numbers)}",
                subject=None,
                reporting_period_id=month.id,
                sensitive=False,
                data={},
                expires_at=NOW + timedelta(days=1),
            ),
            NOW,
        )
        unit.sessions.close(begun.id, "cancelled")

    return (
        Act("a receipt", tapped(OFFICER, f"c:recibo:{receipt}")),
        Act("reports of the plan (digest)", work=lambda unit: unit.plans.ended(plan_id)),
        Act("reported this month (digest)", work=lambda unit: unit.submissions.current_for(plan_id, month.id)),
        Act("a draft begun and dropped", work=begin_and_drop),
        Act("to be validated", work=lambda unit: unit.reviews.queue(plan_id)),
        Act("drafts that lapse", work=lambda unit: unit.sessions.expire(NOW)),
        Act("outbox: claim", work=lambda unit: unit.outbox.claim(NOW, NOW + timedelta(seconds=60))),
        Act("outbox: what waits", work=lambda unit: unit.outbox.waiting()),
        Act("outbox: leases run out", work=lambda unit: unit.outbox.settle_expired(unit.outbox.leased(), NOW)),
        Act("purge: outbox", work=lambda unit: unit.outbox.purge(week_ago), reads_all=True),
        Act("purge: updates", work=lambda unit: unit.inbox.purge(week_ago)),
        Act("sweep: files in use", work=lambda unit: unit.attachments.keys(), reads_all=True),
    )


# ------------------------------------------------------------------ explaining
def explain(database: Database, acts: tuple[Act, ...], times: int = 2) -> Iterator[str]:
    """The statements of these acts that go through a whole table, with the act that asked."""
    seen: dict[str, tuple[str, Any]] = {}
    doing = [""]

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _is_many: bool) -> None:
        seen.setdefault(statement, (doing[0], parameters))

    # What is prepared goes to the driver past SQLAlchemy's events.
    compiled_for = Prepared._for

    def noting(self: Prepared, connection: Connection, values: Mapping[str, Any]) -> Any:
        compiled = compiled_for(self, connection, values)
        seen.setdefault(compiled.sql, (doing[0], compiled.bind(values)))
        return compiled

    Prepared._for = noting  # type: ignore[method-assign]
    bench = Bench(database)
    for act in acts:
        doing[0] = act.title
        for _ in range(times if not act.reads_all else 0):
            bench.act(act)
    Prepared._for = compiled_for  # type: ignore[method-assign]
    event.remove(database.engine, "before_cursor_execute", note)
    for statement, (title, parameters) in list(seen.items()):
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            with database.reader() as connection:
                plan = _plan_of(connection, statement, parameters)
            scans = [step.strip() for step in plan if WHOLE.search(step)]
            if scans:
                yield f"{title}: {'; '.join(scans)}\n    {' '.join(statement.split())[:300]}"


GROWING = ("submission", "session", "person", "membership", "chat", "card", "outbox", "attachment")
"""Tables with a row for each of what people do; the plan's and the forms' have tens."""
_OF = "|".join(GROWING)
WHOLE = re.compile(
    rf"(?i)^\W*(?:(?:scan|(?:parallel )?seq scan on) (?:{_OF})\b(?!.*\bindex\b)"
    # All of a plan is all there is, unless it is the index of reports that stand: one a subject and period.
    rf"|search (?:{_OF}) using (?!.*subject).* \(plan_id=\?\)$)"
)


def _plan_of(connection: Connection, statement: str, parameters: Any) -> list[str]:
    prefix = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    given = parameters[0] if isinstance(parameters, list) else parameters
    with contextlib.suppress(Exception):
        rows = connection.exec_driver_sql(prefix + statement, given).all()
        return [str(row[-1]) for row in rows]
    return []


# ------------------------------------------------------------------ the run
def prepare(folder: Path, url: str, submissions: int, people: int) -> House:
    """A deployment with so many rows."""
    folder.mkdir()
    house = House(folder, url)
    furnish(house, range(FIRST_PERSON, FIRST_PERSON + 10), "shipped")

    def work(unit: UnitOfWork) -> None:
        for number, role, agency in ((COORDINATOR, Role.COORDINATOR, "MIREX"), (ADMIN, Role.ADMIN, "")):
            enrol(unit, Newcomer(number, f"Person {number}", role, agency, "en"), BEGINS, "America/Santo_Domingo")

    with open_storage(house.settings) as database:
        database.units.submit(None, work).result()
        fill(database, submissions, people)
    return house


def measure(houses: list[House], times: int) -> list[dict[str, float]]:
    """The median of each act in each deployment. They take turns, so that the machine's moods meet both."""
    with contextlib.ExitStack() as stack:
        databases = [stack.enter_context(open_storage(house.settings)) for house in houses]
        benches = [Bench(database) for database in databases]
        found: list[dict[str, float]] = [{} for _ in houses]
        for same in zip(*(ACTS + own_acts(database) for database in databases), strict=True):
            taken: list[list[float]] = [[] for _ in houses]
            for number in range(times + WARM):
                for bench, act, own in zip(benches, same, taken, strict=True):
                    own.append(bench.act(act))
                    if number < WARM:
                        own.clear()
            for act, own, figures in zip(same, taken, found, strict=True):
                figures[act.title] = statistics.median(own)
        return found


def serve(house: House, folder: Path, seconds: float) -> dict[str, float]:
    """The whole bot on this database, with ten people who report referrals."""
    talk = TALKS["referral"]
    command = [sys.executable, str(Path(__file__).parent / "peers" / "enlace.py"), "--", "run", "--clock", CLOCK]
    report = run(Plan(talk, command, house.environment, users=10, seconds=seconds, pin=(0, 1), log=folder / "bot.log"))
    if report.failed:
        print(f"{report.failed} conversations failed: {report.first_failure}", file=sys.stderr)
    return {
        "an interaction, CPU": 1000 * report.cpu_ms,
        "an interaction, p50": 1000 * report.p50_ms,
        "the start of the bot": 1e6 * report.start_s,
    }


def compare(kind: str, folder: Path, given: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        houses = []
        for name, submissions, people in (("small", 0, 0), ("large", given.submissions, given.people)):
            place = folder / f"{kind}-{name}"
            if kind == "postgresql":
                url = stack.enter_context(schema())
            else:
                url = f"sqlite:///{place / 'enlace.db'}"
            begun = time.perf_counter()
            houses.append(prepare(place, url, submissions, people))
            print(f"{kind}, {name}: filled in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        if given.explain:
            with open_storage(houses[-1].settings) as database:
                for line in explain(database, ACTS + own_acts(database)):
                    print(line)
            return
        served = [serve(house, folder, given.seconds) for house in houses]
        figures = [one | other for one, other in zip(served, measure(houses, given.times), strict=True)]
        with open_storage(houses[0].settings) as database:
            hourly = {act.title for act in own_acts(database) if act.reads_all}
        print(f"\n### {kind}\n")
        many = f"{given.people} people, {given.submissions} submissions"
        print(f"| µs, median | ten people, last reports only | {many} | ratio |")
        print("|---|---|---|---|")
        for title in figures[0]:
            before, after = (found[title] for found in figures)
            ratio = after / before
            remark = " once an hour" if title in hourly else " grows" if ratio > GROWS else ""
            print(f"| {title} | {before:.0f} | {after:.0f} | {ratio:.2f}{remark} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200, help="how often each act is done")
    parser.add_argument("--seconds", type=float, default=3.0, help="that the whole bot serves")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--explain", action="store_true", help="print what reads a whole table, measure nothing")
    given = parser.parse_args()
    for kind in given.databases.split(","):
        with tempfile.TemporaryDirectory(prefix="enlace-growth-") as folder:
            try:
                compare(kind, Path(folder), given)
            except OperationalError as error:
                print(f"{kind} left out: {str(error).partition(chr(10))[0]}", file=sys.stderr)


if __name__ == "__main__":
    main()
