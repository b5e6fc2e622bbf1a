"""The plan on one page as a PDF, and the evidence as a ZIP: whole, safe, and for whom they are."""

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.open_storage import open_storage
from conversations.languages import LANGUAGES
from conversations.plan.messages.balance import BalancePages
from conversations.plan.messages.plan_state import spoken
from conversations.plan.model import Role
from storage.exports.exporters import exporter
from storage.exports.files.paper import Paper
from storage.exports.files.plan_pages import drawn, drawn_table
from storage.exports.files.plan_state import balance_of, state_of, table_of
from storage.exports.wanted import Wanted, Written
from storage.open_database import Database
from storage.reports.files import FileStore, NewAttachment
from storage.reports.inspection import Inspected
from tests.bot.house import furnish, settings_in
from tests.pseudo import PSEUDO
from tests.storage.validation import set_state

NOW = datetime(2018, 10, 16, 12, tzinfo=UTC)
BEFORE = datetime(2018, 7, 2, 12, tzinfo=UTC)
"""Nothing has closed and nothing was reported yet."""
ZONE = "America/Santo_Domingo"


@dataclass(frozen=True)
class House:
    database: Database
    store: FileStore


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo's plan, and evidence of a public and a restricted activity, one validated, one lost, one altered."""
    folder: Path = tmp_path_factory.mktemp("pages")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        store = FileStore(folder / "evidence", database.vault)
        files = {
            "PRE-101": ("../../=cmd|' \u202eacta.pdf", b"%PDF public", False, True),
            "PER-101": ("lista.txt", b"submitted", False, False),
            "ASI-202": ("informe.txt", b"restricted", True, True),
            "PRE-304": ("lost.txt", b"lost", False, True),
            "PRE-105": ("altered.txt", b"altered", False, False),
        }

        def attach(unit: Any) -> None:
            for code, (name, data, is_sensitive, is_validated) in files.items():
                instance = next(
                    row[0]
                    for row in unit.connection.exec_driver_sql(
                        f"SELECT instance_id FROM submission WHERE subject = 'activity:{code}' AND is_current"
                    )
                )
                key = store.put(data, sensitive=is_sensitive)
                inspected = Inspected(data, "text/plain", "txt", name, "0" * 64, key.rpartition("/")[2])
                unit.attachments.add(
                    NewAttachment(
                        plan_id=1,
                        instance_id=instance,
                        ref="/data/evidence_doc",
                        inspected=inspected,
                        sensitive=is_sensitive,
                        is_compressed=False,
                    ),
                    NOW,
                )
                state = "validated" if is_validated else "submitted"
                set_state(unit, unit.submissions.by_instance(instance).id, state)
                if code == "PRE-304":
                    store.delete(key)
                if code == "PRE-105":
                    store.path(key).write_bytes(b"something else")

        database.units.submit(None, attach).result()
        yield House(database, store)


def made(house: House, dataset: str, format: str, **asked: Any) -> tuple[bytes, Written]:
    role = asked.pop("role", Role.COORDINATOR)
    wanted = Wanted(1, ZONE, NOW, role=role, **asked)
    used = exporter(dataset, format, wanted.audience, role)
    assert used is not None
    out = io.BytesIO()
    with house.database.view() as unit:
        written = used.write(unit, house.store, wanted, out, lambda done, total: None)
    return out.getvalue(), written


# ------------------------------------------------------------------ the page
WHOLE = frozenset({b"/S /H1", b"/S /H2", b"/S /L", b"/S /Table", b"/S /Figure"})


def drawn_here(house: House, **asked: Any) -> bytes:
    """The same page in this process, where what the drawing logs is seen."""
    wanted = Wanted(1, ZONE, **{"now": NOW, "role": Role.COORDINATOR, **asked})
    with house.database.view() as unit:
        return drawn(state_of(unit, wanted)[0], wanted.now)


def table_drawn_here(house: House, **asked: Any) -> bytes:
    """The 3P table in this process."""
    wanted = Wanted(1, ZONE, NOW, **{"role": Role.COORDINATOR, **asked})
    with house.database.view() as unit:
        return drawn_table(state_of(unit, wanted)[0], table_of(unit, wanted), wanted.now)


def has_one_page(content: bytes) -> None:
    """And nothing of it is drawn over its foot: the last lines, in the smallest letters, are below all others."""
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    streams = re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL)
    [page] = [made for each in streams if each[:1] == b"x" and b" Tf" in (made := zlib.decompress(each))]
    written = re.findall(rb"/F\d+ ([\d.]+) Tf|([\d.]+) Td", page)
    size, heights = 0.0, []
    for font, height in written:
        size = float(font) if font else size
        if height:
            heights.append((float(height), size))
    foot = [height for height, of in heights if of == 6.5]
    rest = [height for height, of in heights if of != 6.5]
    assert foot
    assert rest
    assert max(foot) < min(rest), "something is written over the foot"
    assert min(foot) > 0


def can_be_read_aloud(content: bytes, kinds: frozenset[bytes] = WHOLE) -> None:
    """Every mark on a page belongs to an element of the structure or is decoration, and what an element lacks of it."""
    found = re.findall(rb"\n\d+ 0 obj\n(.*?)\nendobj", content, re.DOTALL)
    elements = [each for each in found if b"/Type /StructElem" in each]
    streams = [each.partition(b"stream\n")[2].removesuffix(b"\nendstream") for each in found if b"FlateDecode" in each]
    pages = [page for stream in streams if b" Tf" in (page := zlib.decompress(stream))]
    marks = [number for page in pages for number in re.findall(rb"/MCID (\d+)", page)]
    kids = [re.sub(rb"\d+ 0 R", b"", b" ".join(re.findall(rb"/K \[(.*?)\]", each, re.DOTALL))) for each in elements]
    assert sorted(marks) == sorted(b" ".join(kids).split())
    said = [kid for kid, each in zip(kids, elements, strict=True) if re.search(rb"/S /(H1|H2|P|LBody|Figure)\b", each)]
    assert all(kid.strip() for kid in said), "an element without a word"
    for page in pages:
        outside = re.sub(rb"(BDC|BMC)\n.*?\nEMC", b"", page, flags=re.DOTALL)
        assert not re.search(rb"T[jJ]\b", outside)
    assert all(b"/Alt" in each for each in elements if b"/S /Figure" in each)
    assert all(b"/Scope" in each for each in elements if b"/S /TH" in each)
    assert kinds <= {kind for each in elements for kind in re.findall(rb"/S /\w+", each)}


PUBLIC, OBSERVERS = {"audience": "public"}, {"audience": "observers", "role": Role.READER}
READINGS = [*((language, {}) for language in LANGUAGES), ("es", PUBLIC), ("fr", PUBLIC), ("ht", OBSERVERS)]
"""The page with the most on it in every language, and that of everybody else."""


@pytest.mark.parametrize(("language", "asked"), READINGS)
def test_the_state_of_the_plan_is_one_page(house: House, language: str, asked: Any, caplog: Any) -> None:
    """In every language and for every reader, with every character in its fonts.

    Whoever has it read aloud hears all of it: everything that is written belongs to the structure, a shape has its
    word, a head says of what it is the head.
    """
    content = drawn_here(house, language=language, **asked)
    assert content.startswith(b"%PDF-")
    has_one_page(content)
    assert f"/Lang ({language})".encode() in content
    assert b"/DisplayDocTitle true" in content
    assert b"/Marked true" in content
    can_be_read_aloud(content)
    assert "missing" not in caplog.text


@pytest.mark.parametrize(("language", "asked"), READINGS)
def test_a_month_of_which_nothing_is_known_is_one_page(house: House, language: str, asked: Any) -> None:
    """A table that would be empty is a line that says so."""
    asked = {"language": language, "now": BEFORE, **asked}
    content = drawn_here(house, **asked)
    has_one_page(content)
    can_be_read_aloud(content)
    with house.database.view() as unit:
        page = state_of(unit, Wanted(1, ZONE, **{"role": Role.COORDINATOR, **asked}))[0]
    assert page.matrix["rows"] == []
    assert page.words["no_closings"] in spoken(page)
    assert "–" not in page.subtitle
    assert {area.mean for area in page.areas} == {None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_with_all_that_it_holds_is_one_page(house: House, language: str) -> None:
    """Whatever waits for a decision and whatever is red: with more of it, each has fewer lines."""
    with house.database.view() as unit:
        page = state_of(unit, Wanted(1, ZONE, NOW, role=Role.COORDINATOR, language=language))[0]
    rows = [[f"INST-{number}", [["critical", number]] * 4] for number in range(17)]
    long = "PGR · PER-101 " + "palabras que no caben en una sola línea " * 5
    for items in (1, 5):
        full = replace(
            page,
            matrix=page.matrix | {"rows": rows, "columns": ["jun", "jul", "ago", "sep"]},
            decisions=(long,) * items,
            red=(long,) * 5,
            attention=(long,) * 5,
        )
        has_one_page(drawn(full, NOW))


@pytest.mark.parametrize(("language", "asked"), READINGS)
def test_the_3p_table_is_a_file_of_its_own(house: House, language: str, asked: Any, caplog: Any) -> None:
    """One page of the demo's plan; a part without measures is a line that says so."""
    content = table_drawn_here(house, language=language, **asked)
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    can_be_read_aloud(content, frozenset({b"/S /H2", b"/S /Table"}))
    nothing = table_drawn_here(house, language=language, agency="INM", **asked)
    assert len(re.findall(rb"/Type /Page\b", nothing)) == 1
    can_be_read_aloud(nothing, frozenset({b"/S /H2"}))
    assert b"/S /Table" not in nothing
    assert "missing" not in caplog.text


def test_the_page_is_drawn_apart_and_the_same_again_is_the_same(house: House) -> None:
    """The export draws in a process of its own, and it is the page of the tests around this one, byte for byte."""
    content, written = made(house, "plan-state", "pdf", language="es", **PUBLIC)
    assert written.count == 60
    assert drawn_here(house, language="es", **PUBLIC) == content
    table, _ = made(house, "3p", "pdf", language="es", **OBSERVERS)
    assert table_drawn_here(house, language="es", **OBSERVERS) == table


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("language", PSEUDO)
def test_the_state_of_the_plan_is_one_page_in_any_language(house: House, language: str, caplog: Any) -> None:
    """Stretched words are cut or wrapped, and Arabic letters are in its fonts."""
    content = drawn_here(house, language=language)
    has_one_page(content)
    assert "missing" not in caplog.text
    can_be_read_aloud(content)


def test_letters_of_the_right_to_left_are_joined_and_in_order() -> None:
    """Each as it looks beside its neighbours, the last one of the line first; figures keep their direction."""
    word = "\u0628\u064a\u062a"  # "house", three letters
    with ExitStack() as held:
        paper = Paper(held, title="Plan", language="ar", now=datetime(2026, 1, 1, tzinfo=UTC))
        assert paper.length(word, 10) < sum(paper.length(letter, 10) for letter in word)
        paper.add_page()
        with paper.element("P"):
            paper.write(10, 10, f"{word} 12", 10)
        letters: Any = {number: glyph.unicode for glyph, number in paper.pdf.fonts["dejavu"].subset.items()}
        drawn = re.findall(rb"\((..)\) Tj", bytes(paper.pdf.pages[1].contents), re.DOTALL)
    shown = "".join(chr(letters[int.from_bytes(each, "big")][0]) for each in drawn)
    assert shown == f"12 {word[::-1]}"
    fonts: Any = paper.pdf.fonts.values()
    assert [font.ttfont.reader for font in fonts] == [None, None]  # their files are closed


def test_a_page_of_a_part_or_of_a_month_gone_by_counts_what_is_theirs(house: House) -> None:
    """Filters mean on paper what they mean in a table."""

    def told(**asked: Any) -> list[str]:
        with house.database.view() as unit:
            return spoken(state_of(unit, Wanted(1, ZONE, NOW, role=Role.COORDINATOR, **asked))[0])

    one = told(agency="PGR")
    assert any(row.startswith("PGR ") for row in one)
    assert not any(row.startswith("MIREX ") for row in one)
    assert not any("PRE-" in row for row in told(area="ASI"))
    assert "Estado al 17 sep 2018 · cierre de agosto 2018" in told(period="201808")


@pytest.mark.parametrize("period", ["201812", "2018Q4", "2018"])
def test_a_year_gone_by_is_told_with_its_own_indicators(house: House, period: str) -> None:
    """Its last periods lock in January; the figures are those of the year that they are about."""
    later = datetime(2019, 6, 10, 12, tzinfo=UTC)
    with house.database.view() as unit:
        page = state_of(unit, Wanted(1, ZONE, later, role=Role.COORDINATOR, period=period))[0]
    assert page.indicators_title == "Indicadores, 2018"


# ------------------------------------------------------------------ the balance
BALANCED = """
    SELECT area.code, agency.code, activity.code,
        (SELECT CASE WHEN s.activity_status = 'completed' AND NOT s.promises_evidence THEN 'done'
                     WHEN s.activity_status = 'cancelled' THEN 'cancelled'
                     WHEN s.activity_status = 'not_started' AND coalesce(s.progress, 0) = 0 THEN 'not_begun'
                     ELSE 'in_part' END
         FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
         WHERE s.subject = 'activity:' || activity.code AND s.validation_state = 'validated'
         ORDER BY p.end_on DESC, s.id DESC LIMIT 1)
    FROM activity JOIN agency ON agency.id = activity.agency_id
    JOIN objective ON objective.id = activity.objective_id
    JOIN strategic_area area ON area.id = objective.strategic_area_id
    WHERE activity.retired_on IS NULL
"""
"""What became of each activity, in SQL alone."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo's plan at its end: reports of all kinds, validated or not, one with its evidence owed."""
    folder: Path = tmp_path_factory.mktemp("ended")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:

        def end(unit: Any) -> None:
            for number, (status, progress) in enumerate(
                [("completed", 100), ("completed", 100), ("cancelled", 30), ("not_started", 0), ("in_progress", 60)]
            ):
                unit.connection.exec_driver_sql(
                    "UPDATE submission SET activity_status = ?, progress = ?, promises_evidence = ?,"
                    " validation_state = ? WHERE activity_status IS NOT NULL AND id % 7 = ?",
                    (status, progress, number == 1, "validated", number),
                )
            unit.connection.exec_driver_sql("UPDATE activity SET dropped_because = 'Pasa a otro plan' WHERE id % 9 = 0")

        database.units.submit(None, end).result()
        yield House(database, FileStore(folder / "evidence", database.vault))


def balanced(house: House, **asked: Any) -> BalancePages:
    with house.database.view() as unit:
        return balance_of(unit, Wanted(1, ZONE, NOW, **asked))[0]


def test_the_balance_is_what_sql_counts(ended: House) -> None:
    """All activities, by area and by agency, on paper and in the table of the plan."""
    with ended.database.reader() as connection:
        rows = [(area, agency, code, became or "not_begun")
                for area, agency, code, became in connection.exec_driver_sql(BALANCED)]  # fmt: skip
    order = ("done", "in_part", "not_begun", "cancelled")
    assert {became for *_, became in rows} == set(order)

    def counted(place: int) -> dict[str, tuple[int, ...]]:
        found = {row[place]: [each[3] for each in rows if each[place] == row[place]] for row in rows}
        return {name: (*(own.count(each) for each in order), len(own)) for name, own in found.items()}

    pages = balanced(ended)
    assert {name.partition(" ")[0]: numbers for name, numbers in pages.areas} == counted(0)
    assert dict(pages.agencies) == counted(1)
    done = sum(became == "done" for *_, became in rows)
    assert pages.headline == f"{done} de {len(rows)} actividades hechas ({round(100 * done / len(rows))}%)"
    table, _ = made(ended, "plan", "csv", language="es")
    told = {row["activity"]: row["balance"] for row in csv.DictReader(io.StringIO(table.decode()))}
    assert told == {code: became for _, _, code, became in rows}


def test_the_balance_is_two_pages_and_tells_nothing_restricted(ended: House) -> None:
    """Outsiders read of a restricted activity its code; the public reads no reasons; a reader hears it in order."""
    content, written = made(ended, "balance", "pdf", language="es")
    assert written.count == 60
    assert content.count(b"/Type /Page\n") == 2
    can_be_read_aloud(content, WHOLE - {b"/S /Figure"})
    hidden = "SELECT code FROM activity WHERE sensitivity = 'restricted' AND dropped_because <> ''"
    with ended.database.reader() as connection:
        secret = set(connection.exec_driver_sql(hidden).scalars())
    assert secret
    inside = balanced(ended, role=Role.COORDINATOR).dropped
    assert all("Pasa a otro plan" in each for each in inside)
    outside = balanced(ended, audience="observers", role=Role.OBSERVER).dropped
    assert {each.rpartition(" ")[2] for each in outside if "Pasa" not in each} == secret
    assert not any("Pasa" in each for each in balanced(ended, audience="public").dropped)


# ------------------------------------------------------------------ the evidence
def test_evidence_comes_with_an_index_that_proves_it(house: House) -> None:
    """Every file once, in a folder of its period, under a name no path can hide in; lost ones are named."""
    content, written = made(house, "media", "zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
        here = [row for row in index if row["state"] == "here"]
        names = [row["file"] for row in here]
        assert sorted([*names, "index.csv", "missing-files.txt"]) == sorted(archive.namelist())
        told = archive.read("missing-files.txt").decode().splitlines()
        for row in here:
            assert hashlib.sha256(archive.read(row["file"])).hexdigest() == row["sha256"]
            assert int(row["size"]) == len(archive.read(row["file"]))
            assert not row["original_name"].startswith(("=", "+", "-", "@"))
    assert all(re.fullmatch(r"2018\w+/[^/\\]+", name) and ".." not in name for name in names)
    assert sorted(row["subject"] for row in here) == ["ASI-202", "PER-101", "PRE-101"]
    others = {row["original_name"]: (row["state"], row["file"]) for row in index if row not in here}
    assert others == {"lost.txt": ("lost", ""), "altered.txt": ("altered", "")}
    assert written.count == 3
    assert told == list(written.lacking)
    assert len(told) == 2


def test_evidence_for_an_admin_is_validated_and_nothing_restricted(house: House) -> None:
    """docs/domain.md#who-sees-what; and the index does not name what is left out. Nobody outside gets any."""
    content, written = made(house, "media", "zip", role=Role.ADMIN)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        told = archive.read("index.csv").decode()
    assert written.count == 1
    assert "PRE-101" in told
    assert "ASI-202" not in told
    assert "informe" not in told
    for role in (Role.OBSERVER, Role.READER, None):
        assert exporter("media", "zip", "observers", role) is None
        assert role is None or exporter("media", "zip", "internal", role) is None


def test_who_watches_takes_out_what_is_for_observers_and_nothing_else() -> None:
    """A forged audience gets nothing (S3); a minister's reader gets no raw reports (docs/domain.md#ministers)."""
    assert exporter("reports", "xlsx", "observers", Role.OBSERVER) is not None
    assert exporter("reports", "xlsx", "observers", Role.READER) is None
    for role in (Role.OBSERVER, Role.READER):
        assert exporter("plan-state", "pdf", "observers", role) is not None
        for audience in ("internal", "public"):
            assert exporter("plan-state", "pdf", audience, role) is None
            assert exporter("reports", "xlsx", audience, role) is None
        assert exporter("people", "xlsx", "observers", role) is None
    assert exporter("plan-state", "pdf", "internal", Role.FOCAL_POINT) is None
