"""Write an answer as people read it: labels instead of codes, dates in the reader's order."""

from conversations.dates import show_date
from conversations.session.effects import Answered
from conversations.session.markup import spoken
from conversations.wording import wording
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Question
from conversations.xforms.instance import Instance


def shown(instance: Instance, node: Node, language: str, value: str | None = None) -> str:
    """The answer of a node, or `value`, as people read it in this language."""
    say = wording(language)
    raw = node.value if value is None else value
    if not raw:
        return say("form.no_answer")
    match node.question.type:
        case "select_one" | "select_one_from_file":
            of_it = [choice.label for choice in instance.choices(node) if choice.value == raw]
            return spoken(of_it[-1]) if of_it else raw
        case "select_multiple" | "rank":
            labels = {choice.value: spoken(choice.label) for choice in instance.choices(node)}
            return ", ".join(labels.get(value, value) for value in raw.split())
        case "acknowledge":
            return say("form.acknowledged")
        case "date":
            return _show_date(node.question, raw, language)
        case "dateTime":
            return f"{show_date(raw, language)}, {raw[11:16]}"
        case "time":
            return raw[:5]
        case "integer" | "decimal" | "range":
            number = raw.removesuffix(".0")
            return _grouped(number) if "thousands-sep" in node.question.appearances else number
        case "geopoint":
            latitude, longitude, *rest = raw.split()
            accuracy = rest[1].removesuffix(".0") if len(rest) > 1 else "0"
            return f"📍 {latitude}, {longitude}" + (f" (±{accuracy} m)" if accuracy != "0" else "")
        case "geotrace" | "geoshape":
            points = raw.split(";")
            return say("form.points", n=len(points) - (node.question.type == "geoshape"))
        case "image":
            return say("form.photo_received")
        case "file" | "audio" | "video":
            return say("form.file_received")
        case _:
            return raw


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
