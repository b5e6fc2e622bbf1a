"""Read the model of a document: its languages, secondary instances, places and bindings."""

import contextlib
import re
from xml.etree.ElementTree import Element

from conversations.xforms.bundle import PLAN_LISTS
from conversations.xforms.document.attachments import read_media
from conversations.xforms.document.document import Document
from conversations.xforms.document.xml import JAVAROSA, child_of, copy_items, local, text_in
from conversations.xforms.form import Logic
from conversations.xforms.nodes import FrameType, Item, Place, Seed
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.xpath.compile import is_boolean
from conversations.xforms.xpath.syntax import ExpressionError

MAX_PLACES = 20_000
"""Elements of a form's instance. The largest real forms have a few thousand."""


def read_itext(document: Document, model: Element) -> None:
    """Read the texts of each language; a text may have other forms, and files by kind."""
    itext = child_of(model, "itext")
    languages: list[str] = []
    for translation in itext if itext is not None else ():
        language = translation.get("lang", "")
        languages.append(language)
        if translation.get("default") is not None:
            document.form.default_language = language
        texts = document.form.itext.setdefault(language, {})
        for text in translation:
            forms: dict[str, Element | str] = {}
            for value in text:
                form = value.get("form", "")
                if form in ("", "long", "short", "guidance"):
                    forms[form] = value
                else:
                    forms[form] = text_in(value).strip().rpartition("/")[2]
            texts[text.get("id", "")] = forms
    document.form.languages = tuple(languages)
    if languages and not document.form.default_language:
        document.form.default_language = languages[0]


def read_instance(document: Document, element: Element) -> None:
    """Read a secondary instance: written in the document, or in an attached file."""
    name = element.get("id", "")
    source = element.get("src", "")
    container = Item(name)
    if len(element):
        copy_items(element, container)
    elif source and name != "__last-saved" and not source.startswith("jr://instance/last-saved"):
        file_name = source.rpartition("/")[2]
        data = document.media.get(file_name)
        if file_name in PLAN_LISTS:
            document.form.plan_lists += (file_name,)
        if data is None and file_name in PLAN_LISTS:
            document.unreadable.add(name)  # empty until a plan is there
        elif data is None:
            document.form.missing_media += (file_name,)
            document.problem("media.missing", file=file_name, severity="warning")
        else:
            try:
                read_media(file_name, data, container)
            except AuthorError as error:
                document.problems.extend(error.problems)
                document.unreadable.add(name)
    document.form.instances[name] = container


def find_repeats(document: Document, body: Element) -> None:
    """Note the paths of all repeats, before the places are read."""
    for element in body.iter():
        if local(element) == "repeat":
            document.repeat_paths.add(element.get("nodeset", "").strip())


def read_places(document: Document, primary: Element) -> None:
    """Give every element of the primary instance a place."""
    form = document.form
    form.root = Place(local(primary), None, form.frame)
    _register(document, form.root)
    _read_children(document, primary, form.root, form.frame)
    form.frame.template = _seed(document, primary, form.frame, form.root)


def _register(document: Document, place: Place) -> None:
    document.form.places[place.path] = place
    document.form.by_name.setdefault(place.name, []).append(place)
    document.form.logic[place] = Logic(place)
    if len(document.form.places) > MAX_PLACES:
        raise AuthorError([Problem("xform.too_many_nodes", values={"limit": MAX_PLACES})])


def _read_children(document: Document, element: Element, parent: Place, frame: FrameType) -> None:
    """Give places to the elements below `element`. A repeat opens a frame type of its own."""
    models: dict[str, list[Element]] = {}
    for child in element:
        if isinstance(child.tag, str):
            models.setdefault(local(child), []).append(child)
    for name, same in models.items():
        template = next((child for child in same if child.get(f"{JAVAROSA}template") is not None), None)
        place = Place(name, parent, frame)
        if template is not None or place.path in document.repeat_paths:
            place.inner = FrameType(frame, place)
            # Number 0 of a repeat's own frame is the repeat itself.
            place.inner.places.append(place)
            frame.repeats.append(place)
            _register(document, place)
            pattern = template if template is not None else same[0]
            _read_children(document, pattern, place, place.inner)
            place.inner.template = _seed(document, pattern, place.inner, place)
            continue
        _register(document, place)
        if len(same) > 1:
            document.problem("xform.duplicate_node", place.path)
        _read_children(document, same[0], place, frame)


def _seed(document: Document, element: Element, frame: FrameType, place: Place) -> Seed:
    """The values with which a frame starts, as this element of the instance says."""
    values = [""] * len(frame.places)
    repeats: dict[int, tuple[Seed, ...]] = {repeat.slot: () for repeat in frame.repeats}
    _fill_seed(document, element, place, values, repeats)
    return Seed(tuple(values), repeats)


def _fill_seed(
    document: Document, element: Element, place: Place, values: list[str], repeats: dict[int, tuple[Seed, ...]]
) -> None:
    for child in element:
        found = place.children.get(local(child))
        if found is None:
            continue
        if found.inner is not None:
            if child.get(f"{JAVAROSA}template") is None:
                repeats[found.slot] += (_seed(document, child, found.inner, found),)
        elif found.children:
            _fill_seed(document, child, found, values, repeats)
        else:
            values[found.slot] = child.text or ""


def place_at(document: Document, ref: str, context: Place | None = None) -> Place | None:
    """The place that a reference of a control or bind names. A relative one starts at the group around it."""
    path = re.sub(r"(?<=/)[^/:]+:(?=[^/:])", "", ref.strip())
    if not path.startswith("/") and context is not None:
        parts = context.path.split("/")
        for part in path.split("/"):
            if part == "..":
                parts.pop()
            elif part not in (".", ""):
                parts.append(part)
        path = "/".join(parts)
    return document.form.places.get(path)


def read_binds(document: Document, model: Element) -> None:
    """Note the binding of each place, and the type of its value."""
    for bind in model:
        if local(bind) != "bind":
            continue
        ref = bind.get("nodeset") or bind.get("ref") or ""
        place = place_at(document, ref, document.form.root)
        if place is None:
            document.problem("xform.bind_nowhere", ref, severity="warning")
            continue
        document.binds[place] = bind
        place.value_type = (bind.get("type") or "string").rpartition(":")[2]
        if place.value_type in ("rank", "select", "select1"):
            place.value_type = "string"
        if place.value_type == "string" and place.is_leaf and bind.get("calculate"):
            # A calculation that cannot be read is reported when it is compiled.
            with contextlib.suppress(ExpressionError):
                place.value_type = "boolean" if is_boolean(bind.get("calculate", "")) else "string"
