"""Forms at the server: checked, played from a script, filled at a terminal, published."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from bot.acts.reports.coverage import shipped_forms
from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.xforms.bundle import stored_bundle
from conversations.xforms.problems import AuthorError
from conversations.xforms.transcript import replay
from tests import ROOT
from tests.bot.cli.commands import FORMS, TYPED, Done, contents, counted, enlace, environment, is_one_line
from tests.deadlines import PATIENCE

pytestmark = pytest.mark.slow
CASES = ROOT / "tests" / "conversations" / "data" / "xlsform"


# ------------------------------------------------------------------ forms
def test_the_shipped_forms_have_no_problem(tmp_path: Path) -> None:
    """Not even a note; exit 0 in strict mode too."""
    names = [name for name, _ in shipped_forms()]
    with ThreadPoolExecutor(3) as pool:
        for done in pool.map(lambda name: enlace(tmp_path, "form", "check", str(FORMS / name), "--strict"), names):
            assert (done.code, done.out, len(done.said)) == (0, "", 1)


BROKEN = dedent("""
    | survey |
    | | type | name | label | relevant | constraint | calculation |
    | | integr | n | How many? | | | |
    | | select_one nolist | pick | Pick | | | |
    | | text | a b | Name | ${nowhere} = 1 | | |
    | | integer | age | Age | | . >= ( | |
    | | calculate | c | | | | |
    | choices |
    | | list_name | name | label |
    | | yn | yes | Yes |
    | | yn | yes | Yes again |
""")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_of_a_broken_form_is_told_in_the_operators_language(tmp_path: Path, language: str) -> None:
    """Code, sheet, row, column, sentence and remedy of each: one trip to the spreadsheet mends them all."""
    (tmp_path / "broken.md").write_text(BROKEN, "utf-8")
    with pytest.raises(AuthorError) as refused:
        read_xlsform(BROKEN.encode(), "broken.md")
    problems = refused.value.problems
    assert len({problem.code for problem in problems}) >= 5

    done = enlace(tmp_path, "form", "check", "broken.md", ENLACE_LANGUAGE=language)

    assert (done.code, done.out) == (1, "")
    assert len(done.said) == len(problems) + 1
    for problem, line in zip(problems, done.said, strict=False):
        assert line.startswith(f"{problem.severity} {problem.code}: {problem.sheet}")
        assert problem.row is None or str(problem.row) in line
        assert problem.sentence(language) in line
        assert line.endswith(problem.remedy(language))
        assert problem.remedy(language)


def test_strict_refuses_warnings(tmp_path: Path) -> None:
    """For an author's own checks: a warning is exit 1 there, and 0 otherwise."""
    form = "| survey |\n| | type | name | label |\n| | select_one_from_file gone.csv | a | A |\n"
    (tmp_path / "warned.md").write_text(form, "utf-8")
    assert enlace(tmp_path, "form", "check", "warned.md").code == 0

    strict = enlace(tmp_path, "form", "check", "warned.md", "--strict")
    assert strict.code == 1
    assert "warning media.missing" in strict.err


@pytest.mark.parametrize("mode", ["full", "diff"])
def test_a_script_is_played_as_the_engine_plays_it(tmp_path: Path, mode: str) -> None:
    """JSON Lines on stdout, in both modes; files beside the form are its media."""
    name = "10-external"
    source, script = CASES / "forms" / f"{name}.md", CASES / "scripts" / f"{name}.json"
    media = {path.name: path.read_bytes() for path in (CASES / "forms").glob("*.csv")}
    form = read_xlsform(source.read_bytes(), source.name, media=media).form

    done = enlace(tmp_path, "form", "replay", str(source), str(script), "--mode", mode)

    assert (done.code, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines == list(replay(form, json.loads(script.read_text("utf-8")), mode=mode))
    assert lines[0]["missing"] == []
    assert lines[-1]["final"] is True


def test_a_replayed_script_agrees_with_the_reference_engine(tmp_path: Path) -> None:
    """Relevance and values of each question after each step, as ODK Web Forms recorded them."""
    name = "04-cascade"
    recorded = (CASES / "expected" / f"{name}.jsonl").read_text("utf-8").splitlines()
    files = CASES / "forms" / f"{name}.md", CASES / "scripts" / f"{name}.json"
    done = enlace(tmp_path, "form", "replay", *map(str, files))

    compared = 0
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for here, there in zip(map(json.loads, done.out.splitlines()), map(json.loads, recorded), strict=True):
        theirs |= {node["ref"]: node for node in there.get("nodes", there.get("changed", ()))}
        ours |= {node["ref"]: node for node in here.get("nodes", here.get("changed", ()))}
        for ref, node in theirs.items():
            if "value" in node and not ref.endswith("instanceID"):
                assert (ours[ref]["relevant"], ours[ref]["value"]) == (node["relevant"], node["value"]), ref
                compared += 1
    assert compared > 20


def test_what_is_no_script_is_one_line(tmp_path: Path) -> None:
    """Broken JSON, another shape, no instant, no zone, no text."""
    scripts = [b"{", b"[1]", b"7", b'{"now": "soon"}', b'{"tz": "Mars/Base"}', b"\xff"]
    for number, script in enumerate(scripts):
        (tmp_path / f"script-{number}.json").write_bytes(script)

    def played(number: int) -> Done:
        return enlace(tmp_path, "form", "replay", str(FORMS / "indicator_update.xlsx"), f"script-{number}.json")

    with ThreadPoolExecutor(4) as pool:
        for number, done in enumerate(pool.map(played, range(len(scripts)))):
            assert (done.code, done.out, is_one_line(done)) == (1, "", True), scripts[number]
            assert f"script-{number}.json" in done.err


VISIT = """
| survey |
| | type | name | label::Español (es) | label::English (en) | relevant | calculation |
| | text | place | ¿Dónde? | Where? | | |
| | begin repeat | person | Persona | Person | | |
| | text | who | ¿Quién? | Who? | | |
| | integer | age | ¿Edad? | Age? | | |
| | end repeat | | | | | |
| | select_one yn | more | ¿Más? | More? | | |
| | text | why | ¿Por qué? | Why? | ${more} = 'yes' | |
| | calculate | said | | | | jr:choice-name(${more}, '${more}') |
| | calculate | people | | | | count(${person}) |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | yn | yes | Sí | Yes |
| | yn | no | No | No |
| settings |
| | form_id | version | default_language |
| | visit | 1 | Español (es) |
"""


def test_a_form_is_filled_through_a_pipe(tmp_path: Path) -> None:
    """Cards on stderr, the submission alone on stdout; what was answered replays to the same submission."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    said = "taller\n60\n12\nsí\n2018-10-03\nenviar\n"

    done = enlace(tmp_path, "form", "try", "tried.md", "--save", "script.json", say=said)

    assert done.code == 0
    assert done.out.startswith("<data id=")
    assert len(done.out.splitlines()) == 1
    for tag in ("<what>taller</what>", "<n>12</n>", "<when>2018-10-03</when>"):
        assert tag in done.out
    assert "¿Cuántas?" in done.err
    assert "⚠️ Hasta 50." in done.err

    played = enlace(tmp_path, "form", "replay", "tried.md", "script.json", "--mode", "diff")
    final = json.loads(played.out.splitlines()[-1])
    assert (final["failedSteps"], final["status"]) == (0, "ready")
    assert "<when>2018-10-03</when>" in final["xml"]


def test_what_was_tried_replays_to_the_same_submission(tmp_path: Path) -> None:
    """Repeats added and removed, an answer that made another fall away, a language: the transcript has it all."""
    (tmp_path / "visit.md").write_text(VISIT, "utf-8")
    said = "\n".join(
        ("Azua", "Ana", "30", "/1", "Luis", "9", "/1", "Eva", "8", "/3", "/2", "/1", "Listo", "yes", "why not", "send")
    )

    done = enlace(tmp_path, "form", "try", "visit.md", "--language", "en", "--save", "s.json", say=f"{said}\n")

    assert done.code == 0, done.err
    played = enlace(tmp_path, "form", "replay", "visit.md", "s.json", "--mode", "diff")
    final = json.loads(played.out.splitlines()[-1])
    assert final["failedSteps"] == 0
    assert final["xml"].replace("uuid:replay-1", "uuid:try") == done.out.strip()


def test_a_form_that_is_left_ends_without_a_submission(tmp_path: Path) -> None:
    """End of input, or "salir": exit 1 and nothing on stdout."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    for said in ("taller\n", "taller\nsalir\n"):
        done = enlace(tmp_path, "form", "try", "tried.md", say=said)
        assert (done.code, done.out) == (1, "")
        assert "Traceback" not in done.err


def test_a_form_is_filled_at_a_terminal_in_another_language(tmp_path: Path) -> None:
    """The same by hand, buttons pressed by their numbers."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    theirs, ours = pty.openpty()
    arguments = [sys.executable, "-m", "bot", "form", "try", "tried.md", "--language", "en"]
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(tmp_path, {}), stdin=ours, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        os.close(ours)
        assert process.stderr is not None
        assert process.stdout is not None
        shown = ""
        for answer in ("workshop", "12", "No", "send"):
            card = ""
            while not card.endswith("> "):
                letter = process.stderr.read(1)
                assert letter, card
                card += letter
            numbered = {text: number for number, text in re.findall(r"/(\d+) (.+)", card)}
            pressed = next((f"/{number}" for text, number in numbered.items() if text == answer), answer)
            os.write(theirs, f"{pressed}\n".encode())
            shown += card
        out, _ = process.communicate(timeout=PATIENCE)
    os.close(theirs)

    assert process.returncode == 0
    assert "How many?" in shown
    assert "<more>no</more>" in out


def test_a_form_is_published_once(folder: Path) -> None:
    """The same content again changes nothing; a new one is the version new sessions begin with."""
    before = contents(folder)
    again = enlace(folder, "form", "publish", str(FORMS / "activity_report.xlsx"))
    assert (again.code, again.out) == (0, "")
    assert contents(folder) == before

    (folder / "tried.md").write_text(TYPED, "utf-8")
    assert enlace(folder, "form", "publish", "tried.md").code == 0
    assert [counted(folder, table) for table in ("form", "form_version")] == [5, 5]


def test_a_form_is_published_with_the_pictures_beside_it(folder: Path) -> None:
    """What is named and lies beside it goes along; what does not is named, as a warning."""
    header = "| survey |\n| | type | name | label | media::image |\n"
    (folder / "shown.md").write_text(header + "| | note | a | A | map.png |\n| | note | b | B | x.png |\n", "utf-8")
    (folder / "map.png").write_bytes(b"a picture")
    published = enlace(folder, "form", "publish", "shown.md")
    assert published.code == 0
    assert "x.png" in published.err
    assert "map.png" not in published.err

    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        [[content]] = connection.execute("SELECT workbook FROM form_version ORDER BY id DESC LIMIT 1")
    assert stored_bundle("shown", content).media == {"map.png": b"a picture"}
