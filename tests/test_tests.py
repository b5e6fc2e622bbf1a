"""The tests lie as the house lies: a module has its tests in the folder of the same name, under its name."""

import ast
import functools
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from storage.unit_of_work import OnFirstUse, UnitOfWork
from tests import ROOT
from tests.conftest import LONGEST

TESTS = ROOT / "tests"
FLOORS = ("bot", "conversations", "storage")

APART = {"data", "golden"}
"""What tests read; no code."""

PROMISES = {
    "bot/chat/test_matrix.py": "a promise of all routes together",
    "bot/doors/test_behind_a_proxy.py": "the doors and the webhook, through the proxies that are shipped",
    "bot/doors/test_copies.py": "a promise to whoever keeps a copy, whatever happens meanwhile",
    "bot/doors/test_guide.py": "a page of the docs",
    "bot/sandbox/test_docs.py": "a page of the docs",
    "bot/sandbox/test_fuzz.py": "a promise of all methods together",
    "bot/sandbox/test_library.py": "a library of others, talking to the whole sandbox",
    "bot/sandbox/test_limits.py": "a promise of all methods together",
    "bot/sandbox/test_process.py": "the whole sandbox",
    "bot/screens/everyone/test_files_counted.py": "a promise of several files",
    "bot/screens/everyone/test_lived.py": "a promise of several screens and files",
    "bot/screens/everyone/test_names_at_rest.py": "a promise of whatever is typed at rest",
    "bot/screens/everyone/test_one_number.py": "a promise of several screens",
    "bot/screens/everyone/test_recount.py": "a promise of several screens and files",
    "bot/screens/test_sentences.py": "a promise of whatever is typed where nothing is asked",
    "bot/test_own_zones.py": "a promise to each of several plans",
    "bot/test_stolen.py": "a promise to people: what a thief finds in what is stolen",
    "conversations/test_pseudo.py": "a promise of all screens",
    "conversations/xforms/test_frames.py": "a promise of all that a form says",
    "conversations/xforms/test_replay.py": "ODK's engines, and `enlace form replay` beside them",
    "storage/database/test_connections.py": "a helper of the tests",
    "storage/database/test_scratch.py": "a helper of the tests",
    "storage/exports/test_analysts.py": "a page of the docs",
    "storage/exports/test_figures_elsewhere.py": "a promise of all that leaves by other ways than tables",
    "storage/exports/test_subtraction.py": "a promise of all files together",
    "storage/exports/test_truth.py": "a promise of all datasets together",
    "storage/exports/test_whole_truth.py": "a promise of all datasets together",
}
"""Modules named after what they promise and not after a module, each with what it speaks of."""

REACHED = {
    "bot": ("tests.bot.cli.forked", "tests.bot.house"),
    "bot/cli": ("tests.bot.cli.commands", "tests.bot.cli.forked", "tests.bot.house"),
    "bot/sandbox/methods": ("bot.sandbox.client",),
    "bot/schedule": ("tests.bot.house",),
    "bot/screens": ("tests.bot.desk", "tests.bot.house"),
    "bot/workers": ("tests.bot.house",),
    "conversations/session/cards": ("tests.conversations.session.phone",),
    "conversations/xforms/evaluation": (
        "tests.conversations.xforms.filled",
        "conversations.xforms.instance",
    ),
    "storage/migrations": ("storage.database.migrating",),
}
"""How a test comes into a room without importing from it: by a command, a call, a tap, a phone, a whole bot."""

READ = {"bot/screens/test_screens_show.py": "it reads the screens as files"}
"""Modules that do neither, with the reason."""


def modules() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((TESTS / floor).rglob("test_*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


@functools.cache
def repositories() -> dict[str, str]:
    """`unit.people` and its like: by name, the module that it is in."""
    return {name: each.module for name, each in vars(UnitOfWork).items() if isinstance(each, OnFirstUse)}


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports from, and those of the repositories that it asks."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and node.attr in repositories():
            found.append(repositories()[node.attr])
    return tuple(found)


def spoken_of(path: Path, room: Path) -> Iterator[str]:
    """What a test imports from, and what the helpers of its own room import for it."""
    yield from imported(path)
    for helper in room.glob("*.py"):
        if any(
            lies_in(module, f"tests.{'.'.join(helper.relative_to(TESTS).with_suffix('').parts)}")
            for module in imported(path)
        ):
            yield from imported(helper)


def lies_in(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def test_every_folder_of_tests_is_a_package() -> None:
    """What tests share is imported by its whole name, and not found on a path. Those run by themselves are scripts."""
    scripts = {"benchmarks", "bots", "peers", "data"}
    folders = {file.parent for file in (ROOT / "tests").rglob("*.py")}
    bare = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert [str(folder) for folder in bare if not scripts & set(folder.parts)] == []


def test_every_folder_of_tests_is_a_folder_of_the_house() -> None:
    folders = {file.parent for floor in FLOORS for file in (TESTS / floor).rglob("*.py")}
    strange = [
        name_of(folder)
        for folder in folders
        if not APART & set(folder.parts) and not (ROOT / folder.relative_to(TESTS)).is_dir()
    ]
    assert strange == []


def test_a_test_speaks_of_the_room_it_lies_in() -> None:
    """It imports from it, asks its repositories, or comes into it by a door that is named above."""
    astray = {}
    for path in modules():
        room = path.parent.relative_to(TESTS)
        doors = next((REACHED[str(each)] for each in (room, *room.parents) if str(each) in REACHED), ())
        spoken = list(spoken_of(path, path.parent))
        homes = (".".join(room.parts), *doors)
        if name_of(path) not in READ and not any(lies_in(module, home) for module in spoken for home in homes):
            astray[name_of(path)] = spoken
    assert astray == {}


def test_a_test_is_named_after_a_module_of_its_room_or_after_its_promise() -> None:
    """`test_pacer.py` is about `pacer.py`, `test_delivery_of_cards.py` about `delivery.py`; the others are listed."""
    strange = []
    for path in modules():
        room = ROOT / path.parent.relative_to(TESTS)
        there = {each.stem for each in room.iterdir()} | {room.name}
        words = path.stem.removeprefix("test_").split("_")
        if not any("_".join(words[:count]) in there for count in range(1, len(words) + 1)):
            strange.append(name_of(path))
    assert sorted(strange) == sorted(PROMISES)


def test_no_test_imports_another() -> None:
    """What two of them need is a helper's, which says what it gives."""
    borrowed = [
        f"{name_of(path)}: {module}"
        for path in sorted(TESTS.rglob("*.py"))
        if "node_modules" not in path.parts and path.parent.name != "docs"
        for module in imported(path)
        if re.search(r"^tests\.(\w+\.)*test_", module)
    ]
    assert borrowed == []


def test_a_test_module_is_of_a_length_that_can_be_read() -> None:
    """As everywhere in the house: at most 600 lines."""
    long = [name_of(path) for path in TESTS.rglob("test_*.py") if path.read_text("utf-8").count("\n") > 600]
    assert long == []


def test_every_file_that_is_to_begin_first_is_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []


# ------------------------------------------------------------------ time
WAITS = {"sleep", "wait_for_timeout", "timeout", "result", "exception", "wait", "join", "wait_for"}
LIMITED = {
    "HTTPConnection",
    "communicate",
    "connect",
    "create_connection",
    "join",
    "run",
    "urlopen",
    "wait",
    "wait_for",
}
CLOCKS = {"monotonic", "perf_counter"}


def called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_number(node: ast.AST) -> bool:
    """Written down, and not nothing: giving way to others is no waiting."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value != 0


def is_timed(node: ast.AST) -> bool:
    """A pause, a deadline made by hand, or a law about how long something took."""
    match node:
        case ast.Call(args=args, keywords=keywords):
            name = called(node)
            return (
                (name in WAITS and any(map(is_number, args[:1])))
                or (name in ("sleep", "wait_for_timeout") and not isinstance(args[0], ast.Constant))
                or (name in LIMITED and any(each.arg == "timeout" and is_number(each.value) for each in keywords))
            )
        case ast.arguments(args=args, defaults=defaults, kwonlyargs=named, kw_defaults=of_named):
            usual = [*zip(args[::-1], defaults[::-1], strict=False), *zip(named, of_named, strict=True)]
            return any(each.arg == "timeout" and default and is_number(default) for each, default in usual)
        case ast.Dict(keys=keys, values=values):
            return any(getattr(key, "value", "") == "connect_timeout" and is_number(value)
                       for key, value in zip(keys, values, strict=True))  # fmt: skip
        case ast.BinOp(left=left, op=ast.Add()):
            return called(left) in CLOCKS
        case ast.Compare(left=ast.BinOp(left=left, op=ast.Sub()), ops=[ast.Lt() | ast.LtE()]):
            return called(left) in CLOCKS
    return False


MAY_BE_TIMED = re.compile(rf"\b(?:connect_timeout|{'|'.join(WAITS | LIMITED | CLOCKS)})\b")
"""Only a file with such a word need be read through."""


def timed(path: Path) -> Iterator[str]:
    """In which functions of a test file something waits or is timed by hand."""
    text = path.read_text("utf-8")
    for function in ast.walk(ast.parse(text)) if MAY_BE_TIMED.search(text) else ():
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(is_timed, ast.walk(function))):
            yield f"{path.relative_to(ROOT / 'tests')}::{function.name}"


TIMED_ON_PURPOSE = {
    "bot/telegram/test_pacer.py::test_after_a_quiet_moment_a_turn_costs_nothing": "in time that leaps",
    "bot/telegram/test_pacer.py::test_whoever_gave_up_waiting_does_not_use_a_turn": "in time that leaps",
    "bot/telegram/test_http.py::answer": "a server that is slow",
    "bot/telegram/misbehaving.py::keeps_silent": "a server that is slow",
    "bot/telegram/test_http.py::test_a_download_ends_in_time": "the law is that it is broken off; the server is slow",
    "bot/telegram/test_http.py::test_a_download_that_is_too_large_is_broken_off": "its server is slow",
    "bot/sandbox/test_control.py::test_waiting_ends_when_something_is_shown_or_time_is_up": "the law",
    "storage/database/test_group_commit.py::delay": "a database that is slow",
    "storage/database/test_group_commit.py::test_the_next_unit_of_a_key_begins_when_the_one_before_it_has_committed": "",  # noqa: E501
    "storage/database/test_group_commit.py::test_two_units_of_one_key_never_run_at_once": "for another to be there",
    "storage/database/test_group_commit.py::work": "the same",
}


def test_no_test_waits_by_sleeping_or_has_a_deadline_of_its_own() -> None:
    """What a busy machine cannot keep is nobody's law (tests/deadlines.py); where time is the matter, it says why.

    Faults and benchmarks are about moments and rates: there pauses are thrown by dice, and figures are printed.
    """
    apart = {"benchmarks", "faults", "node_modules"}
    files = [path for path in (ROOT / "tests").rglob("*.py") if not apart & {*path.relative_to(ROOT).parts}]
    found = set(chain.from_iterable(timed(path) for path in files if path.name != "deadlines.py"))
    assert sorted(found) == sorted(TIMED_ON_PURPOSE)
