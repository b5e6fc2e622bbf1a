"""What publishing a form again changes, shown before it is done.

An officer's draft goes on with its old questions, and reports of two versions are compared for years. So the author
sees which questions come, go and change, by the names that stay the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.xforms.form import Form, ItemSet, Question, Text
from conversations.xforms.nodes import Item
from conversations.xforms.xpath.expression import Expression


@dataclass(frozen=True, slots=True)
class Revision:
    """Paths of questions below the form's root.

    `changed` says what has changed in each: type, label, relevant, choices …
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def compare(old: Form, new: Form) -> Revision:
    """The questions that `new` adds, drops and changes, asked ones and calculated ones, in the form's order."""
    before = {_name(question): _said(old, question) for question in old.questions}
    after = {_name(question): _said(new, question) for question in new.questions}
    changed: dict[str, tuple[str, ...]] = {}
    for name, said in after.items():
        if name in before and (what := tuple(key for key in said if said[key] != before[name][key])):
            changed[name] = what
    return Revision(
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        changed,
    )


def _name(question: Question) -> str:
    return question.path.split("/", 2)[-1]


def _said(form: Form, question: Question) -> dict[str, Any]:
    logic = form.logic[question.place]
    return {
        "type": (question.type, question.value_type, question.is_asked, question.group and question.group.is_repeat),
        "label": _text(logic.label),
        "hint": (_text(logic.hint), _text(logic.guidance)),
        "choices": list(_choices(form, logic.items)) if logic.items is not None else [],
        "relevant": _source(logic.relevant),
        "required": (_source(logic.required), _text(logic.required_message)),
        "constraint": (_source(logic.constraint), _text(logic.constraint_message)),
        "calculation": _source(logic.calculate),
        "read_only": _source(logic.readonly),
        "default": [
            (_source(action.value), action.literal) for action in form.first_load if action.target is question.place
        ],
        "appearance": question.appearances,
        "parameters": dict(question.parameters),
    }


def _source(expression: Expression | None) -> str:
    return " ".join(expression.source.split()) if expression is not None else ""


def _text(text: Text) -> dict[str, list[str]]:
    return {
        language: [part if isinstance(part, str) else _source(part) for part in message]
        for language, message in text.by_language.items()
    }


def _choices(form: Form, items: ItemSet) -> Iterator[Any]:
    for value, label in items.inline:
        yield value, _text(label)
    if items.nodes is None:
        return
    source = _source(items.nodes)
    yield source
    for name, container in form.instances.items():
        if f"'{name}'" in source or f'"{name}"' in source:
            yield list(_rows(form, container, items))


def _rows(form: Form, container: Item, items: ItemSet) -> Iterator[Any]:
    """The list's rows with their labels.

    A text's own number moves when a row is inserted above it, so it does not count.
    """
    for item in container.descendants():
        if not item.children:
            if items.label_is_itext and item.name == items.label_name:
                yield [_words(texts.get(item.text, {})) for texts in form.itext.values()]
            else:
                yield item.name, item.text


def _words(forms: Mapping[str, Any]) -> list[str]:
    return ["".join(each.itertext()) if hasattr(each, "itertext") else str(each) for each in forms.values()]
