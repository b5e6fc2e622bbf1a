"""Read a form from its XForm document.

pyxform turns a workbook into an XForm. The XForm is the stable format of this field: ODK Collect, Kobo and the web
engine read the same file. (Other outputs of pyxform are internal.) Reading collects every problem instead of stopping
at the first.
"""

from collections.abc import Mapping

from conversations.xforms.document.body import read_body, read_unsupported_action
from conversations.xforms.document.document import Document
from conversations.xforms.document.instance import find_repeats, read_binds, read_instance, read_itext, read_places
from conversations.xforms.document.logic import compile_actions, compile_logic, compile_texts
from conversations.xforms.document.order import set_order
from conversations.xforms.document.questions import make_questions, readonly_places
from conversations.xforms.document.xml import JAVAROSA, child_of, local, text_in
from conversations.xforms.form import Form
from conversations.xforms.problems import AuthorError, Problem


def read_xform(xml: str | bytes, *, media: Mapping[str, bytes] = {}) -> Form:
    """Read the form of an XForm document. `media` has the attached files by name.

    AuthorError has everything that is wrong. What is only doubtful is in `Form.warnings`.
    """
    document = Document(xml, media)
    form, root = document.form, document.root
    head, body = child_of(root, "head"), child_of(root, "body")
    model = child_of(head, "model")
    instances = [] if model is None else [child for child in model if local(child) == "instance"]
    primary = next(iter(instances[0]), None) if instances else None
    if local(root) != "html" or head is None or body is None or model is None or primary is None:
        raise AuthorError([Problem("xform.not_xform")])
    title = child_of(head, "title")
    form.title = "" if title is None else text_in(title)
    form.form_id = primary.get("id") or primary.get(f"{JAVAROSA}id") or local(primary)
    form.version = primary.get("version", "")
    read_itext(document, model)
    for instance in instances[1:]:
        read_instance(document, instance)
    find_repeats(document, body)
    read_places(document, primary)
    read_binds(document, model)
    read_body(document, body, None)
    for child in model:
        if local(child) == "setvalue":
            document.setvalues.append((child, None))
        elif local(child) in ("setgeopoint", "recordaudio"):
            read_unsupported_action(document, child)
    compile_logic(document)
    make_questions(document)
    form.readonly = readonly_places(document)
    form.may_be_readonly = frozenset(place.path for place in form.asked & form.readonly)
    compile_texts(document)
    compile_actions(document)
    set_order(document)
    errors = [problem for problem in document.problems if problem.severity == "error"]
    if errors:
        raise AuthorError(document.problems)
    form.warnings = tuple(document.problems)
    return form
