"""Parse the XML of an XForm. External entities and entity bombs are refused while parsing."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from conversations.xforms.nodes import Item
from conversations.xforms.problems import AuthorError, Problem

JAVAROSA = "{http://openrosa.org/javarosa}"
XFORMS = "{http://www.w3.org/2002/xforms}"


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child_of(element: Element | None, name: str) -> Element | None:
    """The first child of this name."""
    return None if element is None else next((child for child in element if local(child) == name), None)


def parse_xml(xml: str | bytes) -> Element:
    """The root element. A document type, an entity or broken XML is an AuthorError."""
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise AuthorError([Problem("xform.doctype")]) from None
    except ParseError as error:
        raise AuthorError([Problem("xform.not_xml", row=error.position[0], values={"detail": str(error)})]) from None
    except (ValueError, LookupError) as error:
        raise AuthorError([Problem("xform.not_xml", values={"detail": str(error)})]) from None
    return root


def text_in(element: Element) -> str:
    """All text in an element."""
    return "".join(element.itertext())


def itext_id(written: str) -> str | None:
    """The id in jr:itext('id'); None if this is another text."""
    found = re.fullmatch(r"\s*jr:itext\(\s*(['\"])(.*)\1\s*\)\s*", written, re.DOTALL)
    return found.group(2) if found is not None else None


def copy_items(element: Element, parent: Item) -> None:
    """Copy the elements below `element` as items below `parent`."""
    for child in element:
        if isinstance(child.tag, str):
            item = Item(local(child), (child.text or "").strip() if len(child) == 0 else "", parent)
            copy_items(child, item)
