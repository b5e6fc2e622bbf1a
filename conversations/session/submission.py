"""Write a submission as the XML that ODK's own programs write and read.

Central, Briefcase and Kobo take a filled form as one XML document: the form's own tree, with id and version at its
root and the number of the instance under `meta`. What is not relevant is left out, blanks are empty, and the instances
of a repeat follow each other. Only the answers of a submission are stored. The tree comes from the form version that
they belong to.

Law: the document contains what was submitted, even if the form would calculate something else today. Source: ODK
XForms specification, "Submission"; OpenRosa, "Metadata".
"""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from conversations.session.engine import Given, begin
from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.nodes import Frame, Place


def submission_xml(
    form: Form,
    answers: Mapping[str, str],
    filling: Filling,
    *,
    deprecated_id: str | None = None,
) -> str:
    """The document of stored answers, by ref. A correction names the instance that it replaces."""
    instance = begin(form, filling, Given(answers=answers)).instance
    return "".join(
        ("<?xml version='1.0' encoding='UTF-8'?>\n", *_Writer(instance, answers, deprecated_id or "").root())
    )


class _Writer:
    def __init__(self, instance: Instance, answers: Mapping[str, str], deprecated_id: str) -> None:
        self._instance = instance
        self._answers = answers
        self._deprecated_id = deprecated_id
        self._above = {ref[:at] for ref in answers for at, character in enumerate(ref) if character == "/"}
        """The refs of everything that an answer stands below."""

    def root(self) -> Iterator[str]:
        form = self._instance.form
        version = f" version={quoteattr(form.version)}" if form.version else ""
        yield from self._node(form.root, self._instance.root, f" id={quoteattr(form.form_id)}{version}")

    def _node(self, place: Place, frame: Frame, attributes: str = "") -> Iterator[str]:
        if place.is_leaf:
            value = self._answers.get(ref_of(place, frame), "")
            yield f"<{place.name}>{escape(value)}</{place.name}>" if value else f"<{place.name}/>"
            if self._deprecated_id and place.path.endswith("/meta/instanceID"):
                yield f"<deprecatedID>{escape(self._deprecated_id)}</deprecatedID>"
            return
        yield f"<{place.name}{attributes}>"
        for child in place.children.values():
            if child.is_repeat:
                for each in frame.repeats[child.slot]:
                    ref = f"{ref_of(child, frame)}[{each.index + 1}]"
                    if (frame.relevant[child.slot] and each.relevant[0]) or ref in self._above:
                        yield from self._node(child, each)
            elif frame.relevant[child.slot] or (ref := ref_of(child, frame)) in self._answers or ref in self._above:
                yield from self._node(child, frame)
        yield f"</{place.name}>"
