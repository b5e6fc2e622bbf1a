"""The guard's tables of rules: each rule decides the sentence that it is for."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.session import safeguards
from conversations.session.safeguards.guard import personal_data
from conversations.session.safeguards.rules import Rule, Table


def tables() -> Iterator[tuple[Any, str, Table[Any, Any]]]:
    for found in pkgutil.iter_modules(safeguards.__path__):
        module = importlib.import_module(f"{safeguards.__name__}.{found.name}")
        yield from ((module, name, each) for name, each in vars(module).items() if isinstance(each, Table))


RULES = [
    pytest.param(module, table, rule, id=f"{module.__name__.rpartition('.')[2]}: {rule.name}")
    for module, table, found in tables()
    for rule in found.rules
]


def told(text: str) -> tuple[str | None, ...]:
    """What the guard says of a text: by both rules, of no answer, and where a contact is asked for."""
    return (
        personal_data(text, strict=True),
        personal_data(text, strict=False),
        personal_data(text, strict=False, is_answer=False),
        personal_data(text, strict=False, may_give_contact=True),
    )


@pytest.mark.parametrize(("module", "table", "rule"), RULES)
def test_without_a_rule_its_sentence_is_judged_otherwise(
    module: Any, table: str, rule: Rule[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule whose sentence another one decides is there for nothing, and a sentence without its rule explains none."""
    judged = told(rule.example)

    others = [each for each in getattr(module, table).rules if each is not rule]
    monkeypatch.setattr(module, table, Table(*others))

    assert told(rule.example) != judged


@pytest.mark.parametrize("table", [pytest.param(found.rules, id=name) for _, name, found in tables()])
def test_a_rule_has_a_name_of_its_own(table: tuple[Rule[Any, Any], ...]) -> None:
    """A red test tells which one."""
    assert len({rule.name for rule in table}) == len(table)
