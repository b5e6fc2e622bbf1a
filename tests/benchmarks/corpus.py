"""What becomes of published forms: how many of a folder load, how many are refused, and each by its named reason.

    python tests/benchmarks/corpus.py FOLDER [--verbose]

Reads every .xlsx, .xls, .md and XForm .xml below FOLDER, with the files beside it as its
media, loads it and plays an empty script through it. Nothing of anybody's forms is kept here: FOLDER is whatever
packages and repositories were unpacked (docs/xlsform.md says which were for the figures it gives). Exit code 1 if
anything but an `AuthorError` left the reader: a crash is a defect whatever the file.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.form import CheckedForm
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.problems import AuthorError

KINDS = (".xlsx", ".xls", ".md", ".xml")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="a line for each form")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in KINDS and path.is_file())
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    named: Counter[str] = Counter()
    slowest: tuple[float, Path | None] = (0.0, None)
    for file in files:
        began = time.perf_counter()
        outcome, codes = look(file)
        slowest = max(slowest, (time.perf_counter() - began, file), key=lambda each: each[0])
        outcomes[outcome] += 1
        (reasons if outcome == "refused" else named).update(set(codes))
        if arguments.verbose or outcome == "crashed":
            print(f"{outcome:8} {file.relative_to(arguments.folder)}: {' '.join(sorted(set(codes)))}")
    print(f"{len(files)} forms: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    print(f"the slowest took {slowest[0]:.2f} s: {slowest[1]}")
    for title, found in (("refused for", reasons), ("loaded, and named", named)):
        print(f"{title}: " + ", ".join(f"{code} {count}" for code, count in found.most_common()))
    return 1 if outcomes["crashed"] else 0


def look(file: Path) -> tuple[str, list[str]]:
    """(loaded, refused, no form or crashed; the codes of what was said)."""
    try:
        checked = read(file)
        instance = Instance.start(
            checked.form, Filling("uuid:corpus", datetime(2026, 1, 1, tzinfo=UTC), "UTC", checked.form.default_language)
        )
        instance.violations()
        instance.submission_xml()
    except AuthorError as error:
        codes = [problem.code for problem in error.problems if problem.severity == "error"]
        return ("no form" if codes == ["xform.not_xform"] else "refused"), codes
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return "crashed", [f"{type(error).__name__}: {error} at {where.name}:{where.lineno}"]
    return "loaded", [f"{p.code} {p.values['name']}" if "way" in p.values else p.code for p in checked.problems]


def read(file: Path) -> CheckedForm:
    media = {
        path.name: path.read_bytes()
        for path in file.parent.iterdir()
        if path.suffix.lower() in (".csv", ".geojson", ".xml") and path != file
    }
    return read_xlsform(file.read_bytes(), file.name, media=media)


if __name__ == "__main__":
    raise SystemExit(main())
