"""Make the questions of a form from its leaves: type, group, parameters."""

from xml.etree.ElementTree import Element

from conversations.xforms.document.document import Document
from conversations.xforms.document.xml import XFORMS, child_of, local
from conversations.xforms.form import Question
from conversations.xforms.nodes import Place
from conversations.xforms.question_types import type_of


def make_questions(document: Document) -> None:
    form = document.form
    questions: list[Question] = []
    for place in (form.root, *form.root.descendants()):
        if not place.is_leaf or place is form.root:
            continue
        question = _make_question(document, place, len(questions))
        form.logic[place].question = question
        questions.append(question)
    form.questions = tuple(questions)
    form.outside_repeats = {each.path: each for each in questions if each.place.frame is form.frame}
    form.asked = frozenset(each.place for each in questions if each.is_asked and each.type != "note")
    form.groups = tuple(document.groups)


def readonly_places(document: Document) -> frozenset[Place]:
    """The places that have a read-only rule, and everything below them."""
    found: set[Place] = set()
    for place in (document.form.root, *document.form.root.descendants()):
        if place.parent in found or document.form.logic[place].readonly is not None:
            found.add(place)
    return frozenset(found)


def _make_question(document: Document, place: Place, number: int) -> Question:
    control = document.controls.get(place)
    bind = document.binds.get(place)
    logic = document.form.logic[place]
    raw_type = (bind.get("type") or "string").rpartition(":")[2] if bind is not None else "string"
    value_type = {"rank": "string", "select": "string", "select1": "string"}.get(raw_type, raw_type)
    parameters: dict[str, str] = {}
    if bind is not None and (pixels := bind.get("{http://openrosa.org/xforms}max-pixels")):
        parameters["max-pixels"] = pixels
    if control is not None:
        is_note = logic.readonly is not None and logic.readonly.constant
        kind = type_of(local(control), value_type, mediatype=control.get("mediatype", ""), readonly=is_note)
        parameters |= _parameters(control)
    else:
        kind = unasked_type(document, place, value_type)
    if kind == "range":
        parameters["value_type"] = value_type
    group = document.group_of.get(place)
    above = place.parent
    while group is None and above is not None:
        group = document.form.logic[above].group
        above = above.parent
    if control is not None and kind != "note" and logic.calculate is not None:
        # A calculation that reads its own value, mainly once(), keeps an entered answer by itself.
        reads = logic.calculate.reads
        logic.is_editable = not reads.own_value and place not in reads.values
    return Question(
        path=place.path,
        name=place.name,
        number=number,
        type=kind,
        value_type=value_type,
        is_asked=control is not None,
        appearances=tuple(control.get("appearance", "").split()) if control is not None else (),
        parameters=parameters,
        group=group,
        extras=_extras(bind) if bind is not None else {},
        constraint_source=(bind.get("constraint") or "") if bind is not None else "",
        place=place,
    )


def unasked_type(document: Document, place: Place, value_type: str) -> str:
    """The type of a leaf without a control: filled in by the phone, a calculation, or hidden."""
    match document.form.preloads.get(place):
        case ("timestamp", "start" | "end" as kind):
            return kind
        case ("date", _):
            return "today"
        case ("property", "username" | "deviceid" | "phonenumber" | "email" as kind):
            return kind
        case ("property", _):
            return "hidden"
    if place in document.locations:
        return "start-geopoint"
    if place in document.recordings:
        return "background-audio"
    if place.name == "audit" and value_type == "binary":
        return "audit"
    return "calculate" if document.form.logic[place].calculate is not None else "hidden"


_CONTROL_PARAMETERS = {
    "start": "start", "end": "end", "step": "step", "rows": "rows", "query": "query", "mediatype": "mediatype",
    "accuracyThreshold": "capture-accuracy", "unacceptableAccuracyThreshold": "warning-accuracy",
}  # fmt: skip


def _parameters(control: Element) -> dict[str, str]:
    """The parameters of a control, under the names that XLSForm gives them."""
    found: dict[str, str] = {}
    for name, value in control.attrib.items():
        plain = name.rpartition("}")[2]
        if plain in _CONTROL_PARAMETERS:
            found[_CONTROL_PARAMETERS[plain]] = value
        elif name.startswith("{") and not name.startswith(XFORMS):
            found[plain] = value
    itemset = child_of(control, "itemset")
    if itemset is not None and itemset.get("nodeset", "").strip().startswith("randomize("):
        found["randomize"] = "true"
    return found


def _extras(bind: Element) -> dict[str, str]:
    """The attributes of our own extension namespace, whatever address the author gave it."""
    return {
        name.rpartition("}")[2]: value
        for name, value in bind.attrib.items()
        if name.startswith("{") and "enlace" in name.partition("}")[0].casefold()
    }
