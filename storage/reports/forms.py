"""Published forms, every version of them.

Somebody opens a form on Monday and sends it on Friday; on Wednesday the form is published anew. The answers belong to
the questions that were asked: a version's questions are never changed, and no version is removed. To go back to an
older version, publish it again; so a version has the time of its last publication. The audit log has all publications.
"""

import functools
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from conversations.xforms.bundle import plan_lists_of
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import Form as CompiledForm
from storage.database.declared import in_columns
from storage.database.marks import OF_A_FORM, form_mark
from storage.database.models import Form, FormVersion, Session, columns_of, table
from storage.database.statements import Prepared, insert_into
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound
from storage.plan.lists import plan_lists

_F = table(Form)
_V = table(FormVersion)
_S = table(Session)


@dataclass(frozen=True, slots=True)
class StoredForm:
    """One version of a form. `id` is the version's (`form_version_id`), `form_key` the form's (`session.form_id`)."""

    id: int
    form_key: int
    plan_id: int
    form_id: str
    version: str
    title: str
    sha256: str
    published_at: datetime
    published_by_id: int | None


def _stored(found: Any) -> StoredForm:
    return StoredForm(*found)


@dataclass(frozen=True, slots=True)
class NewForm:
    """A version of a form to publish. `sha256` is the workbook's."""

    plan_id: int
    form_id: str
    version: str
    title: str
    xform: str = field(repr=False)
    workbook: bytes = field(repr=False)
    sha256: str


_OF_ITS_FORM = {"form_key": _F.c.id, "plan_id": _F.c.plan_id, "form_id": _F.c.form_id}
_ALL = select(*columns_of(StoredForm, _V, **_OF_ITS_FORM)).join(_F, _F.c.id == _V.c.form_id)
_BY_ID = Prepared(_ALL.where(_V.c.id == bindparam("id")))
_OF_FORM = _ALL.where(_F.c.plan_id == bindparam("plan_id"), _F.c.form_id == bindparam("form_id")).order_by(
    _V.c.published_at.desc(), _V.c.id.desc()
)
_CURRENT = Prepared(_OF_FORM.limit(1))
_OF_PLAN = _ALL.where(_F.c.plan_id == bindparam("plan_id")).order_by(
    _F.c.form_id, _V.c.published_at.desc(), _V.c.id.desc()
)
_MARKED = (
    select(_F.c.form_id, *(_V.c[name] for name in (*OF_A_FORM, "workbook") if name != "form_id"))
    .join(_F, _F.c.id == _V.c.form_id)
    .where(_V.c.id == bindparam("id"))
)
_DRAFTS = (
    select(_S.c.form_id, _S.c.form_version_id, func.count())
    .where(_S.c.plan_id == bindparam("plan_id"), _S.c.state == "open", _S.c.expires_at > bindparam("now"))
    .group_by(_S.c.form_id, _S.c.form_version_id)
)
_KEY = select(_F.c.id).where(_F.c.plan_id == bindparam("plan_id"), _F.c.form_id == bindparam("form_id"))


_compiling = threading.Lock()


def _compiled(xform: str, lists: tuple[tuple[str, bytes], ...]) -> CompiledForm:
    """Compile a document, or take what was compiled of it.

    One thread at a time: at a start two of them want the same form, and each would compile it.
    """
    with _compiling:
        return _compiled_once(xform, lists)


@functools.lru_cache(maxsize=16)
def _compiled_once(xform: str, lists: tuple[tuple[str, bytes], ...]) -> CompiledForm:
    """Compile a document. It takes tens of milliseconds, and each export needs every edition of its forms.

    The same text and lists always give the same form, which nothing changes afterwards. So readers share it.
    """
    return read_xform(xform, media=dict(lists))


class Forms(Repository):
    """The forms of every plan."""

    def publish(self, new: NewForm, now: datetime, *, by: int | None = None) -> StoredForm:
        """Make this version the form's current one, also if it was published before.

        If it is current already, nothing changes. Conflict if other content was published under this version
        number, because answers belong to that version's questions. The unit can go on after a Conflict.
        """
        key = {"plan_id": new.plan_id, "form_id": new.form_id}
        self._connection.execute(insert_into(self._connection, _F).on_conflict_do_nothing(), key)
        number = self._connection.execute(_KEY, key).scalar_one()
        id = self._connection.execute(
            insert_into(self._connection, _V).on_conflict_do_nothing().returning(_V.c.id),
            in_columns(new, _V) | {"form_id": number, "published_at": now, "published_by_id": by},
        ).scalar_one_or_none()
        if id is not None:
            return self.version(id)
        found = self._connection.execute(_OF_FORM.where(_V.c.version == new.version), key).one()
        stored = StoredForm(*found)
        if stored.sha256 != new.sha256:
            raise Conflict(f"version {new.version} of {new.form_id} was published with other content")
        if stored == self.current(new.plan_id, new.form_id):
            return stored
        again = update(_V).where(_V.c.id == stored.id).values(published_at=now, published_by_id=by)
        self._connection.execute(again)
        return self.version(stored.id)

    def current(self, plan_id: int, form_id: str) -> StoredForm | None:
        """Return the version that new sessions begin with."""
        found = _CURRENT.made(self._connection, {"plan_id": plan_id, "form_id": form_id}, _stored)
        return found[0] if found else None

    def version(self, form_version_id: int) -> StoredForm:
        """Return the version that a session began with. NotFound."""
        for found in _BY_ID.made(self._connection, {"id": form_version_id}, _stored):
            return found
        raise NotFound(f"form version {form_version_id}")

    def xform(self, form_version_id: int) -> str:
        """Return the document from which a form is compiled. It may be large, so `version` does not read it.

        NotFound.
        """
        found = self._connection.execute(select(_V.c.xform).where(_V.c.id == form_version_id)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"form version {form_version_id}")
        return str(found)

    def form(self, form_version_id: int) -> CompiledForm:
        """Return the form, compiled with the plan's present lists. NotFound."""
        xform = self.xform(form_version_id)
        names = plan_lists_of(xform)
        lists = plan_lists(self._unit, self.version(form_version_id).plan_id, names) if names else {}
        return _compiled(xform, tuple(lists.items()))

    def workbook(self, form_version_id: int) -> bytes:
        """Return the XLSForm that it was published from, as it was sent. NotFound."""
        found = self._connection.execute(select(_V.c.workbook).where(_V.c.id == form_version_id)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"form version {form_version_id}")
        return bytes(found)

    def mark(self, form_version_id: int) -> str:
        """Return the mark of a version, for its entry in the audit log."""
        found = self._connection.execute(_MARKED, {"id": form_version_id}).mappings().one()
        return form_mark(self._unit.vault, found)

    def versions(self, plan_id: int, form_id: str) -> list[StoredForm]:
        """Return every version, newest first."""
        rows = self._connection.execute(_OF_FORM, {"plan_id": plan_id, "form_id": form_id})
        return [StoredForm(*found) for found in rows]

    def list(self, plan_id: int) -> list[StoredForm]:
        """Return the current version of every form of the plan, by form_id."""
        newest: dict[str, Any] = {}
        for found in self._connection.execute(_OF_PLAN, {"plan_id": plan_id}):
            newest.setdefault(found.form_id, found)
        return [StoredForm(*found) for found in newest.values()]

    def open_drafts(self, plan_id: int, now: datetime) -> dict[int, dict[int, int]]:
        """Return form_key → form_version_id → number of open drafts. They finish on the version they began with."""
        found: dict[int, dict[int, int]] = {}
        for form_key, version_id, number in self._connection.execute(_DRAFTS, {"plan_id": plan_id, "now": now}):
            found.setdefault(form_key, {})[version_id] = number
        return found
