"""What a digest costs: a plan of 60, 1 000 and 10 000 activities with 24 months of reports behind it.

    python tests/benchmarks/digest.py [--activities 60,1000,10000] [--databases sqlite,postgresql] [--repeat 5]

Printed for each: how many statements the database was asked, the median of counting, of wording (with its length) and
of drawing, and how time has grown against the size of the plan: 1.0 is in proportion, less is better. Statements must
not grow; counting may grow in proportion, wording and drawing not at all, since what they show fits a phone.
"""

import argparse
import gc
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from houses import House, by_hand, schema
from PIL import Image
from sqlalchemy import insert

from bot.open_storage import open_storage
from bot.workers.picture import draw
from conversations.card import Card, plain
from conversations.plan.messages import digest_words, digests
from conversations.plan.periods import Frequency, period_for
from storage.calendar.figures import Figures
from storage.database.migrating import upgrade
from storage.database.models import (
    Activity,
    Agency,
    Closing,
    Form,
    FormVersion,
    Membership,
    Objective,
    Person,
    Plan,
    ReportingPeriod,
    StrategicArea,
    Submission,
    table,
)
from storage.database.vault import Vault
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.storage.database.hearing import heard

ZONE = ZoneInfo("America/Santo_Domingo")
MONTHS = 24
NOW = datetime(2019, 1, 14, 8, 30, tzinfo=ZONE).astimezone(UTC)
WEEK = timedelta(days=7)
CHUNK = 10_000
STATUSES = ("in_progress", "in_progress", "in_progress", "delayed", "suspended", "in_progress", "in_progress")


@dataclass(frozen=True, slots=True)
class Cost:
    activities: int
    reports: int
    statements: int
    counting: float
    wording: float
    drawing: float
    characters: int
    kilobytes: float


def fill(database: Database, activities: int) -> int:
    """Two years in which nearly everybody reports every month. How many reports."""
    agencies = max(15, min(200, activities // 40))
    periods = [period_for(Frequency.MONTHLY, date(2017 + at // 12, 1 + at % 12, 1)) for at in range(MONTHS)]
    with by_hand(database) as connection:

        def add(model: Any, rows: list[dict[str, Any]]) -> None:
            for start in range(0, len(rows), CHUNK):
                connection.execute(insert(table(model)), rows[start : start + CHUNK])

        start = periods[0].start_on
        add(Plan, [{"id": 1, "code": "BENCH", "name": {"es": "Plan"}, "starts_on": start, "ends_on": date(2020, 12, 31),
                    "timezone": str(ZONE), "imported_at": NOW}])  # fmt: skip
        add(
            StrategicArea, [{"id": 1, "plan_id": 1, "code": "PRE", "name": {"es": "Área"}, "intent": {}, "position": 1}]
        )
        add(Objective, [{"id": 1, "plan_id": 1, "strategic_area_id": 1, "code": "PRE-1", "name": {"es": "Objetivo"}}])
        add(Agency, [{"id": n, "plan_id": 1, "code": f"A{n:03}", "name": {"es": f"Institución {n}"}}
                     for n in range(1, agencies + 1)])  # fmt: skip
        add(Person, [{"id": n, "telegram_id": n, "name": f"Persona {n}", "language": "es", "timezone": str(ZONE),
                      "joined_at": NOW} for n in range(1, agencies + 1)])  # fmt: skip
        add(Membership, [{"plan_id": 1, "person_id": n, "agency_id": n, "role": "focal_point",
                          "active_from": NOW - WEEK * 100} for n in range(1, agencies + 1)])  # fmt: skip
        add(Form, [{"id": 1, "plan_id": 1, "form_id": "activity_report"}])
        add(FormVersion, [{"id": 1, "form_id": 1, "version": "1", "title": "", "xform": "", "workbook": b"",
                           "sha256": "0" * 64, "published_at": NOW}])  # fmt: skip
        add(ReportingPeriod, [
            {"id": n, "plan_id": 1, "code": p.code, "period_type": p.type.value, "start_on": p.start_on,
             "end_on": p.end_on, "opens_on": p.opens_on, "due_on": p.due_on, "grace_until_on": p.grace_until_on,
             "locks_on": p.locks_on}
            for n, p in enumerate(periods, 1)])  # fmt: skip
        add(Activity, [
            {"id": n, "plan_id": 1, "objective_id": 1, "agency_id": 1 + n % agencies, "code": f"PRE-{n:05}",
             "name": {"es": f"Actividad {n}"}, "short_name": {"es": f"Actividad {n}"}, "start_on": start,
             "due_on": date(2020, 12, 31), "report_frequency": "monthly", "target_unit": {},
             "means_of_verification": {}}
            for n in range(1, activities + 1)])  # fmt: skip
        rows: list[dict[str, Any]] = []
        number = 0
        for at, period in enumerate(periods, 1):
            sent = datetime.combine(period.opens_on, datetime.min.time(), UTC) + timedelta(days=3)
            for n in range(1, activities + 1):
                if (n + at) % 11 == 0:
                    continue
                number += 1
                status = STATUSES[(n + at // 6) % len(STATUSES)]
                rows.append(
                    {"plan_id": 1, "form_id": 1, "form_version_id": 1, "instance_id": f"uuid:{number}",
                     "root_id": f"uuid:{number}", "version": 1, "is_current": True,
                     "is_standing": True, "person_id": 1 + n % agencies,
                     "agency_id": 1 + n % agencies, "subject": f"activity:PRE-{n:05}", "reporting_period_id": at,
                     "validation_state": "submitted" if at == MONTHS else "validated", "receipt_number": number,
                     "activity_status": status, "progress": min(99, at * 4), "sensitive": False,
                     "answers": _answers(status, n), "language": "es", "started_at": sent, "submitted_at": sent}
                )  # fmt: skip
            add(Closing, [{"plan_id": 1, "agency_id": n, "reporting_period_id": at, "closed_at": sent,
                           "closed_by_id": n} for n in range(1, agencies + 1) if (n + at) % 5])  # fmt: skip
        add(Submission, rows)
    return number


def _answers(status: str, number: int) -> str:
    evidence = f'"/data/evidence_group/evidence_type":"{"later" if number % 9 == 0 else "link"}"'
    if status == "in_progress":
        return "{" + evidence + "}"
    decision = "yes" if number % 50 == 0 else "no"
    return (
        f'{{{evidence},"/data/obstacles/obstacle":"budget staff","/data/obstacles/needs_decision":"{decision}",'
        '"/data/obstacles/decision_text":"Firmar el convenio","/data/new_due_date":"2020-12-01"}'
    )


@contextmanager
def filled(folder: Path, kind: str, activities: int) -> Iterator[tuple[Database, int]]:
    with schema() if kind == "postgresql" else nullcontext(f"sqlite:///{folder / 'enlace.db'}") as url:
        house = House(folder, url)
        Vault.create(house.settings.keys)
        upgrade(url)
        with open_storage(house.settings) as database:
            yield database, fill(database, activities)


def measured(database: Database, activities: int, reports: int, repeat: int) -> Cost:
    def ask(unit: UnitOfWork) -> Any:
        return Figures(unit).standing(1, NOW, NOW - WEEK, ZONE)

    with database.view() as unit:
        statements = _statements(unit, ask)
        found = ask(unit)
        counting = _median(lambda: ask(unit), repeat)
    text = plain(Card(digests.digest(found, "es")))
    picture = draw(digests.matrix(found, "es"))
    with Image.open(io.BytesIO(picture)) as opened:
        opened.load()
    return Cost(
        activities,
        reports,
        statements,
        counting,
        _median(lambda: digests.digest(found, "es"), repeat),
        _median(lambda: draw(digests.matrix(found, "es")), repeat),
        digest_words.units(text),
        len(picture) / 1000,
    )


def _statements(unit: UnitOfWork, ask: Callable[[UnitOfWork], object]) -> int:
    """How many the database hears, however they are executed."""
    return len(heard(unit, ask))


def _median(act: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--activities", default="60,1000,10000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    sizes = sorted(int(size) for size in given.activities.split(","))
    is_good = True
    gc.set_threshold(10_000, 10, 20)  # as the bot has it
    for kind in given.databases.split(","):
        print(f"{kind}: {MONTHS} monthly periods")
        print("activities   reports  statements  counting ms  in proportion  wording ms  characters  drawing ms    kB")
        first: Cost | None = None
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder, filled(Path(folder), kind, size) as (database, reports):
                cost = measured(database, size, reports, given.repeat)
            first = first or cost
            growth = (cost.counting / first.counting) / (cost.activities / first.activities)
            print(
                f"{cost.activities:10}{cost.reports:10}{cost.statements:12}{cost.counting * 1000:13.1f}{growth:15.2f}"
                f"{cost.wording * 1000:12.2f}{cost.characters:12}{cost.drawing * 1000:12.0f}{cost.kilobytes:6.0f}"
            )
            is_good &= cost.statements == first.statements and cost.characters <= digests.LIMIT
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
