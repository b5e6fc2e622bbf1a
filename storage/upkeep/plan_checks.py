"""Whether the plan, its forms and its settings stand as the audit log says.

What a plan restricts, who leads an activity, what a form asks and which answers it seals decide who sees what. All
that changes only by a workbook, a published form, or an admin who changes an agency or a setting; each has an entry.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.database.marks import altered_contents, form_mark, import_mark, protection_mark, setting_mark
from storage.database.models import AuditEntry, Form, FormVersion, Plan, PlanImport, Setting, table
from storage.errors import StorageError
from storage.plan.past_limits import PastLimits
from storage.plan.settings import find
from storage.upkeep.told import TOLD, Difference, by_id, is_as_marked, told

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_E, _PLAN, _SETTING, _IMPORT = map(table, (AuditEntry, Plan, Setting, PlanImport))
_FORM, _VERSION = map(table, (Form, FormVersion))
_PLANS = ("plan.imported", "plan.undone")
_IMPORTS = select(_E.c.plan_id, _E.c.act, _E.c.at, _E.c.details).where(_E.c.act.in_(_PLANS)).order_by(_E.c.id)


def differences(unit: "UnitOfWork") -> Iterator[Difference]:
    yield from _protection(unit)
    yield from _contents(unit)
    yield from _imports(unit)
    yield from _past_limits(unit)
    yield from _settings(unit)
    yield from _forms(unit)


def _protection(unit: "UnitOfWork") -> Iterator[Difference]:
    imported = {plan_id: details for plan_id, _, details in unit.connection.execute(TOLD, {"acts": _PLANS})}
    for plan_id, details in sorted(imported.items()):
        # Entries from before there were marks prove nothing; the next import's entry does.
        said = details.get("protects")
        if said is not None and not compare_digest(said, protection_mark(unit, plan_id)):
            yield Difference(plan_id, f"what plan {plan_id} restricts, or below which number, was altered")


def _contents(unit: "UnitOfWork") -> Iterator[Difference]:
    for plan_id in unit.connection.execute(select(_PLAN.c.id).order_by(_PLAN.c.id)).scalars().all():
        for name, columns in altered_contents(unit, plan_id).items():
            what = ", ".join(sorted(columns))
            yield Difference(plan_id, f"the table {name!r} of plan {plan_id} was altered: {what}")


def _imports(unit: "UnitOfWork") -> Iterator[Difference]:
    """Check the notes of imports: undoing an import writes what its note says."""
    imported, there = told(unit, ("plan.imported",), "import"), set()
    undone = told(unit, ("plan.undone",), "import")
    first = min(imported, default=None)
    for row in unit.connection.execute(select(_IMPORT).order_by(_IMPORT.c.id)).mappings():
        there.add(row["id"])
        said, what = imported.get(row["id"]), f"the note of import {row['id']}"
        if said is None and first is not None and row["id"] > first:
            yield Difference(row["id"], f"{what} was not made by this program")
        elif said is not None and (
            row["plan_id"] != said["plan_id"]
            or row["imported_at"] != said["at"]
            or not compare_digest(said["before"], import_mark(unit.vault, bytes(row["before"])))
        ):
            yield Difference(row["id"], f"{what} was altered")
        elif (row["id"] in undone) != (row["undone_at"] is not None):
            yield Difference(row["id"], f"import {row['id']} is {'not ' * (row['undone_at'] is None)}undone")
    for id in sorted(imported.keys() - there):
        yield Difference(None, f"the note of import {id} is gone")


def _past_limits(unit: "UnitOfWork") -> Iterator[Difference]:
    """Return the plans of which an import no longer keeps a limit of before that the log says it changed."""
    told: dict[int, list[set[tuple[datetime, str, str, str]]]] = defaultdict(list)
    for plan_id, act, at, details in unit.connection.execute(_IMPORTS):
        if act == "plan.undone":
            del told[plan_id][-1:]
            continue
        told[plan_id].append(
            {
                (at, code if table_ == "indicator" else "", column, old)
                for table_, code, column, old, _ in details.get("changes", ())
                if table_ in ("indicator", "plan") and column in ("min_cell", "sensitivity")
            }
        )
    for plan_id, imports in sorted(told.items()):
        try:
            noted = set(PastLimits(unit, plan_id).noted())
        except StorageError:  # `_imports` names the note
            noted = set()
        if set().union(*imports) - noted:
            yield Difference(plan_id, f"below which number plan {plan_id} protected people before was altered")


def _settings(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[tuple[int, str], str | None] = {}
    for plan_id, _, details in unit.connection.execute(TOLD, {"acts": ("setting.changed",)}):
        told[plan_id, details["setting"]] = details.get("mark")
    there = {(row.plan_id, row.name): row.value for row in unit.connection.execute(select(_SETTING))}
    for key in sorted(there.keys() | told.keys()):
        plan_id, name = key
        known = find(name)
        value = there.get(key, known.default if known else "")
        if key not in told:
            yield Difference(plan_id, f"the setting {name} was not made by this program")
        elif (said := told[key]) is not None and not compare_digest(
            said, setting_mark(unit.vault, plan_id, name, value)
        ):
            yield Difference(plan_id, f"the setting {name} was altered")


def _forms(unit: "UnitOfWork") -> Iterator[Difference]:
    """Check what each form asks, which answers it seals, and which of its versions is the current one."""
    published = told(unit, ("form_published",), "form_id", "version", in_plan=True)
    plans, there = {plan_id for plan_id, _, _ in published}, set()
    forms = unit.connection.execute(select(_FORM.c.id, _FORM.c.plan_id, _FORM.c.form_id)).mappings()
    of = {row["id"]: (row["plan_id"], row["form_id"]) for row in forms}
    for version in by_id(unit, select(_VERSION), _VERSION.c.id):
        plan_id, form_id = of.get(version["form_id"], (None, ""))
        key, row = (plan_id, form_id, version["version"]), {**version, "form_id": form_id}
        there.add(key)
        said, what = published.get(key), f"version {version['version']} of the form {form_id}"
        if said is None:
            if plan_id in plans or plan_id is None:
                yield Difference(version["id"], f"{what} was not published through this program")
        elif said["sha256"] != version["sha256"] or not is_as_marked(said, form_mark(unit.vault, row)):
            yield Difference(version["id"], f"{what} was altered")
        elif said["at"] != version["published_at"]:
            yield Difference(version["id"], f"{what} was published at another time, the log says")
    for _, form_id, number in sorted(published.keys() - there):
        yield Difference(None, f"version {number} of the form {form_id} is gone")
