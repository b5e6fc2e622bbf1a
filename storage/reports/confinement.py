"""Files from strangers are opened in a process of their own, which they may crash.

A library that decodes pictures or workbooks may turn two kilobytes into a gigabyte. If the kernel then ends the
process, it ends the bot. So such files are opened in a fresh interpreter, with limits for memory, processor time,
elapsed time and the size of its answer. It has no environment, no open file, no folder and no key of ours.

Laws: if the child dies, the outcome is `TooHeavy`, and nobody tries again. If it is stopped because the bot stops, the
outcome is `Interrupted`, which says nothing about the file. No child outlives the process that asked. Of one
`Confinement`, only one child runs at a time; a bot has two, one for first tries and one for what takes longer. The
child returns JSON and bytes, never pickled objects, so a file that takes over the child cannot take over the parent.
"""

import signal
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from conversations.xforms.bundle import Bundle, kind_of
from conversations.xforms.bundle import read_bundle as read_bundle_here
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import CheckedForm
from conversations.xforms.problems import AuthorError, Problem
from storage.errors import StorageError
from storage.reports.children import TOLD_TO_END, Child, begin, end, exchange
from storage.reports.confined import packed
from storage.reports.inspection import Accept, Inspected
from storage.reports.refusals import Refused

if TYPE_CHECKING:
    from conversations.xforms.workbook import Book

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory` is address space. `wall` is for a machine that is busy or a child that hangs: no file needs it."""

    memory: int = 640 * MIB
    processor: int = 60
    wall: float = 240.0
    answer: int = 80 * MIB
    is_first_try: bool = False
    """If the processor time is used up, the outcome is `TooSlow`: the file is to be opened again with more."""


FIRST_TRY: Final = Limits(processor=4, is_first_try=True)
"""Enough for nearly every file that people send, and what others wait for at most."""


class TooHeavy(StorageError):
    """The file took more memory, time or space than a file may take, or killed its process.

    Trying again does not help.
    """


class TooSlow(StorageError):
    """The file took more processor time than a first try has. It may be an honest one: it is opened again elsewhere."""


class Interrupted(StorageError):
    """The bot is stopping, or somebody has told its child to end; nothing is known about the file."""


class Confinement:
    """Opens files in child processes, one at a time, until it is closed. Its methods block: call them from a thread."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._child: Child | None = None
        self._is_closed = False

    def close(self) -> None:
        """End the child that is at work, and begin no other. Callers that wait for one get `Interrupted`."""
        with self._guard:
            self._is_closed = True
            if self._child is not None:
                self._child.kill()

    def inspect(
        self, data: bytes, *, claimed_name: str, claimed_mime: str, accept: Accept, max_pixels: int | None = None
    ) -> Inspected | Refused:
        """Do `storage.reports.inspection.inspect` in a child. A file that is too heavy is refused like any other."""
        wanted = {
            "claimed_name": claimed_name,
            "claimed_mime": claimed_mime,
            "accept": accept,
            "max_pixels": max_pixels,
        }
        try:
            found, files = self.call("inspect", wanted, [data])
        except TooHeavy:
            return Refused("too_heavy")
        return Refused(found["reason"], found["values"]) if "reason" in found else Inspected(files[0], **found)

    def book(self, data: bytes, names: Iterable[str]) -> "Book":
        """Do `conversations.xforms.workbook.read_book` in a child. AuthorError says what is wrong."""
        from conversations.xforms.workbook import Book, Sheet

        found, _ = self._authored("book", {"names": sorted(names)}, [data])
        sheets = []
        for one in found["sheets"]:
            rows = tuple((number, cells) for number, cells in one["rows"])
            problems = _problems(one["problems"])
            sheets.append(Sheet(one["name"], one["header_row"], one["headers"], rows, problems))
        return Book(tuple(sheets), tuple((name, letter, row) for name, letter, row in found["formulas"]))

    def tabs(self, data: bytes) -> tuple[str, ...]:
        """Return the names of the sheets that are not empty. AuthorError if it is no workbook that may be read."""
        found, _ = self._authored("tabs", {}, [data])
        return tuple(found)

    def bundle(self, name: str, data: bytes) -> Bundle:
        """Do `conversations.xforms.bundle.read_bundle` in a child.

        Only a ZIP needs opening. AuthorError says what is wrong.
        """
        if kind_of(name) != ".zip":
            return read_bundle_here(name, data)
        found, files = self._authored("bundle", {"name": name}, [data])
        return Bundle(found["name"], files[0], dict(zip(found["media"], files[1:], strict=True)))

    def form(self, workbook: bytes, name: str, media: Mapping[str, bytes]) -> CheckedForm:
        """Do `conversations.authoring.xlsform.read_xlsform` in a child.

        The XForm that it made is compiled again here.
        """
        wanted = {"name": name, "media": list(media)}
        found, files = self._authored("form", wanted, [workbook, *media.values()])
        xform = files[0].decode()
        return CheckedForm(read_xform(xform, media=media), xform, _problems(found))

    def _authored(self, task: str, wanted: Mapping[str, Any], files: Sequence[bytes]) -> tuple[Any, list[bytes]]:
        try:
            found, answered = self.call(task, wanted, files)
        except TooHeavy:
            raise AuthorError([Problem("workbook.too_heavy")]) from None
        if isinstance(found, dict) and "author_error" in found:
            raise AuthorError(_problems(found["author_error"]))
        return found, answered

    def call(self, task: str, wanted: Mapping[str, Any], files: Sequence[bytes]) -> tuple[Any, list[bytes]]:
        """Have a child do one of TASKS, and return its answer. TooHeavy, TooSlow, Interrupted."""
        with self._turn:
            child = self._begun(task)
            try:
                answer = exchange(child, packed(wanted, files), wall=self.limits.wall, longest=self.limits.answer)
            finally:
                end(child)
                with self._guard:
                    self._child = None
                    is_closed = self._is_closed
        if answer is None or not _is_whole(answer):
            if is_closed or child.returncode in TOLD_TO_END:
                raise Interrupted("the bot is stopping" if is_closed else _death(child.returncode))
            if self.limits.is_first_try and child.returncode == -signal.SIGXCPU:
                raise TooSlow(task)
            raise TooHeavy(f"{task}: {_death(child.returncode)}")
        found, answered = _unpacked(answer)
        if isinstance(found, dict) and "died" in found:
            raise TooHeavy(f"{task}: {found['died']}")
        return found, answered

    def _begun(self, task: str) -> Child:
        limits = self.limits
        program = f"from storage.reports.confined import serve; serve({task!r}, {limits.memory}, {limits.processor})"
        with self._guard:
            if self._is_closed:
                raise Interrupted("the bot is stopping")
            self._child = begin(program)
            return self._child


def _death(code: int | None) -> str:
    return f"ended by signal {-code}" if code is not None and code < 0 else f"ended with {code}"


def _is_whole(answer: bytes) -> bool:
    size = int.from_bytes(answer[:8], "big")
    if len(answer) < 8 + size:
        return False
    sizes: list[int] = orjson.loads(answer[8 : 8 + size])["sizes"]
    return len(answer) == 8 + size + sum(sizes)


def _unpacked(data: bytes) -> tuple[Any, list[bytes]]:
    at = 8 + int.from_bytes(data[:8], "big")
    told = orjson.loads(data[8:at])
    files = []
    for size in told["sizes"]:
        files.append(data[at : at + size])
        at += size
    return told["head"], files


def _problems(found: Sequence[Mapping[str, Any]]) -> tuple[Problem, ...]:
    names = ("code", "sheet", "row", "column", "values", "severity")
    problems = []
    for each in found:
        code, *rest = (each[name] for name in names)
        problems.append(Problem(code, *rest))
    return tuple(problems)
