"""The child's side of `storage.reports.confinement`: one request, one answer, and the limits under which it is made.

Each file that somebody sends starts this anew, so it loads what the task needs and nothing else.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any, Final

import orjson

from conversations.xforms.problems import AuthorError
from storage.reports.children import be_told_by_the_parent_alone, end_with_the_parent


def packed(head: object, files: Sequence[bytes]) -> bytes:
    """Write eight bytes of length, then the head as JSON, which has the length of each file that follows."""
    text = orjson.dumps({"head": head, "sizes": [len(file) for file in files]}, default=str)
    return b"".join((len(text).to_bytes(8, "big"), text, *files))


Task = Callable[[Mapping[str, Any], list[bytes]], tuple[object, Sequence[bytes]]]


def _inspect(wanted: Mapping[str, Any], files: list[bytes]) -> tuple[object, Sequence[bytes]]:
    from storage.reports.inspection import Inspected, inspect
    from storage.reports.refusals import Refused

    found = inspect(files[0], **wanted)
    if isinstance(found, Refused):
        return asdict(found), ()
    return {name: getattr(found, name) for name in Inspected.__slots__ if name != "data"}, (found.data,)


def _tabs(wanted: Mapping[str, Any], files: list[bytes]) -> tuple[object, Sequence[bytes]]:
    from conversations.xforms.workbook import check_workbook

    return list(check_workbook(files[0]).rows), ()


def _book(wanted: Mapping[str, Any], files: list[bytes]) -> tuple[object, Sequence[bytes]]:
    from conversations.xforms.workbook import read_book

    return read_book(files[0], wanted["names"]), ()


def _bundle(wanted: Mapping[str, Any], files: list[bytes]) -> tuple[object, Sequence[bytes]]:
    from conversations.xforms.bundle import read_bundle

    found = read_bundle(wanted["name"], files[0])
    return {"name": found.name, "media": list(found.media)}, (found.workbook, *found.media.values())


def _form(wanted: Mapping[str, Any], files: list[bytes]) -> tuple[object, Sequence[bytes]]:
    from conversations.authoring.xlsform import read_xlsform

    checked = read_xlsform(files[0], wanted["name"], media=dict(zip(wanted["media"], files[1:], strict=True)))
    return list(checked.problems), (checked.xform.encode(),)


TASKS: Final[Mapping[str, Task]] = {
    "inspect": _inspect,
    "tabs": _tabs,
    "book": _book,
    "bundle": _bundle,
    "form": _form,
}
"""The tasks that a child may be asked to do. It does nothing else."""


def serve(task: str, memory: int, processor: int) -> None:
    """Be the child: read one request, write one answer. The limits are set before anything that was sent is read."""
    _limit(memory, processor)
    sys.modules["numpy"] = None  # type: ignore[assignment]  # openpyxl would load it where it is installed
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    head, files = _request(source)
    end_with_the_parent()
    try:
        found, answered = TASKS[task](head, files)
        answer = packed(found, answered)
    except AuthorError as error:
        answer = packed({"author_error": error.problems}, ())
    except MemoryError:
        files.clear()
        answer = packed({"died": "out of memory"}, ())
    sink.write(answer)
    sink.flush()


def _request(source: IO[bytes]) -> tuple[Any, list[bytes]]:
    told = orjson.loads(source.read(int.from_bytes(source.read(8), "big")))
    return told["head"], [source.read(size) for size in told["sizes"]]


def _limit(memory: int, processor: int) -> None:
    # The bot is told to stop, not its child: a file must not look too heavy because the service was restarted.
    be_told_by_the_parent_alone()
    try:
        import resource
    except ImportError:  # Windows: the time on the wall and the size of the answer are still limited
        return
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, 64 << 20),  # pyxform writes its XForm to a temporary file
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft limit of its time the child dies by SIGXCPU, which tells that from any other death.
        grace = 1 if what == resource.RLIMIT_CPU and lowest != hard else 0
        resource.setrlimit(what, (lowest, lowest + grace))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # where the machine itself is short of memory, this process goes before the bot
