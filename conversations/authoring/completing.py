"""Write the attached lists of a form into its XForm, so that the XForm alone is the form."""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from conversations.xforms.bundle import PLAN_LISTS
from conversations.xforms.form import Form
from conversations.xforms.nodes import Item
from conversations.xforms.question_types import clean

TAG = re.compile(r"[^\W\d][\w.\-]*")


def complete(xform: str, form: Form) -> str:
    """Return the XForm with the lists of its attached files written into it.

    A published form is stored as this one text. A column is left out if XML does not allow its name: no expression
    could name it either.
    """

    def written(found: "re.Match[str]") -> str:
        attributes = dict(re.findall(r'([\w:]+)\s*=\s*["\']([^"\']*)["\']', found[1]))
        container = form.instances.get(attributes.get("id", ""))
        is_plans = attributes.get("src", "").rpartition("/")[2] in PLAN_LISTS
        if "src" not in attributes or container is None or not container.children or is_plans:
            return found[0]
        return f"<instance{found[1].rstrip()}>{''.join(_xml(item) for item in _children(container))}</instance>"

    return re.sub(r"<instance\b([^>]*?)/>", written, xform)


def _children(item: Item) -> Iterator[Item]:
    return (child for group in item.children.values() for child in group if TAG.fullmatch(child.name))


def _xml(item: Item) -> str:
    inside = "".join(_xml(child) for child in _children(item)) or escape(clean(item.text))
    return f"<{item.name}>{inside}</{item.name}>"
