"""Read the body of a document: which place has a control, and which groups and repeats are around it."""

from xml.etree.ElementTree import Element

from conversations.xforms.document.document import Document
from conversations.xforms.document.expressions import expression, label_of
from conversations.xforms.document.instance import place_at
from conversations.xforms.document.xml import JAVAROSA, child_of, local
from conversations.xforms.form import Group
from conversations.xforms.nodes import Place


def read_body(document: Document, element: Element, group: Group | None) -> None:
    for child in element:
        match local(child):
            case "group":
                _read_group(document, child, group)
            case "repeat":
                _read_repeat(document, child, group, None)
            case "input" | "select1" | "select" | "rank" | "trigger" | "upload" | "range" | "secret":
                _read_control(document, child, group)
            case "label" | "hint" | "setvalue" | "":
                pass
            case "setgeopoint" | "recordaudio":
                read_unsupported_action(document, child)
            case unknown:
                document.problem("xform.unknown_control", unknown)


def _read_group(document: Document, element: Element, group: Group | None) -> None:
    ref = element.get("ref", "").strip()
    place = place_at(document, ref, _context(document, group)) if ref else None
    if ref and place is None:
        document.problem("xform.control_nowhere", ref, severity="warning")
    repeat = child_of(element, "repeat")
    if repeat is not None and all(local(child) in ("repeat", "label", "setvalue", "hint") for child in element):
        _read_repeat(document, repeat, group, element)
        return
    made = _make_group(document, element, place, group, is_repeat=False)
    read_body(document, element, made)


def _read_repeat(document: Document, element: Element, group: Group | None, around: Element | None) -> None:
    place = place_at(document, element.get("nodeset", ""), _context(document, group))
    if place is None or place.inner is None:
        document.problem("xform.control_nowhere", element.get("nodeset", ""))
        return
    made = _make_group(document, around if around is not None else element, place, group, is_repeat=True, inner=element)
    count = element.get(f"{JAVAROSA}count")
    if count:
        document.form.logic[place].count = expression(document, count, place, "repeat_count", outside=True)
    read_body(document, element, made)


def _make_group(
    document: Document,
    element: Element,
    place: Place | None,
    parent: Group | None,
    *,
    is_repeat: bool,
    inner: Element | None = None,
) -> Group:
    """Note a group or repeat, its label, and its setvalue actions. `inner` is the repeat element in a group."""
    words = f"{element.get('appearance', '')} {inner.get('appearance', '') if inner is not None else ''}".split()
    group = Group(
        path=place.path if place is not None else "",
        name=place.name if place is not None else "",
        parent=parent,
        is_repeat=is_repeat,
        appearances=tuple(dict.fromkeys(words)),
        label=label_of(document, element, place or _place_around(parent) or document.form.root, "label"),
        place=place,
    )
    document.groups.append(group)
    if place is not None:
        logic = document.form.logic[place]
        logic.group = group
        logic.label = group.label
    for child in (*element, *(inner if inner is not None and inner is not element else ())):
        if local(child) == "setvalue":
            document.setvalues.append((child, place))
    return group


def _context(document: Document, group: Group | None) -> Place | None:
    """The place at which a relative reference in a group starts. A group that only lays out questions has none."""
    return document.form.places.get(group.path) if group is not None else document.form.root


def _place_around(group: Group | None) -> Place | None:
    """The place of the nearest group that has one. A group that only lays out questions has none."""
    while group is not None and group.place is None:
        group = group.parent
    return group.place if group is not None else None


def _read_control(document: Document, element: Element, group: Group | None) -> None:
    ref = element.get("ref") or element.get("nodeset") or ""
    if not ref and element.get("bind"):
        ref = next((b.get("nodeset", "") for b in document.binds.values() if b.get("id") == element.get("bind")), "")
    place = place_at(document, ref, _context(document, group) or document.form.root)
    if place is None:
        document.problem("xform.control_nowhere", ref, severity="warning")
        return
    document.controls[place] = element
    document.group_of[place] = group
    for child in element:
        if local(child) == "setvalue":
            document.setvalues.append((child, place))
        elif local(child) in ("setgeopoint", "recordaudio"):
            read_unsupported_action(document, child)


def read_unsupported_action(document: Document, element: Element) -> None:
    """Note a setgeopoint or recordaudio action: its target becomes a question that is not asked."""
    place = place_at(document, element.get("ref", ""), document.form.root)
    if place is not None:
        (document.locations if local(element) == "setgeopoint" else document.recordings).add(place)
