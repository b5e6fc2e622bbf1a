"""A screen shows: what it lets somebody do is an act of `bot/acts`, which the command line and a schedule can call too.

Nothing here lists the methods that write. They are found in storage: those whose statements insert, update or delete,
and those that call one of these.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STATEMENTS = {"insert", "update", "delete", "insert_into", "insert_of", "insert_or_ignore"}
"""What begins a statement that writes: names of sqlalchemy and of `storage.database.statements`."""
DIALECTS = {"sqlite", "postgresql"}

Name = tuple[str, str]
"""A function, a class or a constant of a module; a method is `Class.method`."""


def imported(tree: ast.Module) -> dict[str, Name]:
    """What each imported name of a module stands for."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    """Each function, method and constant of a module: its name, its code, its class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, ""
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    yield f"{node.name}.{each.name}", each, node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value, ""


def repository(node: ast.AST) -> str:
    """The class in `unit.of(Class)`; blank for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(attr="of"), args=[ast.Name(id=name)]):
            return name
    return ""


class Storage:
    """Every definition of storage, with what it refers to."""

    def __init__(self) -> None:
        self.refers: dict[Name, set[Name]] = {}
        self.writing: set[Name] = set()
        self.functions: set[Name] = set()
        for path in sorted((ROOT / "storage").rglob("*.py")):
            if "migrations" not in path.parts:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                self._read(module, ast.parse(path.read_text("utf-8")))
        while more := {name for name, others in self.refers.items() if others & self.writing} - self.writing:
            self.writing |= more

    def _read(self, module: str, tree: ast.Module) -> None:
        known = imported(tree)
        held = {
            (node.targets[0].attr): repository(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) and repository(node.value)
        }
        for name, code, owner in definitions(tree):
            mine = (module, name)
            if isinstance(code, ast.FunctionDef):
                self.functions.add(mine)
            refers = self.refers[mine] = set()
            for node in ast.walk(code):
                match node:
                    case ast.Call(func=ast.Name(id=statement)) if statement in STATEMENTS:
                        self.writing.add(mine)
                    case ast.Call(func=ast.Attribute(value=ast.Name(id=dialect), attr="insert")) if dialect in DIALECTS:
                        self.writing.add(mine)
                    case ast.Name(id=other):
                        refers.add(known.get(other, (module, other)))
                    case ast.Attribute(value=ast.Name(id="self"), attr=method):
                        refers.add((module, f"{owner}.{method}"))
                    case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=field), attr=method):
                        if field in held:
                            refers.add(self._method(known, module, held[field], method))
                    case ast.Attribute(value=asked, attr=method) if kind := repository(asked):
                        refers.add(self._method(known, module, kind, method))

    @staticmethod
    def _method(known: dict[str, Name], module: str, kind: str, method: str) -> Name:
        home, name = known.get(kind, (module, kind))
        return home, f"{name}.{method}"


@functools.cache
def storage() -> Storage:
    """Read when it is asked for: every process of the suite imports this file, and one of them needs it."""
    return Storage()


def repositories() -> dict[str, Name]:
    """By the name that a unit of work gives it: the class of each repository, and its module."""
    tree = ast.parse((ROOT / "storage" / "unit_of_work.py").read_text("utf-8"))
    unit = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "UnitOfWork")
    return {
        name: (module, kind)
        for row in unit.body
        if isinstance(row, ast.AnnAssign) and isinstance(row.value, ast.Call)
        for name, kind, module in [map(_text, (row.target, row.annotation, row.value.args[0]))]
    }


def _text(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else str(ast.literal_eval(node))


def writes(source: str) -> Iterator[str]:
    """What of storage this module calls that writes."""
    tree, repos = ast.parse(source), repositories()
    known = imported(tree)
    named = {  # change = ex.unit.agencies
        target.id: value.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target, value in pairs(node.targets[0], node.value)
        if isinstance(target, ast.Name) and isinstance(value, ast.Attribute) and value.attr in repos
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Attribute(value=ast.Name() | ast.Attribute(), attr=name), attr=method):
                found = (name, method) if name in repos else None
            case ast.Attribute(value=ast.Name(id=name), attr=method) if name in named:
                found = (named[name], method)
            case ast.Attribute(value=ast.Name(id=name), attr=function) if name in known:
                if (".".join(known[name]), function) in storage().writing:
                    yield f"{name}.{function}"
                continue
            case ast.Attribute(value=ast.Call(func=ast.Name(id=name)), attr=method) if name in known:
                if (known[name][0], f"{known[name][1]}.{method}") in storage().writing:
                    yield f"{name}.{method}"
                continue
            case ast.Name(id=name) if known.get(name) in storage().writing & storage().functions:
                yield name
                continue
            case _:
                continue
        if found is not None and (repos[found[0]][0], f"{repos[found[0]][1]}.{found[1]}") in storage().writing:
            yield ".".join(found)


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value


SCREENS = sorted(
    path.relative_to(ROOT / "bot" / "screens").as_posix() for path in (ROOT / "bot" / "screens").rglob("*.py")
)


def test_what_writes_is_found() -> None:
    """The law below would be kept by whatever nobody recognises as writing."""
    source = """
from storage.imports import history
from storage.reports.comments import Comments
from storage.upkeep.retention import RETENTION
def screen(ex):
    change, plans = ex.unit.agencies, ex.unit.plans
    change.rename(1)
    plans.agencies(1)
    ex.unit.comments.add(1), ex.unit.comments.get(1), RETENTION
    Comments(ex.unit).settle(1), Comments(ex.unit).get(1)
    ex.unit.joining.redeem(1)
    ex.unit.facts.set("a", "b", 1)
    ex.unit.audit.record("a"), ex.unit.audit.latest(1)
    history.undo(ex.unit), history.look_back(ex.unit)
"""
    found = sorted(writes(source))
    assert found == [
        "Comments.settle", "agencies.rename", "audit.record", "comments.add", "facts.set", "history.undo",
        "joining.redeem",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_writes_nothing(name: str) -> None:
    """What changes something is an act, written once, whoever asks."""
    source = (ROOT / "bot" / "screens" / name).read_text("utf-8")
    assert sorted(set(writes(source))) == []
