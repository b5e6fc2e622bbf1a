"""The terminal: data to stdout, messages to stderr."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn


def fail(sentence: str, code: int = 1) -> NoReturn:
    print(f"enlace: {sentence}", file=sys.stderr)
    raise SystemExit(code)


def talk(text: str) -> None:
    print(text, file=sys.stderr)


def expect_language(language: str) -> None:
    """Exit code 2 for a language that the bot does not speak. Blank means the deployment's language."""
    from conversations.languages import LANGUAGES

    if language and language not in LANGUAGES:
        fail(f"--language {language!r} is not one of {', '.join(LANGUAGES)}", 2)


def read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


@contextlib.contextmanager
def making(out: Path, *, is_for_all: bool = False) -> Iterator[Path]:
    """The path of the file that `--out` names; see `storage.upkeep.whole_files`.

    An error of the system becomes one sentence, and no file is left. New files are readable by their owner alone,
    unless their content is no secret.
    """
    from bot.errors import Complaint
    from storage.upkeep.whole_files import AS_USUAL, OWNER_ALONE, whole_file

    try:
        with whole_file(out, mode=AS_USUAL if is_for_all else OWNER_ALONE) as made:
            yield made
    except OSError as error:
        raise Complaint(f"{out}: {error.strerror or error}. Nothing was written.") from None


def write_file(file: Path, content: bytes) -> None:
    """Write the file at once, or not at all."""
    with making(file, is_for_all=True) as made:
        made.write_bytes(content)


def where(out: Path) -> str:
    """A sentence that says where it was written."""
    return "the standard output" if str(out) == "-" else str(out)


def print_rows(rows: Sequence[Mapping[str, object]], as_json: bool, shown: Sequence[str] = ()) -> None:
    """Print rows as JSON, or one a line: in columns on a terminal, with tabs between for a script.

    `shown` are the columns of a line; all, if none are named.
    """
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    lines = [[_cell(row[key]) for key in shown or row] for row in rows]
    if not sys.stdout.isatty():
        for cells in lines:
            print("\t".join(cells))
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(text.split()) or "-"
