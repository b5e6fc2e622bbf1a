"""Compile what the bindings and controls of a document say: rules, texts, choices, actions."""

import re
from xml.etree.ElementTree import Element

from conversations.xforms.document.document import Document
from conversations.xforms.document.expressions import expression, label_of, message_of
from conversations.xforms.document.instance import place_at
from conversations.xforms.document.xml import JAVAROSA, child_of, local, text_in
from conversations.xforms.form import Action, ItemSet, Text
from conversations.xforms.nodes import Place


def compile_logic(document: Document) -> None:
    """Compile the rules of each binding.

    A repeat's relevance is compiled for the frame around it, unless it reads an instance.
    """
    for place, bind in document.binds.items():
        logic = document.form.logic[place]
        for name, column in (
            ("required", "required"),
            ("readonly", "read_only"),
            ("constraint", "constraint"),
            ("calculate", "calculation"),
        ):
            source = (bind.get(name) or "").strip()
            if source:
                setattr(logic, name, expression(document, source, place, column))
        source = (bind.get("relevant") or "").strip()
        if source:
            logic.relevant = expression(document, source, place, "relevant")
            if place.is_repeat and logic.relevant is not None:
                below = {place, *place.descendants()}
                reads = logic.relevant.reads
                logic.relevant_each = bool(below & reads.values.keys() or place in reads.repeats)
                if not logic.relevant_each:
                    logic.relevant = expression(document, source, place, "relevant", outside=True)
        if place.children and logic.calculate is not None:
            logic.calculate = None
        if place.is_leaf and (kind := bind.get(f"{JAVAROSA}preload")):
            document.form.preloads[place] = (kind, bind.get(f"{JAVAROSA}preloadParams", ""))


def compile_texts(document: Document) -> None:
    """Compile labels, hints, messages and choices."""
    for place, bind in document.binds.items():
        logic = document.form.logic[place]
        logic.required_message = message_of(document, bind.get(f"{JAVAROSA}requiredMsg", ""), place, "required_message")
        logic.constraint_message = message_of(
            document, bind.get(f"{JAVAROSA}constraintMsg", ""), place, "constraint_message"
        )
    for place, element in document.controls.items():
        logic = document.form.logic[place]
        logic.label = label_of(document, element, place, "label")
        logic.hint = label_of(document, element, place, "hint")
        logic.guidance = label_of(document, element, place, "hint", form="guidance")
        if local(element) in ("select1", "select", "rank"):
            logic.items = _items_of(document, element, place)


def _items_of(document: Document, element: Element, place: Place) -> ItemSet:
    """Read where the choices of a select come from."""
    itemset = child_of(element, "itemset")
    if itemset is None:
        inline: list[tuple[str, Text]] = []
        for item in element:
            if local(item) == "item":
                value = next((text_in(child).strip() for child in item if local(child) == "value"), "")
                inline.append((value, label_of(document, item, place, "label")))
        if not inline and not element.get("query"):
            document.problem("choices.none", place.path, name=place.name)
        return ItemSet(inline=tuple(inline))
    source = (itemset.get("nodeset") or "").strip()
    nodes = expression(document, source, place, "choice_filter")
    refs = {local(child): (child.get("ref") or "").strip() for child in itemset}
    made = ItemSet(nodes=nodes)
    if nodes is None:
        return made
    made.is_filtered = bool(nodes.reads.values or nodes.reads.repeats)
    if nodes.node_kind == "items":
        made.value_name = refs.get("value", "name")
        label = refs.get("label", "label")
        inner = re.fullmatch(r"jr:itext\(\s*([\w.\-]+)\s*\)", label)
        made.label_is_itext = inner is not None
        made.label_name = inner.group(1) if inner is not None else label
    elif nodes.node_places:
        origin = nodes.node_places[0]
        made.value = expression(document, refs.get("value", "."), origin, "choice_filter")
        made.label = expression(document, refs.get("label", "."), origin, "choice_filter")
    else:
        document.problem("expression.not_nodes", place.path, expression=source, column="choice_filter", found="")
    if nodes.constant or (nodes.node_kind == "items" and not made.is_filtered):
        _check_list(document, source, place)
    return made


def _check_list(document: Document, source: str, place: Place) -> None:
    """Note a problem if a choice list does not exist or has no choices."""
    name = re.search(r"instance\(\s*['\"]([^'\"]+)['\"]\s*\)", source)
    if name is None:
        return
    container = document.form.instances.get(name.group(1))
    if container is None:
        document.problem("choices.no_list", place.path, name=name.group(1))
    elif name.group(1) not in document.unreadable and not container.children and not document.form.missing_media:
        document.problem("choices.none", place.path, name=name.group(1), severity="warning")


def compile_actions(document: Document) -> None:
    """Compile every setvalue, by the event that triggers it."""
    first: list[Action] = []
    always: list[Action] = []
    new: dict[Place, list[Action]] = {}
    triggers: dict[Place, list[Action]] = {}
    for element, around in document.setvalues:
        # The specification wants an absolute path, and neither reference engine follows another.
        ref = (element.get("ref") or element.get("nodeset") or "").strip()
        target = place_at(document, ref)
        if target is None or not target.is_leaf:
            document.problem("xform.setvalue_nowhere", ref, severity="warning")
            continue
        source = (element.get("value") or "").strip()
        column = "default" if "xforms-value-changed" not in element.get("event", "") else "calculation"
        value = expression(document, source, target, column) if source else None
        action = Action(target, value, text_in(element) if element.get("value") is None else "")
        for event in element.get("event", "").split():
            match event:
                case "odk-instance-first-load" | "xforms-ready":
                    first.append(action)
                case "odk-instance-load":
                    always.append(action)
                case "odk-new-repeat":
                    inner = target.frame.place
                    if inner is not None:
                        new.setdefault(inner, []).append(action)
                case "xforms-value-changed":
                    if around is not None:
                        triggers.setdefault(around, []).append(action)
                case unknown:
                    document.problem("xform.unknown_event", target.path, severity="warning", event=unknown)
    document.form.first_load = tuple(first)
    document.form.every_load = tuple(always)
    document.form.new_repeat = {place: tuple(actions) for place, actions in new.items()}
    document.form.triggers = {place: tuple(actions) for place, actions in triggers.items()}
