"""What the help of an option lists is what its table has, and each option is used by a test."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.schedule.jobs import JOBS
from conversations.languages import LANGUAGES
from conversations.plan.model import ROLE_TYPES, Role
from conversations.plan.sharing.export_request import AUDIENCES
from storage.database.audit import KINDS
from storage.exports.exporters import EXPORTERS
from storage.messages.endpoints import STATES
from tests import ROOT
from tests.bot.cli import tree

ROWS: Mapping[str, Collection[str]] = {
    "language": LANGUAGES,
    "audience": AUDIENCES,
    "role": tuple(Role),
    "kind": ROLE_TYPES,
    "state": STATES,
    "about": tuple(KINDS),
    "format": {exporter.format for exporter in EXPORTERS},
    "what": [job.what for job in JOBS if job.is_offered],
}
"""By the name of the parameter: the codes that it takes."""
TWO_OF_THEM = {("export", "role")}
"""Roles that see an export in two ways. For the others it is the same."""


def lists() -> Iterator[tuple[tuple[str, ...], str, str, list[str]]]:
    """Each help that lists codes of a table: command, parameter, help, and the codes that it lists."""
    commands: Any = tree.whole()
    for path in tree.paths(commands):
        for parameter in getattr(tree.found(commands, path), "params", ()):
            told = getattr(parameter, "help", None) or ""
            codes = [code for code in ROWS.get(parameter.name, ()) if names(told, code)]
            if len(codes) > 1:
                yield path, parameter.name, told, codes


def names(told: str, code: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(code)}(?![\w-])", told) is not None


def test_a_help_that_lists_codes_lists_all_of_them() -> None:
    wrong = [
        (" ".join(path), name, sorted(set(ROWS[name]) - set(codes)))
        for path, name, _, codes in lists()
        if (path[-1], name) not in TWO_OF_THEM and set(codes) != set(ROWS[name])
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ROWS)
def test_each_table_is_listed_somewhere(name: str) -> None:
    """Otherwise a parameter has another name now, and nothing looks at its help."""
    assert any(listed == name for _, listed, _, _ in lists())


SHARED = {"plan_code"}
"""`test_at_server` tries it with each command, and names those without it."""


def tried() -> Iterator[set[str]]:
    """The words of each test and table of the tests, and of each line in the pages that are played."""
    for file in (ROOT / "tests").rglob("*.py"):
        text = file.read_text("utf-8")
        if "enlace" in text and "--" in text and "node_modules" not in file.parts and file != Path(__file__):
            yield from (words_of(node) for node in ast.parse(text).body)
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            yield from (set(line.split()) for line in block.replace("\\\n> ", " ").splitlines())


def words_of(node: ast.AST) -> set[str]:
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return {word for text in texts for word in text.split()}


def test_each_option_of_each_command_is_used_by_a_test() -> None:
    """An option that nobody has tried does not work."""
    lines, commands = list(tried()), tree.whole()
    options = [
        (path, option)
        for path in tree.paths(commands)
        for option in getattr(tree.found(commands, path), "params", ())
        if option.param_type_name == "option" and not option.hidden and option.name not in SHARED | {"help"}
    ]
    assert len(options) > 100
    untried = [
        " ".join((*path, option.opts[0]))
        for path, option in options
        if not any(line.issuperset(path) and not line.isdisjoint(option.opts) for line in lines)
    ]
    assert untried == []
