"""Write a submission as the XML that ODK's own programs write and read.

Central, Briefcase and Kobo take a filled form as one XML document: the form's own tree, with id and version at its
root and the number of the instance under `meta`. What is not relevant is left out, blanks are empty, and the instances
of a repeat follow each other. Only the answers of a submission are stored. The tree comes from the form version that
they belong to.

Law: the document contains what was submitted, even if the form would calculate something else today. Source: ODK
XForms specification, "Submission"; OpenRosa, "Metadata".
"""

from collections.abc import Mapping

from conversations.session.engine import Given, begin
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling


def submission_xml(form: Form, answers: Mapping[str, str], filling: Filling, *, deprecated_id: str = "") -> str:
    """The document of stored answers, by ref. A correction names the instance that it replaces."""
    instance = begin(form, filling, Given(answers=answers)).instance
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{instance.submission_xml(answers, deprecated_id)}"
