"""Find items of the plan that no published form can report, whenever plan or forms change; mend or refuse them.

The shipped forms take their lists from the plan, so they can report all of it. But an author's form may list activities
itself, and a database may still have forms of an older bot. Then something would be expected that nobody can send.

The laws:
* A change of the plan that would leave an item without a form is mended by publishing the shipped form again, if the
  shipped form was published before. Otherwise the change is refused, and its items are named.
* An item that still cannot be reported stays expected (docs/domain.md#rates), is stored as a fact, raises an alarm, and
  nobody is asked for it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

from bot.acts.reports.forms import publish
from bot.chat.form_cache import FormCache
from conversations.plan.model import Activity, Indicator
from conversations.session.profiles import FORM_OF, SubjectKind
from conversations.wording import Wording
from conversations.xforms.bundle import Bundle
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from storage.errors import Conflict
from storage.plan.lists import plan_lists, revision
from storage.reports.forms import StoredForm
from storage.unit_of_work import UnitOfWork

EARLIER: Final = frozenset(
    {
        ("activity_report", "2026112402"),
        ("indicator_update", "2026112401"),
        ("incident_free_text", "2026112401"),
        *(
            (form_id, version)
            for form_id in ("activity_report", "indicator_update", "incident_free_text")
            for version in ("2026112601", "2026112602", "2026112603")
        ),
    }
)
"""Earlier shipped forms, by form and version. The new form replaces them."""
CHECKED: Final = "coverage."
"""The fact of a plan's last check. Every start would try each item of the plan again."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """An item of the plan that cannot be reported, and why."""

    subject: str
    why: Literal["no_form", "not_listed"]
    form_id: str

    @property
    def code(self) -> str:
        return self.subject.partition(":")[2]

    def sentence(self, say: Wording) -> str:
        return say(f"coverage.{self.why}", code=self.code, form=self.form_id)


class NotCovered(Exception):
    """A change that would leave these items without a form. The unit must be undone."""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        super().__init__(", ".join(gap.subject for gap in gaps))
        self.gaps = tuple(gaps)


def gaps(unit: UnitOfWork, forms: FormCache, plan_id: int) -> tuple[Gap, ...]:
    """All gaps of the present plan and forms. It tries every item of the plan: tens of milliseconds."""
    return tuple(sorted(_gaps(unit, forms, plan_id)))


def _gaps(unit: UnitOfWork, forms: FormCache, plan_id: int) -> Iterator[Gap]:
    activities = unit.plans.activities(plan_id)
    indicators = [one for one in unit.plans.indicators(plan_id) if not one.is_computed]
    by_kind: dict[SubjectKind, Sequence[Activity | Indicator]] = {"activity": activities, "indicator": indicators}
    for kind, items in by_kind.items():
        version = unit.forms.current(plan_id, FORM_OF[kind])
        if version is None:
            yield from (Gap(item.subject, "no_form", FORM_OF[kind]) for item in items)
            continue
        form = forms.version(unit, version.id)
        for item in items:
            if unlisted(form, {"agency": item.agency_code, kind: item.code}, version.published_at):
                yield Gap(item.subject, "not_listed", FORM_OF[kind])


def unlisted(form: Form, filled: dict[str, str], now: datetime) -> list[str]:
    """Return the questions with choices of their own that lack the value from the plan."""
    filling = Filling("uuid:lists", now, "UTC", form.default_language)
    instance = Instance.start(form, filling, values=_known(form, filled))
    return unlisted_in(instance, filled)


def unlisted_in(instance: Instance, filled: dict[str, str]) -> list[str]:
    """The same as `unlisted`, for a session that has begun with these values."""
    names = _with_choices(instance.form)
    return [
        name
        for name, value in filled.items()
        if name in names and all(choice.value != value for choice in instance.choices(instance.node(name)))
    ]


@lru_cache(maxsize=64)
def _with_choices(form: Form) -> frozenset[str]:
    return frozenset(question.name for question in form.questions if question.type == "select_one")


def _known(form: Form, filled: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in filled.items() if name in form.by_name}


# ------------------------------------------------------------------ after a change
def refresh(unit: UnitOfWork, forms: FormCache, plan_id: int, now: datetime) -> tuple[Gap, ...]:
    """Look for gaps, and store those that were found."""
    found = gaps(unit, forms, plan_id)
    if frozenset(gap.subject for gap in found) != unit.plans.unreportable(plan_id):
        unit.plans.note_unreportable(plan_id, [gap.subject for gap in found], now)
    return found


def is_checked(unit: UnitOfWork, plan_id: int, version: str) -> bool:
    """Whether nothing that coverage depends on has changed since the last check, by whichever process."""
    return unit.facts.get(f"{CHECKED}{plan_id}") == _checked(unit, plan_id, version)


def recheck(unit: UnitOfWork, forms: FormCache, plan_id: int, version: str, now: datetime) -> tuple[Gap, ...]:
    """Look for gaps, store them, and note with what they were looked for."""
    unit.facts.set(f"{CHECKED}{plan_id}", _checked(unit, plan_id, version), now)
    return refresh(unit, forms, plan_id, now)


def _checked(unit: UnitOfWork, plan_id: int, version: str) -> str:
    """Return what coverage depends on: the plan's lists, the published forms, and the bot that reads them."""
    forms = (f"{stored.id}@{stored.published_at.isoformat()}" for stored in unit.forms.list(plan_id))
    return " ".join((version, revision(unit, plan_id), *forms))


def cover(
    unit: UnitOfWork, forms: FormCache, plan_id: int, before: Sequence[Gap], now: datetime, by: int | None
) -> tuple[StoredForm, ...]:
    """Publish the shipped forms again if the changed plan needs it. Return those published.

    Raise NotCovered if some item still has no form. Items in `before` had no form before the change either, so they do
    not count.
    """
    found = refresh(unit, forms, plan_id, now)
    renewed: tuple[StoredForm, ...] = ()
    if found:
        renewed = publish_shipped(unit, plan_id, now, by=by, again=True)
        found = refresh(unit, forms, plan_id, now) if renewed else found
    known = {gap.subject for gap in before}
    if new := [gap for gap in found if gap.subject not in known]:
        raise NotCovered(new)
    return renewed


# ------------------------------------------------------------------ the shipped forms
def shipped_forms() -> Iterator[tuple[str, bytes]]:
    """File name and content of each XLSForm the package brings."""
    for resource in sorted((files("conversations") / "forms").iterdir(), key=lambda one: one.name):
        if resource.name.endswith(".xlsx"):
            yield resource.name, resource.read_bytes()


def publish_shipped(
    unit: UnitOfWork, plan_id: int, now: datetime, *, by: int | None = None, again: bool = False
) -> tuple[StoredForm, ...]:
    """Publish each shipped form that the plan lacks or has in an earlier version. Return those published.

    A form that the plan has written itself stays. So does an earlier version that the plan has gone back to, unless
    `again`.
    """
    from conversations.authoring.xlsform import read_xlsform

    published = []
    lists = plan_lists(unit, plan_id)
    for name, data in shipped_forms():
        form_id = name.removesuffix(".xlsx")
        current = unit.forms.current(plan_id, form_id)
        if current is not None and (form_id, current.version) not in EARLIER:
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if not again and any(each.sha256 == sha256 for each in unit.forms.versions(plan_id, form_id)):
            continue
        checked = read_xlsform(data, name, media=lists)
        try:
            published.append(publish(unit, Bundle(name, data), checked, now, plan_id=plan_id, by=by))
        except Conflict:
            continue  # the author's own edition has its number
    return tuple(published)
