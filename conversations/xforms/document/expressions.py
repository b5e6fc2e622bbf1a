"""Compile the expressions and texts of a document, each for its place."""

from xml.etree.ElementTree import Element

from conversations.xforms.document.document import Document
from conversations.xforms.document.xml import child_of, itext_id, local, text_in
from conversations.xforms.form import Message, Text, trimmed
from conversations.xforms.nodes import Place
from conversations.xforms.xpath.compile import compile_expression
from conversations.xforms.xpath.expression import Expression, Surroundings
from conversations.xforms.xpath.syntax import ExpressionError


def expression(
    document: Document, source: str, place: Place, column: str, *, outside: bool = False
) -> Expression | None:
    """Compile an expression. If that fails, note the problem and return None."""
    try:
        found = compile_expression(source, place, _surroundings(document), outside=outside, column=column)
    except ExpressionError as error:
        values = {"expression": source.strip(), "at": error.at + 1, "column": column, "found": "", **error.values}
        document.problem(f"expression.{error.code}", place.path, severity="error", **values)
        return None
    for unknown in found.reads.unknown:
        values = {"expression": source.strip(), "found": unknown, "column": column}
        document.problem("expression.unknown_node", place.path, severity="warning", **values)
    return found


def _surroundings(document: Document) -> Surroundings:
    return Surroundings(document.form.root, document.form.instances, document.form.version)


def message_of(document: Document, written: str, place: Place, column: str) -> Text:
    """Read a message of a bind: a text, or the id of one."""
    written = written.strip()
    if not written:
        return Text({})
    text_id = itext_id(written)
    if text_id is not None:
        return _itext_text(document, text_id, place, column)
    return Text({"": (written,)})


def label_of(document: Document, element: Element, place: Place, tag: str, form: str = "") -> Text:
    """Read the label or hint of an element. `form` picks another form of the text, such as its guidance."""
    child = child_of(element, tag)
    if child is None:
        return Text({})
    ref = (child.get("ref") or "").strip()
    if ref:
        text_id = itext_id(ref)
        if text_id is not None:
            return _itext_text(document, text_id, place, tag, form)
        found = expression(document, ref, place, tag)
        return Text({"": (found,)}) if found is not None else Text({})
    return Text({"": _message_in(document, child, place, tag)}) if not form else Text({})


def _itext_text(document: Document, text_id: str, place: Place, column: str, form: str = "") -> Text:
    """The text with this id in every language; the default language comes first."""
    messages: dict[str, Message] = {}
    media: dict[str, dict[str, str]] = {}
    is_known = False
    order = sorted(document.form.languages, key=lambda language: language != document.form.default_language)
    for language in order:
        forms = document.form.itext[language].get(text_id)
        if forms is None:
            continue
        is_known = True
        value = forms.get(form) if form else forms.get("", forms.get("long", forms.get("short")))
        if isinstance(value, Element):
            messages[language] = _message_in(document, value, place, column)
        found = {kind: name for kind, name in forms.items() if isinstance(name, str)}
        if found:
            media[language] = found
    if not is_known:
        document.problem("xform.no_text", place.path, found=text_id, column=column)
    return Text(messages, media)


def _message_in(document: Document, element: Element, place: Place, column: str) -> Message:
    """Read a text and its outputs."""
    parts: list[str | Expression] = [element.text or ""]
    for child in element:
        if local(child) == "output":
            source = child.get("value") or child.get("ref") or ""
            found = expression(document, source, place, column)
            if found is not None:
                parts.append(found)
        else:
            parts.append(text_in(child))
        parts.append(child.tail or "")
    return trimmed(parts)
