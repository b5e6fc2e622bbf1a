"""Write an answer as people read it: labels instead of codes, dates in the reader's order."""

from collections.abc import Callable, Mapping

from conversations.dates import show_date
from conversations.session.effects import Answered
from conversations.session.markup import spoken
from conversations.wording import wording
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Question
from conversations.xforms.instance import Instance


def shown(instance: Instance, node: Node, language: str, value: str | None = None) -> str:
    """The answer of a node, or `value`, as people read it in this language."""
    raw = node.value if value is None else value
    if not raw:
        return wording(language)("form.no_answer")
    show = _SHOWN.get(node.question.type)
    return raw if show is None else show(instance, node, language, raw)


def _show_choice(instance: Instance, node: Node, _language: str, raw: str) -> str:
    labels = [choice.label for choice in instance.choices(node) if choice.value == raw]
    return spoken(labels[-1]) if labels else raw


def _show_choices(instance: Instance, node: Node, _language: str, raw: str) -> str:
    labels = {choice.value: spoken(choice.label) for choice in instance.choices(node)}
    return ", ".join(labels.get(value, value) for value in raw.split())


def _show_number(_instance: Instance, node: Node, _language: str, raw: str) -> str:
    number = raw.removesuffix(".0")
    return _grouped(number) if "thousands-sep" in node.question.appearances else number


def _show_place(_instance: Instance, _node: Node, _language: str, raw: str) -> str:
    latitude, longitude, *rest = raw.split()
    accuracy = rest[1].removesuffix(".0") if len(rest) > 1 else "0"
    return f"📍 {latitude}, {longitude}" + (f" (±{accuracy} m)" if accuracy != "0" else "")


def _show_line(_instance: Instance, node: Node, language: str, raw: str) -> str:
    return wording(language)("form.points", n=raw.count(";") + 1 - (node.question.type == "geoshape"))


def _sentence(key: str) -> "_Show":
    return lambda _instance, _node, language, _raw: wording(language)(key)


def told(instance: Instance, answered: Answered, language: str) -> tuple[str, str]:
    """The question and the answer of a line that tells what was answered."""
    if not answered.ref:
        return answered.label, answered.shown
    node = instance.node(answered.ref)
    return instance.label(node), shown(instance, node, language)


def calendar_of(question: Question) -> str:
    """The calendar in which a date is chosen: "year", "month-year" or "no-calendar"; otherwise ""."""
    return next((a for a in question.appearances if a in ("year", "month-year", "no-calendar")), "")


def _show_date(question: Question, raw: str, language: str) -> str:
    match calendar_of(question):
        case "year":
            return raw[:4]
        case "month-year":
            return show_date(raw, language).partition(" ")[2]
        case _:
            return show_date(raw, language)


def _grouped(number: str) -> str:
    """A number with commas between thousands, as the Dominican Republic writes it."""
    whole, point, fraction = number.partition(".")
    return f"{int(whole):,}{point}{fraction}" if whole.lstrip("-").isdecimal() else number


_Show = Callable[[Instance, Node, str, str], str]
_SHOWN: Mapping[str, _Show] = {
    "select_one": _show_choice,
    "select_one_from_file": _show_choice,
    "select_multiple": _show_choices,
    "rank": _show_choices,
    "acknowledge": _sentence("form.acknowledged"),
    "date": lambda _instance, node, language, raw: _show_date(node.question, raw, language),
    "dateTime": lambda _instance, _node, language, raw: f"{show_date(raw, language)}, {raw[11:16]}",
    "time": lambda _instance, _node, _language, raw: raw[:5],
    "integer": _show_number,
    "decimal": _show_number,
    "range": _show_number,
    "geopoint": _show_place,
    "geotrace": _show_line,
    "geoshape": _show_line,
    "image": _sentence("form.photo_received"),
    "file": _sentence("form.file_received"),
    "audio": _sentence("form.file_received"),
    "video": _sentence("form.file_received"),
}
"""How the answer of each type is shown. Any other is shown as it was written."""
