"""Decide which version of a form a content is, and make it the current one.

Authors count versions by hand, forget to, or only renew a list. But a number that answers belong to must never mean
other questions. The command line and the chat publish through here.
"""

import hashlib
from datetime import datetime
from itertools import count

from bot.open_storage import plan_named
from conversations.wording import Wording
from conversations.xforms.bundle import Bundle, stored_bundle
from conversations.xforms.form import CheckedForm, Form
from storage.reports.forms import NewForm, StoredForm
from storage.unit_of_work import UnitOfWork


def publish(
    unit: UnitOfWork,
    bundle: Bundle,
    checked: CheckedForm,
    now: datetime,
    *,
    plan_id: int | None = None,
    plan_code: str = "",
    by: int | None = None,
) -> StoredForm:
    """Store this version of the form, with an audit entry. The content of the current version changes nothing.

    The content of an earlier version makes that version current again. A form without a version gets the day as its
    version; the same workbook with new lists gets a further number ("3+2"). These names are used only here: the
    document keeps the version that its author wrote, and receivers know that one. Conflict if the version was published
    with other questions: its author must use a new number.
    """
    if plan_id is None:
        plan_id = plan_named(unit, plan_code).id
    form, content = checked.form, bundle.content
    sha256 = hashlib.sha256(content).hexdigest()
    current = unit.forms.current(plan_id, form.form_id)
    if current is not None and current.sha256 == sha256:
        return current
    version = free_version(unit, plan_id, bundle, form, now)
    stored = unit.forms.publish(
        NewForm(
            plan_id=plan_id,
            form_id=form.form_id,
            version=version,
            title=form.title,
            xform=checked.xform,
            workbook=content,
            sha256=sha256,
        ),
        now,
        by=by,
    )
    details = {"form_id": stored.form_id, "version": stored.version, "sha256": sha256}
    unit.audit.record("form_published", by, plan_id, {**details, "mark": unit.forms.mark(stored.id)}, now)
    return stored


def free_version(unit: UnitOfWork, plan_id: int, bundle: Bundle, form: Form, now: datetime) -> str:
    """The version for this content: the author's own, unless it is blank or only data has changed.

    Content that was published before keeps its version.
    """
    versions = {stored.version: stored for stored in unit.forms.versions(plan_id, form.form_id)}
    sha256 = hashlib.sha256(bundle.content).hexdigest()
    for stored in versions.values():
        if stored.sha256 == sha256:
            return stored.version
    wanted = form.version or f"{now:%Y%m%d}"
    taken = versions.get(wanted)
    if taken is None:
        return wanted
    if form.version and stored_bundle(form.form_id, unit.forms.workbook(taken.id)).workbook != bundle.workbook:
        return wanted  # used for other questions: Forms.publish refuses it
    return next(f"{wanted}+{number}" for number in count(2) if f"{wanted}+{number}" not in versions)


def title_of(form: StoredForm, say: Wording) -> str:
    """The form's title: of a shipped form in the reader's language, of any other as its author wrote it."""
    key = f"form_title.{form.form_id}"
    return say(key) if key in say else form.title or form.form_id
