"""What it costs to take everything out: rows a second and memory, beside a plain dump and beside pandas, in one run.

    python tests/benchmarks/exports.py [--answers 100000,300000,1000000] [--questions 10] [--pandas PYTHON]
                                       [--databases sqlite,postgresql] [--formats csv,xlsx,jsonl] [--folder DIR]

A plan with a form of so many questions and as many submissions as make that many answers. Each export is a process of
its own, `enlace export answers`, as somebody at the server types it: its wall time, processor time and largest
resident memory are the whole process's, start-up included. Beside it:

* *plain*: the same rows and nothing done to them (SQLite through Python's own `sqlite3` and `csv`, PostgreSQL by
  `COPY … TO STDOUT`), the answers left as one JSON text: what the database and the disk can do;
* *pandas*: the same table with one column a question, as a notebook does it (`read_sql`, `json_normalize`, `to_csv`
  into a ZIP as ours is, `to_excel` with XlsxWriter, `to_json`), in an interpreter that has pandas:

      python3 -m venv .venv/pandas && .venv/pandas/bin/pip install pandas xlsxwriter "psycopg[binary]"

What must hold is printed last: memory under 250 MB, and no more at the largest than at the smallest but for a tenth.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from houses import BEGINS, House, by_hand, schema
from sqlalchemy import insert, make_url

from bot.acts.people.enrolment import Newcomer, enrol
from bot.acts.reports.forms import publish
from bot.open_storage import open_storage
from bot.setup import set_up
from conversations.authoring.xlsform import read_xlsform
from conversations.plan.model import Role
from conversations.xforms.bundle import Bundle
from storage.database.models import Submission, table
from storage.unit_of_work import UnitOfWork

CHUNK = 5_000
LIMIT_MB = 250
GROWTH = 1.1
KINDS = ("integer", "text", "decimal", "date", "select_one yes_no")

PLAIN_SQLITE = """
import csv, sqlite3, sys
with open(sys.argv[2], "w", newline="") as out:
    query = "SELECT * FROM submission WHERE form_id = ? AND is_current"
    csv.writer(out).writerows(sqlite3.connect(sys.argv[1]).execute(query, sys.argv[3:]))
"""
PLAIN_POSTGRESQL = """
import psycopg, sys
with open(sys.argv[2], "wb") as out, psycopg.connect(sys.argv[1]) as connection:
    query = f"COPY (SELECT * FROM submission WHERE form_id = {int(sys.argv[3])} AND is_current) TO STDOUT (FORMAT csv)"
    with connection.cursor().copy(query) as copy:
        for block in copy:
            out.write(block)
"""
PANDAS = """
import json, sys, pandas
url, out, form, kind, format = sys.argv[1:]
if kind == "sqlite":
    import sqlite3
    connection = sqlite3.connect(url)
else:
    import psycopg
    connection = psycopg.connect(url)
import warnings
warnings.simplefilter("ignore")
query = f"SELECT * FROM submission WHERE form_id = {int(form)} AND is_current"
frame = pandas.read_sql(query, connection)
answers = pandas.json_normalize(frame.pop("answers").map(json.loads).tolist())
frame = pandas.concat([frame, answers], axis=1)
if format == "csv":
    frame.to_csv(out, index=False)
elif format == "jsonl":
    frame.to_json(out, orient="records", lines=True)
else:
    for name in frame.columns[frame.dtypes.map(lambda t: getattr(t, "tz", None) is not None)]:
        frame[name] = frame[name].dt.tz_localize(None)
    frame.to_excel(out, index=False, engine="xlsxwriter")
"""


@dataclass(frozen=True, slots=True)
class Cost:
    database: str
    answers: int
    rows: int
    format: str
    who: str
    seconds: float
    cpu: float
    megabytes: float
    file_megabytes: float

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.seconds

    @property
    def rows_a_cpu_second(self) -> float:
        """What holds where others use the machine too."""
        return self.rows / self.cpu


def form(questions: int) -> bytes:
    asked = "".join(f"| | {KINDS[n % len(KINDS)]} | q{n:02} | Question {n} |\n" for n in range(questions))
    return (
        f"| survey |\n| | type | name | label |\n{asked}"
        "| choices |\n| | list_name | name | label |\n| | yes_no | yes | Yes |\n| | yes_no | no | No |\n"
        "| settings |\n| | form_id | form_title | version |\n| | bench | Bench | 1 |\n"
    ).encode()


def answer(number: int, submission: int) -> str:
    match number % len(KINDS):
        case 0:
            return str(submission * 7 % 1000)
        case 1:
            return f"Jornada n.º {submission} en el municipio, con material"
        case 2:
            return f"{submission % 977 / 8:.3f}"
        case 3:
            return str(datetime(2018, 1, 1).date() + timedelta(days=submission % 900))
        case _:
            return "yes" if submission % 3 else "no"


@contextmanager
def filled(folder: Path, kind: str, submissions: int, questions: int) -> Iterator[tuple[House, int]]:
    """A deployment with this many submissions of the form, and the form's key."""
    with schema() if kind == "postgresql" else nullcontext(f"sqlite:///{folder / 'enlace.db'}") as url:
        house = House(folder, url)
        list(set_up(house.settings, BEGINS.astimezone(UTC)))
        text = form(questions)
        checked = read_xlsform(text, "bench.md")
        root = checked.form.root.path
        with open_storage(house.settings) as database:

            def begin(unit: UnitOfWork) -> tuple[int, int, int, int, int]:
                plan = unit.plans.only()
                [agency, *_] = unit.plans.agencies(plan.id)
                zone = house.settings.timezone
                person = enrol(unit, Newcomer(900_000_001, "Ana", Role.FOCAL_POINT, agency.code, "es"), BEGINS, zone)
                stored = publish(unit, Bundle("bench.md", text), checked, BEGINS, plan_id=plan.id)
                return plan.id, stored.form_key, stored.id, person.id, agency.id

            plan_id, form_key, version_id, person_id, agency_id = database.units.submit(None, begin).result()
            for start in range(0, submissions, CHUNK):
                rows = [
                    {
                        "plan_id": plan_id, "form_id": form_key, "form_version_id": version_id,
                        "instance_id": f"uuid:{n:08}", "root_id": f"uuid:{n:08}", "version": 1, "is_current": True,
                        "is_standing": True,
                        "person_id": person_id, "agency_id": agency_id, "validation_state": "validated",
                        "receipt_number": n + 1, "sensitive": False, "language": "es", "started_at": BEGINS,
                        "submitted_at": BEGINS + timedelta(seconds=n),
                        "answers": "{" + ",".join(f'"{root}/q{q:02}":"{answer(q, n)}"' for q in range(questions)) + "}",
                    }
                    for n in range(start, min(start + CHUNK, submissions))
                ]  # fmt: skip
                with by_hand(database) as connection:
                    connection.execute(insert(table(Submission)), rows)
        yield house, form_key


def cost_of(command: list[str], environment: dict[str, str], out: Path) -> tuple[float, float, float, float]:
    """Seconds, processor seconds, megabytes at most, and megabytes of the file; SystemExit if it failed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)
    assert process.stderr is not None
    most = 0.0
    # Not ru_maxrss: it begins with the memory of this process, which the child was forked from.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with contextlib.suppress(OSError, IndexError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, int(status.split("VmHWM:")[1].split()[0]) / 1024)
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    talk = process.stderr.read()
    _, ended, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed: {talk.decode()[-2000:]}")
    size = out.stat().st_size / 1e6
    out.unlink()
    return seconds, used.ru_utime + used.ru_stime, most, size


def measured(
    house: House, form_key: int, kind: str, formats: list[str], pandas: str, answers: int, rows: int
) -> Iterator[Cost]:
    out = house.folder / "out"
    if kind == "sqlite":
        address = str(house.folder / "enlace.db")
        plain = [sys.executable, "-c", PLAIN_SQLITE, address, str(out), str(form_key)]
    else:
        address = make_url(house.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        plain = [sys.executable, "-c", PLAIN_POSTGRESQL, address, str(out), str(form_key)]
    yield Cost(kind, answers, rows, "csv", "plain", *cost_of(plain, {}, out))
    environment = {name: value for name, value in house.environment.items() if "{" not in value}
    for format in formats:
        enlace = [sys.executable, "-m", "bot", "export", "answers", "--form", "bench", "--format", format]
        path = out.with_suffix(".zip" if format == "csv" else f".{format}")  # a form may have several tables
        yield Cost(kind, answers, rows, format, "enlace", *cost_of([*enlace, "--out", str(path)], environment, path))
        if pandas:
            command = [pandas, "-c", PANDAS, address, str(path), str(form_key), kind, format]
            yield Cost(kind, answers, rows, format, "pandas", *cost_of(command, {}, path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", default="100000,300000,1000000")
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--formats", default="csv,xlsx,jsonl")
    parser.add_argument("--pandas", default="", help="an interpreter that has pandas, xlsxwriter and psycopg")
    parser.add_argument("--folder", type=Path)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles our sources, and nobody pandas'
    given = parser.parse_args()
    found: list[Cost] = []
    for kind in given.databases.split(","):
        for answers in map(int, given.answers.split(",")):
            rows = answers // given.questions
            with (
                tempfile.TemporaryDirectory(dir=given.folder) as folder,
                filled(Path(folder), kind, rows, given.questions) as (house, form_key),
            ):
                for each in measured(house, form_key, kind, given.formats.split(","), given.pandas, answers, rows):
                    found.append(each)
                    show(each, found)
    judge(found)


def show(cost: Cost, found: list[Cost]) -> None:
    if len(found) == 1:
        print("| database | answers | rows | file | by | s | CPU s | rows/s | rows/CPU s | MB at most | file MB |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {cost.database} | {cost.answers:,} | {cost.rows:,} | {cost.format} | {cost.who} | {cost.seconds:.1f} "
        f"| {cost.cpu:.1f} | {cost.rows_a_second:,.0f} | {cost.rows_a_cpu_second:,.0f} "
        f"| {cost.megabytes:.0f} | {cost.file_megabytes:.0f} |",
        flush=True,
    )


def judge(found: list[Cost]) -> None:
    """Exit code 1 where memory is not what it must be."""
    ours = [cost for cost in found if cost.who == "enlace"]
    failed = False
    for key in sorted({(cost.database, cost.format) for cost in ours}):
        sizes = sorted((c for c in ours if (c.database, c.format) == key), key=lambda cost: cost.answers)
        most, growth = max(c.megabytes for c in sizes), sizes[-1].megabytes / sizes[0].megabytes
        is_kept = most < LIMIT_MB and growth < GROWTH
        failed = failed or not is_kept
        said = "kept" if is_kept else "NOT KEPT"
        print(f"{' '.join(key)}: {most:.0f} MB at most, × {growth:.2f} from the smallest to the largest: {said}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
