"""What the help of an option lists is what its table has: a new language, role or format is not forgotten there."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest

from bot.schedule.jobs import JOBS
from conversations.languages import LANGUAGES
from conversations.plan.model import ROLE_TYPES, Role
from conversations.plan.sharing.export_request import AUDIENCES
from storage.database.audit import KINDS
from storage.exports.exporters import EXPORTERS
from storage.messages.endpoints import STATES
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
